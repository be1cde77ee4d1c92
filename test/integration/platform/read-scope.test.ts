import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { Database } from '../../../src/data/database.ts';
import { ScopeFinished } from '../../../src/data/read-errors.ts';
import { type ReadScope, withReadScope } from '../../../src/data/read-scope.ts';
import { TYPES } from '../../../src/data/value-types.ts';
import { createReadWorld, openProxy, outcome, type ReadWorld, scopeOf, sql } from './read-scope.world.ts';

let w: ReadWorld;
/** one connection, so that what a scope leaves behind is met by the next */
let db: Database;
beforeAll(async () => {
  w = await createReadWorld();
  db = await w.open(w.database.appUrl);
});
afterAll(() => w?.close());
beforeEach(() => w.owner.query('TRUNCATE numbers; INSERT INTO numbers VALUES (1)'));

const count = sql('SELECT count(*)::int AS n FROM numbers', [], 'count_numbers');
const pid = sql('SELECT pg_backend_pid() AS pid');
const pidOf = async (scope: ReadScope) => (await scope.query<{ pid: number }>(pid))[0]?.pid;
const inScope = <T>(fn: (scope: ReadScope) => Promise<T>, from = db) => {
  const scope = scopeOf(from, w.a);
  return fn(scope).finally(() => scope.close());
};

describe('one transaction', () => {
  test('several flights see one moment, also when others commit between them', async () => {
    await inScope(async (scope) => {
      expect(await scope.query(count)).toEqual([{ n: 1 }]);
      for (const n of [2, 3]) {
        await w.owner.query('INSERT INTO numbers VALUES ($1)', [n]);
        expect(await scope.query(count)).toEqual([{ n: 1 }]);
        expect(await scope.query(sql('SELECT n FROM numbers ORDER BY n'))).toEqual([{ n: 1 }]);
      }
      const [times] = await scope.query<{ same: boolean }>(sql('SELECT now() < clock_timestamp() AS same'));
      expect(times).toEqual({ same: true });
    });
    expect(await inScope((scope) => scope.query(count))).toEqual([{ n: 3 }]);
  });

  test('it is read only, and says so', async () => {
    await inScope(async (scope) => {
      const modes = ['transaction_isolation', 'transaction_read_only'];
      const rows = await scope.query(sql('SELECT current_setting(m) AS mode FROM unnest($1::text[]) m', [modes]));
      expect(rows).toEqual([{ mode: 'repeatable read' }, { mode: 'on' }]);
      expect(await outcome(scope.query(sql('INSERT INTO numbers VALUES (9)')))).toBe('25006');
    });
  });

  test('options of the URL are kept', async () => {
    const url = new URL(w.database.appUrl);
    url.searchParams.set('options', '-c work_mem=7MB');
    const other = await w.open(url.href);
    const rows = await inScope(
      (scope) => scope.query(sql(`SELECT current_setting('work_mem') m, current_setting('transaction_read_only') r`)),
      other,
    );
    expect(rows).toEqual([{ m: '7MB', r: 'on' }]);
  });

  test('the tenant and the member are set in it and gone after it', async () => {
    const settings = sql(
      `SELECT current_setting('app.tenant_id', true) AS t, current_setting('app.member_id', true) AS m`,
    );
    const memberId = w.b.tenantId;
    const scope = scopeOf(db, { ...w.a, memberId });
    expect(await scope.query(settings)).toEqual([{ t: w.a.tenantId, m: memberId }]);
    await scope.close();
    // A setting that a transaction had falls back to the empty text, which policies take for none.
    expect((await db.pool.query(settings)).rows).toEqual([{ t: '', m: '' }]);
    expect(await inScope((next) => next.query(settings))).toEqual([{ t: w.a.tenantId, m: '' }]);
    const tenants = sql('SELECT id FROM tenants');
    expect(await inScope((next) => next.query(tenants))).toEqual([{ id: w.a.tenantId }]);
    expect((await db.pool.query(tenants)).rows).toEqual([]);
  });

  test('what is no UUID is refused before it is sent', async () => {
    const scope = scopeOf(db, { ...w.a, tenantId: `${w.a.tenantId}'` });
    await expect(scope.query(count)).rejects.toThrow(/not a UUID/);
    await scope.close();
  });

  test('a login that is not argus_app takes the role in it, and row-level security holds', async () => {
    const other = await w.open(w.database.ownerUrl);
    expect(other.setRole).toBe(true);
    const who = sql('SELECT current_user::text AS who');
    for (const viewer of [w.a, w.b]) {
      const scope = scopeOf(other, viewer);
      const [role, tenants] = await Promise.all([scope.query(who), scope.query(sql('SELECT id FROM tenants'))]);
      await scope.close();
      expect([role, tenants]).toEqual([[{ who: 'argus_app' }], [{ id: viewer.tenantId }]]);
    }
    const { rows } = await other.pool.query(who);
    expect(rows).toEqual([{ who: new URL(w.database.ownerUrl).username }]);
  });
});

