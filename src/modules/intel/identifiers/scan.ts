import type { IdentifierType } from './types.ts';

/** What a scanner works on: the refanged text, and a way to put forward a candidate. Offsets are those of `text`. */
export interface Scan {
  text: string;
  country: string | undefined;
  /** Keeps the candidate and returns true when its normal form exists. */
  propose: (type: IdentifierType, start: number, end: number) => boolean;
  wasDefanged: (start: number, end: number) => boolean;
}

const NONE = 0;
const NEUTRAL = 1;
const LATIN = 2;
const OTHER_LETTER = 3;
type CharKind = typeof NONE | typeof NEUTRAL | typeof LATIN | typeof OTHER_LETTER;

function classify(character: string): CharKind {
  if (/[0-9_-]/.test(character)) return NEUTRAL;
  if (/\p{L}/u.test(character)) return /\p{Script=Latin}/u.test(character) ? LATIN : OTHER_LETTER;
  return /[\p{M}\p{N}]/u.test(character) ? NEUTRAL : NONE;
}

// One slot per BMP code unit, filled on first use as kind + 1: a Unicode property test per character is slow.
const kinds = new Uint8Array(0x10000);

function kindAt(text: string, index: number): CharKind {
  const code = text.codePointAt(index);
  if (code === undefined) return NONE;
  if (code > 0xffff) return classify(String.fromCodePoint(code));
  const cached = kinds[code] ?? 0;
  if (cached === 0) {
    const kind = classify(String.fromCharCode(code));
    kinds[code] = kind + 1;
    return kind;
  }
  // The table holds only kinds this module stored, each raised by one.
  return (cached - 1) as CharKind;
}

function widthAt(text: string, index: number): number {
  return (text.codePointAt(index) ?? 0) > 0xffff ? 2 : 1;
}

const DOTS = '.\u3002\uff0e\uff61';

/**
 * End of the host-like run at `start`: labels of letters, digits, `-` and `_` with single dots between them. A label
 * ends where Latin letters meet letters of another script, because prose without spaces touches names that way.
 */
export function hostRunEnd(text: string, start: number): number {
  let index = start;
  let letters: CharKind = NONE;
  while (index < text.length) {
    const kind = kindAt(text, index);
    if (kind === NONE) {
      const dotted = index > start && DOTS.includes(text.charAt(index)) && kindAt(text, index + 1) !== NONE;
      if (!dotted) break;
      letters = NONE;
      index += 1;
      continue;
    }
    if (kind !== NEUTRAL) {
      if (letters !== NONE && letters !== kind) break;
      letters = kind;
    }
    index += widthAt(text, index);
  }
  return index;
}

/** All host-like runs, left to right, each seen once: linear in the length of the text. */
export function* hostRuns(text: string): Generator<{ start: number; end: number }> {
  let index = 0;
  while (index < text.length) {
    if (kindAt(text, index) === NONE) {
      index += widthAt(text, index);
      continue;
    }
    const end = hostRunEnd(text, index);
    yield { start: index, end };
    index = end;
  }
}

/** Whether the unit at `index` is an ASCII letter, a digit or `_`. */
export function isWordAt(text: string, index: number): boolean {
  return index >= 0 && /[A-Za-z0-9_]/.test(text.charAt(index));
}
