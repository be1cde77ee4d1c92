import type { RE2JS } from 're2js';
import { Automaton, type Pattern } from './automaton.ts';
import { atOnce } from './give-way.ts';
import { Matcher } from './matcher.ts';
import { type NormaliseOptions, normaliseTerm } from './normalise.ts';
import { compilePhrases, type Phrase } from './phrase.ts';
import { compileRegex } from './regex.ts';
import { compileWildcard, type Wildcard } from './wildcard.ts';

export const MATCH_TYPES = ['LITERAL', 'PHRASE', 'WILDCARD', 'REGEX', 'EMOJI'] as const;
export type MatchType = (typeof MATCH_TYPES)[number];

export interface DictionaryEntry {
  readonly keywordId: string;
  readonly version: number;
  readonly term: string;
  readonly matchType: MatchType;
  /** PHRASE only: other words allowed between two of its words, 0 to {@link MAX_GAP}. Default 0. */
  readonly gap?: number;
}

/** UTF-16 units of the original text, end excluded. */
export interface Span {
  readonly start: number;
  readonly end: number;
}

export interface KeywordMatch {
  readonly keywordId: string;
  readonly version: number;
  /** Sorted, not overlapping, at most a hundred. */
  readonly spans: readonly Span[];
  /** All matches that do not overlap, also those past the last span kept. */
  readonly matchCount: number;
}

/** A keyword that was left out, and why. */
export interface SkippedKeyword {
  readonly keywordId: string;
  readonly reason: string;
}

export const MAX_TERM_LENGTH = 200;
export const MAX_GAP = 20;

