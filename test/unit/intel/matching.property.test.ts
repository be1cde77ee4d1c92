import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import {
  compileDictionary,
  type DictionaryEntry,
  type MatchType,
  type Span,
  validateTerm,
} from '../../../src/modules/intel/matching/dictionary.ts';
import { normaliseForMatching, normaliseTerm } from '../../../src/modules/intel/matching/normalise.ts';

const NUM_RUNS = 2000;

function property<T>(arbitrary: fc.Arbitrary<T>, check: (value: T) => void, numRuns = NUM_RUNS): void {
  let runs = 0;
  fc.assert(
    fc.property(arbitrary, (value) => {
      runs += 1;
      check(value);
    }),
    { numRuns },
  );
  expect(runs).toBeGreaterThanOrEqual(numRuns);
}

const pieces = [
  ...['a', 'b', 'c', 'A', 'B', 'é', 'e\u0301', 'ß', 'ss', 'İ', 'ж', '1', '_'],
  ...[' ', ' ', ' ', '  ', '\n', '-', '\u2014', '.', "'", '\u2019'],
  ...['\u200b', '\u200d', '\ufe0f', '\u0301', '冰', '毒', 'ー', 'ก', 'ิ', '\ufb01', '㎏', '™', '𝐚', '𐐀'],
  ...['👍', '👍🏽', '👩\u200d💻', '👩', '💻', '🇬🇧', '🇺', '❤️', '1️⃣', '\ud800', '\udc00', '\0'],
];
const anyText = fc.array(fc.constantFrom(...pieces), { maxLength: 40 }).map((parts) => parts.join(''));
const plainText = fc
  .array(fc.constantFrom('a', 'b', 'ab', 'ba', 'c', ' ', ' ', '-', '冰', '\u200b', 'B', '𐐀'), { maxLength: 40 })
  .map((parts) => parts.join(''));
const plainTerm = fc
  .array(fc.constantFrom('a', 'b', 'ab', 'c', ' ', '-', '冰'), { minLength: 1, maxLength: 5 })
  .map((parts) => parts.join(''));
const wildcardTerm = fc
  .array(fc.constantFrom('a', 'b', 'ab', '*', '*', '?', ' ', '-', '冰', '𐐨'), { minLength: 1, maxLength: 6 })
  .map((parts) => parts.join(''));

function entriesOf(terms: readonly string[], matchType: MatchType, gap?: number): DictionaryEntry[] {
  return terms.map((term, index) => ({ keywordId: `k${index}`, version: 1, term, matchType, gap }));
}

const isWord = (character: string | undefined) =>
  character !== undefined && character !== '\u20e3' && /^[\p{L}\p{N}\p{M}_]$/u.test(character);
const isSpaceless = (character: string) => /^[\p{scx=Han}\p{scx=Katakana}\p{scx=Thai}]$/u.test(character);

/** Bounded as the rule says, written again without tables. */
function bounded(text: string, position: number): boolean {
  const before = [...text.slice(Math.max(0, position - 2), position)].at(-1);
  const after = [...text.slice(position, position + 2)][0];
  if (before === undefined || after === undefined || !isWord(before) || !isWord(after)) return true;
  return !/^\p{M}$/u.test(after) && (isSpaceless(before) || isSpaceless(after));
}

/** Takes spans of normalised text to the original, leaving out the ones that overlap the one before. */
function toOriginal(original: string, spans: readonly Span[]): Span[] {
  const { offsets } = normaliseForMatching(original);
  const out: Span[] = [];
  for (const span of spans) {
    const start = offsets.starts[span.start] ?? -1;
    if (start >= (out.at(-1)?.end ?? 0)) out.push({ start, end: offsets.ends[span.end - 1] ?? -1 });
  }
  return out;
}

function occurrences(text: string, word: string): Span[] {
  const out: Span[] = [];
  for (let start = text.indexOf(word); start >= 0; start = text.indexOf(word, start + 1)) {
    if (bounded(text, start) && bounded(text, start + word.length)) out.push({ start, end: start + word.length });
  }
  return out;
}

function countWords(text: string): number {
  return [...text].filter((character, index, all) => {
    if (!isWord(character) || /^\p{M}$/u.test(character)) return false;
    const before = all[index - 1];
    return before === undefined || !isWord(before) || isSpaceless(before) || isSpaceless(character);
  }).length;
}

