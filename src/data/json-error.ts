/** Where and why a JSON text stops being valid; `offset` counts UTF-16 units from 0. */
export interface JsonError {
  offset: number;
  reason: string;
}

const SPACE = /[ \t\r\n]*/y;
// biome-ignore lint/suspicious/noControlCharactersInRegex: a JSON string must not hold them
const STRING_BODY = /(?:[^"\\\u0000-\u001f]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*/y;
const NUMBER = /-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?/y;
const WORDS = ['true', 'false', 'null'];

function skip(pattern: RegExp, text: string, at: number): number {
  pattern.lastIndex = at;
  return at + (pattern.exec(text)?.[0].length ?? 0);
}

function problem(text: string, offset: number, expected: string): JsonError {
  const found = text.codePointAt(offset);
  if (found === undefined) return { offset, reason: `the line ends where ${expected} is expected` };
  return { offset, reason: `unexpected ${JSON.stringify(String.fromCodePoint(found))}, expected ${expected}` };
}

/** End of the string that opens at `at`, or where it breaks. */
function stringEnd(text: string, at: number): number | JsonError {
  const end = skip(STRING_BODY, text, at + 1);
  const stop = text.charAt(end);
  if (stop === '"') return end + 1;
  if (stop === '') return { offset: end, reason: 'the line ends inside a string' };
  return { offset: end, reason: stop === '\\' ? 'bad escape in a string' : 'control character in a string' };
}

/** End of the number, word or string at `at`, or where it breaks. */
function scalarEnd(text: string, at: number): number | JsonError {
  if (text.charAt(at) === '"') return stringEnd(text, at);
  const word = WORDS.find((candidate) => text.startsWith(candidate, at));
  if (word !== undefined) return at + word.length;
  const end = skip(NUMBER, text, at);
  return end > at ? end : problem(text, at, 'a value');
}

/** The `"name" :` before an object member, or where it breaks. */
function keyEnd(text: string, at: number): number | JsonError {
  if (text.charAt(at) !== '"') return problem(text, at, 'a name in double quotes');
  const end = stringEnd(text, at);
  if (typeof end !== 'number') return end;
  const colon = skip(SPACE, text, end);
  return text.charAt(colon) === ':' ? skip(SPACE, text, colon + 1) : problem(text, colon, '":"');
}

/**
 * Finds the first error of a text that `JSON.parse` refused (RFC 8259). Messages of the engine name a position for some
 * errors only. Keeps its own stack, so deep nesting cannot overflow. Returns null for a valid text.
 */
export function findJsonError(text: string): JsonError | null {
  const closers: string[] = [];
  let at = skip(SPACE, text, 0);
  for (;;) {
    const opener = text.charAt(at);
    if (opener === '{' || opener === '[') {
      closers.push(opener === '{' ? '}' : ']');
      at = skip(SPACE, text, at + 1);
      if (text.charAt(at) !== closers.at(-1)) {
        const start = opener === '{' ? keyEnd(text, at) : at;
        if (typeof start !== 'number') return start;
        at = start;
        continue;
      }
    } else {
      const end = scalarEnd(text, at);
      if (typeof end !== 'number') return end;
      at = skip(SPACE, text, end);
    }
    while (closers.length > 0 && text.charAt(at) === closers.at(-1)) {
      closers.pop();
      at = skip(SPACE, text, at + 1);
    }
    const closer = closers.at(-1);
    if (closer === undefined) return at === text.length ? null : problem(text, at, 'the end of the line');
    if (text.charAt(at) !== ',') return problem(text, at, `"," or "${closer}"`);
    at = skip(SPACE, text, at + 1);
    const next = closer === '}' ? keyEnd(text, at) : at;
    if (typeof next !== 'number') return next;
    at = next;
  }
}