describe('flights', () => {
  test('what is asked in a tick is one write; finish() ends the transaction in it', async () => {
    const proxy = await openProxy(w.database.appUrl);
    const far = await w.open(proxy.url);
    const flightsOf = async (work: (scope: ReadScope) => Promise<unknown>) => {
      await inScope((scope) => scope.query(count), far);
      const before = proxy.flights();
      const scope = scopeOf(far, w.a);
      await work(scope);
      await scope.close();
      return proxy.flights() - before;
    };
    const three = (scope: ReadScope) => Promise.all([count, pid, count].map((one) => scope.query(one)));
    const inNextTicks = (scope: ReadScope) =>
      Promise.all([1, 2, 3].map(() => new Promise<void>((resolve) => process.nextTick(resolve, scope.query(count)))));
    expect(
      await flightsOf((scope) => {
        const answers = three(scope);
        scope.finish();
        return answers;
      }),
    ).toBe(1);
    expect(await flightsOf(three)).toBe(2);
    expect(await flightsOf(async (scope) => [await three(scope), await three(scope)])).toBe(3);
    expect(await flightsOf(async (scope) => [await three(scope), await inNextTicks(scope)])).toBe(3);
    expect(
      await flightsOf(async (scope) => {
        await three(scope);
        const answers = three(scope);
        scope.finish();
        return answers;
      }),
    ).toBe(2);
    expect(await flightsOf(async () => {})).toBe(0);
    proxy.close();
  });

  test('the flight that is expected to be the last ends the transaction; a statement after it learns that', async () => {
    const scope = scopeOf(db, w.a);
    scope.lastFlight = 2;
    expect(await scope.query(count)).toEqual([{ n: 1 }]);
    expect(await Promise.all([scope.query(count), scope.query(count)])).toEqual([[{ n: 1 }], [{ n: 1 }]]);
    await expect(scope.query(count)).rejects.toThrow(ScopeFinished);
    expect(scope.flights).toBe(2);
    await expect.poll(() => db.pool.idleCount).toBe(1);
    await scope.close();
  });

  test('nothing follows finish() and close(), which may be called again', async () => {
    const scope = scopeOf(db, w.a);
    const rows = scope.query(count);
    scope.finish();
    await expect(scope.query(count)).rejects.toThrow('this read scope is finished');
    expect(await rows).toEqual([{ n: 1 }]);
    scope.finish();
    await Promise.all([scope.close(), scope.close()]);
    await expect(scope.cells(count)).rejects.toThrow('this read scope is closed');
    const unused = scopeOf(db, w.a);
    unused.finish();
    await unused.close();
    await expect(unused.query(count)).rejects.toThrow('closed');
    expect(scope.statements).toBe(1);
  });

  test('what was asked before close() is answered', async () => {
    const scope = scopeOf(db, w.a);
    const early = scope.query(count);
    const closed = scope.close();
    expect(await early).toEqual([{ n: 1 }]);
    await closed;
    expect(db.pool.idleCount).toBe(1);
  });

  test('scopes wait for each other when connections are few', async () => {
    const pids = await Promise.all(Array.from({ length: 20 }, () => inScope(pidOf)));
    expect(new Set(pids).size).toBe(1);
  });
});

