import { describe, expect, test } from 'vitest';
import {
  compileDictionary,
  type DictionaryEntry,
  type MatchType,
  termKey,
  validateTerm,
} from '../../../src/modules/intel/matching/dictionary.ts';
import { normaliseForMatching, normaliseTerm } from '../../../src/modules/intel/matching/normalise.ts';

/** What one term finds in a text, as pieces of the original. */
function find(matchType: MatchType, term: string, text: string, gap?: number): string[] {
  expect(validateTerm(term, matchType)).toBeNull();
  const { matches, skipped } = compileDictionary([{ keywordId: 'k', version: 1, term, matchType, gap }]).match(text);
  expect(skipped).toEqual([]);
  return (matches[0]?.spans ?? []).map(({ start, end }) => text.slice(start, end));
}

function literals(terms: readonly string[]): DictionaryEntry[] {
  return terms.map((term, index) => ({ keywordId: `k${index}`, version: 1, term, matchType: 'LITERAL' }));
}

describe('normaliseForMatching', () => {
  test.each([
    ['Straße', 'strasse'],
    ['İSTANBUL ılık', 'istanbul ilik'],
    ['ΟΔΟΣ οδός', 'οδοσ οδόσ'],
    ['ｘａｎａｘ ﬁx', 'xanax fix'],
    ['x\u200ba\u2060n\u00ada\u034fx\u202e', 'xanax'],
    ['cafe\u200b\u0301', 'café'],
    ['Heeeelllo 111', 'heello 111'],
    ['“a” ‘b’ — c–d', '"a" \'b\' - c-d'],
    ['a \n\t\u00a0\u200b b', 'a b'],
    ['Xanax™', 'xanax™'],
    ['❤️ 👍🏽 👩\u200d💻 1\ufe0f⃣', '❤ 👍 👩\u200d💻 1⃣'],
    ['👩\u200d\u200da\u200db', '👩ab'],
    ['\ud800a\udc00', '\ufffda\ufffd'],
    ['a\0b', 'a\0b'],
    ['', ''],
  ])('%j becomes %j', (text, expected) => {
    expect(normaliseForMatching(text).text).toBe(expected);
  });

  test('maps expansions, compositions and collapsed runs to the original', () => {
    const { text, offsets } = normaliseForMatching('ß e\u0301 aaaa');
    expect(text).toBe('ss é aa');
    expect([...offsets.starts]).toEqual([0, 0, 1, 2, 4, 5, 6]);
    expect([...offsets.ends]).toEqual([1, 1, 2, 4, 5, 6, 9]);
  });

  test('folds look-alikes only when asked to', () => {
    expect(normaliseTerm('с0сaine H3R01N')).toBe('с0сaine h3r01n');
    expect(normaliseTerm('с0сaine H3R01N k@t', { fold: true })).toBe('cocaine heroin kat');
    expect(normaliseTerm('call @dealer for $20', { fold: true })).toBe('call @dealer for $2o');
  });

  test('is stable over every single code point', () => {
    let checked = 0;
    for (let codePoint = 0; codePoint < 0x110000; codePoint += codePoint < 0x30000 ? 1 : 257) {
      const once = normaliseForMatching(`a${String.fromCodePoint(codePoint)}b`).text;
      if (normaliseForMatching(once).text !== once) throw new Error(`U+${codePoint.toString(16)} is not stable`);
      checked += 1;
    }
    expect(checked).toBeGreaterThan(190_000);
  });
});

