/** Character classes shared by normalisation and matching. Classes are found on first sight and kept in flat tables. */

/** Bits of {@link characterClass}. */
export const KNOWN = 1;
export const IGNORABLE = 2;
export const EXTENDS = 4;
export const PLAIN = 8;
export const PICTOGRAPH = 16;
export const SKIN_TONE = 32;
export const LETTER = 64;
export const MARK = 128;

/** Bits of the per-unit kinds made by {@link wordKinds}. */
export const WORD = 1;
export const SPACELESS = 2;
export const COMBINING = 4;
export const LONG_RUN = 8;
const SEEN = 128;

/** A run of word characters longer than this is not a word to `*`: it bounds the work a wildcard may cause. */
export const MAX_WORD_RUN = 256;

/** Marks kept after one base character; more is decoration meant to break matching (and makes NFKC quadratic). */
const MAX_MARKS = 16;

const CODE_POINTS = 0x110000;
const BLACK_FLAG = 0x1f3f4;
const IGNORABLE_PATTERN = /^\p{Default_Ignorable_Code_Point}$/u;
// Emoji that NFKC would turn into words (the squared katakana and Han) and the trade marks, which would glue
// themselves to the brand name before them, keep their own form.
const KEPT_PATTERN = /^[\p{Emoji_Presentation}\u2122\u2120]/u;
const WORD_PATTERN = /^[\p{L}\p{N}\p{M}_]$/u;
const SPACELESS_PATTERN =
  /^[\p{scx=Han}\p{scx=Hiragana}\p{scx=Katakana}\p{scx=Thai}\p{scx=Lao}\p{scx=Khmer}\p{scx=Myanmar}]$/u;
