import { connect, createServer, type Socket } from 'node:net';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { Rights } from '../../../src/access/rights.ts';
import { sessionConfig } from '../../../src/data/connection.ts';
import { EventBus } from '../../../src/events/bus.ts';
import { removeOldEvents } from '../../../src/events/retention.ts';
import { eventStream } from '../../../src/events/stream.ts';
import { LogTails, TAIL_EVENTS } from '../../../src/events/tail.ts';
import { type Answer, createTestApp, type Tenant, type TestApp } from '../../support/app.ts';
import { subscribe } from '../../support/sse.ts';
import { asOwner, mutate, range } from '../intel/records.ts';
import { emitMany } from './emitting.ts';

let t: TestApp;
beforeAll(async () => {
  t = await createTestApp();
});
afterAll(() => t?.close());

const EVENTS = `subscription($afterSeq: BigInt, $every: Int, $filter: EventFilter) {
  events(afterSeq: $afterSeq, heartbeatSeconds: $every, filter: $filter) { seq heartbeat event { type } } }`;
const open = (a: Tenant): Promise<Answer> => mutate(t, a.key, 'openCase { case { id } eventSeq }', { title: 'a case' });
const errorOf = ({ errors }: Answer) => ({ code: errors[0].extensions.code, ...errors[0].extensions });

test('a heartbeat comes when nothing else does, and tells how far the subscriber has everything', async () => {
  const a = await t.tenant('heartbeat');
  const { eventSeq } = await open(a);
  const filter = { type: { eq: 'NOTHING' } };
  const [all, none] = await Promise.all([
    subscribe(t, a.key, EVENTS, { afterSeq: 0, every: 1 }),
    subscribe(t, a.key, EVENTS, { afterSeq: 0, every: 1, filter }),
  ]);
  const beat = { data: { events: { seq: eventSeq, heartbeat: true, event: null } } };
  expect(await none.next(5_000)).toMatchObject(beat);
  const later = await open(a);
  expect(await none.next(5_000)).toMatchObject({ data: { events: { ...beat.data.events, seq: later.eventSeq } } });
  const messages = [];
  while (messages.at(-1)?.seq !== later.eventSeq || !messages.at(-1)?.heartbeat)
    messages.push((await all.next(5_000))?.data.events);
  const events = messages.filter(({ heartbeat }) => !heartbeat);
  expect(events.map(({ seq }) => seq)).toEqual(range(later.eventSeq).map((n) => n + 1));
  expect(events.every(({ event }) => event !== null)).toBe(true);
  expect(messages.filter(({ heartbeat, event }) => heartbeat !== (event === null))).toEqual([]);
  await Promise.all([all.close(), none.close()]);
});

test('a stream that goes on where the log no longer reaches is refused with what there is', async () => {
  const a = await t.tenant('truncated');
  for (const _ of range(9)) await open(a);
  const { lastEventSeq: last } = await t.runOk(a.key, '{ lastEventSeq }');
  const day = 86_400_000;
  const age = (days: number, from: string) =>
    asOwner(
      t,
      `UPDATE event_store SET occurred_at = now() - $2 * interval '1 day' WHERE tenant_id = $1 AND seq ${from}`,
      [a.tenantId, days],
    );
  await age(40, '<= 6');
  // Younger than those before and after it: what is kept stays one piece.
  await age(10, '= 5');
  const remove = (days: number, batch?: number) =>
    removeOldEvents(t.app.services.write, a.system, new Date(Date.now() - days * day), batch);
  expect(await remove(30, 3)).toBe(3);
  expect(await remove(30)).toBe(1);
  expect(await remove(30)).toBe(0);
  const seqs = async () =>
    (await asOwner(t, 'SELECT seq::int FROM event_store WHERE tenant_id = $1 ORDER BY seq', [a.tenantId])).map(
      ({ seq }) => seq,
    );
  expect(await seqs()).toEqual(range(last - 4).map((i) => i + 5));
  const truncated = { code: 'EVENT_LOG_TRUNCATED', path: ['afterSeq'], oldestSeq: 5, lastSeq: last };
  const unknown = { code: 'EVENT_SEQ_UNKNOWN', path: ['afterSeq'], lastSeq: last };
  const POLL = 'query($afterSeq: BigInt) { events(afterSeq: $afterSeq, first: 2) { nodes { seq } } }';
  for (const [afterSeq, error] of [
    [3, truncated],
    [last + 1, unknown],
  ] as const) {
    const stream = await subscribe(t, a.key, EVENTS, { afterSeq });
    expect(errorOf(await stream.next(3_000))).toEqual(error);
    const typed = await subscribe(t, a.key, 'subscription($s: BigInt) { caseEvents(afterSeq: $s) { seq } }', {
      s: afterSeq,
    });
    expect(errorOf(await typed.next(3_000))).toEqual(error);
    for (const _ of range(3)) expect(errorOf(await t.run(a.key, POLL, { afterSeq }))).toEqual(error);
  }
  const stream = await subscribe(t, a.key, EVENTS, { afterSeq: 4 });
  expect((await stream.next(3_000))?.data.events.seq).toBe(5);
  await stream.close();
  for (const _ of range(3))
    expect((await t.runOk(a.key, POLL, { afterSeq: 4 })).events.nodes).toEqual([{ seq: 5 }, { seq: 6 }]);
  // The newest stays, however old; and without any event left it is known that there were some.
  await age(400, '> 0');
  while ((await remove(30)) > 0);
  expect(await seqs()).toEqual([last]);
  await asOwner(t, 'DELETE FROM event_store WHERE tenant_id = $1', [a.tenantId]);
  expect(errorOf(await t.run(a.key, POLL, { afterSeq: 4 }))).toMatchObject({
    code: 'EVENT_LOG_TRUNCATED',
    oldestSeq: last,
  });
  expect((await t.runOk(a.key, POLL, { afterSeq: last })).events.nodes).toEqual([]);
});