/** Every chain of the words, by brute force; for each end the one that starts last. */
function naivePhrase(text: string, words: readonly string[], gap: number): Span[] {
  const [first = '', ...rest] = words;
  let chains = occurrences(text, first);
  for (const word of rest) {
    const places = occurrences(text, word);
    chains = chains.flatMap((chain) =>
      places
        .filter((place) => place.start >= chain.end && countWords(text.slice(chain.end, place.start)) <= gap)
        .map((place) => ({ start: chain.start, end: place.end })),
    );
  }
  const latest = new Map<number, number>();
  for (const { start, end } of chains) latest.set(end, Math.max(start, latest.get(end) ?? 0));
  return [...latest].map(([end, start]) => ({ start, end })).sort((a, b) => a.end - b.end);
}

function naiveWildcard(text: string, term: string): Span[] {
  const word = '[\\p{L}\\p{N}\\p{M}_]';
  const source = term.replace(/\*+$/, '').replace(/[-.]/g, '[$&]').replaceAll('?', word).replaceAll('*', `${word}*`);
  const whole = new RegExp(`^(?:${source})$`, 'u');
  const run = new RegExp(`${word}*`, 'uy');
  const out: Span[] = [];
  let cursor = 0;
  for (let end = 1; end <= text.length; end += 1) {
    let last = end;
    if (term.endsWith('*')) {
      run.lastIndex = end;
      last = end + (run.exec(text)?.[0].length ?? 0);
    }
    if (!bounded(text, last)) continue;
    for (let start = cursor; start < end; start += 1) {
      if (!bounded(text, start) || !whole.test(text.slice(start, end))) continue;
      out.push({ start, end: last });
      cursor = last;
      end = last;
      break;
    }
  }
  return out;
}

/** Compares a dictionary of valid terms with a search term by term; returns how many terms matched. */
function agrees(original: string, entries: DictionaryEntry[], search: (text: string, term: string) => Span[]): number {
  const valid = entries.filter((entry) => validateTerm(entry.term, entry.matchType) === null);
  const { text } = normaliseForMatching(original);
  const expected = valid.flatMap(({ keywordId, version, term }) => {
    const spans = toOriginal(original, search(text, normaliseTerm(term)));
    return spans.length === 0 ? [] : [{ keywordId, version, spans, matchCount: spans.length }];
  });
  expect(compileDictionary(valid).match(original)).toEqual({ matches: expected, skipped: [] });
  return expected.length;
}

describe('the matcher finds what a search term by term finds', () => {
  // A comparison of nothing with nothing would pass too.
  let hits = 0;
  beforeEach(() => {
    hits = 0;
  });
  afterEach(() => {
    expect(hits).toBeGreaterThan(NUM_RUNS / 10);
  });

  test('LITERAL', () => {
    property(fc.tuple(plainText, fc.array(plainTerm, { maxLength: 8 })), ([text, terms]) => {
      hits += agrees(text, entriesOf(terms, 'LITERAL'), occurrences);
    });
  });

  test('LITERAL over any characters', () => {
    property(fc.tuple(anyText, fc.array(anyText, { maxLength: 3 }), fc.nat(40)), ([text, terms, cut]) => {
      const part = text.slice(cut, cut + 4);
      hits += agrees(text, entriesOf([...terms, part], 'LITERAL'), occurrences);
    });
  });

  test('PHRASE', () => {
    const phrases = fc.array(plainTerm, { minLength: 1, maxLength: 6 });
    property(fc.tuple(plainText, phrases, fc.nat(3)), ([text, terms, gap]) => {
      const entries = entriesOf(
        terms.map((term) => [...term].join(' ')),
        'PHRASE',
        gap,
      );
      hits += agrees(text, entries, (normalised, term) => naivePhrase(normalised, term.split(' '), gap));
    });
  });

  test('WILDCARD', () => {
    property(fc.tuple(plainText, fc.array(wildcardTerm, { maxLength: 8 })), ([text, terms]) => {
      hits += agrees(text, entriesOf(terms, 'WILDCARD'), naiveWildcard);
    });
  });
});

