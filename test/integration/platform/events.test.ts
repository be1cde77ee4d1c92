import { afterAll, beforeAll, expect, test } from 'vitest';
import { withWrite } from '../../../src/data/write.ts';
import { EVENT_COUNTER } from '../../../src/events/event.ts';
import { decodeId } from '../../../src/graphql/ids.ts';
import { createTestApp, type Tenant, type TestApp } from '../../support/app.ts';
import { addKeyword, addSource, asOwner, eventsOf, ingest, mutate, range } from '../intel/records.ts';
import { anotherApp } from './serving.ts';

let t: TestApp;
beforeAll(async () => {
  t = await createTestApp();
});
afterAll(() => t?.close());

const OPEN = 'openCase { case { id number } userErrors { code } eventSeq }';

test('50 writers of two processes number the log 1, 2, 3 … without a gap', { timeout: 60_000 }, async () => {
  const a = await t.tenant('gapless');
  const other = await anotherApp(t);
  const before = (await eventsOf(t, a)).length;
  const writes = range(50).map((i) => {
    const deps = i % 2 === 0 ? t.app.services.write : other.services.write;
    return withWrite(deps, a.system, 'test', async (tx) => {
      for (const n of range((i % 3) + 1)) {
        tx.emit({
          type: 'TEST',
          aggregateType: 'Tenant',
          aggregateId: a.tenantId,
          aggregateVersion: 1,
          payload: { i, n },
        });
      }
      // Every seventh fails after it has spoken: nothing of it may be left, no number either.
      if (i % 7 === 0) throw new Error('changed its mind');
    });
  });
  const results = await Promise.allSettled(writes);
  await other.close();
  const log = await eventsOf(t, a);
  expect(log.map((event) => event.seq)).toEqual(range(log.length).map((i) => i + 1));
  const expected = range(50).reduce((sum, i) => sum + (i % 7 === 0 ? 0 : (i % 3) + 1), 0);
  expect(log.length - before).toBe(expected);
  for (const [i, result] of results.entries()) {
    expect(result.status).toBe(i % 7 === 0 ? 'rejected' : 'fulfilled');
    if (result.status !== 'fulfilled') continue;
    const own = log.filter((event) => event.type === 'TEST' && event.payload.i === i);
    // What one transaction wrote stands together and ends with the number that the writer was told.
    expect(own.map((event) => event.payload.n)).toEqual(range((i % 3) + 1));
    expect(own.at(-1).seq).toBe(Number(result.value.eventSeq));
    expect(own.at(-1).seq - own[0].seq).toBe(own.length - 1);
  }
});

test('the order of the log is the order of commits', async () => {
  const a = await t.tenant('order');
  const steps: string[] = [];
  let release = () => {};
  const held = new Promise<void>((resolve) => {
    release = resolve;
  });
  const write = (name: string, wait: Promise<void> | null) =>
    withWrite(t.app.services.write, a.system, 'test', async (tx) => {
      tx.emit({ type: name, aggregateType: 'Tenant', aggregateId: a.tenantId, aggregateVersion: 1 });
      steps.push(`${name} began`);
      await wait;
    }).then((written) => {
      steps.push(`${name} done`);
      return written;
    });
  const slow = write('SLOW', held);
  await expect.poll(() => steps).toEqual(['SLOW began']);
  const quick = await write('QUICK', null);
  release();
  const late = await slow;
  // The one that began first took no number before it was ready to commit, and so kept nobody waiting.
  expect(steps).toEqual(['SLOW began', 'QUICK began', 'QUICK done', 'SLOW done']);
  expect(late.eventSeq).toBe((quick.eventSeq ?? 0n) + 1n);
});

test('a tenant whose log is locked does not hold up another', async () => {
  const [a, b] = [await t.tenant('held'), await t.tenant('free')];
  let release = () => {};
  const held = new Promise<void>((resolve) => {
    release = resolve;
  });
  let taken = () => {};
  const locked = new Promise<void>((resolve) => {
    taken = resolve;
  });
  const holder = withWrite(t.app.services.write, a.system, 'test', async (tx) => {
    await tx.nextNumber(EVENT_COUNTER);
    taken();
    await held;
    throw new Error('gives its number back');
  });
  await locked;
  const waiting = mutate(t, a.key, OPEN, { title: 'waits' });
  const free = await mutate(t, b.key, OPEN, { title: 'does not' });
  expect(free.userErrors).toEqual([]);
  expect(await Promise.race([waiting, Promise.resolve('still waiting')])).toBe('still waiting');
  release();
  await expect(holder).rejects.toThrow('gives its number back');
  expect((await waiting).userErrors).toEqual([]);
  for (const tenant of [a, b]) {
    const log = await eventsOf(t, tenant);
    expect(log.map((event) => event.seq)).toEqual(range(log.length).map((i) => i + 1));
  }
});

