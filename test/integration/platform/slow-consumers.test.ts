import { unsubscribe as offDiagnostic, subscribe as onDiagnostic } from 'node:diagnostics_channel';
import { connect, type Socket } from 'node:net';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { MAX_WAITING_BYTES } from '../../../src/server/outlet.ts';
import { type Answer, createTestApp, type TestApp } from '../../support/app.ts';
import { openEventSource, posted } from '../../support/event-source.ts';
import { openRaw } from '../../support/raw-websocket.ts';
import { range } from '../intel/records.ts';
import { emitMany } from './emitting.ts';
import { type Served, serve } from './serving.ts';

vi.setConfig({ testTimeout: 60_000 });
const poll = { timeout: 20_000 };
/** More than the operating system keeps for two ends of a connection. */
const EVENTS = 2_000;
const BYTES = 8_000;
let t: TestApp;
let server: Served;
const accepted: Socket[] = [];
/** what the tests opened and nobody reads: a server that stops would wait for it */
const opened: { destroy(): void }[] = [];
const note = (message: unknown) => void accepted.push(Reflect.get(Object(message), 'socket'));
beforeAll(async () => {
  t = await createTestApp();
  server = await serve(t.app, { timing: { stallMs: 1_500, pingMs: 300 } });
  onDiagnostic('net.server.socket', note);
});
afterAll(async () => {
  offDiagnostic('net.server.socket', note);
  for (const one of opened) one.destroy();
  await server?.stop();
  await t?.close();
});

const QUERY =
  'subscription($afterSeq: BigInt) { events(afterSeq: $afterSeq, heartbeatSeconds: 0) { seq event { payload } } }';

/** One who stops reading after the first message, and reads on when told to. */
interface Stalled {
  readOn(): void;
  /** answers so far, errors among them */
  answers(): Answer[];
  ended(): boolean;
}

async function overSse(key: string): Promise<Stalled> {
  const socket = connect(server.port, '127.0.0.1');
  opened.push(socket);
  const body = JSON.stringify({ query: QUERY, variables: { afterSeq: 0 } });
  socket.write(
    `POST /graphql HTTP/1.1\r\nhost: x\r\nconnection: close\r\naccept: text/event-stream\r\ncontent-type: application/json\r\nauthorization: Bearer ${key}\r\ncontent-length: ${body.length}\r\n\r\n${body}`,
  );
  let text = '';
  let ended = false;
  await new Promise((resolve) => socket.once('readable', resolve));
  return {
    readOn: () =>
      socket
        .on('data', (chunk) => (text += chunk))
        .on('end', () => (ended = true))
        .on('error', () => {}),
    // The sizes of chunks stand between the messages, each of which is a chunk of its own.
    answers: () => [...text.matchAll(/^data: (\{.*\})$/gm)].map(([, json]) => JSON.parse(json ?? '')),
    ended: () => ended,
  };
}

async function overWebSocket(key: string): Promise<Stalled> {
  const raw = await openRaw(server.wsUrl, key);
  opened.push({ destroy: () => raw.socket.terminate() });
  raw.send({ id: '1', type: 'subscribe', payload: { query: QUERY, variables: { afterSeq: 0 } } });
  await new Promise((resolve) => raw.socket.once('message', resolve));
  raw.socket.pause();
  return {
    readOn: () => raw.socket.resume(),
    answers: () =>
      raw.messages
        .filter(({ id }) => id === '1')
        .map(({ type, payload }) => (type === 'error' ? { errors: payload } : payload)),
    ended: () => raw.messages.some(({ type }) => type === 'error'),
  };
}

test.for<[string, string, (key: string) => Promise<Stalled>]>([
  ['server-sent events', 'sse', overSse],
  ['WebSocket', 'ws', overWebSocket],
])(
  '%s: who takes nothing for too long is told from where to go on, and loses and doubles nothing',
  async ([, way, stall]) => {
    const a = await t.tenant(`slow-${way}`);
    accepted.length = 0;
    const slow = await stall(a.key);
    const last = await emitMany(t, a, EVENTS, BYTES);
    const [socket] = accepted;
    let most = 0;
    await expect
      .poll(() => {
        most = Math.max(most, socket?.writableLength ?? 0);
        return t.app.services.tails.followers(a.tenantId);
      }, poll)
      .toBe(0);
    expect(most).toBeLessThan(MAX_WAITING_BYTES);
    expect(socket?.bytesWritten).toBeLessThan(EVENTS * BYTES);
    slow.readOn();
    await expect.poll(slow.ended, poll).toBe(true);
    const answers = slow.answers().filter((one) => one !== undefined);
    const seqs = answers.flatMap(({ data }) => (data ? [data.events.seq] : []));
    const { extensions } = answers.at(-1).errors[0];
    expect(extensions).toEqual({ code: 'SLOW_CONSUMER', lastSeq: seqs.at(-1) });
    expect(seqs.length).toBeLessThan(last);
    const rest = await openEventSource(server.url, posted(a.key, QUERY, { afterSeq: extensions.lastSeq }));
    await expect.poll(() => Number(rest.messages.at(-1)?.id), poll).toBe(last);
    rest.close();
    expect([...seqs, ...rest.messages.map(({ id }) => Number(id))]).toEqual(range(last).map((i) => i + 1));
  },
);

test('who does not even take the error is cut off, and others notice nothing', async () => {
  const a = await t.tenant('cut-off');
  accepted.length = 0;
  await overSse(a.key);
  await overWebSocket(a.key);
  const stalled = [...accepted];
  const other = await openEventSource(server.url, posted(a.key, QUERY, { afterSeq: 0 }));
  const last = await emitMany(t, a, EVENTS, BYTES);
  await expect.poll(() => Number(other.messages.at(-1)?.id), poll).toBe(last);
  expect(other.messages.map(({ id }) => Number(id))).toEqual(range(last).map((i) => i + 1));
  // The SSE connection is destroyed; the WebSocket is closed with a code of its own, which nobody takes either.
  await expect.poll(() => stalled[0]?.destroyed, poll).toBe(true);
  expect(stalled).toHaveLength(2);
  other.close();
});
