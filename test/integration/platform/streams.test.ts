import { unsubscribe as offDiagnostic, subscribe as onDiagnostic } from 'node:diagnostics_channel';
import { getEventListeners } from 'node:events';
import { connect, type Socket } from 'node:net';
import { createClient } from 'graphql-ws';
import { afterEach, expect, test } from 'vitest';
import WebSocket from 'ws';
import { withWrite } from '../../../src/data/write.ts';
import { createTestApp, type Tenant, type TestApp } from '../../support/app.ts';
import { mutate, range } from '../intel/records.ts';
import { type Served, serve } from './serving.ts';

// Streams are the app's as a whole, so each test has one of its own.
const ending: (() => unknown)[] = [];
afterEach(async () => {
  for (const end of ending.splice(0).reverse()) await end();
});

async function setUp(slug: string): Promise<{ t: TestApp; server: Served; a: Tenant }> {
  const t = await createTestApp();
  const server = await serve(t.app);
  ending.push(async () => {
    await server.stop();
    await t.close();
  });
  return { t, server, a: await t.tenant(slug) };
}

const EVENTS =
  'subscription($afterSeq: BigInt) { events(afterSeq: $afterSeq, heartbeatSeconds: 0) { seq event { payload } } }';
const KB = 1_024;

/** Events with payloads that no buffer between two sockets could take all of. */
async function writeLarge(t: TestApp, a: Tenant, count: number): Promise<number> {
  let last = 0n;
  for (const n of range(count / 10)) {
    const written = await withWrite(t.app.services.write, a.system, 'test', async (tx) => {
      for (const i of range(10)) {
        const payload = { n: n * 10 + i, filler: 'x'.repeat(100 * KB) };
        tx.emit({ type: 'LARGE', aggregateType: 'Tenant', aggregateId: a.tenantId, aggregateVersion: 1, payload });
      }
    });
    last = written.eventSeq ?? 0n;
  }
  return Number(last);
}

/** The server's side of connections that are made from now on. */
function serverSockets(): Socket[] {
  const sockets: Socket[] = [];
  const note = (message: unknown) => sockets.push(Reflect.get(Object(message), 'socket'));
  onDiagnostic('net.server.socket', note);
  ending.push(() => offDiagnostic('net.server.socket', note));
  return sockets;
}

/** A subscriber that takes nothing after its subscription is accepted. */
async function stalledSse(server: Served, key: string): Promise<Socket> {
  const socket = connect(server.port, '127.0.0.1');
  ending.push(() => socket.destroy());
  const body = JSON.stringify({ query: EVENTS, variables: { afterSeq: 0 } });
  socket.write(
    `POST /graphql HTTP/1.1\r\nhost: x\r\naccept: text/event-stream\r\ncontent-type: application/json\r\nauthorization: Bearer ${key}\r\ncontent-length: ${body.length}\r\n\r\n${body}`,
  );
  await new Promise((resolve) => socket.once('readable', resolve));
  return socket;
}

async function stalledWebSocket(server: Served, key: string): Promise<WebSocket> {
  const socket = new WebSocket(server.wsUrl, 'graphql-transport-ws');
  ending.push(() => socket.terminate());
  await new Promise((resolve) => socket.once('open', resolve));
  socket.send(JSON.stringify({ type: 'connection_init', payload: { authorization: `Bearer ${key}` } }));
  await new Promise((resolve) => socket.once('message', resolve));
  socket.send(JSON.stringify({ id: '1', type: 'subscribe', payload: { query: EVENTS, variables: { afterSeq: 0 } } }));
  await new Promise((resolve) => socket.once('message', resolve));
  socket.pause();
  return socket;
}

const WAYS = [
  ['server-sent events', stalledSse],
  ['WebSocket', stalledWebSocket],
] as const;

/** A subscriber that takes everything. */
function reader(server: Served, key: string, afterSeq = 0) {
  const client = createClient({
    url: server.wsUrl,
    webSocketImpl: WebSocket,
    connectionParams: { authorization: `Bearer ${key}` },
    retryAttempts: 0,
  });
  const seqs: number[] = [];
  const { promise, resolve } = Promise.withResolvers<unknown>();
  client.subscribe<{ events: { seq: number } }>(
    { query: EVENTS, variables: { afterSeq } },
    { next: ({ data }) => data && seqs.push(data.events.seq), error: resolve, complete: () => resolve(null) },
  );
  ending.push(() => client.dispose());
  return { seqs, done: promise };
}

