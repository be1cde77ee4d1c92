/** Times of the keyword matcher: a mixed dictionary, hostile texts, scaling. Usage: node bench/matching.ts */
import { compileDictionary, type DictionaryEntry, type Matcher } from '../src/modules/intel/matching/dictionary.ts';

const MEGABYTE = 1_000_000;
const TERMS = 6_000;

/** Small deterministic generator (mulberry32), so that two runs time the same work. */
function generator(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296;
  };
}

const random = generator(7);
const SYLLABLES = ['ka', 'lo', 'mer', 'ti', 'xan', 'du', 'pho', 'ri', 'sel', 'bo', 'na', 'gry', 'é', 'ou', 'st', 'ish'];

function pick<T>(list: readonly T[]): T {
  const item = list[Math.floor(random() * list.length)];
  if (item === undefined) throw new Error('empty list');
  return item;
}

function coin(syllables: number): string {
  let out = '';
  for (let n = syllables; n > 0; n -= 1) out += pick(SYLLABLES);
  return out;
}

const WORDS = Array.from({ length: 20_000 }, () => coin(1 + Math.floor(random() * 4)));

/** A word of a dictionary: one in ten is also a word of the texts. */
function word(): string {
  return random() < 0.1 ? pick(WORDS) : coin(3 + Math.floor(random() * 2));
}

function prose(units: number): string {
  const parts: string[] = [];
  for (let length = 0; length < units; ) {
    const part = random() < 0.1 ? `${pick(WORDS)}, ` : `${pick(WORDS)} `;
    parts.push(part);
    length += part.length;
  }
  return parts.join('').slice(0, units);
}

function entry(index: number, more: Omit<DictionaryEntry, 'keywordId' | 'version'>): DictionaryEntry {
  return { keywordId: `k${index}`, version: 1, ...more };
}

function mixed(count: number): DictionaryEntry[] {
  return Array.from({ length: count }, (_, index) => {
    const kind = random();
    if (kind < 0.7) return entry(index, { matchType: 'LITERAL', term: `${word()}${pick(['', ` ${word()}`, 'z'])}` });
    if (kind < 0.9) return entry(index, { matchType: 'PHRASE', term: `${word()} ${word()} ${word()}`, gap: 2 });
    return entry(index, { matchType: 'WILDCARD', term: `${pick(['', '*'])}${word()}${pick(['?', '*', 'z*'])}` });
  });
}

function wildcards(count: number): DictionaryEntry[] {
  return Array.from({ length: count }, (_, index) =>
    entry(index, {
      matchType: 'WILDCARD',
      term: `${pick(['', '*'])}${word()}${pick(['*', '?', `*${word()}`])}${word()}${pick(['', '*'])}`,
    }),
  );
}

function time<T>(run: () => T): { ms: number; value: T } {
  const started = performance.now();
  const value = run();
  return { ms: performance.now() - started, value };
}

function report(name: string, matcher: Matcher, text: string): number {
  const { ms, value } = time(() => matcher.match(text));
  const found = value.matches.reduce((sum, match) => sum + match.matchCount, 0);
  const skipped = value.skipped.length > 0 ? `, ${value.skipped.length} skipped` : '';
  console.log(
    `${name.padEnd(48)} ${ms.toFixed(1).padStart(9)} ms  ${found} matches of ${value.matches.length} terms${skipped}`,
  );
  return ms;
}

function build(name: string, entries: readonly DictionaryEntry[]): Matcher {
  const { ms, value } = time(() => compileDictionary(entries));
  console.log(`${`build: ${name}`.padEnd(48)} ${ms.toFixed(1).padStart(9)} ms`);
  return value;
}

const dictionary = build(`${TERMS} mixed terms`, mixed(TERMS));
build('50,000 mixed terms', mixed(50_000));
const document = prose(600);
for (let i = 0; i < 2_000; i += 1) dictionary.match(document);
const documents = Array.from({ length: 5_000 }, () => prose(600));
const { ms: perAll } = time(() => {
  for (const each of documents) dictionary.match(each);
});
console.log(
  `${'5,000 documents of 600 characters'.padEnd(48)} ${((5_000 / perAll) * 1_000).toFixed(0)} documents a second`,
);

