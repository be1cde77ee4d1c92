import { setImmediate as nextRound } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { withWrite } from '../../../src/data/write.ts';
import { keywordImporter } from '../../../src/imports/intel.importers.ts';
import { createKeywords, MAX_REGEXES } from '../../../src/modules/intel/keyword.service.ts';
import { sweepDictionary } from '../../../src/modules/intel/sweep.ts';
import { createTestApp, type Tenant, type TestApp } from '../../support/app.ts';
import { addKeyword, addSource, countOf, ingestBatch, mutate, range } from './records.ts';

let t: TestApp;
beforeAll(async () => {
  t = await createTestApp();
});
afterAll(() => t?.close());

const costly = (i: number) => ({
  term: `(?:[a-z]{1,9} ?){1,20}q${i}zz`,
  category: 'SLANG',
  weight: 0.5,
  matchType: 'REGEX',
});
const CREATE = 'createKeywords { batch { created } userErrors { message path } }';
const addCostly = (a: Tenant, count: number, from = 0) =>
  mutate(t, a.key, CREATE, { items: range(count).map((i) => costly(from + i)) });
const LONG_TEXT = `${'lorem ipsum dolor sit amet '.repeat(33_000)} q7zz and q199zz`;

/** The longest time, in milliseconds, that nothing else could run while this did. */
async function longestHold(work: () => Promise<unknown>): Promise<number> {
  let running = true;
  let longest = 0;
  const watch = (async () => {
    for (let since = performance.now(); running; ) {
      await nextRound();
      longest = Math.max(longest, performance.now() - since);
      since = performance.now();
    }
  })();
  await work();
  running = false;
  await watch;
  return longest;
}

test('many costly regular expressions hold up nobody else, in an ingest nor in a sweep', {
  timeout: 60_000,
}, async () => {
  const a = await t.tenant('costly');
  const sourceId = await addSource(t, a);
  await addKeyword(t, a, 'ipsum', 0.5);
  expect(await longestHold(() => addCostly(a, MAX_REGEXES))).toBeLessThan(500);
  const item = (id: string) => ({ sourceId, externalId: id, text: LONG_TEXT });
  const held = await longestHold(async () => {
    const { batch, userErrors } = await ingestBatch(t, a, [item('first')]);
    expect([batch?.created, userErrors]).toEqual([1, []]);
  });
  expect(held).toBeLessThan(500);
  expect(await countOf(t, a, 'detections')).toBeGreaterThanOrEqual(1);
  const swept = await longestHold(async () => {
    expect(await sweepDictionary(t.app.services, a.system)).toMatchObject({ scanned: 1 });
  });
  expect(swept).toBeLessThan(500);
});

test('a text that is full of what looks like identifiers holds up nobody else', async () => {
  const a = await t.tenant('identifiers');
  const sourceId = await addSource(t, a, { country: 'DE' });
  const held = await longestHold(async () => {
    const { batch, userErrors } = await ingestBatch(t, a, [{ sourceId, text: '+49 170 1234567 '.repeat(55_000) }]);
    expect([batch?.created, userErrors]).toEqual([1, []]);
  });
  expect(held).toBeLessThan(500);
});

test('what takes long is found before the transaction, and again when the dictionary changes meanwhile', async () => {
  const { write } = t.app.services;
  const a = await t.tenant('beforehand');
  let transactions = 0;
  const results: string[] = [];
  const run = (options?: { whole: boolean }) =>
    withWrite(
      write,
      a.system,
      'test.beforehand',
      async (tx) => {
        transactions++;
        // What it depends on is another thing at the second time.
        results.push(await tx.beforehand(`version ${Math.min(transactions, 2)}`, async () => `work ${transactions}`));
        return results.at(-1);
      },
      options,
    );
  expect((await run()).value).toBe('work 2');
  expect([transactions, results]).toEqual([3, ['work 2']]);
  transactions = 0;
  expect((await run({ whole: true })).value).toBe('work 1');
  expect(transactions).toBe(1);
});

test('a dictionary has so many active regular expressions at most, however they come', async () => {
  const a = await t.tenant('many-regexes');
  const plain = (i: number) => ({ ...costly(i), term: `x${i}+y` });
  const add = (...items: object[]) => mutate(t, a.key, CREATE, { items });
  const told = expect.stringContaining(`has ${MAX_REGEXES} active regular expressions at most`);
  expect((await add(...range(MAX_REGEXES + 1).map(plain))).userErrors).toEqual([
    { message: told, path: ['items', String(MAX_REGEXES), 'matchType'] },
  ]);
  expect((await add(...range(MAX_REGEXES - 1).map(plain))).batch.created).toBe(MAX_REGEXES - 1);
  const [next, after] = [plain(MAX_REGEXES), plain(MAX_REGEXES + 1)];
  expect(
    (await add(plain(0), { ...plain(0), term: 'word', matchType: 'LITERAL' }, next, next, after)).userErrors,
  ).toEqual([{ message: told, path: ['items', '4', 'matchType'] }]);
  const one = await addKeyword(t, a, 'x+', 0.5, { matchType: 'REGEX' });
  const update = (input: object) =>
    mutate(t, a.key, 'updateKeyword { keyword { isActive } userErrors { message path } }', { id: one.id, ...input });
  expect((await add(next)).userErrors).toHaveLength(1);
  expect((await update({ isActive: true, weight: 0.4 })).keyword).toEqual({ isActive: true });
  await update({ isActive: false });
  expect((await add(next)).batch.created).toBe(1);
  expect((await update({ isActive: true })).userErrors).toEqual([{ message: told, path: ['isActive'] }]);
  const importer = keywordImporter({ category: 'SLANG', weight: 0.5, kind: 'FORUM' });
  const imported = importer.parse({ term: 'z+', matchType: 'REGEX' }).map(({ item }) => item);
  const stored = withWrite(t.app.services.write, a.system, 'test.import', (tx) => createKeywords(tx, imported));
  await expect(stored).rejects.toThrow(`has ${MAX_REGEXES} active`);
});
