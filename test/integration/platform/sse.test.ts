import { createClient } from 'graphql-sse';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { STREAM_PATH } from '../../../src/server/sse.ts';
import { TOKEN_HEADER } from '../../../src/server/sse-reserved.ts';
import { MAX_OPERATIONS } from '../../../src/server/stream-limits.ts';
import { type Answer, createTestApp, type Tenant, type TestApp } from '../../support/app.ts';
import { type EventSourceReading, openEventSource, posted } from '../../support/event-source.ts';
import { mutate, range } from '../intel/records.ts';
import { type Served, serve } from './serving.ts';

const PAGE = 'https://app.example.org';
let t: TestApp;
let server: Served;
let base: string;
let a: Tenant;
beforeAll(async () => {
  t = await createTestApp({ env: { CORS_ORIGINS: PAGE } });
  server = await serve(t.app, { timing: { pingMs: 100, reservationMs: 300 } });
  base = server.url.replace('/graphql', '');
  a = await t.tenant('sse');
});
afterAll(async () => {
  await server?.stop();
  await t?.close();
});

const EVENTS = `subscription($afterSeq: BigInt) {
  events(afterSeq: $afterSeq, heartbeatSeconds: 0, filter: { type: { eq: "CASE_OPENED" } }) { seq event { type } } }`;
/** the places of the cases that were opened so far */
const opened: number[] = [];
const openCase = async () => {
  const { eventSeq } = await mutate(t, a.key, 'openCase { case { id } eventSeq }', { title: 'a case' });
  opened.push(eventSeq);
};
const headers = () => ({ authorization: `Bearer ${a.key}` });
const stream = () => base + STREAM_PATH;
const idsOf = ({ messages }: EventSourceReading) => messages.map(({ id }) => id);

test('each message has its place as its id, and Last-Event-ID goes on after it, whatever the address says', async () => {
  for (const _ of range(4)) await openCase();
  const seqs = opened.map(String);
  const query = new URLSearchParams({ query: EVENTS, variables: JSON.stringify({ afterSeq: 0 }) });
  for (const url of [`${server.url}?${query}`, `${stream()}?${query}`]) {
    const first = await openEventSource(url, { headers: headers() });
    await expect.poll(() => idsOf(first)).toEqual(seqs);
    expect(first.messages[0]).toMatchObject({
      event: 'next',
      data: { data: { events: { event: { type: 'CASE_OPENED' } } } },
    });
    first.close();
    const second = await openEventSource(url, { headers: { ...headers(), 'last-event-id': seqs[1] ?? '' } });
    await expect.poll(() => idsOf(second)).toEqual(seqs.slice(2));
    second.close();
  }
  const wrong = await fetch(`${server.url}?${query}`, {
    headers: { ...headers(), accept: 'text/event-stream', 'last-event-id': 'seven' },
  });
  expect(wrong.status).toBe(400);
  expect(await wrong.text()).toContain('Last-Event-ID is \\"seven\\"');
});

test('a stream says that it is not to be kept, changed or packed, and that it is alive', async () => {
  const reading = await openEventSource(server.url, posted(a.key, EVENTS, {}, { 'accept-encoding': 'gzip' }));
  expect(Object.fromEntries(reading.response.headers)).toMatchObject({
    'content-type': 'text/event-stream; charset=utf-8',
    'cache-control': 'no-cache, no-transform',
    'x-accel-buffering': 'no',
    connection: 'keep-alive',
  });
  expect(reading.response.headers.has('content-encoding')).toBe(false);
  await expect.poll(reading.comments).toBeGreaterThan(2);
  reading.close();
  await expect.poll(() => t.app.services.tails.followers(a.tenantId)).toBe(0);
});

test('a GET changes nothing, though it may say what streams', async () => {
  const query = new URLSearchParams({ query: 'mutation { openCase(input: { title: "by an address" }) { eventSeq } }' });
  const refused = await fetch(`${stream()}?${query}`, { headers: headers() });
  expect([refused.status, refused.headers.get('allow'), await refused.json()]).toEqual([
    405,
    'POST',
    {
      errors: [
        { message: 'a GET changes nothing: send a mutation by POST', extensions: { code: 'METHOD_NOT_ALLOWED' } },
      ],
    },
  ]);
  const { data } = await t.run(a.key, '{ cases(first: 100) { nodes { title } } }');
  expect(JSON.stringify(data)).not.toContain('by an address');
});

test('what is asked where only one answer can be sent is told so', async () => {
  for (const accept of ['*/*', 'application/json', 'multipart/mixed']) {
    const { headers: sent, ...init } = posted(a.key, 'subscription { events { seq } }');
    const answer = await fetch(server.url, { ...init, headers: { ...sent, accept } });
    expect([answer.status, await answer.text()], accept).toEqual([
      400,
      expect.stringContaining('SUBSCRIPTION_NEEDS_STREAM'),
    ]);
  }
});