// Marks, and the letters that NFC joins to the letter before: Hangul vowels and finals, a Kirat Rai vowel.
const EXTENDS_PATTERN = /^[\p{M}\u1160-\u11ff\u{16d67}]/u;
const MARK_TAIL = new RegExp(`(\\p{M}{${MAX_MARKS}})\\p{M}+`, 'gu');
const SINGLE_QUOTES = /[`\u00b4\u2018-\u201b\u2032\u02b9\u02bb\u02bc\u02c8\u2035\u2039\u203a]/g;
const DOUBLE_QUOTES = /[\u201c-\u201f\u00ab\u00bb\u2033\u2036\u301d-\u301f]/g;
const DASHES = /[\u2010-\u2015\u2043\u2212\u02d7\u2e3a\u2e3b]/g;
const SPACES = /[\s\u0085]/g;

const classes = new Uint8Array(CODE_POINTS);
const kinds = new Uint8Array(CODE_POINTS);
const folded = new Map<number, string>();

/** True for the tag characters that spell the flags of England, Scotland and Wales after a black flag. */
export function isTag(codePoint: number): boolean {
  return codePoint >= 0xe0020 && codePoint <= 0xe007f;
}

/** True when a tag character after `previous` belongs to an emoji flag rather than being hidden text. */
export function continuesFlag(previous: number): boolean {
  return previous === BLACK_FLAG || isTag(previous);
}

function toAscii(text: string): string {
  return text.replace(SINGLE_QUOTES, "'").replace(DOUBLE_QUOTES, '"').replace(DASHES, '-').replace(SPACES, ' ');
}

// Lower, upper, lower is Unicode full case folding for matching purposes: it takes sharp s, final sigma, dotless i
// and ligatures to one form. The dot left by the Turkish capital I is dropped.
function foldCase(text: string): string {
  return text.toLowerCase().toUpperCase().toLowerCase().replaceAll('\u03c2', '\u03c3').replaceAll('i\u0307', 'i');
}

/**
 * The matching form of one normalisation segment (a base character and what combines with it): NFKC, case folded,
 * quotes, dashes and spaces as ASCII, at most sixteen marks. Source: Unicode Standard Annex 15, sections 1 and 9.
 */
export function foldSegment(segment: string): string {
  if (KEPT_PATTERN.test(segment)) {
    const base = String.fromCodePoint(segment.codePointAt(0) ?? 0);
    return segment.length === base.length ? base : base + foldSegment(segment.slice(base.length));
  }
  const composed = foldCase(toAscii(segment).normalize('NFKC')).normalize('NFKC');
  return toAscii(composed).replace(MARK_TAIL, '$1');
}

/** {@link foldSegment} of one code point that stands alone, remembered. */
export function foldCodePoint(codePoint: number): string {
  let value = folded.get(codePoint);
  if (value === undefined) {
    value = foldSegment(String.fromCodePoint(codePoint));
    folded.set(codePoint, value);
  }
  return value;
}

/** The class bits of a code point, as far as normalisation needs them; always has {@link KNOWN} set. */
export function characterClass(codePoint: number): number {
  const known = classes[codePoint] ?? 0;
  if (known !== 0) return known;
  const text = String.fromCodePoint(codePoint);
  const form = foldSegment(text);
  let bits = KNOWN;
  if (IGNORABLE_PATTERN.test(text)) bits |= IGNORABLE;
  // The Greek iota below is a mark that folds to a letter: both forms count.
  if (EXTENDS_PATTERN.test(text) || EXTENDS_PATTERN.test(form.normalize('NFD'))) bits |= EXTENDS;
  if (/^\p{M}/u.test(text) || /^\p{M}/u.test(form)) bits |= MARK;
  if (form === text && text !== ' ') bits |= PLAIN;
  if (/^\p{L}$/u.test(text)) bits |= LETTER;
  if (/^\p{Emoji_Modifier}$/u.test(text)) bits |= SKIN_TONE;
  else if (form === text && /^\p{Extended_Pictographic}$/u.test(text)) bits |= PICTOGRAPH;
  classes[codePoint] = bits;
  return bits;
}

function kindOf(codePoint: number): number {
  const known = kinds[codePoint] ?? 0;
  if (known !== 0) return known;
  const text = String.fromCodePoint(codePoint);
  let bits = SEEN;
  // The keycap mark makes an emoji of a digit: it is no part of a word.
  if (WORD_PATTERN.test(text) && codePoint !== 0x20e3) {
    bits |= WORD;
    if (SPACELESS_PATTERN.test(text)) bits |= SPACELESS;
    if (/^\p{M}$/u.test(text)) bits |= COMBINING;
  }
  kinds[codePoint] = bits;
  return bits;
}

function markLongRun(out: Uint8Array, start: number, end: number): void {
  if (end - start <= MAX_WORD_RUN) return;
  for (let i = start; i < end; i += 1) out[i] = (out[i] ?? 0) | LONG_RUN;
}

/**
 * One kind per UTF-16 unit of a normalised text: {@link WORD} for letters, digits, marks and `_`; {@link SPACELESS}
 * when the script is written without spaces; {@link COMBINING} for marks; {@link LONG_RUN} for units of an over-long
 * run of word characters. 0 is anything else. Both units of a surrogate pair have the same kind.
 */
export function wordKinds(text: string): Uint8Array {
  const length = text.length;
  const out = new Uint8Array(length);
  let runStart = 0;
  for (let i = 0; i < length; i += 1) {
    const codePoint = text.codePointAt(i) ?? 0;
    const kind = kindOf(codePoint) & ~SEEN;
    out[i] = kind;
    if (kind === 0) {
      markLongRun(out, runStart, i);
      runStart = i + 1;
    }
    if (codePoint > 0xffff) {
      i += 1;
      out[i] = kind;
      if (kind === 0) runStart = i + 1;
    }
  }
  markLongRun(out, runStart, length);
  return out;
}

/**
 * True when a word may start or end at `position` (UTF-16 units of the normalised text): not between two word
 * characters, unless one of them is of a script written without spaces. Never before a combining mark of a word.
 */
export function isBoundary(kindsOfText: Uint8Array, position: number): boolean {
  if (position <= 0 || position >= kindsOfText.length) return true;
  const before = kindsOfText[position - 1] ?? 0;
  const after = kindsOfText[position] ?? 0;
  if ((before & after & WORD) === 0) return true;
  return (after & COMBINING) === 0 && ((before | after) & SPACELESS) !== 0;
}
