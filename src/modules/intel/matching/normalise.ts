import {
  characterClass,
  continuesFlag,
  EXTENDS,
  foldCodePoint,
  foldSegment,
  IGNORABLE,
  isTag,
  LETTER,
  MARK,
  PICTOGRAPH,
  PLAIN,
  SKIN_TONE,
} from './characters.ts';

/** Where each UTF-16 unit of the normalised text came from: `[starts[i], ends[i])` in UTF-16 units of the original. */
export interface OffsetMap {
  readonly starts: Uint32Array;
  readonly ends: Uint32Array;
}

export interface NormalisedText {
  readonly text: string;
  readonly offsets: OffsetMap;
}

export interface NormaliseOptions {
  /** Also map look-alike letters of other scripts and digits used as letters ("с0саine") to Latin. Default false. */
  readonly fold?: boolean;
}

const SPACE = 0x20;
const ZERO_WIDTH_JOINER = 0x200d;
const REPLACEMENT = 0xfffd;
const MAX_SEGMENT_MARKS = 64;
const LOOKALIKES = lookalikeTable(
  'аaвbеeёeкkмmнhоoрpсcтtуyхxіiїiјjѕsԁdһhԛqԝwαaβbεeηnιiκkμmνvοoρpτtυuχxωwɑaɡgհhոnսuօo0o1i3e4a5s7t',
);
const SYMBOL_LETTERS: ReadonlyMap<string, string> = new Map([
  ['@', 'a'],
  ['$', 's'],
]);
const ASCII_FORM = Uint8Array.from({ length: 128 }, (_, unit) => foldCodePoint(unit).charCodeAt(0));
const MID_WORD_SYMBOL = /(?<=[\p{L}\p{N}\p{M}])[@$](?=[\p{L}\p{N}])/gu;

function lookalikeTable(pairs: string): ReadonlyMap<string, string> {
  const table = new Map<string, string>();
  const letters = [...pairs];
  for (let i = 0; i + 1 < letters.length; i += 2) table.set(letters[i] ?? '', letters[i + 1] ?? '');
  return table;
}

/** Growing output: code points in, UTF-16 units with their origin out; spaces and letter runs collapse here. */
class Writer {
  length = 0;
  last = -1;
  beforeLast = -1;
  units: Uint16Array;
  starts: Uint32Array;
  ends: Uint32Array;

  constructor(capacity: number) {
    this.units = new Uint16Array(capacity);
    this.starts = new Uint32Array(capacity);
    this.ends = new Uint32Array(capacity);
  }

  private grow(): void {
    const capacity = Math.ceil(this.units.length * 1.5) + 32;
    const { units, starts, ends } = this;
    this.units = new Uint16Array(capacity);
    this.starts = new Uint32Array(capacity);
    this.ends = new Uint32Array(capacity);
    this.units.set(units);
    this.starts.set(starts);
    this.ends.set(ends);
  }

  private unit(unit: number, start: number, end: number): void {
    this.units[this.length] = unit;
    this.starts[this.length] = start;
    this.ends[this.length] = end;
    this.length += 1;
  }

  /** The last character also covers the original up to `end`. */
  extend(end: number): void {
    if (this.length === 0) return;
    this.ends[this.length - 1] = end;
    if (this.last > 0xffff) this.ends[this.length - 2] = end;
  }

  push(codePoint: number, start: number, end: number): void {
    if (codePoint === this.last) {
      const third = codePoint === this.beforeLast && (characterClass(codePoint) & LETTER) !== 0;
      if (third || codePoint === SPACE) {
        this.extend(end);
        return;
      }
    }
    if (this.length + 2 > this.units.length) this.grow();
    if (codePoint > 0xffff) {
      this.unit(0xd800 + ((codePoint - 0x10000) >> 10), start, end);
      this.unit(0xdc00 + ((codePoint - 0x10000) & 0x3ff), start, end);
    } else {
      this.unit(codePoint, start, end);
    }
    this.beforeLast = this.last;
    this.last = codePoint;
  }

  finish(): NormalisedText {
    const units = this.units.subarray(0, this.length);
    return {
      text: Buffer.from(units.buffer, units.byteOffset, units.byteLength).toString('utf16le'),
      offsets: { starts: this.starts.subarray(0, this.length), ends: this.ends.subarray(0, this.length) },
    };
  }
}

function codePointAt(text: string, index: number): number {
  const codePoint = text.codePointAt(index) ?? REPLACEMENT;
  return codePoint >= 0xd800 && codePoint <= 0xdfff ? REPLACEMENT : codePoint;
}

/** One pass over a text, segment by segment, so that the work is linear whatever the text holds. */
class Scanner {
  private readonly writer: Writer;
  private readonly text: string;
  private joinerAt = -1;

  constructor(text: string) {
    this.text = text;
    this.writer = new Writer(text.length + 16);
  }