describe('LITERAL', () => {
  test.each([
    ['ice', 'Ice, rice, ICE-cream, iced, ice', ['Ice', 'ICE', 'ice']],
    ['4-mmc', 'x4-mmc 4-MMC 4—mmc', ['4-MMC', '4—mmc']],
    ['c++', 'c++ c++x xc++', ['c++', 'c++']],
    ['ice cream', 'ice   \n cream, icecream', ['ice   \n cream']],
    ['xanaxx', 'xanaxxxxxx', ['xanaxxxxxx']],
    ['冰毒', '买冰毒吗', ['冰毒']],
    ['xanax', '买xanax吧', ['xanax']],
    ['ยาบ้า', 'ขายยาบ้าถูก', ['ยาบ้า']],
    ['ย', 'ยิ ย', ['ย']],
    ['caf', 'cafe\u0301 caf', ['caf']],
    ['_a', '_a b_a', ['_a']],
    ['kg', '5 ㎏', ['㎏']],
    ['STRASSE', 'straße', ['straße']],
  ])('%s in %j', (term, text, expected) => {
    expect(find('LITERAL', term, text)).toEqual(expected);
  });

  test('reports each keyword of one term, in the order of the entries', () => {
    const entries = literals(['snow', 'ice', 'SNOW']);
    const { matches } = compileDictionary(entries).match('snow and ice');
    expect(matches.map((match) => match.keywordId)).toEqual(['k0', 'k1', 'k2']);
  });

  test('counts past the hundred spans it keeps', () => {
    const [match] = compileDictionary(literals(['a b'])).match('a b '.repeat(250)).matches;
    expect(match?.spans).toHaveLength(100);
    expect(match?.matchCount).toBe(250);
  });

  test('finds terms that end inside each other', () => {
    const { matches } = compileDictionary(literals(['a b c', 'b c', 'c', 'b'])).match('a b c');
    expect(matches.map((match) => match.spans)).toEqual([
      [{ start: 0, end: 5 }],
      [{ start: 2, end: 5 }],
      [{ start: 4, end: 5 }],
      [{ start: 2, end: 3 }],
    ]);
  });

  test('forgets one text before the next', () => {
    const matcher = compileDictionary(literals(['ice']));
    expect(matcher.match('ice ice').matches[0]?.matchCount).toBe(2);
    expect(matcher.match('snow').matches).toEqual([]);
    expect(matcher.match('ice').matches[0]?.matchCount).toBe(1);
  });

  test('folds terms and text alike when asked to', () => {
    const entries: DictionaryEntry[] = [
      ...literals(['cocaine', '4-mmc']),
      { keywordId: 'digits', version: 1, term: '\\d{3}', matchType: 'REGEX' },
    ];
    const { matches } = compileDictionary(entries, { fold: true }).match('с0cаine, 4-MMC, 305');
    expect(matches.map((match) => match.keywordId)).toEqual(['k0', 'k1', 'digits']);
    expect(matches[0]?.spans).toEqual([{ start: 0, end: 7 }]);
    expect(matches[2]?.spans).toEqual([{ start: 16, end: 19 }]);
  });
});

describe('PHRASE', () => {
  test.each([
    ['ice cream', 'ice, cream; ice good cream', 0, ['ice, cream']],
    ['ice cream', 'ice, cream; ice good cream', 1, ['ice, cream', 'ice good cream']],
    ['ice cream', 'iced cream ice creams', 5, []],
    ['the deal', 'the the the deal', 3, ['the deal']],
    ['a b c', 'a b x b x c', 1, []],
    ['a b c', 'a x b x b c', 2, ['a x b x b c']],
    ['ice ice baby', 'ice ice ice baby', 0, ['ice ice baby']],
    ['冰 毒', '冰毒 冰大毒', 0, ['冰毒']],
    ['a & b', 'a & & b', 0, ['a & & b']],
  ])('%s in %j with gap %i', (term, text, gap, expected) => {
    expect(find('PHRASE', term, text, gap)).toEqual(expected);
  });

  test('a gap out of range is rejected', () => {
    const matcher = compileDictionary([{ keywordId: 'k', version: 1, term: 'a b', matchType: 'PHRASE', gap: -1 }]);
    expect(matcher.rejected).toEqual([{ keywordId: 'k', reason: 'gap must be a whole number from 0 to 20' }]);
    expect(matcher.match('a b').matches).toEqual([]);
  });
});

