import { expect, test } from 'vitest';
import {
  compileDictionary,
  type DictionaryEntry,
  type MatchResult,
  type MatchType,
} from '../../../src/modules/intel/matching/dictionary.ts';

const TERM_OF = { LITERAL: 'ab', PHRASE: 'ab cd', WILDCARD: 'a*', REGEX: 'ab', EMOJI: '👍' };
const ONE_OF_EACH: DictionaryEntry[] = Object.entries(TERM_OF).map(([matchType, term]) => ({
  keywordId: matchType,
  version: 1,
  term,
  matchType: matchType as MatchType,
}));

test('reports what all terms together have no time for, and keeps single words', () => {
  const matcher = compileDictionary(ONE_OF_EACH);
  expect(matcher.match('ab cd 👍').matches).toHaveLength(ONE_OF_EACH.length);
  const { matches, skipped } = matcher.match('ab cd 👍', { totalMs: 0 });
  expect(matches.map(({ keywordId }) => keywordId)).toEqual(['LITERAL', 'EMOJI']);
  const reason = 'the dictionary ran out of its 0 ms';
  expect(skipped).toEqual(['PHRASE', 'WILDCARD', 'REGEX'].map((keywordId) => ({ keywordId, reason })));
});

test('texts that are matched side by side find each their own', () => {
  const matcher = compileDictionary(ONE_OF_EACH);
  const texts = ['ab cd ', '👍 nothing of the kind', 'x ab 👍', 'cd '].map((text) => text.repeat(8_000));
  const patient = { regexMs: 60_000, totalMs: 60_000 };
  const alone = texts.map((text) => matcher.match(text, patient));
  const running = texts.map((text) => matcher.steps(text, patient));
  const results = new Map<number, MatchResult>();
  for (let turn = 0; results.size < texts.length; turn++) {
    const which = turn % texts.length;
    const step = results.has(which) ? undefined : running[which]?.next();
    if (step?.done) results.set(which, step.value);
  }
  expect(texts.map((_, i) => results.get(i))).toEqual(alone);
});
