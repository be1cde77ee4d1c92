import pg from 'pg';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Answer, createTestApp, type TestApp } from '../../support/app.ts';
import { addKeyword, addSource, asOwner, ingest, mutate } from '../intel/records.ts';

let t: TestApp;
beforeAll(async () => {
  t = await createTestApp({ env: { SLOW_STATEMENT_MS: '150', DB_POOL_SIZE: '3', DB_POOL_OVERFLOW: '2' } });
});
afterAll(() => t?.close());

const HEALTH = `{ databaseHealth { status timestamp checks { name status latencyMs observedAt detail }
  connectionPool { poolSize open checkedIn checkedOut waiting invalid poolUsage }
  databaseSize { bytes humanReadable } tableStatistics { table rowCount bytes size }
  applicationMetrics { totalUsers flaggedUsers totalContent highRiskContent openCases recentOsintSearches }
  performance { avgQueryTime statements24h slowQueries24h indexUsage { totalIndexes usedIndexes usagePercentage } } } }`;

const health = async (key: string): Promise<Answer> => (await t.runOk(key, HEALTH)).databaseHealth;

test('the database’s health holds every figure, with sense', async () => {
  const a = await t.tenant('figures');
  const { status, checks, connectionPool, databaseSize, tableStatistics, performance, timestamp } = await health(a.key);
  expect(status).toBe('HEALTHY');
  expect(Math.abs(Date.now() - Date.parse(timestamp))).toBeLessThan(10_000);
  expect(checks.map((check: Answer) => [check.name, check.status])).toEqual([
    ['database', 'HEALTHY'],
    ['eventBus', 'HEALTHY'],
  ]);
  expect(checks[0].detail).toMatch(/^PostgreSQL \d+/);
  expect(checks[0].latencyMs).toBeGreaterThan(0);
  expect(connectionPool).toMatchObject({ poolSize: 5, waiting: 0, invalid: 0 });
  expect(connectionPool.checkedOut).toBeGreaterThanOrEqual(1);
  expect(connectionPool.checkedIn + connectionPool.checkedOut).toBe(connectionPool.open);
  expect(connectionPool.poolUsage).toBeCloseTo((connectionPool.checkedOut / 5) * 100, 1);
  const [row] = await asOwner(t, 'SELECT pg_database_size(current_database())::float8 AS bytes');
  expect(Number(databaseSize.bytes) / row.bytes).toBeCloseTo(1, 1);
  expect(databaseSize.humanReadable).toMatch(/[MGk]B$/);
  const sizes = tableStatistics.map((table: Answer) => Number(table.bytes));
  expect(sizes).toEqual(sizes.toSorted((x: number, y: number) => y - x));
  expect(tableStatistics.map((table: Answer) => table.table)).toEqual(expect.arrayContaining(['content', 'cases']));
  const { totalIndexes, usedIndexes, usagePercentage } = performance.indexUsage;
  expect(totalIndexes).toBeGreaterThan(100);
  expect(usagePercentage).toBeCloseTo((usedIndexes / totalIndexes) * 100, 1);
});

test('the application’s figures are those of the tenant', async () => {
  const [a, b] = [await t.tenant('metrics'), await t.tenant('metrics-other')];
  const sourceId = await addSource(t, a);
  await addKeyword(t, a, 'snow', 0.7);
  await addKeyword(t, a, 'fentanyl', 0.9);
  const author = (platformUserId: string) => ({ platformUserId, username: `user ${platformUserId}` });
  await ingest(t, a, { sourceId, text: 'snow', author: author('1') });
  await ingest(t, a, { sourceId, text: 'fentanyl', author: author('2') });
  await ingest(t, a, { sourceId, text: 'nothing' });
  await mutate(t, a.key, 'openCase { case { id } }', { title: 'one' });
  await mutate(t, a.key, 'startOsintLookup { osintResult { id } }', { query: 'x', queryType: 'TEXT' });
  await mutate(t, a.key, 'startOsintLookup { osintResult { id } }', { query: 'y', queryType: 'TEXT' });
  await asOwner(
    t,
    `UPDATE osint_results SET created_at = now() - interval '25 hours' WHERE tenant_id = $1 AND query = 'y'`,
    [a.tenantId],
  );
  expect((await health(a.key)).applicationMetrics).toEqual({
    totalUsers: 2,
    flaggedUsers: 1,
    totalContent: 3,
    highRiskContent: 1,
    openCases: 1,
    recentOsintSearches: 1,
  });
  expect((await health(b.key)).applicationMetrics).toMatchObject({ totalUsers: 0, totalContent: 0, openCases: 0 });
});

