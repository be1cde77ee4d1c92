import pg from 'pg';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { createTestApp, type Tenant, type TestApp } from '../../support/app.ts';
import { serveProcess } from './serve-process.ts';
import { post } from './serving.ts';

vi.setConfig({ testTimeout: 40_000 });
let t: TestApp;
let a: Tenant;
beforeAll(async () => {
  t = await createTestApp();
  a = await t.tenant('stop');
});
afterAll(async () => {
  await t?.close();
});

test.for([
  { args: [], code: 1 },
  // The first process has waited for nothing but them.
  { args: ['--workers', '2'], code: 0 },
])('what waits for the database does not keep a stop for ever: $args', async ({ args, code }) => {
  // Jobs would wait for the lock too.
  const serving = serveProcess(t, ['--no-background', ...args], { STOP_TIMEOUT_S: '2' });
  const url = await serving.url();
  const owner = new pg.Client(t.database.ownerUrl);
  await owner.connect();
  try {
    await owner.query('BEGIN; LOCK TABLE counters IN ACCESS EXCLUSIVE MODE');
    const change = post(url, a.key, 'mutation { openCase(input: { title: "x" }) { eventSeq } }').catch(() => 'gone');
    // Other tests have databases of their own in the same server.
    const waiting = `SELECT FROM pg_locks WHERE NOT granted AND relation = 'counters'::regclass
      AND database = (SELECT oid FROM pg_database WHERE datname = current_database())`;
    await expect.poll(async () => (await owner.query(waiting)).rowCount, { timeout: 10_000 }).toBe(1);
    const begun = performance.now();
    serving.child.kill('SIGTERM');
    expect(await serving.ended).toEqual([code, null]);
    expect(performance.now() - begun).toBeGreaterThan(2_000);
    expect(serving.text()).toContain('STOP_TIMEOUT_S');
    expect(await change).toBe('gone');
  } finally {
    await owner.end();
    serving.child.kill('SIGKILL');
  }
});