describe('WILDCARD', () => {
  test.each([
    ['ket*', 'ket Ketamine, market ket-x', ['ket', 'Ketamine', 'ket']],
    ['*ine', 'cocaine, mine-d, ines ine', ['cocaine', 'mine', 'ine']],
    ['k?t', 'kit kt k-t kiit KAT', ['kit', 'KAT']],
    ['m*d*a', 'mdma mxdxxa mda md', ['mdma', 'mxdxxa', 'mda']],
    ['ice cr*', 'ice  cream ice cr', ['ice  cream', 'ice cr']],
    ['ket-*', 'ket-amine ket- ', ['ket-amine', 'ket-']],
    ['*', 'x', undefined],
    ['x?', 'x𐐀 xé x', ['x𐐀', 'xé']],
    ['**ab**', 'cabd', ['cabd']],
    ['冰*', '买冰毒。冰', ['冰毒', '冰']],
    ['a?a?a?*', 'abacad abaca', ['abacad']],
  ])('%s in %j', (term, text, expected) => {
    if (expected === undefined) expect(validateTerm(term, 'WILDCARD')).toMatch(/besides \* and \?/);
    else expect(find('WILDCARD', term, text)).toEqual(expected);
  });

  test('a run of more than 256 word characters is not a word', () => {
    expect(find('WILDCARD', 'ab*', `ab${'cd'.repeat(127)}`)).toHaveLength(1);
    expect(find('WILDCARD', 'ab*', `ab${'cd'.repeat(128)}`)).toHaveLength(0);
  });
});

describe('REGEX', () => {
  test.each([
    ['\\d+ ?(g|gr|kg)', '10g, 5 KG; 3x', ['10g', '5 KG']],
    ['[A-Z]{3}', 'abc', ['abc']],
    ['x*', 'axxb', ['xx']],
    ['^a|b$', 'aab', ['a', 'b']],
    ['ﬁ|ß', 'fi', []],
  ])('%s in %j', (term, text, expected) => {
    expect(find('REGEX', term, text)).toEqual(expected);
  });

  test('finds the same in a long text as in its parts', () => {
    const text = `${'word '.repeat(9)}12-34 `.repeat(2000);
    const [match] = compileDictionary([
      { keywordId: 'k', version: 1, term: '\\b\\d\\d-\\d\\d\\b', matchType: 'REGEX' },
    ]).match(text, { regexMs: 10_000 }).matches;
    expect(match?.matchCount).toBe(2000);
    expect(match?.spans[99]).toEqual({ start: 99 * 51 + 45, end: 99 * 51 + 50 });
  });

  test('an anchor holds for the whole text, not for the chunks it is searched in', () => {
    const text = 'ab '.repeat(40_000);
    expect(find('REGEX', '^ab', text)).toEqual(['ab']);
    expect(find('REGEX', 'ab $', text)).toEqual(['ab ']);
  });

  test('reports a pattern that runs out of its time and keeps the other matches', () => {
    const entries: DictionaryEntry[] = [
      { keywordId: 'slow', version: 1, term: '(a|b|ab)*c(a|b)*d', matchType: 'REGEX' },
      { keywordId: 'ab', version: 1, term: 'ab', matchType: 'LITERAL' },
    ];
    const { matches, skipped } = compileDictionary(entries).match('ab '.repeat(300_000), { regexMs: 0 });
    expect(skipped).toEqual([{ keywordId: 'slow', reason: 'regular expression ran out of its 0 ms' }]);
    expect(matches.map((match) => [match.keywordId, match.matchCount])).toEqual([['ab', 300_000]]);
  });
});

describe('EMOJI', () => {
  test.each([
    ['👍', '👍🏽 👍', ['👍🏽', '👍']],
    ['❤️', '❤ ❤️', ['❤', '❤️']],
    ['👩\u200d💻', '👩🏽\u200d💻 👩💻', ['👩🏽\u200d💻']],
    ['👩', '👩\u200d💻 👩', ['👩']],
    ['💻', '👩\u200d💻', []],
    ['🇧🇺', '🇬🇧🇺🇸', []],
    ['🇺🇸', 'x🇬🇧🇺🇸y', ['🇺🇸']],
    ['🏴', '🏴\u{e0067}\u{e0062}\u{e0065}\u{e006e}\u{e0067}\u{e007f} 🏴', ['🏴']],
    ['1️⃣', 'x1⃣', ['1⃣']],
    ['🍁', 'a🍁b', ['🍁']],
    ['🍁❄️', '🍁❄', ['🍁❄']],
  ])('%s in %j', (term, text, expected) => {
    expect(find('EMOJI', term, text)).toEqual(expected);
  });
});

