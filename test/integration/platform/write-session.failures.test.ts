import { afterAll, beforeAll, expect, test } from 'vitest';
import { prepared, type Statement } from '../../../src/data/statement.ts';
import { type WriteTx, withWrite } from '../../../src/data/write.ts';
import { createTestApp, type Tenant, type TestApp } from '../../support/app.ts';
import { asOwner, eventsOf } from '../intel/records.ts';

let t: TestApp;
beforeAll(async () => {
  t = await createTestApp({
    env: { DB_POOL_SIZE: '2', DB_POOL_OVERFLOW: '0', IDLE_TX_TIMEOUT_MS: '60000' },
  });
});
afterAll(() => t?.close());

const write = <R>(a: Tenant, work: (tx: WriteTx) => Promise<R>) =>
  withWrite(t.app.services.write, a.system, 'test', work);

const raise = (state: string): Statement => ({
  text: `DO $$ BEGIN RAISE EXCEPTION 'forced' USING ERRCODE = '${state}'; END $$`,
  values: [],
});
const notice = (tx: WriteTx) => tx.later(prepared('SELECT $1::text', 'put off'));
const event = (a: Tenant, type: string) => ({
  type,
  aggregateType: 'Tenant',
  aggregateId: a.tenantId,
  aggregateVersion: 1,
});

test('a failure is told by its own code, also when statements put off are behind it', async () => {
  const a = await t.tenant('codes');
  let attempts = 0;
  const failing = (state: string, times: number) =>
    write(a, async (tx) => {
      attempts++;
      if (attempts > times) return;
      const failed = tx.query(raise(state));
      notice(tx);
      await failed;
    });
  expect(await failing('40001', 2).then(() => attempts), 'it is tried again').toBe(3);
  attempts = 0;
  await expect(failing('57014', 1)).rejects.toMatchObject({ code: '57014' });
  attempts = 0;
  await expect(failing('23505', 1)).rejects.toThrow('another row has the same key');
});

test('an event that cannot be written takes the change back, and leaves no gap', async () => {
  const a = await t.tenant('gap');
  const first = await write(a, async (tx) => {
    tx.emit(event(a, 'FIRST'));
  });
  const failing = write(a, async (tx) => {
    await tx.db.tenant.update({ where: { id: a.tenantId }, data: { name: 'Changed' } });
    tx.emit({ ...event(a, 'NEVER'), payload: { n: 1n } });
  });
  await expect(failing).rejects.toThrow(TypeError);
  expect(await asOwner(t, 'SELECT name FROM tenants WHERE id = $1', [a.tenantId])).not.toEqual([{ name: 'Changed' }]);
  const next = await write(a, async (tx) => {
    tx.emit(event(a, 'NEXT'));
  });
  expect(next.eventSeq).toBe((first.eventSeq ?? 0n) + 1n);
  expect(await eventsOf(t, a, 'NEVER')).toEqual([]);
});

test('nothing follows the commit', async () => {
  const a = await t.tenant('after');
  let late: Promise<unknown> = Promise.resolve();
  let tx: WriteTx | undefined;
  await write(a, async (own) => {
    tx = own;
    late = new Promise((resolve) => setImmediate(resolve)).then(() => own.nextNumber('late'));
    late.catch(() => {});
  });
  await expect(late).rejects.toThrow('has ended');
  expect(() => tx?.later(raise('22012'))).toThrow('has ended');
});

test('connections that come after their writes were given up serve the next ones', async () => {
  const a = await t.tenant('late');
  const released = Promise.withResolvers<void>();
  const pid = (tx: WriteTx) => tx.query<{ pid: number }>(prepared('SELECT pg_backend_pid() AS pid'));
  const hold = () =>
    withWrite(
      t.app.services.write,
      a.system,
      'test',
      async (tx) => {
        const [row] = await pid(tx);
        await released.promise;
        return row?.pid;
      },
      { timeout: 30_000 },
    );
  const holding = [hold(), hold()];
  await new Promise((resolve) => setTimeout(resolve, 200));
  const outcomes = await Promise.allSettled([1, 2, 3].map(() => write(a, pid)));
  expect(outcomes.map(({ status }) => status)).toEqual(['rejected', 'rejected', 'rejected']);
  released.resolve();
  const before = (await Promise.all(holding)).map(({ value }) => value).toSorted();
  // Each waits for the other, so that one connection cannot serve both.
  const met = Promise.withResolvers<void>();
  let there = 0;
  const meet = async (tx: WriteTx) => {
    const [row] = await pid(tx);
    there += 1;
    if (there === 2) met.resolve();
    await met.promise;
    return row?.pid;
  };
  const after = await Promise.all([write(a, meet), write(a, meet)]);
  expect(after.map(({ value }) => value).toSorted()).toEqual(before);
}, 30_000);
