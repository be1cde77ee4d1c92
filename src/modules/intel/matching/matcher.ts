import type { Visitor } from './automaton.ts';
import { isBoundary, isTag, wordKinds } from './characters.ts';
import type { CompiledDictionary, DictionaryEntry, KeywordMatch, SkippedKeyword, Span } from './dictionary.ts';
import { type NormalisedText, type NormaliseOptions, normaliseForMatching, type OffsetMap } from './normalise.ts';
import { matchPhrase, wordStartsBefore } from './phrase.ts';
import { matchRegex } from './regex.ts';
import { matchWildcard } from './wildcard.ts';

export interface MatchBudget {
  /** Milliseconds each regular expression may spend on one text. Default 50. */
  readonly regexMs?: number;
}

export interface MatchResult {
  /** In the order of the entries of the dictionary. */
  readonly matches: KeywordMatch[];
  /** Keywords that were not searched to the end of the text; matches found before that are kept. */
  readonly skipped: SkippedKeyword[];
}

const DEFAULT_REGEX_MS = 50;
export const MAX_SPANS = 100;
const JOINER = 0x200d;
const KEYCAP = 0x20e3;

/** Matches per slot for the text at hand; reset by walking only over what was touched. */
class Recorder {
  readonly touched: number[] = [];
  private readonly counts: Int32Array;
  private readonly lastEnd: Float64Array;
  private readonly spans: Span[][] = [];

  constructor(slots: number) {
    this.counts = new Int32Array(slots);
    this.lastEnd = new Float64Array(slots);
  }

  /** Takes a match in normalised units; for one slot they must come with ascending ends. */
  add(slot: number, start: number, end: number, offsets: OffsetMap): void {
    const from = offsets.starts[start] ?? 0;
    const to = offsets.ends[end - 1] ?? 0;
    const count = this.counts[slot] ?? 0;
    if (count === 0) {
      this.touched.push(slot);
      this.spans[slot] = [];
    } else if (from < (this.lastEnd[slot] ?? 0)) {
      return;
    }
    this.counts[slot] = count + 1;
    this.lastEnd[slot] = to;
    if (count < MAX_SPANS) this.spans[slot]?.push({ start: from, end: to });
  }

  read(slot: number): { spans: readonly Span[]; matchCount: number } {
    return { spans: this.spans[slot] ?? [], matchCount: this.counts[slot] ?? 0 };
  }

  reset(): void {
    for (const slot of this.touched) {
      this.counts[slot] = 0;
      this.spans[slot] = [];
    }
    this.touched.length = 0;
  }
}

/** Occurrences of the patterns that phrases or wildcards wait for. */
class Places {
  readonly touched: number[] = [];
  private readonly lists: (number[] | undefined)[] = [];

  add(pattern: number, start: number): void {
    const list = this.lists[pattern];
    if (list !== undefined) {
      list.push(start);
      return;
    }
    this.lists[pattern] = [start];
    this.touched.push(pattern);
  }

  of(pattern: number): readonly number[] {
    return this.lists[pattern] ?? [];
  }

  reset(): void {
    for (const pattern of this.touched) this.lists[pattern] = undefined;
    this.touched.length = 0;
  }
}

/** Working memory of a matcher, kept between texts because most dictionaries are far larger than a text. */
interface Workspace {
  readonly recorder: Recorder;
  readonly words: Places;
  readonly anchors: Places;
}

/** One text during its match: what the automaton reports is checked here and recorded or kept for later. */
class Search implements Visitor {
  private readonly text: string;
  private readonly kinds: Uint8Array;
  private readonly offsets: OffsetMap;
  private readonly uses: CompiledDictionary['uses'];
  private readonly work: Workspace;
  private flagParity: Uint8Array | undefined;

  constructor(uses: CompiledDictionary['uses'], work: Workspace, normalised: NormalisedText, kinds: Uint8Array) {
    this.uses = uses;
    this.work = work;
    this.text = normalised.text;
    this.offsets = normalised.offsets;
    this.kinds = kinds;
  }

  isEnd(position: number): boolean {
    return isBoundary(this.kinds, position);
  }

  bounded(pattern: number, start: number, end: number): void {
    const uses = this.uses[pattern];
    if (uses === undefined || !isBoundary(this.kinds, start)) return;
    if (uses.literalSlot >= 0) this.work.recorder.add(uses.literalSlot, start, end, this.offsets);
    if (uses.isWord) this.work.words.add(pattern, start);
  }

  inner(pattern: number, start: number, end: number): void {
    const uses = this.uses[pattern];
    if (uses === undefined) return;
    if (uses.isAnchor || (uses.isFirst && isBoundary(this.kinds, start))) this.work.anchors.add(pattern, start);
    if (uses.emojiSlot >= 0 && this.isWholeEmoji(start, end)) {
      this.work.recorder.add(uses.emojiSlot, start, end, this.offsets);
    }
  }

  /** False inside a longer joined sequence, keycap or tagged flag, and between the halves of two flags. */
  private isWholeEmoji(start: number, end: number): boolean {
    const { text } = this;
    if (text.charCodeAt(start - 1) === JOINER) return false;
    const after = text.codePointAt(end) ?? 0;
    if (after === JOINER || after === KEYCAP || isTag(after)) return false;
    if (!isRegionalIndicator(text.codePointAt(start) ?? 0)) return true;
    this.flagParity ??= parityOfFlags(text);
    return this.flagParity[start] === 0;
  }
}

function isRegionalIndicator(codePoint: number): boolean {
  return codePoint >= 0x1f1e6 && codePoint <= 0x1f1ff;
}