describe('answers', () => {
  const VALUES = `SELECT 9007199254740993::int8 AS big, 7 AS small, 1.10::numeric AS exact, ARRAY[1.10, 2]::numeric[] AS many,
    '2024-02-29'::date AS day, '2024-02-29T12:00:00.123Z'::timestamptz AS moment, true AS yes, NULL::text AS none,
    '{"a":[1]}'::jsonb AS json, '\\x00ff'::bytea AS bytes, ARRAY['a',NULL] AS texts, 1.5::float8 AS float, '' AS empty`;

  test('rows are what the driver makes of them, named or not, described or remembered', async () => {
    const { rows: wanted } = await db.pool.query({ text: VALUES });
    for (const name of [undefined, 'all_types', 'all_types', 'all_types']) {
      const rows = await inScope((scope) => scope.query(sql(VALUES, [], name)));
      expect(rows).toEqual(wanted);
    }
    const twice = await inScope((scope) =>
      Promise.all([scope.query(sql(VALUES, [], 'fresh_name')), scope.query(sql(VALUES, [], 'fresh_name'))]),
    );
    expect(twice).toEqual([wanted, wanted]);
  });

  test('cells are the texts, with what reads them', async () => {
    for (let i = 0; i < 3; i++) {
      const { names, parsers, rows } = await inScope((scope) => scope.cells(sql(VALUES, [], 'as_cells')));
      expect(names.slice(0, 4)).toEqual(['big', 'small', 'exact', 'many']);
      expect(rows).toHaveLength(1);
      expect(rows[0]?.slice(0, 8)).toEqual([
        '9007199254740993',
        '7',
        '1.10',
        '{1.10,2}',
        '2024-02-29',
        expect.stringMatching(/^2024-02-29 /),
        't',
        null,
      ]);
      expect(parsers[0]?.('9007199254740993')).toBe(9007199254740993n);
      expect(parsers[4]?.('2024-02-29')).toEqual(TYPES.getTypeParser(1082, 'text')('2024-02-29'));
    }
  });

  test('no rows, no columns and an empty text are answers too', async () => {
    await inScope(async (scope) => {
      const none = [
        'SELECT 1 AS one WHERE false',
        'SELECT FROM generate_series(1, 2)',
        'SET LOCAL work_mem = 1024',
        '',
      ];
      const answers = await Promise.all(none.flatMap((text) => [scope.cells(sql(text)), scope.cells(sql(text))]));
      expect(answers.map(({ names, rows }) => [names, rows])).toEqual(
        [
          [['one'], []],
          [[], [[], []]],
          [[], []],
          [[], []],
        ].flatMap((answer) => [answer, answer]),
      );
    });
  });

  test('values go as the driver sends them', async () => {
    const values = [new Date(1_700_000_000_123), Buffer.from([0, 255]), { a: 1 }, ['x', null], 5, true, null, 12n];
    const types = ['timestamptz', 'bytea', 'jsonb', 'text[]', 'int4', 'bool', 'text', 'int8'];
    const text = `SELECT ${types.map((type, i) => `$${i + 1}::${type} AS v${i}`).join(', ')}`;
    const { rows } = await db.pool.query(text, values);
    expect(await inScope((scope) => scope.query(sql(text, values)))).toEqual(rows);
  });

  test('many rows and a statement beside it keep apart', async () => {
    const [many, few] = await inScope((scope) =>
      Promise.all([
        scope.query(sql(`SELECT i, repeat('x', 1000) AS x FROM generate_series(1, 5000) i`)),
        scope.query(count),
      ]),
    );
    expect(many).toHaveLength(5000);
    expect(many.at(-1)).toEqual({ i: 5000, x: 'x'.repeat(1000) });
    expect(few).toEqual([{ n: 1 }]);
  });
});

describe('within BEGIN and COMMIT, for Citus', () => {
  test('it is one snapshot without the defaults of the pool, and comes back in order after an error', async () => {
    const proxy = await openProxy(w.database.ownerUrl);
    const pool = Object.assign(new pg.Pool({ connectionString: proxy.url, types: TYPES, max: 1 }), {
      citus: true,
      idleMs: 0,
      shared: null,
    });
    const read = { ...db, pool, setRole: true };
    const inBlock = <T>(fn: (scope: ReadScope) => Promise<T>) => inScope(fn, read);
    const backend = await inBlock(pidOf);
    await inBlock(async (scope) => {
      const who = sql(`SELECT current_user::text AS who, current_setting('app.tenant_id') AS t`);
      expect(await scope.query(who)).toEqual([{ who: 'argus_app', t: w.a.tenantId }]);
      await w.owner.query('INSERT INTO numbers VALUES (2)');
      expect(await scope.query(count)).toEqual([{ n: 1 }]);
      expect(await outcome(scope.query(sql('INSERT INTO numbers VALUES (9)')))).toBe('25006');
      expect(await outcome(scope.query(count))).toBe('25P02');
    });
    const scope = scopeOf(read, w.a);
    const answers = Promise.all([sql('SELECT 1/0'), count].map((one) => outcome(scope.query(one))));
    scope.finish();
    expect(await answers).toEqual(['22012', '25P02']);
    await scope.close();
    expect(await inBlock(pidOf)).toBe(backend);
    expect(proxy.sent().split('COMMIT')).toHaveLength(4);
    // Only what failed is not ended by its last flight.
    expect(proxy.sent().split('ROLLBACK')).toHaveLength(3);
    expect(await inBlock((next) => next.query(count))).toEqual([{ n: 2 }]);
    expect((await pool.query('SELECT current_user::text AS who')).rows[0]).not.toEqual({ who: 'argus_app' });
    await pool.end();
    proxy.close();
  });
});

test('withReadScope gives the connection back, whatever the work does', async () => {
  const read = { pool: db.pool, setRole: db.setRole, statements: { record: () => {} } as never };
  await expect(withReadScope(read, w.a, () => Promise.reject(new Error('mine')))).rejects.toThrow('mine');
  await withReadScope(read, w.a, async (scope) => {
    expect(await scope.query(count)).toEqual([{ n: 1 }]);
    await sleep(1);
  });
  await expect.poll(() => db.pool.idleCount).toBe(1);
});