describe('validateTerm', () => {
  test.each<[string, MatchType, RegExp]>([
    ['', 'LITERAL', /empty/],
    [' \u200b\n', 'PHRASE', /empty/],
    ['   ', 'REGEX', /empty/],
    ['x'.repeat(201), 'LITERAL', /longer than 200/],
    ['(a', 'REGEX', /RE2 syntax/],
    ['(?=a)b', 'REGEX', /RE2 syntax/],
    ['(a)\\1', 'REGEX', /RE2 syntax/],
    ['(?<=a)b', 'REGEX', /RE2 syntax/],
    ['(\\pL{50}){50}', 'REGEX', /RE2 syntax|too complex/],
    ['((a{100}){10}){10}', 'REGEX', /RE2 syntax|too complex/],
    ['**', 'WILDCARD', /besides/],
    ['* ?', 'WILDCARD', /besides/],
    ['ice', 'EMOJI', /no emoji/],
    ['🇺', 'EMOJI', /no emoji/],
  ])('%j as %s', (term, matchType, message) => {
    expect(validateTerm(term, matchType)).toMatch(message);
    const matcher = compileDictionary([{ keywordId: 'k', version: 1, term, matchType }]);
    expect(matcher.rejected).toHaveLength(1);
    expect(matcher.match('ice a b')).toEqual({ matches: [], skipped: [] });
  });

  test('the key of a keyword is its normalised term, or its pattern as written', () => {
    expect(termKey('  STRASSE ', 'LITERAL')).toBe(termKey('Straße', 'LITERAL'));
    expect(termKey(' \\S+X ', 'REGEX')).toBe('\\S+X');
    expect(validateTerm('😀'.repeat(200), 'EMOJI')).toBeNull();
  });
});

describe('hostile input', () => {
  const entries: DictionaryEntry[] = [
    ...literals(['a', 'aa', 'a a', '👍', '1', 'ab']),
    { keywordId: 'p', version: 1, term: 'a a a', matchType: 'PHRASE', gap: 20 },
    { keywordId: 'w1', version: 1, term: '*a?b*1*', matchType: 'WILDCARD' },
    { keywordId: 'w2', version: 1, term: 'a?'.repeat(100), matchType: 'WILDCARD' },
    { keywordId: 'e', version: 1, term: '🇬🇧', matchType: 'EMOJI' },
    { keywordId: 'r', version: 1, term: '(a+)+$', matchType: 'REGEX' },
  ];
  const matcher = compileDictionary(entries);
  test.each([
    ['one letter', 'a'],
    ['one digit', '1'],
    ['two letters', 'ab'],
    ['words', 'a '],
    ['zero width', '\u200b'],
    ['joined emoji', '👩\u200d'],
    ['flags', '🇬🇧'],
    ['marks in the wrong order', '\u0301\u0316'],
    ['vowels without consonants', 'ᅡ'],
    ['lone surrogates', '\udc00\ud800'],
    ['NUL', '\0'],
    ['ligatures of eighteen letters', '\ufdfa'],
    ['white space', ' \n'],
  ])('half a million units of %s', (_name, unit) => {
    const text = unit.repeat(500_000 / unit.length);
    const started = performance.now();
    const { matches } = matcher.match(text);
    // Far above what it takes, far below what anything quadratic would take.
    expect(performance.now() - started).toBeLessThan(10_000);
    for (const { spans } of matches) expect(spans.at(-1)?.end).toBeLessThanOrEqual(text.length);
  });
});