const EMOJI_PATTERN = /\p{Extended_Pictographic}|\p{Regional_Indicator}{2}|[0-9#*]\u20e3/u;

/** What the matcher runs on: each distinct term is one slot, which all the entries with that term share. */
export interface CompiledDictionary {
  readonly entries: readonly DictionaryEntry[];
  readonly slotOfEntry: Int32Array;
  readonly slots: number;
  readonly automaton: Automaton;
  /** For each pattern of the automaton, what its occurrences mean; -1 when they do not have that meaning. */
  readonly uses: readonly PatternUses[];
  readonly phrases: readonly { slot: number; phrase: Phrase; words: readonly number[] }[];
  readonly wildcards: readonly { slot: number; wildcard: Wildcard; anchor: number }[];
  readonly regexes: readonly { slot: number; pattern: RE2JS }[];
}

export interface PatternUses {
  literalSlot: number;
  emojiSlot: number;
  isWord: boolean;
  /** Anchor of a wildcard; `isFirst` when only of wildcards that start with it. */
  isAnchor: boolean;
  isFirst: boolean;
}

/** The form a keyword is kept unique by: a REGEX keeps its letters as written, the rest is normalised. */
export function termKey(term: string, matchType: MatchType): string {
  return matchType === 'REGEX' ? term.normalize('NFC').trim() : normaliseTerm(term);
}

/** Why a term cannot be used, as a message for the person who wrote it; null when it can. */
export function validateTerm(term: string, matchType: MatchType): string | null {
  if (term.length > 2 * MAX_TERM_LENGTH || [...term].length > MAX_TERM_LENGTH) {
    return `term longer than ${MAX_TERM_LENGTH} characters`;
  }
  const key = termKey(term, matchType);
  if (key === '') return 'term is empty: nothing is left of it after normalisation';
  if (matchType === 'REGEX') {
    const compiled = compileRegex(key);
    return typeof compiled === 'string' ? compiled : null;
  }
  if (matchType === 'WILDCARD' && compileWildcard(key) === null) {
    return 'wildcard needs at least one character besides * and ?';
  }
  if (matchType === 'EMOJI' && !EMOJI_PATTERN.test(key)) return 'term holds no emoji';
  return null;
}

function validateEntry(entry: DictionaryEntry): string | null {
  const gap = entry.gap ?? 0;
  if (!Number.isInteger(gap) || gap < 0 || gap > MAX_GAP) return `gap must be a whole number from 0 to ${MAX_GAP}`;
  return validateTerm(entry.term, entry.matchType);
}

/** Collects the distinct terms of a dictionary and the strings the automaton has to look for. */
class Builder {
  readonly patterns: { text: string; bounded: boolean; inner: boolean }[] = [];
  readonly uses: PatternUses[] = [];
  readonly phrases: { slot: number; words: readonly string[]; gap: number }[] = [];
  readonly wildcards: { slot: number; wildcard: Wildcard; anchor: number }[] = [];
  readonly regexes: { slot: number; pattern: RE2JS }[] = [];
  private readonly slotOf = new Map<string, number>();
  private readonly patternOf = new Map<string, number>();
  private readonly options: NormaliseOptions;

  constructor(options: NormaliseOptions) {
    this.options = options;
  }

  get slots(): number {
    return this.slotOf.size;
  }

  /** Registers a valid entry; returns its slot, or -1 when folding leaves nothing of it. */
  add(entry: DictionaryEntry): number {
    const { matchType, gap = 0 } = entry;
    const isRegex = matchType === 'REGEX';
    const term = isRegex ? termKey(entry.term, matchType) : normaliseTerm(entry.term, this.options);
    if (term === '') return -1;
    const key = `${matchType} ${matchType === 'PHRASE' ? gap : 0} ${term}`;
    const known = this.slotOf.get(key);
    if (known !== undefined) return known;
    const slot = this.slotOf.size;
    this.slotOf.set(key, slot);
    if (isRegex) this.regex(slot, term);
    else if (matchType === 'PHRASE') this.phrase(slot, term.split(' '), gap);
    else if (matchType === 'WILDCARD') this.wildcard(slot, term);
    else if (matchType === 'EMOJI') this.inner(term).emojiSlot = slot;
    else this.bounded(term).literalSlot = slot;
    return slot;
  }

  pattern(text: string): number {
    const known = this.patternOf.get(text);
    if (known !== undefined) return known;
    const index = this.patterns.length;
    this.patternOf.set(text, index);
    this.patterns.push({ text, bounded: false, inner: false });
    this.uses.push({ literalSlot: -1, emojiSlot: -1, isWord: false, isAnchor: false, isFirst: false });
    return index;
  }

  private usesOf(text: string, kind: 'bounded' | 'inner'): PatternUses {
    const index = this.pattern(text);
    const pattern = this.patterns[index];
    const uses = this.uses[index];
    if (pattern === undefined || uses === undefined) throw new Error(`no pattern ${index}`);
    pattern[kind] = true;
    return uses;
  }

  private bounded(text: string): PatternUses {
    return this.usesOf(text, 'bounded');
  }

  private inner(text: string): PatternUses {
    return this.usesOf(text, 'inner');
  }

  private phrase(slot: number, words: readonly string[], gap: number): void {
    for (const word of words) this.bounded(word).isWord = true;
    this.phrases.push({ slot, words, gap });
  }

  private wildcard(slot: number, term: string): void {
    const wildcard = compileWildcard(term);
    if (wildcard === null) return;
    this.inner(wildcard.anchor)[wildcard.reach === 0 ? 'isFirst' : 'isAnchor'] = true;
    this.wildcards.push({ slot, wildcard, anchor: this.pattern(wildcard.anchor) });
  }

  private regex(slot: number, term: string): void {
    const pattern = compileRegex(term);
    if (typeof pattern !== 'string') this.regexes.push({ slot, pattern });
  }
}

/** Builds the matcher of a dictionary in one go: see {@link compileSteps}. */
export function compileDictionary(entries: readonly DictionaryEntry[], options: NormaliseOptions = {}): Matcher {
  return atOnce(compileSteps(entries, options));
}

/**
 * Builds the matcher of a dictionary, a step for each entry. Entries that {@link validateTerm} refuses are left out and listed in
 * `matcher.rejected`; one bad keyword must not stop a tenant's ingest.
 *
 * @param options `fold: true` also matches look-alike letters and digits used as letters (not for REGEX).
 */
export function* compileSteps(
  entries: readonly DictionaryEntry[],
  options: NormaliseOptions = {},
): Generator<void, Matcher> {
  const builder = new Builder(options);
  const slotOfEntry = new Int32Array(entries.length).fill(-1);
  const rejected: SkippedKeyword[] = [];
  for (const [index, entry] of entries.entries()) {
    const reason = validateEntry(entry);
    if (reason === null) slotOfEntry[index] = builder.add(entry);
    else rejected.push({ keywordId: entry.keywordId, reason });
    yield;
  }
  const compiledPhrases = compilePhrases(builder.phrases);
  const phrases = builder.phrases.flatMap(({ slot, words }, index) => {
    const phrase = compiledPhrases[index];
    return phrase === undefined ? [] : [{ slot, phrase, words: words.map((word) => builder.pattern(word)) }];
  });
  const patterns: readonly Pattern[] = builder.patterns;
  const compiled: CompiledDictionary = {
    entries,
    slotOfEntry,
    slots: builder.slots,
    automaton: new Automaton(patterns),
    uses: builder.uses,
    phrases,
    wildcards: builder.wildcards,
    regexes: builder.regexes,
  };
  return new Matcher(compiled, rejected, options);
}

export type { MatchBudget, MatchResult } from './matcher.ts';
export { Matcher } from './matcher.ts';
export { MAX_SPANS } from './workspace.ts';