describe('normalisation', () => {
  const anyString = fc.oneof(anyText, fc.string({ unit: 'binary', maxLength: 30 }), fc.string({ unit: 'grapheme' }));

  test('is idempotent, with and without folding', () => {
    property(anyString, (text) => {
      const once = normaliseForMatching(text).text;
      expect(normaliseForMatching(once).text).toBe(once);
      const folded = normaliseForMatching(text, { fold: true }).text;
      expect(normaliseForMatching(folded, { fold: true }).text).toBe(folded);
    });
  });

  test('is the same for canonically equivalent texts', () => {
    property(anyString, (text) => {
      const { text: expected } = normaliseForMatching(text.normalize('NFC'));
      expect(normaliseForMatching(text.normalize('NFD')).text).toBe(expected);
    });
  });

  test('maps every unit to a place in the original, in order', () => {
    property(fc.tuple(anyString, fc.boolean()), ([original, fold]) => {
      const { text, offsets } = normaliseForMatching(original, { fold });
      expect(offsets.starts).toHaveLength(text.length);
      expect(offsets.ends).toHaveLength(text.length);
      for (let i = 0; i < text.length; i += 1) {
        const start = offsets.starts[i] ?? -1;
        const end = offsets.ends[i] ?? -1;
        expect(start).toBeGreaterThanOrEqual(offsets.starts[i - 1] ?? 0);
        expect(end).toBeGreaterThan(start);
        expect(end).toBeLessThanOrEqual(original.length);
      }
    });
  });
});

describe('spans', () => {
  test('cut the original to what normalises to the term', () => {
    const noise = fc.constantFrom('', ' ', '\u200b', ' \n', ', ', '👍');
    const term = fc.constantFrom('xanax', 'straße', 'ice cream', 'café', '4-mmc', 'İzmir', '👩\u200d💻', '❤️');
    const shaped = term.chain((base) =>
      fc.record({
        base: fc.constant(base),
        written: fc.constantFrom(base, base.toUpperCase(), base.normalize('NFD'), [...base].join('\u00ad')),
      }),
    );
    property(fc.tuple(noise, shaped, noise), ([before, { base, written }, after]) => {
      fc.pre(!base.includes('\u200d') || written === base);
      const text = `${before}${written}${after}`;
      const [match] = compileDictionary(entriesOf([base], 'LITERAL')).match(text).matches;
      expect(match?.matchCount).toBe(1);
      for (const { start, end } of match?.spans ?? []) {
        expect(normaliseTerm(text.slice(start, end))).toBe(normaliseTerm(base));
      }
    });
  });

  test('are sorted, disjoint and inside the text', () => {
    property(fc.tuple(anyText, fc.array(anyText, { maxLength: 5 })), ([text, terms]) => {
      const entries = [...entriesOf(terms, 'LITERAL'), ...entriesOf(['a*', '👩', 'a|b+', 'a b'], 'WILDCARD')];
      for (const { spans, matchCount } of compileDictionary(entries).match(text).matches) {
        expect(spans).toHaveLength(matchCount);
        let end = 0;
        for (const span of spans) {
          expect(span.start).toBeGreaterThanOrEqual(end);
          expect(span.end).toBeGreaterThan(span.start);
          end = span.end;
        }
        expect(end).toBeLessThanOrEqual(text.length);
      }
    });
  });
});

test('putting text around a text never loses a match', () => {
  const entries: DictionaryEntry[] = [
    ...entriesOf(['a', 'ab', '冰', 'a b'], 'LITERAL'),
    ...entriesOf(['a b', 'b a c'], 'PHRASE', 1),
    ...entriesOf(['a*', '?b', '*b-a*'], 'WILDCARD'),
    ...entriesOf(['[ab]+c'], 'REGEX'),
    ...entriesOf(['👍', '🇬🇧'], 'EMOJI'),
  ].map((entry, index) => ({ ...entry, keywordId: `k${index}` }));
  const matcher = compileDictionary(entries);
  property(fc.tuple(plainText, plainText, anyText), ([before, text, after]) => {
    const inside = new Map(matcher.match(text).matches.map((match) => [match.keywordId, match.matchCount]));
    const around = new Map(
      matcher.match(`${before} . ${text} . ${after}`).matches.map((match) => [match.keywordId, match.matchCount]),
    );
    for (const [keywordId, count] of inside) expect(around.get(keywordId) ?? 0).toBeGreaterThanOrEqual(count);
  });
});
