import { Writable } from 'node:stream';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createApp } from '../../../src/app.ts';
import { withReadScope } from '../../../src/data/read-scope.ts';
import { type WriteTx, withWrite } from '../../../src/data/write.ts';
import { loadEnv } from '../../../src/env.ts';
import { createLog } from '../../../src/log.ts';
import { createTestApp, type Tenant, type TestApp } from '../../support/app.ts';
import { addSource, asOwner, eventsOf, range } from '../intel/records.ts';

let t: TestApp;
beforeAll(async () => {
  t = await createTestApp();
});
afterAll(() => t?.close());

/** Two sources, as ids of rows. */
async function rowsOf(a: Tenant): Promise<[string, string]> {
  await addSource(t, a);
  await addSource(t, a);
  const rows = await asOwner(t, 'SELECT id FROM sources WHERE tenant_id = $1 ORDER BY id', [a.tenantId]);
  return [rows[0].id, rows[1].id];
}

test('two that lock the same rows in opposite order both succeed: the one that was stopped is run again', async () => {
  const a = await t.tenant('deadlock');
  const [first, second] = await rowsOf(a);
  let attempts = 0;
  let bothHold = () => {};
  const held = new Promise<void>((resolve) => {
    bothHold = resolve;
  });
  let holding = 0;
  const write = (order: [string, string], name: string) =>
    withWrite(t.app.services.write, a.system, 'test', async (tx) => {
      attempts += 1;
      await tx.lock('Source', order[0]);
      holding += 1;
      if (holding === 2) bothHold();
      await held;
      await tx.lock('Source', order[1]);
      tx.emit({ type: name, aggregateType: 'Tenant', aggregateId: a.tenantId, aggregateVersion: 1 });
      tx.audit({ action: `test.${name}` });
      return name;
    });
  const done = await Promise.all([write([first, second], 'ONE'), write([second, first], 'TWO')]);
  expect(done.map((written) => written.value)).toEqual(['ONE', 'TWO']);
  expect(attempts).toBe(3);
  expect(await eventsOf(t, a, 'ONE')).toHaveLength(1);
  expect(await eventsOf(t, a, 'TWO')).toHaveLength(1);
});

const fail = (tx: WriteTx, state: string) =>
  tx.db.$executeRawUnsafe(`DO $$ BEGIN RAISE EXCEPTION 'forced' USING ERRCODE = '${state}'; END $$`);

test.for(['40001', '40P01'])('what fails with %s is tried three times in all', async (state) => {
  const a = await t.tenant(`retry-${state.toLowerCase()}`);
  for (const failures of [2, 3]) {
    let attempts = 0;
    const written = withWrite(t.app.services.write, a.system, 'test', async (tx) => {
      attempts += 1;
      tx.emit({ type: `AFTER_${failures}`, aggregateType: 'Tenant', aggregateId: a.tenantId, aggregateVersion: 1 });
      if (attempts <= failures) await fail(tx, state);
      return attempts;
    });
    if (failures === 2) expect((await written).value).toBe(3);
    else await expect(written).rejects.toThrow(/try again/);
    expect(attempts).toBe(3);
    expect(await eventsOf(t, a, `AFTER_${failures}`)).toHaveLength(failures === 2 ? 1 : 0);
  }
});

test('what fails in another way is not tried again', async () => {
  const a = await t.tenant('no-retry');
  for (const state of ['22012', '42501', 'P0001']) {
    let attempts = 0;
    const written = withWrite(t.app.services.write, a.system, 'test', async (tx) => {
      attempts += 1;
      await fail(tx, state);
    });
    await expect(written).rejects.toThrow(/forced/);
    expect(attempts).toBe(1);
  }
});

test('statements that take long are logged with their text and without values', async () => {
  const lines: string[] = [];
  const destination = new Writable({
    write: (chunk, _, done) => {
      lines.push(String(chunk));
      done();
    },
  });
  const env = loadEnv({
    NODE_ENV: 'test',
    DB_POOL_SIZE: '2',
    SLOW_STATEMENT_MS: '100',
    ARGUS_DIR: '.argus/test',
    DATABASE_URL: t.database.appUrl,
  });
  const log = createLog({ level: 'warn', pretty: false, destination });
  const app = await createApp({ databaseUrl: t.database.appUrl, env, log, jobs: false });
  const a = await t.tenant('slow');
  const sleep = (seconds: number) => ({
    text: 'SELECT pg_sleep($1::float8), $2::text AS secret',
    values: [seconds, 'SECRET-VALUE'],
  });
  await withReadScope(app.services.read, a.system, async (scope) => {
    await scope.query(sleep(0));
    await scope.query(sleep(0.15));
  });
  await withWrite(app.services.write, a.system, 'test', (tx) =>
    tx.db.$queryRawUnsafe('SELECT pg_sleep($1::float8)::text AS written, $2::text', 0.15, 'SECRET-VALUE'),
  );
  await app.close();
  const slow = lines.map((line) => JSON.parse(line)).filter((line) => line.msg === 'slow statement');
  expect(slow).toHaveLength(2);
  expect(slow[0]).toMatchObject({ level: 'warn', statement: sleep(0).text });
  expect(slow[1].statement).toContain('AS written');
  for (const line of slow) expect(line.milliseconds).toBeGreaterThanOrEqual(150);
  expect(lines.join('')).not.toContain('SECRET-VALUE');
});

test('a connection that breaks between two statements fails its operation, not the process', async () => {
  const a = await t.tenant('broken');
  const pid = { text: 'SELECT pg_backend_pid() AS pid', values: [] };
  await withReadScope(t.app.services.read, a.system, async (scope) => {
    const [row] = await scope.query<{ pid: number }>(pid);
    await asOwner(t, 'SELECT pg_terminate_backend($1, 5000)', [row?.pid]);
    await new Promise((resolve) => setTimeout(resolve, 50));
    await expect(scope.query(pid)).rejects.toThrow();
  });
  const [again] = await withReadScope(t.app.services.read, a.system, (scope) => scope.query<{ pid: number }>(pid));
  expect(again?.pid).toBeGreaterThan(0);
});

test('the same of a write', async () => {
  const a = await t.tenant('broken-write');
  const broken = withWrite(t.app.services.write, a.system, 'test', async (tx) => {
    const [row] = await tx.db.$queryRawUnsafe<{ pid: number }[]>('SELECT pg_backend_pid() AS pid');
    await asOwner(t, 'SELECT pg_terminate_backend($1, 5000)', [row?.pid]);
    await new Promise((resolve) => setTimeout(resolve, 50));
    await tx.db.$queryRawUnsafe('SELECT 1 AS one');
  });
  await expect(broken).rejects.toThrow();
  expect((await withWrite(t.app.services.write, a.system, 'test', async () => 1)).value).toBe(1);
});

test('a write that holds a row makes the next one wait, not fail', async () => {
  const a = await t.tenant('queue');
  const [id] = await rowsOf(a);
  const versions = await Promise.all(
    range(10).map(() =>
      withWrite(t.app.services.write, a.system, 'test', async (tx) => {
        const version = (await tx.lock('Source', id)) + 1;
        await tx.db.source.update({ where: { tenantId_id: { tenantId: a.tenantId, id } }, data: { version } });
        return version;
      }),
    ),
  );
  expect(versions.map((written) => written.value).toSorted((x, y) => x - y)).toEqual(range(10).map((i) => i + 2));
});
