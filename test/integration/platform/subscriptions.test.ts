import { createClient as createSseClient, NetworkError } from 'graphql-sse';
import { type Client, createClient } from 'graphql-ws';
import { afterAll, beforeAll, expect, test } from 'vitest';
import WebSocket from 'ws';
import { type Answer, createTestApp, type Tenant, type TestApp } from '../../support/app.ts';
import { asOwner, mutate, range } from '../intel/records.ts';
import { anotherApp, type Served, serve } from './serving.ts';

let t: TestApp;
let server: Served;
beforeAll(async () => {
  t = await createTestApp();
  server = await serve(t.app);
});
afterAll(async () => {
  await server?.stop();
  await t?.close();
});

const EVENTS = `subscription($afterSeq: BigInt, $filter: EventFilter) {
  events(afterSeq: $afterSeq, filter: $filter, heartbeatSeconds: 0) { seq event { type payload actor { displayName } } } }`;

const OPEN = 'openCase { case { id } eventSeq }';
const open = (a: Tenant, title: string): Promise<Answer> => mutate(t, a.key, OPEN, { title });

/** A subscription that is read as it comes; `done` settles when it ends, with the error that ended it. */
interface Reading {
  events: Answer[];
  done: Promise<unknown>;
  stop(): void;
}

type Open = (key: string, variables: object, query?: string) => Reading;

function overWebSocket(key: string, variables: object, query = EVENTS, url = server.wsUrl): Reading {
  const client: Client = createClient({
    url,
    webSocketImpl: WebSocket,
    connectionParams: { authorization: `Bearer ${key}` },
    retryAttempts: 0,
    lazyCloseTimeout: 0,
  });
  const events: Answer[] = [];
  const { promise, resolve } = Promise.withResolvers<unknown>();
  const stop = client.subscribe<Answer>(
    { query, variables: { ...variables } },
    {
      next: ({ data, errors }) => (data ? events.push(data.events) : resolve(errors)),
      error: resolve,
      complete: () => resolve(null),
    },
  );
  return { events, done: promise.finally(() => client.dispose()), stop };
}

function overSse(key: string, variables: object, query = EVENTS, url = server.url): Reading {
  const client = createSseClient({ url, headers: { authorization: `Bearer ${key}` }, retryAttempts: 0 });
  const events: Answer[] = [];
  const { promise, resolve } = Promise.withResolvers<unknown>();
  const stop = client.subscribe<Answer>(
    { query, variables: { ...variables } },
    {
      next: ({ data, errors }) => (data ? events.push(data.events) : resolve(errors)),
      // What is refused before the stream begins comes as an ordinary answer.
      error: (error) => resolve(error instanceof NetworkError ? error.response?.text() : error),
      complete: () => resolve(null),
    },
  );
  return { events, done: promise.finally(() => client.dispose()), stop };
}

const WAYS: [string, Open][] = [
  ['WebSocket', overWebSocket],
  ['server-sent events', overSse],
];
const slug = (text: string, way: string) => `${text}-${way === 'WebSocket' ? 'ws' : 'sse'}`;
const seqs = (reading: Reading) => reading.events.map((event) => Number(event.seq));

test.for(WAYS)(
  '%s: replays from a number, then goes live, without gap or double',
  { timeout: 60_000 },
  async ([way, subscribe]) => {
    const a = await t.tenant(slug('replay', way));
    const other = await anotherApp(t);
    for (const i of range(40)) await open(a, `before ${i}`);
    const reading = subscribe(a.key, { afterSeq: 5 });
    // Written while the replay runs, through two processes.
    const writes = range(200).map((i) => (i % 2 ? open(a, `during ${i}`) : openThrough(other, a, `during ${i}`)));
    await Promise.all(writes);
    const last = await open(a, 'last');
    await expect.poll(() => seqs(reading).at(-1), { timeout: 20_000 }).toBe(last.eventSeq);
    expect(seqs(reading)).toEqual(range(last.eventSeq - 5).map((i) => i + 6));
    expect(reading.events[0]?.event).toMatchObject({ actor: { displayName: 'Owner' }, type: expect.any(String) });
    reading.stop();
    await other.close();
  },
);

async function openThrough(app: Awaited<ReturnType<typeof anotherApp>>, a: Tenant, title: string): Promise<void> {
  const response = await app.endpoint.yoga.fetch('http://localhost/graphql', {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: `Bearer ${a.key}` },
    body: JSON.stringify({
      query: 'mutation($t: String!) { openCase(input: { title: $t }) { eventSeq } }',
      variables: { t: title },
    }),
  });
  expect(response.status).toBe(200);
}

test.for(WAYS)(
  '%s: without a number only what happens from now on, and only of the own tenant',
  async ([way, subscribe]) => {
    const [a, b] = [await t.tenant(slug('live', way)), await t.tenant(slug('live-other', way))];
    await open(a, 'before');
    const reading = subscribe(a.key, {});
    await expect.poll(() => t.app.services.tails.followers(a.tenantId)).toBe(1);
    await open(b, 'theirs');
    const mine = await open(a, 'now');
    await expect.poll(() => seqs(reading)).toEqual([mine.eventSeq]);
    reading.stop();
  },
);

