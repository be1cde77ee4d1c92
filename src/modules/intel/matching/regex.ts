import { RE2JS } from 're2js';

/** Largest program a term may compile to; the work per character grows with it. */
const MAX_PROGRAM = 500;
/** Program steps between two looks at the clock, as (units of a chunk) x (size of the program). */
const CHUNK_WORK = 400_000;
const MAX_CHUNK = 16_384;
/** A match that is longer than this may be missed where two chunks meet. */
const OVERLAP = 512;

/** Compiles a pattern of the RE2 syntax, without regard to case; a string says why it cannot be used. */
export function compileRegex(pattern: string): RE2JS | string {
  let compiled: RE2JS;
  try {
    compiled = RE2JS.compile(pattern, RE2JS.CASE_INSENSITIVE);
  } catch (error) {
    return `not a regular expression of the RE2 syntax: ${error instanceof Error ? error.message : String(error)}`;
  }
  const size = compiled.programSize();
  if (size > MAX_PROGRAM) return `regular expression too complex (${size} steps, at most ${MAX_PROGRAM})`;
  return compiled;
}

/** The end of a chunk: at `limit`, or a little before it so that no word or surrogate pair is cut. */
function cut(text: string, start: number, limit: number): number {
  if (limit >= text.length) return text.length;
  const space = text.lastIndexOf(' ', limit);
  if (space > limit - 128 && space > start) return space;
  const unit = text.charCodeAt(limit);
  return unit >= 0xdc00 && unit <= 0xdfff ? limit - 1 : limit;
}

/**
 * Finds the non-empty matches of a compiled pattern in a normalised text, in order and without overlap. The text is
 * searched in overlapping chunks with one character of context, so that the clock is looked at often enough. Each chunk
 * is a step; what happens between steps is not counted.
 *
 * @param budgetMs milliseconds this pattern may spend on this text.
 * @returns false when the budget ran out before the end of the text.
 */
export function* matchRegex(
  pattern: RE2JS,
  text: string,
  budgetMs: number,
  found: (start: number, end: number) => void,
): Generator<void, boolean> {
  let leftMs = budgetMs;
  const size = Math.max(OVERLAP * 2, Math.min(MAX_CHUNK, Math.floor(CHUNK_WORK / pattern.programSize())));
  let from = 0;
  while (from < text.length) {
    const begun = performance.now();
    const end = cut(text, from, from + size);
    const last = end === text.length;
    const keep = last ? end : cut(text, from, end - OVERLAP);
    const context = from === 0 ? 0 : (text.codePointAt(from - 2) ?? 0) > 0xffff ? 2 : 1;
    const base = from - context;
    const next = searchChunk(pattern, text.slice(base, end), context, keep - base, begun + leftMs, (s, e) => {
      found(s + base, e + base);
    });
    if (next < 0) return false;
    from = last ? end : Math.max(keep, next + base);
    leftMs -= performance.now() - begun;
    if (leftMs < 0 && from < text.length) return false;
    yield;
  }
  return true;
}

/** Reports the matches that start before `keep`; returns where the last one ended, or -1 when time was up. */
function searchChunk(
  pattern: RE2JS,
  chunk: string,
  context: number,
  keep: number,
  deadline: number,
  found: (start: number, end: number) => void,
): number {
  if (!pattern.test(chunk)) return 0;
  const matcher = pattern.matcher(chunk);
  let end = 0;
  for (let more = matcher.find(context); more && matcher.start() < keep; more = matcher.find()) {
    if (matcher.end() > matcher.start()) {
      end = matcher.end();
      found(matcher.start(), end);
    }
    if (performance.now() > deadline) return -1;
  }
  return end;
}
