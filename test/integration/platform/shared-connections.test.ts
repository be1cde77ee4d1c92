import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Database } from '../../../src/data/database.ts';
import type { Statement } from '../../../src/data/statement.ts';
import { createReadWorld, lookUp, openProxy, outcome, type ReadWorld, scopeOf, sql } from './read-scope.world.ts';

let w: ReadWorld;
let db: Database;
beforeAll(async () => {
  w = await createReadWorld();
  db = await w.open(w.database.appUrl, { DB_POOL_SIZE: '4' });
});
afterAll(() => w?.close());

const pid = sql('SELECT pg_backend_pid() AS pid');
const tenant = sql(`SELECT current_setting('app.tenant_id') AS t`, [], 'shared_tenant');

/** Each reads in a scope of its own, all asked in one tick. */
function atOnce(
  database: Database,
  reads: readonly (readonly Statement[])[],
  viewerOf = (i: number) => (i % 2 ? w.b : w.a),
) {
  return Promise.all(
    reads.map(async (statements, i) => {
      const scope = lookUp(database, viewerOf(i));
      const outcomes = await Promise.all(statements.map((one) => outcome(scope.query(one))));
      await scope.close();
      return outcomes;
    }),
  );
}

test('many look-ups of a moment share two connections, each in a transaction of its own', async () => {
  const stamp = sql('SELECT pg_backend_pid() AS pid, pg_current_xact_id_if_assigned() AS x, now() AS at');
  const answers = (await atOnce(
    db,
    Array.from({ length: 40 }, () => [stamp, tenant]),
  )) as [{ pid: number; at: Date }[], { t: string }[]][];
  expect(new Set(answers.map(([[one]]) => one?.pid)).size).toBe(2);
  expect(answers.map(([, [one]]) => one?.t)).toEqual(answers.map((_, i) => (i % 2 ? w.b : w.a).tenantId));
  expect(db.pool.idleCount).toBe(db.pool.totalCount);
});

test('they are one write for each connection', async () => {
  const proxy = await openProxy(w.database.appUrl);
  const counted = await w.open(proxy.url, { DB_POOL_SIZE: '4' });
  const many = Array.from({ length: 20 }, () => [pid]);
  await atOnce(counted, many);
  const before = proxy.chunks();
  await atOnce(counted, many);
  expect(proxy.chunks() - before).toBe(2);
  proxy.close();
});

test('a connection of its own has whoever may need more than one flight, or looks for rows', async () => {
  const scopes = Array.from({ length: 4 }, () => scopeOf(db, w.a));
  const pids = await Promise.all(scopes.map(async (scope) => (await scope.query<{ pid: number }>(pid))[0]?.pid));
  expect(new Set(pids).size).toBe(4);
  await Promise.all(scopes.map((scope) => scope.close()));
});

const KINDS: Record<string, (i: number) => Statement> = {
  unnamed: (i) => sql('SELECT $1::int4 AS v', [i]),
  tenant: () => sql(`SELECT current_setting('app.tenant_id') AS v`, [], 'prop_tenant'),
  named: (i) => sql('SELECT $1::int4 + 1 AS v', [i], 'prop_named'),
  another: (i) => sql(`SELECT $1::text || 'x' AS v`, [i], `prop_another_${i}`),
  none: () => sql('SELECT 1 AS v WHERE false', [], 'prop_none'),
  fails: () => sql('SELECT 1/0 AS v'),
  refused: () => sql('SELECT $1::uuid AS v', ['no uuid'], 'prop_refused'),
  unparsable: () => sql('SELECT nothing', [], 'prop_unparsable'),
};

test('whatever others on the connection meet, each look-up has the outcome that it has alone', async () => {
  const kind = fc.constantFrom(...Object.keys(KINDS));
  const reads = fc.array(fc.array(kind, { minLength: 1, maxLength: 3 }), { minLength: 1, maxLength: 12 });
  let failed = 0;
  await fc.assert(
    fc.asyncProperty(reads, async (plan) => {
      const statements = plan.map((kinds) => kinds.map((name, i) => (KINDS[name] ?? KINDS.unnamed)?.(i) ?? pid));
      // fresh connections now and then, so that names are parsed in all orders
      const fresh = failed % 5 === 0 ? await w.open(w.database.appUrl, { DB_POOL_SIZE: '2' }) : db;
      const got = await atOnce(fresh, statements);
      const alone: unknown[][] = [];
      for (const [i, one] of statements.entries()) {
        const scope = scopeOf(db, i % 2 ? w.b : w.a);
        alone.push(await Promise.all(one.map((statement) => outcome(scope.query(statement)))));
        await scope.close();
      }
      if (alone.flat().some((result) => typeof result === 'string')) failed++;
      expect(got).toEqual(alone);
    }),
    { numRuns: 100, seed: 9 },
  );
  expect(failed).toBeGreaterThan(30);
  expect(db.pool.idleCount).toBe(db.pool.totalCount);
});

test('what is parsed behind a failure is known as parsed', async () => {
  const fresh = await w.open(w.database.appUrl, { DB_POOL_SIZE: '4' });
  const fails = sql('SELECT 1/0 AS v');
  const named = sql('SELECT 7 AS v', [], 'behind_a_failure');
  const seven = [[{ v: 7 }]];
  expect(await atOnce(fresh, [[fails], [fails], [named], [named]])).toEqual([['22012'], ['22012'], seven, seven]);
  expect(await atOnce(fresh, [[named], [named], [named]])).toEqual([seven, seven, seven]);
});

test('when its connection breaks, all that were behind it fail, and the next have another', async () => {
  const [[first]] = (await atOnce(db, [[pid]])) as [[{ pid: number }[]]];
  expect(first).toHaveLength(1);
  const slow = sql('SELECT 1 AS one FROM pg_sleep(0.3)');
  const reads = atOnce(db, [[slow], [slow], [tenant], [tenant], [tenant], [tenant]]);
  await expect.poll(async () => (await w.owner.query(KILL)).rowCount, { interval: 20 }).toBeGreaterThan(0);
  const outcomes = (await reads).flat();
  expect(outcomes.filter((one) => typeof one === 'string').length).toBeGreaterThanOrEqual(2);
  expect(await atOnce(db, [[tenant]])).toEqual([[[{ t: w.a.tenantId }]]]);
  expect(db.pool.waitingCount).toBe(0);
});

const KILL = `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query LIKE '%pg_sleep(0.3)%' AND pid <> pg_backend_pid()`;

test('when no connection is to be had, all fail, and none is held', async () => {
  const url = new URL(w.database.appUrl);
  const proxy = await openProxy(url.href);
  const away = await w.open(proxy.url, { DB_POOL_SIZE: '2' });
  proxy.close();
  proxy.cut();
  const outcomes = (
    await atOnce(
      away,
      Array.from({ length: 6 }, () => [pid]),
    )
  ).flat();
  expect(outcomes.every((one) => typeof one === 'string')).toBe(true);
  expect(away.pool.totalCount).toBe(0);
});
