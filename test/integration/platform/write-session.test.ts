import pg from 'pg';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { prepared } from '../../../src/data/statement.ts';
import { type WriteTx, type Written, withWrite } from '../../../src/data/write.ts';
import { rowsById } from '../../../src/data/write-rows.ts';
import { newId } from '../../../src/graphql/ids.ts';
import { createTestApp, type Tenant, type TestApp } from '../../support/app.ts';
import { addProject } from '../delivery/records.ts';
import { asOwner } from '../intel/records.ts';

let t: TestApp;
beforeAll(async () => {
  t = await createTestApp();
});
afterAll(() => t?.close());

const write = <R>(a: Tenant, work: (tx: WriteTx) => Promise<R>, timeout?: number) =>
  withWrite(t.app.services.write, a.system, 'test', work, timeout ? { timeout } : {});

/** Puts off a row of a counter, which is refused when one of that name is there. */
const putOff = (tx: WriteTx, name: string, value = 1) =>
  tx.later(prepared('INSERT INTO counters VALUES ($1::uuid, $2::text, $3::int8)', tx.tenantId, name, value));

const countersOf = (a: Tenant) =>
  asOwner(t, `SELECT name, value::int FROM counters WHERE tenant_id = $1 AND name LIKE 'test-%' ORDER BY name`, [
    a.tenantId,
  ]);

test('what is put off runs before what follows it, whoever asks for that', async () => {
  const a = await t.tenant('order');
  await write(a, async (tx) => {
    putOff(tx, 'test-1');
    // Prisma's
    expect(await tx.db.counter.count({ where: { name: 'test-1' } })).toBe(1);
    putOff(tx, 'test-2', 5);
    // our own
    expect(await tx.nextNumber('test-2')).toBe(6n);
    await tx.db.counter.update({
      where: { tenantId_name: { tenantId: a.tenantId, name: 'test-2' } },
      data: { value: 7n },
    });
    putOff(tx, 'test-3');
  });
  expect(await countersOf(a)).toEqual([
    { name: 'test-1', value: 1 },
    { name: 'test-2', value: 7 },
    { name: 'test-3', value: 1 },
  ]);
});

test.for([
  ['nothing', async () => {}],
  ['a statement of our own', (tx: WriteTx) => tx.nextNumber('test-next')],
  ['one of Prisma’s', (tx: WriteTx) => tx.db.counter.count()],
  ['one whose failure is overlooked', (tx: WriteTx) => tx.nextNumber('test-next').catch(() => {})],
  ['one of Prisma’s, overlooked', (tx: WriteTx) => tx.db.counter.count().catch(() => {})],
] as const)(
  'what is put off and fails takes the whole back and is what is told; behind it comes %s',
  async ([what, then]) => {
    const a = await t.tenant(`fails-${what.length}`);
    const failing = write(a, async (tx) => {
      putOff(tx, 'test-1');
      putOff(tx, 'test-1');
      await then(tx);
      tx.emit({ type: 'NEVER', aggregateType: 'Tenant', aggregateId: a.tenantId, aggregateVersion: 1 });
    });
    await expect(failing).rejects.toThrow('another row has the same key');
    expect(await countersOf(a)).toEqual([]);
    expect((await write(a, (tx) => tx.nextNumber('test-1'))).value, 'the connection serves the next').toBe(1n);
  },
);

test('nothing is written after the time is up, not even through a connection that serves another', async () => {
  const a = await t.tenant('late');
  let late: Promise<unknown> | undefined;
  const slow = write(
    a,
    async (tx) => {
      putOff(tx, 'test-1');
      await tx.nextNumber('test-2');
      late = new Promise((resolve) => setTimeout(resolve, 400)).then(() => {
        expect(() => putOff(tx, 'test-3')).toThrow('has ended');
        return expect(tx.nextNumber('test-4')).rejects.toThrow('has ended');
      });
      await late;
    },
    150,
  );
  await expect(slow).rejects.toMatchObject({ code: 'P2028' });
  await late;
  expect(await countersOf(a)).toEqual([]);
});

test('a bug is created, and changed, in two flights, the second of which ends with the commit', async () => {
  const a = await t.tenant('flights');
  const { id: projectId } = await addProject(t, a);
  const createdBug = `createBug(input: { projectId: "${projectId}", title: "x", labels: ["a", "b"] }) { bug { id } }`;
  const create = async (): Promise<string> => (await t.runOk(a.key, `mutation { ${createdBug} }`)).createBug.bug.id;
  const update = (id: string, title: string) =>
    t.runOk(a.key, `mutation { updateBug(input: { id: "${id}", title: "${title}" }) { bug { title } } }`);
  const move = (id: string) =>
    t.runOk(a.key, `mutation { moveBug(input: { id: "${id}", status: IN_PROGRESS }) { bug { status } } }`);
  await update(await create(), 'first');
  const [one, two] = [await create(), await create()];
  for (const change of [create, () => update(one, 'second'), () => move(two)]) {
    const asked = vi.spyOn(pg.Client.prototype, 'query');
    await change();
    const calls = asked.mock.calls.map(([what]) => (typeof what === 'string' ? what : Reflect.get(what, 'text')));
    asked.mockRestore();
    // A flight has no text; reads of the caller's rights, if any, are not of this connection.
    expect(calls).toEqual([undefined, undefined]);
  }
});

test('writers of a tenant queue up for its log: one of them wakes up when it is free', async () => {
  const a = await t.tenant('queue');
  const waiting = () =>
    asOwner(
      t,
      `SELECT l.locktype, count(*)::int FROM pg_locks l JOIN pg_stat_activity s USING (pid)
        WHERE NOT l.granted AND s.datname = current_database() GROUP BY 1 ORDER BY 1`,
      [],
    );
  let [last, writers]: [bigint, Promise<Written<unknown>>[]] = [0n, []];
  const emit = (tx: WriteTx) =>
    tx.emit({ type: 'TEST', aggregateType: 'Test', aggregateId: newId(), aggregateVersion: 1, payload: {} });
  await write(a, async (tx) => {
    last = await tx.lockLog();
    writers = [1, 2, 3, 4].map(() => write(a, async (other) => emit(other)));
    await expect.poll(waiting).toEqual([{ locktype: 'advisory', count: 4 }]);
    emit(tx);
  });
  const seqs = (await Promise.all(writers)).map(({ eventSeq }) => (eventSeq ?? 0n) - last);
  expect(seqs.toSorted()).toEqual([2n, 3n, 4n, 5n]);
});

test('rows of a write are those of lists, as the transaction sees them', async () => {
  const a = await t.tenant('rows');
  await addProject(t, a);
  const [project] = await asOwner(t, 'SELECT id FROM projects WHERE tenant_id = $1', [a.tenantId]);
  const other = await t.tenant('rows-other');
  await write(a, async (tx) => {
    await tx.db.project.update({
      where: { tenantId_id: { tenantId: a.tenantId, id: project.id } },
      data: { name: 'Changed' },
    });
    const rows = await rowsById(tx, 'Project', [project.id, newId(), project.id]);
    expect([...rows.values()].map(({ name }) => name)).toEqual(['Changed']);
  });
  await write(other, async (tx) => {
    expect((await rowsById(tx, 'Project', [project.id])).size).toBe(0);
  });
});
