import { afterAll, afterEach, beforeAll, expect, test, vi } from 'vitest';
import { MAX_CONNECTIONS, MAX_OPERATIONS } from '../../../src/server/stream-limits.ts';
import { createTestApp, type Tenant, type TestApp } from '../../support/app.ts';
import { openRaw as connectRaw, type RawWebSocket } from '../../support/raw-websocket.ts';
import { asOwner, mutate, range } from '../intel/records.ts';
import { type Served, serve } from './serving.ts';

const PING_MS = 150;
const INIT_MS = 400;
let t: TestApp;
let server: Served;
let a: Tenant;
beforeAll(async () => {
  t = await createTestApp();
  server = await serve(t.app, { timing: { pingMs: PING_MS, initMs: INIT_MS } });
  a = await t.tenant('sockets');
});
afterAll(async () => {
  await server?.stop();
  await t?.close();
});

vi.setConfig({ testTimeout: 20_000 });
const poll = { timeout: 10_000 };
afterEach(async () => {
  for (const { socket } of opened.splice(0)) socket.terminate();
  await expect.poll(() => t.app.services.tails.followers(a.tenantId), poll).toBe(0);
});

/** What a test opens is closed behind it. */
const opened: RawWebSocket[] = [];
async function openRaw(...args: Parameters<typeof connectRaw>): Promise<RawWebSocket> {
  const raw = await connectRaw(...args);
  opened.push(raw);
  return raw;
}

const INIT = { type: 'connection_init' };
const subscribe = (id: string, query = 'subscription { events(heartbeatSeconds: 0) { seq } }') => ({
  id,
  type: 'subscribe',
  payload: { query },
});

test.for<[number, string, boolean, unknown[]]>([
  [4400, 'what is no message', false, ['{']],
  [4400, 'a message of no known type', false, [{ type: 'no_such' }]],
  [4400, 'a message that only a server sends', true, [{ type: 'next', id: '1', payload: {} }]],
  [4401, 'an operation before the credential was accepted', false, [subscribe('1')]],
  [4403, 'a credential that nobody knows', false, [{ ...INIT, payload: { authorization: 'Bearer argus_nonsense' } }]],
  [4409, 'a second operation of the same id', true, [subscribe('1'), subscribe('1')]],
  [4429, 'a second connection_init', true, [INIT]],
])('closes with %i: %s', async ([code, , signedIn, messages]) => {
  const raw = await openRaw(server.wsUrl, signedIn ? a.key : null);
  for (const message of messages) raw.send(message);
  expect(await raw.closed).toMatchObject({ code });
});

test('closes with 4408 who does not say who he is, with 4406 who speaks another protocol, with 1009 too long a message', async () => {
  expect(await (await openRaw(server.wsUrl, null)).closed).toMatchObject({ code: 4408 });
  expect(await (await openRaw(server.wsUrl, null, { protocols: [] })).closed).toMatchObject({ code: 4406 });
  const long = await openRaw(server.wsUrl, a.key);
  long.send('x'.repeat(300 * 1024));
  expect(await long.closed).toMatchObject({ code: 1009 });
});

test('a client’s ping is answered with what it carried', async () => {
  const raw = await openRaw(server.wsUrl, a.key);
  raw.send({ type: 'ping', payload: { n: 1 } });
  await expect.poll(() => raw.messages.at(-1), poll).toEqual({ type: 'pong', payload: { n: 1 } });
});

test('a socket that does not answer pings is ended, one that does stays', async () => {
  const [dead, alive] = await Promise.all([
    openRaw(server.wsUrl, a.key, { autoPong: false }),
    openRaw(server.wsUrl, a.key),
  ]);
  expect(await dead.closed).toMatchObject({ code: 1006 });
  expect(alive.socket.readyState).toBe(alive.socket.OPEN);
});

test(`an operation above ${MAX_OPERATIONS} is refused, the others go on`, async () => {
  const raw = await openRaw(server.wsUrl, a.key);
  for (const i of range(MAX_OPERATIONS + 1)) raw.send(subscribe(`n${i}`));
  await expect
    .poll(() => raw.messages.slice(1))
    .toMatchObject([
      { id: `n${MAX_OPERATIONS}`, type: 'error', payload: [{ extensions: { code: 'TOO_MANY_OPERATIONS' } }] },
    ]);
  raw.send({ id: 'n0', type: 'complete' });
  raw.send(subscribe('again'));
  await expect.poll(() => t.app.services.tails.followers(a.tenantId), poll).toBe(MAX_OPERATIONS);
  await mutate(t, a.key, 'openCase { case { id } }', { title: 'x' });
  await expect.poll(() => raw.messages.filter(({ type }) => type === 'next').length, poll).toBe(MAX_OPERATIONS);
});

test('a key has so many sockets, and gets another when one is closed', async () => {
  const { key } = await t.tenant('many-sockets');
  const most = MAX_CONNECTIONS.credential;
  const raws = await Promise.all(range(most).map(() => openRaw(server.wsUrl, key)));
  const refused = await openRaw(server.wsUrl, key);
  expect(await refused.closed).toEqual({
    code: 1013,
    reason: expect.stringContaining(`${most} open streams of this key`),
  });
  raws[0]?.socket.close();
  await raws[0]?.closed;
  await expect
    .poll(async () => {
      const next = await openRaw(server.wsUrl, key);
      next.socket.close();
      return next.messages[0];
    })
    .toEqual({ type: 'connection_ack' });
});

const CREATE_KEY = 'createApiKey { key { secret apiKey { id } } }';

test('a permission that is lost ends its operation alone; a credential that ends takes the socket with it', async () => {
  const made = async (permissions: string[]) =>
    (await mutate(t, a.key, CREATE_KEY, { name: 'narrowed', permissions })).key;
  const key = await made(['event:read', 'case:read']);
  const raw = await openRaw(server.wsUrl, key.secret);
  raw.send(subscribe('events'));
  raw.send(subscribe('cases', 'subscription { caseEvents(heartbeatSeconds: 0) { case { title } } }'));
  await expect.poll(() => t.app.services.tails.followers(a.tenantId), poll).toBe(2);
  await asOwner(t, `UPDATE api_keys SET permissions = '{case:read}' WHERE tenant_id = $1 AND name = 'narrowed'`, [
    a.tenantId,
  ]);
  // Its event tells that rights have changed.
  await made(['case:read']);
  await expect
    .poll(() => raw.messages.at(-1), poll)
    .toMatchObject({ id: 'events', type: 'error', payload: [{ extensions: { code: 'FORBIDDEN' } }] });
  await mutate(t, a.key, 'openCase { case { id } }', { title: 'seen' });
  const next = { id: 'cases', type: 'next', payload: { data: { caseEvents: { case: { title: 'seen' } } } } };
  await expect.poll(() => raw.messages.at(-1), poll).toMatchObject(next);
  await mutate(t, a.key, 'revokeApiKey { userErrors { code } }', { id: key.apiKey.id });
  expect(await raw.closed).toMatchObject({ code: 4403 });
  expect(raw.messages.at(-1)).toMatchObject({ id: 'cases', payload: [{ extensions: { code: 'UNAUTHENTICATED' } }] });
});
