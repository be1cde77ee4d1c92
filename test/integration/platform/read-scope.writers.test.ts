import { afterAll, beforeAll, expect, test } from 'vitest';
import { createApp } from '../../../src/app.ts';
import { createLog } from '../../../src/log.ts';
import { createTestApp, type TestApp } from '../../support/app.ts';
import { asOwner } from '../intel/records.ts';

let t: TestApp;
beforeAll(async () => {
  t = await createTestApp();
});
afterAll(() => t?.close());

const REQUEST = { id: 'x', ip: null, userAgent: null };
const lastUse = async (tenantId: string) => {
  const [key] = await asOwner(t, 'SELECT last_used_at AS at FROM api_keys WHERE tenant_id = $1', [tenantId]);
  return key.at as Date | null;
};

test('the pool for reads refuses writes that do not say so', async () => {
  await expect(t.app.services.pool.query('DELETE FROM statement_log')).rejects.toMatchObject({ code: '25006' });
  await expect(t.app.services.pool.query('SELECT 1 AS one')).resolves.toMatchObject({ rows: [{ one: 1 }] });
});

test.for(['argus_app', 'the owner'])('as %s, the use of an API key is noted', async (login) => {
  const a = await t.tenant(login === 'argus_app' ? 'noted' : 'noted-by-owner');
  const databaseUrl = login === 'argus_app' ? t.database.appUrl : t.database.ownerUrl;
  const { env } = t.app.services;
  const app = await createApp({ databaseUrl, env, log: createLog({ level: 'silent', pretty: false }), jobs: false });
  expect(await lastUse(a.tenantId)).toBeNull();
  await app.endpoint.authenticator.viewer(a.key, REQUEST);
  await expect.poll(() => lastUse(a.tenantId)).not.toBeNull();
  await app.close();
});

test('uses of a key that several processes note at once are no conflict', async () => {
  const a = await t.tenant('noted-at-once');
  const warnings: unknown[] = [];
  const log = createLog({ level: 'silent', pretty: false });
  log.warn = (...line: unknown[]) => void warnings.push(line);
  const { env } = t.app.services;
  const apps = await Promise.all(
    [1, 2, 3].map(() => createApp({ databaseUrl: t.database.appUrl, env, log, jobs: false })),
  );
  await Promise.all(apps.map(({ endpoint }) => endpoint.authenticator.viewer(a.key, REQUEST)));
  await expect.poll(() => lastUse(a.tenantId)).not.toBeNull();
  await Promise.all(apps.map((app) => app.close()));
  expect(warnings).toEqual([]);
});

test('the statement log is written, and minutes add up', async () => {
  const { env } = t.app.services;
  const log = createLog({ level: 'silent', pretty: false });
  const app = await createApp({ databaseUrl: t.database.appUrl, env, log, jobs: true });
  const { statements } = app.services.read;
  const at = Date.now();
  await asOwner(t, `INSERT INTO statement_log VALUES (now() - interval '9 days', $1, 1, 1, 0)`, [statements.processId]);
  statements.record('SELECT 1', 2.25);
  statements.record('SELECT 2', 1e6);
  await app.close();
  const rows = await asOwner(
    t,
    `SELECT sum(calls)::int AS calls, sum(total_ms) AS ms, sum(slow)::int AS slow, min(minute) AS minute
     FROM statement_log WHERE process_id = $1`,
    [statements.processId],
  );
  expect(rows[0].calls).toBeGreaterThanOrEqual(2);
  expect(rows[0].ms).toBeGreaterThanOrEqual(1e6 + 2.25);
  expect(rows[0].slow).toBe(1);
  expect(rows[0].minute.getTime()).toBeGreaterThan(at - 120_000);
});