test.for(WAYS)('%s: a filter lets through what fits, also after much that does not', async ([way, subscribe]) => {
  const a = await t.tenant(slug('filter', way));
  for (const i of range(5)) await open(a, `case ${i}`);
  const reading = subscribe(a.key, { afterSeq: 0, filter: { type: { eq: 'KEYWORD_CREATED' } } });
  await expect.poll(() => t.app.services.tails.followers(a.tenantId)).toBe(1);
  await open(a, 'not this');
  await mutate(t, a.key, 'createKeyword { userErrors { code } }', { term: 'x', category: 'OTHER', weight: 0.1 });
  await open(a, 'nor this');
  await mutate(t, a.key, 'createKeyword { userErrors { code } }', { term: 'y', category: 'OTHER', weight: 0.1 });
  await expect.poll(() => reading.events.map(({ event }) => event.payload.term)).toEqual(['x', 'y']);
  reading.stop();
});

const CREATE_KEY = 'createApiKey { key { secret apiKey { id } } }';

test.for(WAYS)('%s: a key that is revoked, or loses the permission, ends its stream', async ([way, subscribe]) => {
  const a = await t.tenant(slug('revoked', way));
  const other = await anotherApp(t);
  const make = async () =>
    (await mutate(t, a.key, CREATE_KEY, { name: 'k', permissions: ['event:read', 'member:read'] })).key;
  const [revoked, narrowed] = [await make(), await make()];
  const readings = [subscribe(revoked.secret, {}), subscribe(narrowed.secret, {})];
  await expect.poll(() => t.app.services.tails.followers(a.tenantId)).toBe(2);
  const first = await open(a, 'seen by both');
  await expect.poll(() => readings.map(seqs)).toEqual([[first.eventSeq], [first.eventSeq]]);
  await asOwner(t, `UPDATE api_keys SET permissions = '{member:read}' WHERE id = $1`, [
    (await asOwner(t, 'SELECT id FROM api_keys WHERE tenant_id = $1 ORDER BY id DESC LIMIT 1', [a.tenantId]))[0].id,
  ]);
  // Revoked by another process: this one learns of it from the database.
  const response = await other.endpoint.yoga.fetch('http://localhost/graphql', {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: `Bearer ${a.key}` },
    body: JSON.stringify({
      query: 'mutation($id: ID!) { revokeApiKey(input: { id: $id }) { userErrors { code } } }',
      variables: { id: revoked.apiKey.id },
    }),
  });
  expect(await response.json()).toMatchObject({ data: { revokeApiKey: { userErrors: [] } } });
  const ends = await Promise.all(readings.map((reading) => reading.done));
  expect(JSON.stringify(ends[0])).toMatch(/UNAUTHENTICATED|revoked/);
  expect(JSON.stringify(ends[1])).toMatch(/FORBIDDEN|event:read/);
  await open(a, 'seen by none');
  expect(readings.map(seqs)).toEqual([[first.eventSeq], [first.eventSeq]]);
  await other.close();
});

test.for(WAYS)('%s: what cannot be subscribed to is refused with the reason', async ([way, subscribe]) => {
  const a = await t.tenant(slug('refused', way));
  const narrow = (await mutate(t, a.key, CREATE_KEY, { name: 'k', permissions: ['case:read'] })).key.secret;
  const refusals: [string, object, string, RegExp][] = [
    [narrow, {}, EVENTS, /event:read/],
    [a.key, { filter: { seq: { gt: 'x' } } }, EVENTS, /BigInt|got invalid value/],
    [a.key, { filter: { occurredAt: { gt: 'yesterday' } } }, EVENTS, /neither a time/],
    [a.key, {}, 'subscription { events { nothing } }', /Cannot query field/],
    [a.key, {}, 'subscription { events { seq ', /Syntax Error/],
  ];
  for (const [key, variables, query, message] of refusals) {
    const reading = subscribe(key, variables, query);
    expect(JSON.stringify(await reading.done), query).toMatch(message);
    expect(reading.events).toEqual([]);
  }
});

test('WebSocket: a key that nobody knows closes the connection; queries and mutations work over it too', async () => {
  const a = await t.tenant('ws-more');
  const closed = await overWebSocket('argus_nonsense', {}).done;
  expect(closed).toMatchObject({ code: 4403, reason: expect.stringMatching(/not known|revoked|Bearer/) });
  const client = createClient({
    url: server.wsUrl,
    webSocketImpl: WebSocket,
    connectionParams: { authorization: `Bearer ${a.key}` },
    retryAttempts: 0,
    lazy: false,
  });
  const once = async (query: string) => {
    for await (const result of client.iterate<Answer>({ query })) return result;
    return null;
  };
  expect(await once('mutation { openCase(input: { title: "x" }) { case { number } } }')).toMatchObject({
    data: { openCase: { case: { number: 1 } } },
  });
  for (const _ of range(3))
    expect((await once('{ cases { nodes { number } } }'))?.data).toEqual({ cases: { nodes: [{ number: 1 }] } });
  // A key that is revoked under an open connection gets an answer for its next operation, not silence.
  const { node } = await t.runOk(a.key, '{ node: viewer { kind } }');
  expect(node.kind).toBe('API_KEY');
  await asOwner(t, 'UPDATE api_keys SET revoked_at = now() WHERE tenant_id = $1', [a.tenantId]);
  await asOwner(t, `SELECT pg_notify('argus_events', $1)`, [a.tenantId]);
  await expect
    .poll(async () => JSON.stringify(await once('{ cases { nodes { number } } }').catch((error: unknown) => error)), {
      timeout: 3_000,
    })
    .toMatch(/UNAUTHENTICATED/);
  await client.dispose();
});
