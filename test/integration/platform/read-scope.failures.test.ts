import { setTimeout as sleep } from 'node:timers/promises';
import fc from 'fast-check';
import pg from 'pg';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Database } from '../../../src/data/database.ts';
import type { ReadScope } from '../../../src/data/read-scope.ts';
import type { Statement } from '../../../src/data/statement.ts';
import { TYPES } from '../../../src/data/value-types.ts';
import { createReadWorld, openProxy, outcome, type ReadWorld, scopeOf, sql } from './read-scope.world.ts';

let w: ReadWorld;
let db: Database;
beforeAll(async () => {
  w = await createReadWorld();
  db = await w.open(w.database.appUrl);
});
afterAll(() => w?.close());

const one = sql('SELECT 1 AS one');
const ONE = [{ one: 1 }];
const failing = sql('SELECT 1/0');
const slow = (seconds: number) => sql('SELECT 1 AS one FROM pg_sleep($1::float8)', [seconds]);
const pidOf = async (scope: ReadScope) =>
  (await scope.query<{ pid: number }>(sql('SELECT pg_backend_pid() AS pid')))[0]?.pid;
const inScope = <T>(fn: (scope: ReadScope) => Promise<T>, from = db) => {
  const scope = scopeOf(from, w.a);
  return fn(scope).finally(() => scope.close());
};
const poolOf = (url: URL) =>
  Object.assign(new pg.Pool({ connectionString: url.href, types: TYPES, max: 1 }), {
    citus: false,
    idleMs: 0,
    shared: null,
  });
const outcomes = (scope: ReadScope, ...statements: Statement[]) =>
  Promise.all(statements.map((statement) => outcome(scope.query(statement))));

test('an error is its statement’s; those before it have their rows, those after it a failed transaction', async () => {
  const backend = await inScope(pidOf);
  await inScope(async (scope) => {
    expect(await outcomes(scope, one, failing, one, failing)).toEqual([ONE, '22012', '25P02', '25P02']);
    expect(await outcomes(scope, one)).toEqual(['25P02']);
    expect(scope.statements).toBe(5);
  });
  expect(await inScope(pidOf)).toBe(backend);
  const error = await inScope((scope) => scope.query(failing)).catch((failure: unknown) => failure);
  expect(error).toBeInstanceOf(pg.DatabaseError);
  expect(error).toMatchObject({ message: 'division by zero', severity: 'ERROR', routine: 'int4div' });
});

test('the same after finish() and close(), whose Sync was sent already', async () => {
  const backend = await inScope(pidOf);
  for (const end of ['finish', 'close'] as const) {
    const scope = scopeOf(db, w.a);
    const answers = outcomes(scope, one, failing, one);
    void scope[end]();
    expect(await answers).toEqual([ONE, '22012', '25P02']);
    await scope.close();
  }
  expect(await inScope(pidOf)).toBe(backend);
});

test('a statement asked while another fails is part of the failed transaction', async () => {
  await inScope(async (scope) => {
    await scope.query(one);
    const first = outcome(scope.query(sql('SELECT 1/0 FROM pg_sleep(0.05)')));
    await sleep(10);
    expect(await outcomes(scope, one)).toEqual(['25P02']);
    expect(await first).toBe('22012');
  });
});

test('a name is known on a connection only when its statement was parsed there', async () => {
  const named = (value: unknown) => sql('SELECT $1::uuid AS id', [value], 'named_uuid');
  const skipped = sql('SELECT 2 AS two', [], 'named_skipped');
  const wrong = sql('SELECT nothing', [], 'named_wrong');
  const id = w.a.tenantId;
  // Parsed, but its value is refused before it is described.
  expect(await inScope((scope) => outcomes(scope, named('no uuid'), skipped))).toEqual(['22P02', '25P02']);
  expect(await inScope((scope) => outcomes(scope, skipped, named(id)))).toEqual([[{ two: 2 }], [{ id }]]);
  for (let i = 0; i < 2; i++) expect(await inScope((scope) => outcomes(scope, wrong))).toEqual(['42703']);
  expect(await inScope((scope) => outcomes(scope, named(id), skipped))).toEqual([[{ id }], [{ two: 2 }]]);
});