/** Every text in a payload under a name that ends with id or ids. */
function idsIn(value: unknown, name = ''): string[] {
  if (typeof value === 'string') return /(^id|Id|Ids)$/.test(name) ? [value] : [];
  if (Array.isArray(value)) return value.flatMap((item) => idsIn(item, name));
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([key, item]) => idsIn(item, key));
}

async function everything(a: Tenant): Promise<void> {
  const sourceId = await addSource(t, a);
  await addKeyword(t, a, 'fentanyl', 0.9);
  const author = { platformUserId: '1', username: 'bob' };
  const { ingested } = await ingest(t, a, { sourceId, externalId: 'm', text: 'fentanyl bob@example.com', author });
  await ingest(t, a, { sourceId, externalId: 'm', text: 'fentanyl again bob@example.com' });
  const found = await t.runOk(
    a.key,
    '{ identifiers { nodes { id } } detections { nodes { id } } platformUsers { nodes { id } } }',
  );
  const detection = found.detections.nodes[0].id;
  await mutate(t, a.key, 'decideDetection { userErrors { code } }', { id: detection, status: 'DISMISSED' });
  const { case: opened } = await mutate(t, a.key, 'openCase { case { id } }', { title: 'x' });
  await mutate(t, a.key, 'linkToCase { userErrors { code } }', {
    caseId: opened.id,
    contentIds: [ingested.content.id],
    identifierIds: [found.identifiers.nodes[0].id],
    detectionIds: [detection],
    platformUsers: [{ platformUserId: found.platformUsers.nodes[0].id, role: 'SUSPECT' }],
  });
  await mutate(t, a.key, 'startOsintLookup { userErrors { code } }', { query: 'x', queryType: 'TEXT' });
}

test('ids in the log are the ids of the API, and lead to the rows', async () => {
  const a = await t.tenant('ids');
  await everything(a);
  const { events } = await t.runOk(
    a.key,
    '{ events(first: 100) { nodes { seq type aggregateType aggregateId payload actor { displayName } } } }',
  );
  expect(events.nodes.length).toBeGreaterThan(10);
  const ids = new Set<string>();
  for (const event of events.nodes) {
    for (const id of idsIn(event.payload).filter((id) => event.payload.externalId !== id)) ids.add(id);
    if (event.aggregateType !== 'Tenant') ids.add(event.aggregateId);
  }
  expect([...ids].filter((id) => decodeId(id) === null)).toEqual([]);
  for (const id of ids) {
    const { node } = await t.runOk(a.key, 'query($id: ID!) { node(id: $id) { id __typename } }', { id });
    expect(node, id).toMatchObject({ id });
  }
  expect(JSON.stringify(events.nodes.map((event: { payload: unknown }) => event.payload))).not.toMatch(
    /[0-9a-f]{8}-[0-9a-f]{4}-7/,
  );
});

test('a mutation answers with the number of its last event, and with null when it changed nothing', async () => {
  const a = await t.tenant('seq');
  const opened = await mutate(t, a.key, OPEN, { title: 'x' });
  const [event] = await eventsOf(t, a, 'CASE_OPENED');
  expect(opened.eventSeq).toBe(event.seq);
  const { lastEventSeq } = await t.runOk(a.key, '{ lastEventSeq }');
  expect(lastEventSeq).toBe(opened.eventSeq);
  expect((await mutate(t, a.key, OPEN, { title: ' ' })).eventSeq).toBeNull();
  const unchanged = await mutate(t, a.key, 'unlinkFromCase { eventSeq userErrors { code } }', {
    caseId: opened.case.id,
  });
  expect(unchanged).toEqual({ eventSeq: null, userErrors: [] });
});

test('who polls goes on from a number, in the same order, and sees no other tenant', async () => {
  const [a, b] = [await t.tenant('poll'), await t.tenant('poll-other')];
  for (const i of range(7)) await mutate(t, a.key, OPEN, { title: `Case ${i}` });
  await mutate(t, b.key, OPEN, { title: 'theirs' });
  const seen: number[] = [];
  for (let after = 0; ; ) {
    const { events } = await t.runOk(
      a.key,
      'query($after: BigInt) { events(first: 3, filter: { seq: { gt: $after } }) { nodes { seq type payload } } }',
      { after },
    );
    if (events.nodes.length === 0) break;
    seen.push(...events.nodes.map((event: { seq: number }) => event.seq));
    after = seen.at(-1) ?? 0;
  }
  const [row] = await asOwner(t, 'SELECT count(*)::int AS n FROM event_store WHERE tenant_id = $1', [a.tenantId]);
  expect(seen).toEqual(range(row.n).map((i) => i + 1));
  const { events } = await t.runOk(
    a.key,
    '{ events(filter: { type: { eq: "CASE_OPENED" } }) { totalCount { value } } }',
  );
  expect(events.totalCount.value).toBe(7);
});