/** 1 at the units of every second regional indicator of a run: no flag starts there (UAX 29, rules GB12 and GB13). */
function parityOfFlags(text: string): Uint8Array {
  const out = new Uint8Array(text.length);
  let parity = 0;
  for (let i = 0; i < text.length; i += 1) {
    const codePoint = text.codePointAt(i) ?? 0;
    if (isRegionalIndicator(codePoint)) {
      out[i] = parity;
      parity = 1 - parity;
    } else {
      parity = 0;
    }
    if (codePoint > 0xffff) i += 1;
  }
  return out;
}

/** Finds the terms of one dictionary in texts. Holds working memory, so a call must end before the next one. */
export class Matcher {
  /** Entries that could not be compiled. */
  readonly rejected: readonly SkippedKeyword[];
  private readonly dictionary: CompiledDictionary;
  private readonly work: Workspace;
  private readonly options: NormaliseOptions;
  private readonly phrasesAt = new Map<number, CompiledDictionary['phrases'][number][]>();
  private readonly wildcardsAt = new Map<number, CompiledDictionary['wildcards'][number][]>();
  private readonly entriesAt: number[][] = [];

  constructor(dictionary: CompiledDictionary, rejected: readonly SkippedKeyword[], options: NormaliseOptions) {
    this.dictionary = dictionary;
    this.rejected = rejected;
    this.options = options;
    this.work = { recorder: new Recorder(dictionary.slots), words: new Places(), anchors: new Places() };
    for (const phrase of dictionary.phrases) {
      append(this.phrasesAt, phrase.words[phrase.phrase.anchor] ?? -1, phrase);
    }
    for (const wildcard of dictionary.wildcards) append(this.wildcardsAt, wildcard.anchor, wildcard);
    dictionary.slotOfEntry.forEach((slot, entry) => {
      if (slot < 0) return;
      const list = this.entriesAt[slot];
      if (list === undefined) this.entriesAt[slot] = [entry];
      else list.push(entry);
    });
  }

  /**
   * All matches of the dictionary in a text. Never throws on any text; the time is linear in its length for a given
   * dictionary, and bounded for regular expressions.
   */
  match(text: string, budget: MatchBudget = {}): MatchResult {
    const normalised = normaliseForMatching(text, this.options);
    const skipped: SkippedKeyword[] = [];
    try {
      const kinds = wordKinds(normalised.text);
      const { automaton, uses } = this.dictionary;
      automaton.scan(normalised.text, new Search(uses, this.work, normalised, kinds));
      this.runPhrases(normalised, kinds);
      this.runWildcards(normalised, kinds);
      // A folded text has letters for digits, which no regular expression expects.
      const plain = this.options.fold === true ? normaliseForMatching(text) : normalised;
      this.runRegexes(plain, budget.regexMs ?? DEFAULT_REGEX_MS, skipped);
      return { matches: this.collect(), skipped };
    } finally {
      this.work.recorder.reset();
      this.work.words.reset();
      this.work.anchors.reset();
    }
  }

  private runPhrases({ text, offsets }: NormalisedText, kinds: Uint8Array): void {
    let wordsBefore: Uint32Array | undefined;
    for (const word of this.work.words.touched) {
      for (const { slot, phrase, words } of this.phrasesAt.get(word) ?? []) {
        const places = words.map((pattern) => this.work.words.of(pattern));
        if (places.some((list) => list.length === 0)) continue;
        wordsBefore ??= wordStartsBefore(kinds, text);
        matchPhrase(phrase, places, wordsBefore, (start, end) => {
          this.work.recorder.add(slot, start, end, offsets);
        });
      }
    }
  }

  private runWildcards({ text, offsets }: NormalisedText, kinds: Uint8Array): void {
    for (const anchor of this.work.anchors.touched) {
      const places = this.work.anchors.of(anchor);
      for (const { slot, wildcard } of this.wildcardsAt.get(anchor) ?? []) {
        matchWildcard(wildcard, text, kinds, places, (start, end) => {
          this.work.recorder.add(slot, start, end, offsets);
        });
      }
    }
  }

  private runRegexes({ text, offsets }: NormalisedText, budgetMs: number, skipped: SkippedKeyword[]): void {
    for (const { slot, pattern } of this.dictionary.regexes) {
      const done = matchRegex(pattern, text, budgetMs, (start, end) => {
        this.work.recorder.add(slot, start, end, offsets);
      });
      if (done) continue;
      for (const entry of this.entriesOf(slot)) {
        skipped.push({ keywordId: entry.keywordId, reason: `regular expression ran out of its ${budgetMs} ms` });
      }
    }
  }

  private entriesOf(slot: number): DictionaryEntry[] {
    return (this.entriesAt[slot] ?? []).flatMap((index) => this.dictionary.entries[index] ?? []);
  }

  private collect(): KeywordMatch[] {
    const indices = this.work.recorder.touched.flatMap((slot) => this.entriesAt[slot] ?? []).sort((a, b) => a - b);
    return indices.flatMap((index) => {
      const entry = this.dictionary.entries[index];
      if (entry === undefined) return [];
      const { spans, matchCount } = this.work.recorder.read(this.dictionary.slotOfEntry[index] ?? -1);
      return [{ keywordId: entry.keywordId, version: entry.version, spans, matchCount }];
    });
  }
}

function append<K, V>(map: Map<K, V[]>, key: K, value: V): void {
  const list = map.get(key);
  if (list === undefined) map.set(key, [value]);
  else list.push(value);
}
