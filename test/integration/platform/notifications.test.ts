import pg from 'pg';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { sessionConfig } from '../../../src/data/connection.ts';
import { withWrite } from '../../../src/data/write.ts';
import { EventBus } from '../../../src/events/bus.ts';
import type { LogChange, NewEvent } from '../../../src/events/event.ts';
import { newId } from '../../../src/graphql/ids.ts';
import { createTestApp, type Tenant, type TestApp } from '../../support/app.ts';
import { asOwner, range } from '../intel/records.ts';
import { anotherApp } from './serving.ts';

let t: TestApp;
const heardOf = new Set<string>();
beforeAll(async () => {
  t = await createTestApp();
  t.app.services.bus.onChange((change) => change && heardOf.add(change.tenantId));
});
afterAll(() => t?.close());

const emit = (a: Tenant, events: readonly Pick<NewEvent, 'aggregateType' | 'aggregateId'>[], app = t.app) =>
  withWrite(app.services.write, a.system, 'test', async (tx) => {
    for (const event of events) tx.emit({ type: 'TEST', aggregateVersion: 1, ...event });
  });

/** What a process hears of a tenant from now on, but for its making, which may come late. */
function heard(a: Tenant, app = t.app): LogChange[] {
  const changes: LogChange[] = [];
  app.services.bus.onChange(
    (change) => change?.tenantId === a.tenantId && !change.types?.has('Tenant') && changes.push(change),
  );
  return changes;
}

test('a process is told which rows another one has changed, in the order of the log and without a gap', async () => {
  const a = await t.tenant('told');
  const other = await anotherApp(t);
  const changes = heard(a, other);
  const [x, y] = [newId(), newId()];
  const one = await emit(a, [
    { aggregateType: 'Bug', aggregateId: x },
    { aggregateType: 'Bug', aggregateId: y },
    { aggregateType: 'Project', aggregateId: x },
  ]);
  await Promise.all(
    range(30).map((i) =>
      emit(
        a,
        range((i % 3) + 1).map(() => ({ aggregateType: 'Case', aggregateId: newId() })),
        i % 2 ? t.app : other,
      ),
    ),
  );
  await expect.poll(() => changes.length).toBe(31);
  const last = one.eventSeq ?? 0n;
  expect(changes[0]).toEqual({
    tenantId: a.tenantId,
    firstSeq: last - 2n,
    lastSeq: last,
    types: new Map([
      ['Bug', new Set([x, y])],
      ['Project', new Set([x])],
    ]),
  });
  for (const [i, change] of changes.entries())
    if (i > 0) expect(change.firstSeq).toBe((changes[i - 1]?.lastSeq ?? 0n) + 1n);
  await other.close();
});

test('of a write of very many rows the types are told', async () => {
  const a = await t.tenant('told-many');
  const changes = heard(a);
  const { eventSeq } = await emit(
    a,
    range(2_000).map(() => ({ aggregateType: 'Bug', aggregateId: newId() })),
  );
  await expect.poll(() => changes.length).toBe(1);
  expect(changes[0]).toMatchObject({ lastSeq: eventSeq, types: new Map([['Bug', null]]) });
});

test('who listens is told when the connection breaks, and woken when it is back', async () => {
  const bus = new EventBus(sessionConfig(t.database.appUrl, t.app.services.env), t.app.services.log);
  expect(bus.connected).toBe(false);
  await bus.start();
  expect(bus.connected).toBe(true);
  const steps: [string, boolean][] = [];
  const off = bus.onBreak(() => steps.push(['break', bus.connected]));
  bus.onChange((change) => !change && steps.push(['back', bus.connected]));
  t.app.services.log.level = 'silent';
  await asOwner(
    t,
    `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query LIKE 'LISTEN%' AND datname = current_database()`,
  );
  await expect
    .poll(() => steps, { timeout: 5_000 })
    .toEqual([
      ['break', false],
      ['back', true],
    ]);
  t.app.services.log.level = 'error';
  off();
  await bus.close();
  expect(bus.connected).toBe(false);
  expect(steps).toHaveLength(2);
});

test('a notification that tells no tenant wakes everybody', async () => {
  const a = await t.tenant('unnamed');
  // What was said of the tenant's making has arrived.
  await expect.poll(() => heardOf.has(a.tenantId)).toBe(true);
  const woken: unknown[] = [];
  const offs = [
    t.app.services.bus.onChange((change) => woken.push(change)),
    t.app.services.bus.onAny((tenantId) => woken.push(tenantId)),
    t.app.services.bus.onTenant(a.tenantId, () => woken.push('tenant')),
  ];
  const client = new pg.Client({ connectionString: t.database.ownerUrl });
  await client.connect();
  await client.query('NOTIFY argus_events');
  await expect.poll(() => new Set(woken)).toEqual(new Set([undefined, 'tenant']));
  expect(woken).toHaveLength(3);
  for (const off of offs) off();
  await client.end();
});