test('a failure of the opening is the first statement’s', async () => {
  await w.owner.query(`CREATE ROLE nobody_special LOGIN PASSWORD 'nobody'`);
  const url = new URL(w.database.appUrl);
  [url.username, url.password] = ['nobody_special', 'nobody'];
  const pool = poolOf(url);
  const nobody = { ...db, pool, setRole: true };
  expect(await inScope((scope) => outcomes(scope, one, one), nobody)).toEqual(['42501', '25P02']);
  await pool.end();
  await w.owner.query('DROP ROLE nobody_special');
});

test('a value that cannot be sent fails its own statement only, before anything is sent', async () => {
  const circular: Record<string, unknown> = {};
  circular.self = circular;
  const bad = sql('SELECT $1::jsonb', [circular]);
  await inScope(async (scope) => {
    expect(await outcomes(scope, bad, one, bad)).toEqual([expect.stringMatching(/circular/), ONE, expect.any(String)]);
    expect(await outcomes(scope, bad, one)).toEqual([expect.any(String), ONE]);
  });
  expect(await inScope((scope) => outcomes(scope, bad))).toEqual([expect.stringMatching(/circular/)]);
  expect(await inScope((scope) => outcomes(scope, sql('SELECT $1::text', ['a\0b'])))).toEqual(['22021']);
  expect(await inScope((scope) => outcomes(scope, one))).toEqual([ONE]);
});

test('a connection that breaks rejects all that waits and is replaced', async () => {
  const kill = (pid: unknown) => w.owner.query('SELECT pg_terminate_backend($1, 5000)', [pid]);
  const pids = new Set<unknown>();
  for (const idle of [false, true]) {
    await inScope(async (scope) => {
      const pid = await pidOf(scope);
      pids.add(pid);
      const waiting = idle ? Promise.resolve([]) : outcomes(scope, slow(20), one);
      await sleep(20);
      await kill(pid);
      if (!idle) expect(await waiting).toEqual(['57P01', '25P02']);
      await sleep(20);
      expect(await outcomes(scope, one)).not.toEqual([ONE]);
    });
  }
  expect(await inScope((scope) => outcomes(scope, one))).toEqual([ONE]);
  pids.add(await inScope(pidOf));
  expect(pids.size).toBe(3);
  expect(db.pool.totalCount).toBe(1);
});

test('so does one that ends without a word', async () => {
  const proxy = await openProxy(w.database.appUrl);
  const far = await w.open(proxy.url);
  const ended = expect.stringMatching(/terminated|ECONNRESET/);
  await inScope(async (scope) => {
    await scope.query(one);
    const waiting = outcomes(scope, slow(20), one);
    await sleep(20);
    proxy.cut();
    expect(await waiting).toEqual([ended, ended]);
    expect(await outcomes(scope, one)).toEqual([ended]);
  }, far);
  // Between a failure and the Sync's answer, and between the last statement and it.
  for (const statements of [[failing], [one]]) {
    const scope = scopeOf(far, w.a);
    await outcomes(scope, ...statements);
    const closed = scope.close();
    proxy.cut();
    await closed;
    expect(await inScope((next) => outcomes(next, one), far)).toEqual([ONE]);
  }
  proxy.close();
});

test('a server that cannot be reached rejects, and the scope can be closed', async () => {
  const url = new URL(w.database.appUrl);
  url.port = '1';
  const pool = poolOf(url);
  const scope = scopeOf({ ...db, pool }, w.a);
  expect(await outcomes(scope, one, one)).toEqual(['ECONNREFUSED', 'ECONNREFUSED']);
  expect(await outcomes(scope, one)).toEqual(['ECONNREFUSED']);
  await scope.close();
  await pool.end();
});

test('each statement has the time of statement_timeout for itself', async () => {
  const strict = await w.open(w.database.appUrl, { STATEMENT_TIMEOUT_MS: '400' });
  await inScope(async (scope) => {
    expect(await outcomes(scope, slow(0.25), slow(0.25))).toEqual([ONE, ONE]);
    // The time between flights is not a statement's.
    await sleep(450);
    expect(await outcomes(scope, one, slow(20), one)).toEqual([ONE, '57014', '25P02']);
  }, strict);
  expect(await inScope((scope) => outcomes(scope, one), strict)).toEqual([ONE]);
});