test('errors come in the stream, but for those of the credential', async () => {
  const texts = {
    'subscription { events { nothing } }': /Cannot query field/,
    'subscription { events { seq ': /Syntax Error/,
    'subscription { events(heartbeatSeconds: 301) { seq } }': /301 is out of range: 1 to 300 seconds, or 0/,
    'subscription { events(afterSeq: 99999) { seq } }': /EVENT_SEQ_UNKNOWN/,
  };
  for (const [query, message] of Object.entries(texts)) {
    const reading = await openEventSource(stream(), posted(a.key, query));
    await reading.done;
    expect(reading.messages.map(({ event }) => event)).toEqual(['next', 'complete']);
    expect(JSON.stringify(reading.messages[0]?.data.errors)).toMatch(message);
  }
  const refused = await fetch(stream(), posted('argus_nonsense', EVENTS));
  expect([refused.status, await refused.text()]).toEqual([401, expect.stringContaining('UNAUTHENTICATED')]);
});

test('pages of the allowed origins may read streams', async () => {
  const asked = await fetch(stream(), { method: 'OPTIONS', headers: { origin: PAGE } });
  expect(asked.headers.get('access-control-allow-methods')).toContain('DELETE');
  expect(asked.headers.get('access-control-allow-headers')).toContain(TOKEN_HEADER);
  for (const [origin, allowed] of [
    [PAGE, PAGE],
    ['https://other.example', null],
  ]) {
    const reading = await openEventSource(server.url, posted(a.key, EVENTS, {}, { origin: origin ?? '' }));
    expect(reading.response.headers.get('access-control-allow-origin')).toBe(allowed);
    reading.close();
  }
});

test.for([false, true])(
  'graphql-sse’s client, single connection %s: several operations, live and replayed',
  async (singleConnection) => {
    const client = createClient({ url: stream(), headers: headers(), singleConnection, retryAttempts: 0 });
    const seqs: number[][] = [[], []];
    const ends = range(2).map((i) => {
      const { promise, resolve } = Promise.withResolvers<unknown>();
      const sink = {
        next: ({ data }: Answer) => seqs[i]?.push(data.events.seq),
        error: resolve,
        complete: () => resolve(null),
      };
      return { stop: client.subscribe<Answer>({ query: EVENTS, variables: { afterSeq: 0 } }, sink), promise };
    });
    await expect.poll(() => seqs).toEqual([opened, opened]);
    const before = [...opened];
    ends[0]?.stop();
    await openCase();
    await expect.poll(() => seqs[1]).toEqual(opened);
    const once = client.iterate<Answer>({ query: '{ cases(first: 1) { nodes { title } } }' });
    expect((await once.next()).value).toMatchObject({ data: { cases: { nodes: [{ title: 'a case' }] } } });
    expect(seqs[0]).toEqual(before);
    client.dispose();
    await expect.poll(() => t.app.services.tails.followers(a.tenantId)).toBe(0);
  },
);

test('single connection mode: ids tell the operation and the place, and refusals tell why', async () => {
  const add = (token: string, operationId: string, query: string, more: Record<string, string> = {}) =>
    fetch(stream(), {
      method: 'POST',
      headers: { ...headers(), 'content-type': 'application/json', [TOKEN_HEADER]: token, ...more },
      body: JSON.stringify({ query, variables: { afterSeq: 0 }, extensions: { operationId } }),
    });
  const reserve = () => fetch(stream(), { method: 'PUT', headers: headers() });
  const reserved = await reserve();
  expect(reserved.status).toBe(201);
  const token = await reserved.text();
  expect((await add(token, 'early', EVENTS)).status).toBe(202);
  // A page's EventSource sends no headers of its own: the token is in the address.
  const reading = await openEventSource(`${stream()}?token=${token}`);
  await expect.poll(() => reading.messages.length).toBe(opened.length);
  expect(reading.messages.at(-1)).toMatchObject({ event: 'next', data: { id: 'early', payload: { data: {} } } });
  const last = idsOf(reading).at(-1) ?? '';
  expect(last).toMatch(/^early:\d+$/);
  expect((await add(token, 'late', EVENTS, { 'last-event-id': idsOf(reading).at(-2) ?? '' })).status).toBe(202);
  await expect.poll(() => idsOf(reading).slice(opened.length)).toEqual([last.replace('early', 'late')]);

  expect((await add(token, 'late', EVENTS)).status).toBe(409);
  expect((await add(token, 'not one\nline', EVENTS)).status).toBe(400);
  expect((await add(token, 'x', 'subscription { nothing }')).status).toBe(400);
  expect((await add('nobody-knows', 'x', EVENTS)).status).toBe(404);
  expect((await fetch(`${stream()}?token=${token}`)).status).toBe(409);
  expect((await fetch(stream(), { method: 'PUT' })).status).toBe(401);
  const other = await t.tenant(
    `other-${token
      .slice(0, 4)
      .toLowerCase()
      .replace(/[^a-z0-9]/g, 'x')}`,
  );
  expect((await add(token, 'x', EVENTS, { authorization: `Bearer ${other.key}` })).status).toBe(404);

  const completed = await fetch(`${stream()}?operationId=early`, {
    method: 'DELETE',
    headers: { ...headers(), [TOKEN_HEADER]: token },
  });
  expect(completed.status).toBe(200);
  await expect.poll(() => t.app.services.tails.followers(a.tenantId)).toBe(1);
  for (const i of range(MAX_OPERATIONS - 1)) await add(token, `n${i}`, EVENTS);
  expect((await add(token, 'one-more', EVENTS)).status).toBe(429);
  reading.close();
  await expect.poll(() => t.app.services.tails.followers(a.tenantId)).toBe(0);

  const unused = await (await reserve()).text();
  await expect.poll(async () => (await add(unused, 'x', 'subscription { nothing }')).status).toBe(404);
});
