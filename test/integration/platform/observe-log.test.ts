import { createClient } from 'graphql-ws';
import { afterAll, beforeAll, expect, test } from 'vitest';
import WebSocket from 'ws';
import { createTestApp, type Tenant, type TestApp } from '../../support/app.ts';
import { KeptLines } from '../../support/kept-lines.ts';
import { asOwner, mutate } from '../intel/records.ts';
import { post, type Served, serve } from './serving.ts';

const KEY = Buffer.alloc(32, 7).toString('base64');
const lines = new KeptLines();
let t: TestApp;
let a: Tenant;
let server: Served;
beforeAll(async () => {
  const env = { LOG_LEVEL: 'trace', LOG_REQUESTS: 'all', SLOW_STATEMENT_MS: '0', ENCRYPTION_KEYS: `2026a:${KEY}` };
  t = await createTestApp({ lines, env });
  a = await t.tenant('logged');
  server = await serve(t.app);
});
afterAll(async () => {
  await server?.stop();
  await t?.close();
});

const requests = () => lines.entries('request');
const requestOf = async (id: string | null) => {
  await expect.poll(() => requests().find(({ requestId }) => requestId === id)).toBeDefined();
  return requests().find(({ requestId }) => requestId === id);
};
const OPEN = 'mutation Open($input: OpenCaseInput!) { openCase(input: $input) { userErrors { code } eventSeq } }';

test('a request has one line, and its id is in the response, in all lines and in the audit trail', async () => {
  const { headers } = await post(
    server.url,
    a.key,
    OPEN,
    { input: { title: 'First' } },
    { 'x-request-id': 'one-open-1' },
  );
  expect(headers.get('x-request-id')).toBe('one-open-1');
  expect(await requestOf('one-open-1')).toMatchObject({
    level: 'info',
    transport: 'http',
    operation: 'Open',
    type: 'mutation',
    outcome: 'ok',
    status: 200,
    tenantId: a.tenantId,
    viewer: 'API_KEY',
  });
  const { statements, databaseMs, milliseconds, bytes } = await requestOf('one-open-1');
  const ofIt = lines.entries('slow statement').filter(({ requestId }) => requestId === 'one-open-1');
  expect(ofIt.length).toBe(statements);
  expect(statements).toBeGreaterThan(5);
  expect(databaseMs).toBeGreaterThan(0);
  expect(milliseconds).toBeGreaterThan(0);
  expect(bytes).toBeGreaterThan(100);
  expect(await asOwner(t, `SELECT action FROM audit_logs WHERE request_id = 'one-open-1'`)).toHaveLength(1);
});

test('reads of requests that run at once are noted with their own id', async () => {
  const names = Array.from({ length: 12 }, (_, i) => `at-once-${i}`);
  const query = 'query Some { cases(first: 1) { nodes { id } } sources(first: 1) { nodes { id } } }';
  await Promise.all(names.map((name) => post(server.url, a.key, `${query} # ${name}`, {}, { 'x-request-id': name })));
  for (const name of names) expect(await requestOf(name)).toMatchObject({ operation: 'Some', outcome: 'ok' });
  const count = (name: string) => lines.entries('slow statement').filter((one) => one.requestId === name).length;
  // One of them has asked for the result cache how far the log is.
  expect(names.map(count).sort()).toEqual([...Array(11).fill(2), 3]);
});

test.each([
  ['too short', 'short'],
  ['an address', 'bob@example.com'],
  ['a key', 'argus_session_0123456789'],
  ['two lines', 'abcdefgh%0aijkl mnop'],
  ['too long', 'x'.repeat(65)],
])('a request id that is %s is replaced', async (_, given) => {
  const { headers } = await post(server.url, null, '{ health { status } }', {}, { 'x-request-id': given });
  expect(headers.get('x-request-id')).toMatch(/^[0-9a-f]{12}-[0-9a-z]+$/);
});

test('every way of asking tells the id: GET, an error of the document, a refused body, an export', async () => {
  const id = { 'x-request-id': 'way-of-asking' };
  const long = { method: 'POST', headers: { ...id, 'content-type': 'application/json' }, body: 'x'.repeat(1_100_000) };
  const base = server.url.replace('/graphql', '');
  for (const [url, init] of [
    [`${server.url}?query={health{status}}`, { headers: id }],
    [`${server.url}?query={nothing}`, { headers: id }],
    [server.url, long],
    [`${base}/export/cases.csv`, { headers: id }],
  ] as const) {
    const response = await fetch(url, init);
    await response.text();
    expect(response.headers.get('x-request-id'), url).toBe('way-of-asking');
  }
  const outcomes = () => requests().filter(({ requestId }) => requestId === 'way-of-asking');
  await expect.poll(() => outcomes().length).toBe(4);
  expect(outcomes().map(({ outcome, status }) => `${outcome} ${status}`)).toEqual([
    'ok 200',
    'refused 200',
    'refused 413',
    'refused 401',
  ]);
});

/** Over a WebSocket: a query, and the first event of a stream. */
async function overWebSocket(key: string): Promise<void> {
  const client = createClient({
    url: server.wsUrl,
    webSocketImpl: WebSocket,
    connectionParams: { authorization: `Bearer ${key}` },
  });
  for await (const _ of client.iterate({ query: 'query OverSocket { cases { nodes { id } } }' })) break;
  for await (const _ of client.iterate({ query: 'subscription Tail { events(afterSeq: 0) { seq } }' })) break;
  await client.dispose();
}