test('statements of the last 24 hours are counted, slow ones apart', async () => {
  const a = await t.tenant('statements');
  const insert = (minutesAgo: number, calls: number, totalMs: number, slow: number) =>
    asOwner(
      t,
      `INSERT INTO statement_log (minute, process_id, calls, total_ms, slow)
       VALUES (date_trunc('minute', now()) - make_interval(mins => $1), gen_random_uuid(), $2, $3, $4)`,
      [minutesAgo, calls, totalMs, slow],
    );
  await insert(1, 10, 100, 1);
  await insert(23 * 60, 30, 500, 2);
  await insert(25 * 60, 1_000, 99_999, 99);
  expect((await health(a.key)).performance).toMatchObject({ avgQueryTime: 15, statements24h: 40, slowQueries24h: 3 });
});

test('who may not see the health is told so; the public check needs no key', async () => {
  const a = await t.tenant('denied');
  const { key } = await mutate(t, a.key, 'createApiKey { key { secret } }', { name: 'k', permissions: ['case:read'] });
  expect((await t.run(key.secret, HEALTH)).errors?.[0]?.extensions?.code).toBe('FORBIDDEN');
  expect((await t.run(null, HEALTH)).errors?.[0]?.extensions?.code).toBe('UNAUTHENTICATED');
  const { health: open } = await t.runOk(null, '{ health { status timestamp checks { name status detail } } }');
  expect(open).toMatchObject({ status: 'HEALTHY', checks: [{ name: 'database', status: 'HEALTHY', detail: null }] });
});

test('while the database is away both answer with data that says so', async () => {
  const own = await createTestApp({ env: { LOG_LEVEL: 'silent' } });
  const a = await own.tenant('away');
  // What a key may do is remembered once the announcement of the tenant's first events has come through.
  for (const wait of [50, 50, 0]) {
    await own.runOk(a.key, HEALTH);
    await new Promise((resolve) => setTimeout(resolve, wait));
  }
  const name = new URL(own.database.ownerUrl).pathname.slice(1);
  const url = new URL(own.database.ownerUrl);
  url.pathname = '/postgres';
  const admin = new pg.Client({ connectionString: url.toString() });
  await admin.connect();
  await admin.query(`ALTER DATABASE "${name}" ALLOW_CONNECTIONS false`);
  await admin.query('SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = $1', [name]);
  try {
    const open = await own.run(null, '{ health { status checks { name status detail } } }');
    expect(open.data?.health).toMatchObject({
      status: 'UNHEALTHY',
      checks: [{ name: 'database', status: 'UNHEALTHY' }],
    });
    // The key was seen a moment ago, so its holder is still known.
    const { data, errors } = await own.run(a.key, HEALTH);
    expect(errors).toBeUndefined();
    expect(data?.databaseHealth).toMatchObject({
      status: 'UNHEALTHY',
      checks: [{ name: 'database', status: 'UNHEALTHY' }, {}],
      databaseSize: null,
      tableStatistics: null,
      applicationMetrics: null,
      performance: null,
      connectionPool: { invalid: 0 },
    });
    expect(data?.databaseHealth.checks[0].detail).not.toContain(new URL(own.database.appUrl).password || 'no password');
  } finally {
    await admin.query(`ALTER DATABASE "${name}" ALLOW_CONNECTIONS true`);
    await admin.end();
  }
  await expect
    .poll(async () => (await own.run(null, '{ health { status } }')).data?.health.status, { timeout: 10_000 })
    .toBe('HEALTHY');
  await own.close();
});
