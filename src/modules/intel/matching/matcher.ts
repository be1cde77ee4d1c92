import type { Visitor } from './automaton.ts';
import { isBoundary, isTag, wordKinds } from './characters.ts';
import type { CompiledDictionary, DictionaryEntry, KeywordMatch, SkippedKeyword } from './dictionary.ts';
import { atOnce } from './give-way.ts';
import { type NormalisedText, type NormaliseOptions, normaliseForMatching, type OffsetMap } from './normalise.ts';
import { matchPhrase, wordStartsBefore } from './phrase.ts';
import { matchRegex } from './regex.ts';
import { matchWildcard } from './wildcard.ts';
import { Workspace } from './workspace.ts';

export interface MatchBudget {
  /** Milliseconds each regular expression may spend on one text. Default 50. */
  readonly regexMs?: number;
  /** Milliseconds that phrases, wildcards and regular expressions together may spend on one text. Default 2,000. */
  readonly totalMs?: number;
}

export interface MatchResult {
  /** In the order of the entries of the dictionary. */
  readonly matches: KeywordMatch[];
  /** Keywords that were not searched to the end of the text; matches found before that are kept. */
  readonly skipped: SkippedKeyword[];
}

const DEFAULT_REGEX_MS = 50;
const DEFAULT_TOTAL_MS = 2_000;
const JOINER = 0x200d;
const KEYCAP = 0x20e3;

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

/** The search for one term: a step at a time, false when it gave up. */
interface TermSearch {
  readonly slot: number;
  readonly steps: Iterator<void, boolean>;
}

// biome-ignore lint/correctness/useYield: one step is all that it takes
function* oneStep(search: () => void): Generator<void, boolean> {
  search();
  return true;
}

function* inTurn<T>(...lists: Iterable<T>[]): Generator<T> {
  for (const list of lists) yield* list;
}

/** Finds the terms of one dictionary in texts. */
export class Matcher {
  /** Entries that could not be compiled. */
  readonly rejected: readonly SkippedKeyword[];
  private readonly dictionary: CompiledDictionary;
  /** working memory that no text uses at the moment: one, since texts are seldom matched side by side */
  private spare: Workspace | null = null;
  private readonly options: NormaliseOptions;
  private readonly phrasesAt = new Map<number, CompiledDictionary['phrases'][number][]>();
  private readonly wildcardsAt = new Map<number, CompiledDictionary['wildcards'][number][]>();
  private readonly entriesAt: number[][] = [];

  constructor(dictionary: CompiledDictionary, rejected: readonly SkippedKeyword[], options: NormaliseOptions) {
    this.dictionary = dictionary;
    this.rejected = rejected;
    this.options = options;
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

  /** Distinct regular expressions, which take the most time. */
  get regexCount(): number {
    return this.dictionary.regexes.length;
  }

  /** All matches of the dictionary in a text, in one go: see {@link steps}. */
  match(text: string, budget: MatchBudget = {}): MatchResult {
    return atOnce(this.steps(text, budget));
  }

  /**
   * All matches of the dictionary in a text, step by step; several texts may be under way. Never throws on any text; the
   * time is linear in its length for a given dictionary, and bounded for all but single words.
   */
  *steps(text: string, budget: MatchBudget = {}): Generator<void, MatchResult> {
    const normalised = normaliseForMatching(text, this.options);
    const skipped: SkippedKeyword[] = [];
    const { automaton, uses, slots } = this.dictionary;
    const work = this.spare ?? new Workspace(slots);
    this.spare = null;
    try {
      const kinds = wordKinds(normalised.text);
      automaton.scan(normalised.text, new Search(uses, work, normalised, kinds));
      yield;
      // A folded text has letters for digits, which no regular expression expects.
      const plain = this.options.fold === true ? normaliseForMatching(text) : normalised;
      const regexMs = budget.regexMs ?? DEFAULT_REGEX_MS;
      const phrases = this.phrases(work, normalised, kinds);
      const wildcards = this.wildcards(work, normalised, kinds);
      const searches = inTurn(phrases, wildcards, this.regexes(work, plain, regexMs));
      yield* this.within(budget.totalMs ?? DEFAULT_TOTAL_MS, regexMs, searches, skipped);
      return { matches: this.collect(work), skipped };
    } finally {
      work.reset();
      this.spare = work;
    }
  }

  /** Runs searches as long as there is time, of which only what passes within steps is counted. */
  private *within(
    totalMs: number,
    regexMs: number,
    searches: Iterable<TermSearch>,
    skipped: SkippedKeyword[],
  ): Generator<void, void> {
    let leftMs = totalMs;
    for (const { slot, steps } of searches) {
      let done: boolean | undefined;
      while (done === undefined && leftMs > 0) {
        const begun = performance.now();
        const step = steps.next();
        leftMs -= performance.now() - begun;
        if (step.done) done = step.value;
        yield;
      }
      if (done) continue;
      const reason =
        done === undefined
          ? `the dictionary ran out of its ${totalMs} ms`
          : `regular expression ran out of its ${regexMs} ms`;
      for (const { keywordId } of this.entriesOf(slot)) skipped.push({ keywordId, reason });
    }
  }

  private *phrases(work: Workspace, { text, offsets }: NormalisedText, kinds: Uint8Array): Generator<TermSearch> {
    let counted: Uint32Array | undefined;
    for (const word of work.words.touched) {
      for (const { slot, phrase, words } of this.phrasesAt.get(word) ?? []) {
        const places = words.map((pattern) => work.words.of(pattern));
        if (places.some((list) => list.length === 0)) continue;
        counted ??= wordStartsBefore(kinds, text);
        const wordsBefore = counted;
        const found = (start: number, end: number) => work.recorder.add(slot, start, end, offsets);
        yield { slot, steps: oneStep(() => matchPhrase(phrase, places, wordsBefore, found)) };
      }
    }
  }

  private *wildcards(work: Workspace, { text, offsets }: NormalisedText, kinds: Uint8Array): Generator<TermSearch> {
    for (const anchor of work.anchors.touched) {
      const places = work.anchors.of(anchor);
      for (const { slot, wildcard } of this.wildcardsAt.get(anchor) ?? []) {
        const found = (start: number, end: number) => work.recorder.add(slot, start, end, offsets);
        yield { slot, steps: oneStep(() => matchWildcard(wildcard, text, kinds, places, found)) };
      }
    }
  }

  private *regexes(work: Workspace, { text, offsets }: NormalisedText, regexMs: number): Generator<TermSearch> {
    for (const { slot, pattern } of this.dictionary.regexes) {
      const found = (start: number, end: number) => work.recorder.add(slot, start, end, offsets);
      yield { slot, steps: matchRegex(pattern, text, regexMs, found) };
    }
  }

  private entriesOf(slot: number): DictionaryEntry[] {
    return (this.entriesAt[slot] ?? []).flatMap((index) => this.dictionary.entries[index] ?? []);
  }

  private collect({ recorder }: Workspace): KeywordMatch[] {
    const indices = recorder.touched.flatMap((slot) => this.entriesAt[slot] ?? []).sort((a, b) => a - b);
    return indices.flatMap((index) => {
      const entry = this.dictionary.entries[index];
      if (entry === undefined) return [];
      const { spans, matchCount } = recorder.read(this.dictionary.slotOfEntry[index] ?? -1);
      return [{ keywordId: entry.keywordId, version: entry.version, spans, matchCount }];
    });
  }
}

function append<K, V>(map: Map<K, V[]>, key: K, value: V): void {
  const list = map.get(key);
  if (list === undefined) map.set(key, [value]);
  else list.push(value);
}
