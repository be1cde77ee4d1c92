import { afterAll, beforeAll, expect, test } from 'vitest';
import { createTestApp, type TestApp } from '../../support/app.ts';
import { addKeyword, countOf, mutate, range } from './records.ts';

let t: TestApp;
beforeAll(async () => {
  t = await createTestApp();
});
afterAll(() => t?.close());

const CREATE = 'createKeyword { keyword { id } userErrors { __typename code message path } }';

test('a term that is the same after normalisation is refused, per language and match type', async () => {
  const a = await t.tenant('conflict');
  const made = await addKeyword(t, a, 'Crystal  METH', 0.5);
  expect(made.normalisedTerm).toBe('crystal meth');
  const create = (change: object) =>
    mutate(t, a.key, CREATE, { term: 'crystal meth', category: 'SLANG', weight: 0.5, ...change });
  for (const term of ['crystal meth', 'ＣＲＹＳＴＡＬ meth', 'crys\u200btal meth ']) {
    expect((await create({ term })).userErrors[0], term).toMatchObject({ code: 'CONFLICT', path: ['term'] });
  }
  expect((await create({ language: 'en' })).userErrors).toEqual([]);
  expect((await create({ matchType: 'PHRASE' })).userErrors).toEqual([]);
  expect(await countOf(t, a, 'keywords')).toBe(3);
  const other = await t.tenant('conflict-other');
  await addKeyword(t, other, 'crystal meth', 0.5);
});

test('20 at once with the same term make one keyword', async () => {
  const a = await t.tenant('keyword-race');
  const answers = await Promise.all(
    range(20).map(() => mutate(t, a.key, CREATE, { term: 'snow', category: 'SLANG', weight: 0.5 })),
  );
  expect(answers.filter((answer) => answer.keyword)).toHaveLength(1);
  expect(new Set(answers.flatMap((answer) => answer.userErrors.map((e: { code: string }) => e.code)))).toEqual(
    new Set(['CONFLICT']),
  );
});

const refusals: [string, object, string[], RegExp][] = [
  ['an empty term', { term: ' \u200b ' }, ['term'], /empty/],
  ['a term that is too long', { term: 'x'.repeat(201) }, ['term'], /200/],
  ['a regex that does not parse', { term: '(a', matchType: 'REGEX' }, ['term'], /paren|closing|missing/i],
  ['a regex with look-ahead', { term: 'a(?=b)', matchType: 'REGEX' }, ['term'], /look|not supported|invalid/i],
  ['a regex with a back-reference', { term: '(a)\\1', matchType: 'REGEX' }, ['term'], /back|escape|not supported/i],
  ['a regex that is too large', { term: '(a{1000}){1000}', matchType: 'REGEX' }, ['term'], /regex|repe|large/i],
  ['a wildcard of nothing else', { term: '**?', matchType: 'WILDCARD' }, ['term'], /besides \* and \?/],
  ['an emoji that is none', { term: 'snow', matchType: 'EMOJI' }, ['term'], /no emoji/],
  ['a weight above 1', { weight: 1.01 }, ['weight'], /from 0 to 1/],
  ['a weight below 0', { weight: -0.1 }, ['weight'], /from 0 to 1/],
  ['a gap above 20', { matchType: 'PHRASE', term: 'a b', gap: 21 }, ['gap'], /from 0 to 20/],
  ['a language that is none', { language: 'deu' }, ['language'], /language/],
  ['an empty concept', { conceptId: '' }, ['conceptId'], /200/],
  ['a concept that is too long', { conceptId: 'x'.repeat(201) }, ['conceptId'], /200/],
  ['a character that cannot be stored', { term: 'sn\0ow' }, ['term'], /U\+0000/],
];

test.for(refusals)('%s is refused with a clear message', async ([what, change, path, message], { task }) => {
  const a = await t.tenant(`kw-${task.id.replace(/[^a-z0-9]/g, '').slice(-12)}`);
  const input = { term: 'fine', category: 'SUBSTANCE', weight: 0.5, ...change };
  const { keyword, userErrors } = await mutate(t, a.key, CREATE, input);
  expect(keyword, what).toBeNull();
  expect(userErrors[0], what).toMatchObject({ code: 'INVALID_INPUT', path });
  expect(userErrors[0].message, what).toMatch(message);
  const batch = await mutate(t, a.key, 'createKeywords { batch { created } userErrors { path } }', {
    items: [{ term: 'first', category: 'SUBSTANCE', weight: 0.5 }, input],
  });
  expect(batch, what).toEqual({ batch: null, userErrors: [{ path: ['items', '1', ...path] }] });
  expect(await countOf(t, a, 'keywords')).toBe(0);
});

test('a batch leaves what is there as it is and says so', async () => {
  const a = await t.tenant('kw-batch');
  const known = await addKeyword(t, a, 'snow', 0.5);
  const items = ['snow', 'coke', 'COKE', 'meth'].map((term) => ({ term, category: 'SLANG', weight: 0.1 }));
  const { batch } = await mutate(t, a.key, 'createKeywords { batch { created unchanged ids } userErrors { code } }', {
    items,
  });
  expect(batch).toMatchObject({ created: 2, unchanged: 2 });
  expect(batch.ids[0]).toBe(known.id);
  expect(batch.ids[1]).toBe(batch.ids[2]);
  const { node } = await t.runOk(a.key, 'query($id: ID!) { node(id: $id) { ... on Keyword { weight version } } }', {
    id: known.id,
  });
  expect(node).toEqual({ weight: 0.5, version: 1 });
  const tooMany = await mutate(t, a.key, 'createKeywords { batch { created } userErrors { path message } }', {
    items: range(501).map((i) => ({ term: `t${i}`, category: 'SLANG', weight: 0.1 })),
  });
  expect(tooMany.userErrors[0].message).toContain('500');
});

test('a change of a row that was read before somebody else changed it is refused', async () => {
  const a = await t.tenant('kw-stale');
  const { id } = await addKeyword(t, a, 'snow', 0.5);
  const update = (change: object) =>
    mutate(
      t,
      a.key,
      'updateKeyword { keyword { weight version } userErrors { code ... on VersionMismatch { expected actual } } eventSeq }',
      { id, ...change },
    );
  expect((await update({ weight: 0.6, expectedVersion: 1 })).keyword).toEqual({ weight: 0.6, version: 2 });
  const stale = await update({ weight: 0.7, expectedVersion: 1 });
  expect(stale).toEqual({
    keyword: null,
    userErrors: [{ code: 'VERSION_MISMATCH', expected: 1, actual: 2 }],
    eventSeq: null,
  });
  expect((await update({ weight: 2 })).userErrors[0].code).toBe('INVALID_INPUT');
});