test('a subscriber who lags behind more than is kept in memory, and one who lags beyond retention', {
  timeout: 60_000,
}, async () => {
  const a = await t.tenant('lagging');
  const { services } = t.app;
  const options = {
    afterSeq: 0n,
    filter: null,
    heartbeatSeconds: 0,
    check: async () => {},
    signal: services.streams.signal,
  };
  const streams = await Promise.all(range(2).map(() => eventStream(services, a.system, options)));
  const [lagging, late] = streams;
  if (!lagging || !late) return expect.fail();
  for (const stream of streams) expect((await stream.next()).value).toMatchObject({ seq: 1n });
  const last = await emitMany(t, a, TAIL_EVENTS + 500);
  const seqs = [1];
  while (seqs.length < last) seqs.push(Number((await lagging.next()).value?.seq));
  expect(seqs).toEqual(range(last).map((i) => i + 1));
  await asOwner(
    t,
    `UPDATE event_store SET occurred_at = now() - interval '9 days' WHERE tenant_id = $1 AND seq <= 900`,
    [a.tenantId],
  );
  while ((await removeOldEvents(services.write, a.system, new Date(Date.now() - 2 * 86_400_000))) > 0);
  const rest = async () => {
    for await (const { seq } of late) seqs.push(Number(seq));
  };
  await expect(rest()).rejects.toMatchObject({
    code: 'EVENT_LOG_TRUNCATED',
    details: { oldestSeq: 901, lastSeq: last },
  });
  await lagging.return();
  await expect.poll(() => services.tails.followers(a.tenantId)).toBe(0);
});

test('no event after a revocation is delivered, also when nobody was told of it', async () => {
  const a = await t.tenant('unheard');
  const { services } = t.app;
  const { secret, apiKey } = (
    await mutate(t, a.key, 'createApiKey { key { secret apiKey { id } } }', { name: 'k', permissions: ['event:read'] })
  ).key;
  // It listens in another database, where nothing of this one is heard.
  const elsewhere = new URL(t.database.ownerUrl);
  elsewhere.pathname = '/postgres';
  const deaf = new EventBus(sessionConfig(elsewhere.href, services.env), services.log);
  await deaf.start();
  const rights = new Rights(services.read, deaf);
  const tails = new LogTails({ ...services, rights });
  const viewer = await t.app.endpoint.authenticator.viewer(secret, { id: '', ip: null, userAgent: null });
  const seen: string[] = [];
  const stream = await eventStream({ read: services.read, tails }, viewer, {
    afterSeq: null,
    filter: null,
    heartbeatSeconds: 0,
    check: async (fresh) => void (await rights.current(viewer, fresh)),
    signal: services.streams.signal,
  });
  const reading = (async () => {
    for await (const { event } of stream) seen.push(event?.type ?? '');
  })();
  await open(a);
  await expect.poll(() => seen).toEqual(['CASE_OPENED']);
  // One after the other, faster than anybody can be told.
  const [end] = await Promise.all([
    reading.catch((error: unknown) => error),
    mutate(t, a.key, 'revokeApiKey { userErrors { code } }', { id: apiKey.id }),
    ...range(20).map(() => open(a)),
  ]);
  expect(end).toMatchObject({ code: 'UNAUTHENTICATED' });
  const types = (await asOwner(t, 'SELECT type FROM event_store WHERE tenant_id = $1 ORDER BY seq', [a.tenantId])).map(
    ({ type }) => type,
  );
  const before = types.indexOf('API_KEY_REVOKED') - types.indexOf('CASE_OPENED');
  expect(seen.length).toBeLessThanOrEqual(before);
  expect(seen).not.toContain('API_KEY_REVOKED');
  rights.close();
  await deaf.close();
});

test('a listening connection that silently died is replaced', { timeout: 20_000 }, async () => {
  const a = await t.tenant('silent');
  const config = sessionConfig(t.database.appUrl, t.app.services.env);
  const target = new URL(t.database.appUrl);
  let silent = false;
  const sockets: Socket[] = [];
  const proxy = createServer((near) => {
    const far = connect(Number(target.port), target.hostname);
    sockets.push(near, far);
    const isFirst = sockets.length === 2;
    const pass = (to: Socket) => (data: Buffer) => void ((!silent || !isFirst) && to.write(data));
    near
      .on('data', pass(far))
      .on('error', () => {})
      .on('close', () => far.destroy());
    far.on('data', pass(near)).on('error', () => {});
  });
  await new Promise<void>((resolve) => proxy.listen(0, '127.0.0.1', resolve));
  const { port } = proxy.address() as { port: number };
  const url = new URL(t.database.appUrl);
  Object.assign(url, { hostname: '127.0.0.1', port: String(port) });
  const bus = new EventBus({ ...config, connectionString: url.href, host: '127.0.0.1', port }, t.app.services.log, 100);
  await bus.start();
  let woken = 0;
  let broke = 0;
  bus.onTenant(a.tenantId, () => woken++);
  bus.onBreak(() => broke++);
  await open(a);
  await expect.poll(() => woken).toBeGreaterThan(0);
  silent = true;
  await expect.poll(() => broke, { timeout: 5_000 }).toBe(1);
  await expect.poll(() => bus.connected, { timeout: 5_000 }).toBe(true);
  const before = woken;
  await open(a);
  await expect.poll(() => woken).toBeGreaterThan(before);
  await bus.close();
  for (const socket of sockets) socket.destroy();
  proxy.close();
});