test('a scope that asks nothing for too long is ended; a statement that takes long is not idleness', async () => {
  const strict = await w.open(w.database.appUrl, { IDLE_TX_TIMEOUT_MS: '200' });
  expect(await inScope((scope) => outcomes(scope, slow(0.4), one), strict)).toEqual([ONE, ONE]);
  await inScope(async (scope) => {
    for (let i = 0; i < 4; i++) {
      expect(await outcomes(scope, one)).toEqual([ONE]);
      await sleep(100);
    }
    await expect.poll(() => strict.pool.idleCount).toBe(1);
    expect(await outcomes(scope, one)).toEqual([expect.stringMatching(/ended after 200 ms without a statement/)]);
  }, strict);
  const patient = scopeOf(strict, w.a);
  patient.idleMs = 5_000;
  await patient.query(one);
  await sleep(400);
  expect(await patient.query(one)).toEqual(ONE);
  await patient.close();
});

const KINDS: Record<string, (i: number) => Statement> = {
  unnamed: (i) => sql('SELECT $1::int4 AS v', [i]),
  named: (i) => sql(`SELECT $1::int4 + ${i % 3} AS v`, [i], `random_${i % 3}`),
  rows: (i) => sql('SELECT s AS v, repeat($1::text, 300) AS w FROM generate_series(1, 20) s', ['é'], `rows_${i % 2}`),
  tenant: () => sql(`SELECT current_setting('app.tenant_id') AS v`, [], 'random_tenant'),
  fails: (i) => sql('SELECT 1 / ($1::int4 * 0) AS v', [i], `fails_${i % 2}`),
  unparsable: (i) => sql(`SELECT FROM WHERE`, [], i % 2 ? 'unparsable' : undefined),
};

test('whatever is asked in whichever flights, the outcomes are those of a plain transaction', async () => {
  const kind = fc.constantFrom(...Object.keys(KINDS), 'unnamed', 'named', 'rows', 'tenant');
  const flights = fc.array(fc.array(kind, { minLength: 1, maxLength: 5 }), { minLength: 1, maxLength: 4 });
  const ending = fc.constantFrom('finish', 'close', 'later');
  const reference = new pg.Client({ connectionString: w.database.appUrl, types: TYPES });
  await reference.connect();
  let runs = 0;
  const property = fc.asyncProperty(flights, ending, fc.boolean(), async (plan, end, other) => {
    runs++;
    const viewer = other ? w.b : w.a;
    const statements = plan.map((kinds) => kinds.map((name, i) => (KINDS[name] ?? KINDS.unnamed)?.(i) ?? one));
    await reference.query(`BEGIN; SET LOCAL app.tenant_id = '${viewer.tenantId}'`);
    const wanted: unknown[] = [];
    for (const { text, values } of statements.flat()) {
      // PostgreSQL tells a text that cannot be parsed even then, a scope does not ask it.
      const failed = typeof wanted.at(-1) === 'string';
      wanted.push(failed ? '25P02' : await outcome(reference.query(text, values).then(({ rows }) => rows)));
    }
    await reference.query('ROLLBACK');
    const scope = scopeOf(db, viewer);
    const got: unknown[] = [];
    for (const [i, flight] of statements.entries()) {
      const answers = outcomes(scope, ...flight);
      if (i === statements.length - 1 && end !== 'later') void scope[end === 'finish' ? 'finish' : 'close']();
      got.push(...(await answers));
    }
    void scope.close();
    expect(got).toEqual(wanted);
  });
  await fc.assert(property, { numRuns: 300, seed: 18 }).finally(() => reference.end());
  expect(runs).toBeGreaterThanOrEqual(300);
  expect(db.pool.totalCount).toBe(1);
});

test('many scopes at once never see each other’s tenant', async () => {
  const busy = await w.open(w.database.appUrl, { DB_POOL_SIZE: '4' });
  const tenant = KINDS.tenant?.(0) ?? one;
  await Promise.all(
    Array.from({ length: 300 }, async (_, i) => {
      const viewer = i % 2 ? w.a : w.b;
      const scope = scopeOf(busy, viewer);
      const mine = [{ v: viewer.tenantId }];
      if (i % 3 === 0) expect(await outcomes(scope, tenant, one)).toEqual([mine, ONE]);
      if (i % 7 === 0) expect(await outcomes(scope, tenant, failing)).toEqual([mine, '22012']);
      else expect(await outcomes(scope, one, tenant)).toEqual([ONE, mine]);
      void scope.close();
    }),
  );
  expect(busy.pool.totalCount).toBe(4);
});