test.for(WAYS)(
  '%s: who takes nothing costs no memory and keeps nobody waiting',
  { timeout: 60_000 },
  async ([way, stall]) => {
    const { t, server, a } = await setUp(way === 'WebSocket' ? 'stalled-ws' : 'stalled-sse');
    const sockets = serverSockets();
    await stall(server, a.key);
    const [stalled] = sockets;
    expect(sockets).toHaveLength(1);
    const other = reader(server, a.key);
    const last = await writeLarge(t, a, 200);
    await expect.poll(() => other.seqs.at(-1), { timeout: 15_000 }).toBe(last);
    expect(other.seqs).toEqual(range(last).map((i) => i + 1));
    // 20 MB were there to be sent; what the kernel did not take waits in the log, not in this process.
    expect(stalled?.bytesWritten).toBeLessThan(15 * KB * KB);
    expect(stalled?.writableLength).toBeLessThan(2 * KB * KB);
    const before = performance.now();
    await mutate(t, a.key, 'openCase { case { id } }', { title: 'a change' });
    expect(performance.now() - before).toBeLessThan(2_000);
  },
);

test.for(WAYS)('%s: the server stops although somebody takes nothing', { timeout: 60_000 }, async ([way, stall]) => {
  const { t, server, a } = await setUp(way === 'WebSocket' ? 'stop-ws' : 'stop-sse');
  await stall(server, a.key);
  await writeLarge(t, a, 200);
  const before = performance.now();
  await server.stop();
  // Running requests get ten seconds to finish; this one never would.
  expect(performance.now() - before).toBeLessThan(13_000);
});

test('when the server stops, its streams end as complete or with "going away", at once', async () => {
  const { t, server, a } = await setUp('stop-clean');
  const ws = reader(server, a.key);
  const response = await fetch(server.url, {
    method: 'POST',
    headers: { 'content-type': 'application/json', accept: 'text/event-stream', authorization: `Bearer ${a.key}` },
    body: JSON.stringify({ query: EVENTS, variables: { afterSeq: 0 } }),
  });
  const text = response.text();
  await expect.poll(() => ws.seqs.length).toBeGreaterThan(0);
  await expect.poll(() => t.app.services.tails.followers(a.tenantId)).toBe(2);
  const before = performance.now();
  await server.stop();
  expect(performance.now() - before).toBeLessThan(2_000);
  const end = await ws.done;
  if (end !== null) expect(end).toMatchObject({ code: 1001 });
  expect(await text).toMatch(/event: complete\s+data:?\s*$/);
  expect(t.app.services.tails.followers(a.tenantId)).toBe(0);
});

test('streams that have ended leave nothing behind', async () => {
  const { t, server, a } = await setUp('leaks');
  const { tails, streams } = t.app.services;
  for (const round of [1, 2]) {
    const clients = range(12).map(() =>
      createClient({
        url: server.wsUrl,
        webSocketImpl: WebSocket,
        connectionParams: { authorization: `Bearer ${a.key}` },
        retryAttempts: 0,
      }),
    );
    for (const client of clients)
      client.subscribe({ query: EVENTS }, { next: () => {}, error: () => {}, complete: () => {} });
    await expect.poll(() => tails.followers(a.tenantId), { timeout: 5_000 }).toBe(12);
    await Promise.all(clients.map((client) => client.dispose()));
    // They learn of it when they next look at the log.
    await mutate(t, a.key, 'openCase { case { id } }', { title: `round ${round}` });
    await expect.poll(() => tails.followers(a.tenantId), { timeout: 5_000 }).toBe(0);
    expect(getEventListeners(streams.signal, 'abort')).toHaveLength(0);
  }
});

test('a listening connection that breaks loses no event', { timeout: 30_000 }, async () => {
  const { t, server, a } = await setUp('reconnect');
  const reading = reader(server, a.key);
  await expect.poll(() => reading.seqs.length).toBeGreaterThan(0);
  // The bus announces itself as the connection that listens.
  await withWrite(t.app.services.write, a.system, 'test', (tx) =>
    tx.db.$queryRawUnsafe(
      `SELECT pg_terminate_backend(pid)::text FROM pg_stat_activity WHERE datname = current_database() AND query LIKE 'LISTEN %'`,
    ),
  );
  const { eventSeq } = await mutate(t, a.key, 'openCase { eventSeq }', { title: 'unheard' });
  await expect.poll(() => reading.seqs.at(-1), { timeout: 10_000 }).toBe(eventSeq);
  expect(reading.seqs).toEqual(range(eventSeq).map((i) => i + 1));
});