  run(): NormalisedText {
    const { text, writer } = this;
    const length = text.length;
    let i = 0;
    while (i < length) {
      const unit = text.charCodeAt(i);
      // Nothing below 0x80 combines, so an ASCII character before another one is a segment of its own.
      if (unit < 0x80 && (i + 1 === length || text.charCodeAt(i + 1) < 0x80)) {
        writer.push(ASCII_FORM[unit] ?? unit, i, i + 1);
        this.joinerAt = -1;
        i += 1;
      } else {
        i = this.step(i);
      }
    }
    return writer.finish();
  }

  private step(start: number): number {
    const codePoint = codePointAt(this.text, start);
    const bits = characterClass(codePoint);
    const end = start + (codePoint > 0xffff ? 2 : 1);
    if ((bits & IGNORABLE) !== 0 && !(isTag(codePoint) && continuesFlag(this.writer.last))) {
      this.ignore(codePoint, start, end);
      return end;
    }
    if ((bits & SKIN_TONE) !== 0 && this.afterPictograph()) {
      this.writer.extend(end);
      return end;
    }
    return this.segment(codePoint, bits, start, end);
  }

  private afterPictograph(): boolean {
    return this.writer.last >= 0 && (characterClass(this.writer.last) & PICTOGRAPH) !== 0;
  }

  private ignore(codePoint: number, start: number, end: number): void {
    if (codePoint === ZERO_WIDTH_JOINER) {
      if (this.joinerAt < 0 && this.afterPictograph()) this.joinerAt = start;
    } else if (codePoint === 0xfe0f && this.writer.ends[this.writer.length - 1] === start) {
      this.writer.extend(end);
    }
  }

  /** Writes the segment that starts with `codePoint` and returns where the next one starts. */
  private segment(codePoint: number, bits: number, start: number, afterBase: number): number {
    const { text } = this;
    let end = afterBase;
    let parts = '';
    let marks = 0;
    for (let i = afterBase; i < text.length; ) {
      const next = codePointAt(text, i);
      const nextBits = characterClass(next);
      const after = i + (next > 0xffff ? 2 : 1);
      if ((nextBits & IGNORABLE) === 0) {
        const isMark = (nextBits & MARK) !== 0;
        if ((nextBits & EXTENDS) === 0) break;
        marks = isMark ? marks + 1 : 0;
        if (marks <= MAX_SEGMENT_MARKS) parts += String.fromCodePoint(next);
        end = after;
      }
      i = after;
    }
    if (parts === '') this.single(codePoint, bits, start, end);
    else this.write(foldSegment(String.fromCodePoint(codePoint) + parts), start, end);
    return end;
  }

  private single(codePoint: number, bits: number, start: number, end: number): void {
    if (this.joinerAt >= 0) {
      // A joiner between two pictographs makes one emoji of them; anywhere else it only hides letters.
      if ((bits & PICTOGRAPH) !== 0) this.writer.push(ZERO_WIDTH_JOINER, this.joinerAt, this.joinerAt + 1);
      this.joinerAt = -1;
    }
    if ((bits & PLAIN) !== 0) this.writer.push(codePoint, start, end);
    else this.write(foldCodePoint(codePoint), start, end);
  }

  private write(form: string, start: number, end: number): void {
    this.joinerAt = -1;
    for (let i = 0; i < form.length; i += 1) {
      const codePoint = form.codePointAt(i) ?? REPLACEMENT;
      if (codePoint > 0xffff) i += 1;
      this.writer.push(codePoint, start, end);
    }
  }
}

function foldLookalikes(text: string): string {
  const letters = text.replace(/[^a-z\s]/gu, (character) => LOOKALIKES.get(character) ?? character);
  return letters.replace(MID_WORD_SYMBOL, (symbol) => SYMBOL_LETTERS.get(symbol) ?? symbol);
}

/**
 * The form of a text that terms are searched in: NFKC, case folded (sharp s as `ss`, the Turkish i letters as `i`),
 * without zero-width, bidi and joining characters (but with the joiner inside emoji sequences, and without their
 * variation selectors and skin tones), letter runs of three or more cut to two, quotes and dashes as ASCII, any
 * white space as one space. Lone surrogates become U+FFFD. Idempotent; linear time; never throws.
 *
 * @returns the normalised text and, for each of its UTF-16 units, its place in UTF-16 units of the original.
 */
export function normaliseForMatching(text: string, options: NormaliseOptions = {}): NormalisedText {
  const plain = new Scanner(text).run();
  if (options.fold !== true) return plain;
  const folded = new Scanner(foldLookalikes(plain.text)).run();
  const { starts, ends } = folded.offsets;
  for (let i = 0; i < starts.length; i += 1) {
    starts[i] = plain.offsets.starts[starts[i] ?? 0] ?? 0;
    ends[i] = plain.offsets.ends[(ends[i] ?? 1) - 1] ?? 0;
  }
  return folded;
}

/** A term in the form it is searched and kept unique by: as {@link normaliseForMatching}, without outer spaces. */
export function normaliseTerm(term: string, options: NormaliseOptions = {}): string {
  return normaliseForMatching(term, options).text.trim();
}