test('operations over a WebSocket have a line each, a stream when it ends', async () => {
  await overWebSocket(a.key);
  const ofSocket = () => requests().filter(({ transport }) => transport === 'websocket');
  await expect.poll(() => ofSocket().map(({ operation }) => operation)).toEqual(['OverSocket', 'Tail']);
  expect(ofSocket()).toMatchObject([
    { type: 'query', outcome: 'ok', viewer: 'API_KEY', statements: 1, status: null },
    { type: 'subscription', outcome: 'ok', viewer: 'API_KEY', tenantId: a.tenantId },
  ]);
});

test('an event stream tells its id, is counted while it is open, and has its line when it has ended', async () => {
  const open = () => t.app.services.counts.streams.get('sse') ?? 0;
  const leaving = new AbortController();
  const { headers } = await fetch(server.url, {
    method: 'POST',
    headers: {
      authorization: `Bearer ${a.key}`,
      'content-type': 'application/json',
      accept: 'text/event-stream',
      'x-request-id': 'stream-of-events',
    },
    body: JSON.stringify({ query: 'subscription Follow { events(afterSeq: 0) { seq } }' }),
    signal: leaving.signal,
  });
  expect(headers.get('x-request-id')).toBe('stream-of-events');
  await expect.poll(open).toBe(1);
  leaving.abort();
  expect(await requestOf('stream-of-events')).toMatchObject({
    transport: 'sse',
    operation: 'Follow',
    type: 'subscription',
    outcome: 'gone',
    viewer: 'API_KEY',
  });
  await expect.poll(open).toBe(0);
});

test('nothing secret or personal is logged, whatever is asked and whatever fails', async () => {
  const secrets = {
    password: 'correct-horse-battery',
    wrong: 'incorrect-horse-battery',
    email: 'agnes@people.example',
    stranger: 'stranger@people.example',
    content: 'meet-at-the-old-harbour-tonight',
    literal: 'literal-in-a-document',
    variable: 'variable-of-a-request',
    broken: 'broken-into-the-database',
  };
  const { email, password, wrong, stranger, content, literal, variable, broken } = secrets;
  await t.app.services.log.child({ password }).flush();
  const { createTenant } = await import('../../../src/modules/platform/tenant.service.ts');
  const made = await createTenant(t.app.services, {
    slug: 'people',
    name: 'People',
    email,
    displayName: 'A',
    password,
  });
  const SIGN_IN = `mutation($e: String!, $p: String!) { signIn(input: { email: $e, password: $p }) { session { token } userErrors { code } } }`;
  for (const [e, p] of [
    [email, wrong],
    [stranger, password],
  ])
    expect((await post(server.url, null, SIGN_IN, { e, p })).body.data.signIn.session).toBeNull();
  const { body } = await post(server.url, null, SIGN_IN, { e: email, p: password });
  const token: string = body.data.signIn.session.token;
  const { key } = await mutate(t, made.key, 'createApiKey { key { secret } }', { name: 'new' });
  const secret: string = key.secret;
  const { source } = await mutate(t, made.key, 'createSource { source { id } }', {
    name: 'x',
    kind: 'FORUM',
    externalRef: variable,
  });
  await mutate(t, secret, 'ingestContent { userErrors { code } }', { sourceId: source.id, text: content });
  await post(server.url, token, `{ cases(filter: { title: { eq: "${literal}" } }) { nodes { id } } }`);
  await post(server.url, token, `{ cases(filter: { nothing: { eq: "${literal}" } }) { nodes { id } } }`);
  await post(server.url, token, `{ cases(filter: "${literal}`);
  await post(server.url, token, 'query($n: Int) { cases(first: $n) { nodes { id } } }', { n: variable });
  await post(server.url, `${token.slice(0, -4)}AAAA`, '{ viewer { kind } }');
  await fetch(server.url, { method: 'POST', headers: { 'content-type': 'application/json' }, body: `{"${literal}` });
  await fetch(`${server.url.replace('/graphql', '')}/export/cases.csv?filter=${variable}`, {
    headers: { 'x-api-key': secret },
  }).then((response) => response.text());
  await overWebSocket(token);
  // PostgreSQL shows in its errors the values that they are about: a bug of ours would have it do so.
  await asOwner(
    t,
    `CREATE FUNCTION fail() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM NEW.title::int; RETURN NEW; END $$;
    CREATE TRIGGER fail BEFORE INSERT ON cases FOR EACH ROW EXECUTE FUNCTION fail()`,
  );
  const { body: failed } = await post(
    server.url,
    token,
    OPEN,
    { input: { title: broken } },
    { 'x-request-id': 'broken-one' },
  );
  expect(failed.errors?.[0]).toMatchObject({ extensions: { code: 'INTERNAL', requestId: 'broken-one' } });
  await asOwner(t, 'DROP FUNCTION fail CASCADE');
  expect(await requestOf('broken-one')).toMatchObject({ level: 'warn', outcome: 'error', codes: ['INTERNAL'] });
  const [told] = lines.entries('unexpected error in a resolver');
  expect(told.requestId).toBe('broken-one');
  expect(told.err.message).toContain('invalid input syntax for type integer: "…"');

  const { password: databasePassword } = new URL(t.database.appUrl);
  const keys = [made.key, secret, token, a.key, KEY, databasePassword, new URL(t.database.ownerUrl).password];
  expect(lines.showing([...Object.values(secrets), ...keys])).toEqual([]);
  // What is looked for would be found.
  expect(lines.text.length).toBeGreaterThan(50_000);
  expect(lines.showing(['slow statement'])).toHaveLength(1);
});