report('1 MB prose, mixed', dictionary, prose(MEGABYTE));
report('1 MB prose, 2,000 wildcards', build('2,000 wildcards', wildcards(2_000)), prose(MEGABYTE));

console.log('\nhostile, 1 MB each');
const overlapping = Array.from({ length: 200 }, (_, n) => entry(n, { matchType: 'LITERAL', term: '1'.repeat(n + 1) }));
const nested = Array.from({ length: 100 }, (_, n) => entry(n, { matchType: 'LITERAL', term: 'ab '.repeat(n + 1) }));
const optional = Array.from({ length: 100 }, (_, n) => entry(n, { matchType: 'WILDCARD', term: 'a?'.repeat(n + 1) }));
const starred = Array.from({ length: 10 }, (_, n) =>
  entry(n, { matchType: 'WILDCARD', term: `*a?${'*b'.repeat(n)}*c` }),
);
const phrases = ['of the', 'the of the', 'the the of'].map((term, n) =>
  entry(n, { matchType: 'PHRASE', term, gap: 5 }),
);
const regexes = ['(a|b)*c', '(a+)+$', '.*.*.*x', '(ab|a|b){50}c', '\\d+-\\d+'].map((term, n) =>
  entry(n, { matchType: 'REGEX', term }),
);
const everything = compileDictionary(
  [...mixed(TERMS), ...overlapping, ...nested, ...optional, ...starred, ...phrases, ...regexes].map((each, index) => ({
    ...each,
    keywordId: `k${index}`,
  })),
);
report('same digit, terms 1, 11, 111, ...', compileDictionary(overlapping), '1'.repeat(MEGABYTE));
report('nested phrases as literals', compileDictionary(nested), 'ab '.repeat(MEGABYTE / 3));
report('a?a?a?..., text abab', compileDictionary(optional), 'ab'.repeat(MEGABYTE / 2));
report('a?a?a?..., text of words', compileDictionary(optional), 'ababababab '.repeat(MEGABYTE / 11));
report('*a?*b*b*c, words of 250', compileDictionary(starred), `${'ab'.repeat(125)} `.repeat(MEGABYTE / 251));
report('phrases, "the the the"', compileDictionary(phrases), 'the '.repeat(MEGABYTE / 4));
report('regular expressions, 50 ms each', compileDictionary(regexes), 'ab'.repeat(MEGABYTE / 2));
for (const [name, unit] of [
  ['one letter', 'a'],
  ['no spaces', 'xanmertikalo'],
  ['zero width', '\u200b'],
  ['letter and zero width', 'a\u200b'],
  ['marks in the wrong order', '\u0301\u0316'],
  ['joined emoji', '👩\u200d'],
  ['flags', '🇬🇧'],
  ['lone surrogates', '\udc00'],
  ['Han', '冰毒买卖'],
] as const) {
  report(`everything: ${name}`, everything, unit.repeat(MEGABYTE / unit.length));
}

console.log('\nscaling, mixed prose and hostile words');
for (const [name, matcher, make] of [
  ['prose', dictionary, prose],
  ['words of 250', compileDictionary(starred), (units: number) => `${'ab'.repeat(125)} `.repeat(units / 251)],
  ['no spaces', dictionary, (units: number) => 'xanmertikalo'.repeat(units / 12)],
] as const) {
  let before = 0;
  for (const megabytes of [1, 2, 4]) {
    const text = make(megabytes * MEGABYTE);
    const best = Math.min(...[1, 2].map(() => time(() => matcher.match(text)).ms));
    const ratio = before > 0 ? `ratio ${(best / before).toFixed(2)}` : '';
    console.log(`${`${name}, ${megabytes} MB`.padEnd(48)} ${best.toFixed(1).padStart(9)} ms  ${ratio}`);
    before = best;
  }
}
