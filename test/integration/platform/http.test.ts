import { connect } from 'node:net';
import pg from 'pg';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createTestApp, type Tenant, type TestApp } from '../../support/app.ts';
import { asOwner, countOf } from '../intel/records.ts';
import { post, type Served, serve } from './serving.ts';

let t: TestApp;
let server: Served;
let a: Tenant;
let origin: string;
beforeAll(async () => {
  t = await createTestApp();
  server = await serve(t.app);
  a = await t.tenant('http');
  origin = server.url.replace('/graphql', '');
});
afterAll(async () => {
  await server?.stop();
  await t?.close();
});

const OPEN = 'mutation { openCase(input: { title: "x" }) { case { id } } }';

test('a query may come by GET, a mutation may not', async () => {
  const get = (query: string, headers: Record<string, string> = {}) =>
    fetch(`${server.url}?query=${encodeURIComponent(query)}`, {
      headers: { authorization: `Bearer ${a.key}`, ...headers },
    });
  const query = await get('{ viewer { kind } }');
  expect([query.status, await query.json()]).toMatchObject([200, { data: { viewer: { kind: 'API_KEY' } } }]);
  const before = await countOf(t, a, 'cases');
  const mutation = await get(OPEN);
  expect(mutation.status).toBe(405);
  expect(mutation.headers.get('allow')).toBe('POST');
  expect(await countOf(t, a, 'cases')).toBe(before);
  for (const method of ['PUT', 'DELETE', 'PATCH']) {
    const response = await fetch(server.url, { method, headers: { authorization: `Bearer ${a.key}` } });
    expect(response.status, method).toBe(405);
    await response.body?.cancel();
  }
});

test('a form of another page, which cannot carry a key, changes nothing', async () => {
  const before = await countOf(t, a, 'cases');
  for (const type of ['application/x-www-form-urlencoded', 'text/plain', 'multipart/form-data; boundary=x']) {
    const response = await fetch(server.url, {
      method: 'POST',
      headers: { 'content-type': type },
      body: type.includes('urlencoded')
        ? new URLSearchParams({ query: OPEN }).toString()
        : JSON.stringify({ query: OPEN }),
    });
    const answer = await response.text();
    expect(response.status === 415 || answer.includes('UNAUTHENTICATED'), `${type}: ${answer}`).toBe(true);
  }
  expect(await countOf(t, a, 'cases')).toBe(before);
});

test('several operations in one body are refused', async () => {
  const response = await fetch(server.url, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify([{ query: '{ __typename }' }, { query: '{ __typename }' }]),
  });
  expect(response.status).toBe(400);
});

const LARGE = JSON.stringify({ query: '{ __typename }', variables: { filler: 'x'.repeat(2 * 1024 * 1024) } });

test('a body of more than 1 MB is refused, whether it says so or not', async () => {
  const headers = { 'content-type': 'application/json' };
  const told = await fetch(server.url, { method: 'POST', headers, body: LARGE });
  expect(told.status).toBe(413);
  expect(((await told.json()) as { errors: { message: string }[] }).errors[0]?.message).toMatch(/1048576/);
  const untold = await fetch(server.url, {
    method: 'POST',
    headers,
    body: new Blob([LARGE]).stream(),
    duplex: 'half',
  } as RequestInit);
  expect(untold.status).toBe(413);
  expect(((await untold.json()) as { errors: { message: string }[] }).errors[0]?.message).toMatch(/1048576/);
  // The connection is good for the next request.
  expect((await post(server.url, null, '{ __typename }')).status).toBe(200);
  const fits = JSON.stringify({ query: '{ __typename }', variables: { filler: 'x'.repeat(1_000_000) } });
  expect((await fetch(server.url, { method: 'POST', headers, body: fits })).status).toBe(200);
  const streamed = await fetch(server.url, {
    method: 'POST',
    headers,
    body: new Blob([fits]).stream(),
    duplex: 'half',
  } as RequestInit);
  expect([streamed.status, await streamed.json()]).toMatchObject([200, { data: { __typename: 'Query' } }]);
});

test('a body in pieces, empty or broken off, is answered and keeps nothing waiting', { timeout: 15_000 }, async () => {
  const empty = await fetch(server.url, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: new Blob([]).stream(),
    duplex: 'half',
  } as RequestInit);
  expect(empty.status).toBe(400);
  const socket = connect(server.port, '127.0.0.1');
  socket.write(
    'POST /graphql HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n5\r\n{"que\r\n',
  );
  await new Promise((resolve) => setTimeout(resolve, 50));
  socket.destroy();
  expect((await post(server.url, null, '{ __typename }')).status).toBe(200);
});

test.for([
  ['{', 400],
  ['"text"', 400],
  ['null', 400],
  ['{}', 400],
  ['', 400],
  ['{"query": 1}', 400],
  ['{"query": "{ __typename }", "variables": "x"}', 400],
  ['{"query": "{"}', 400],
  ['{"query": "{ nothing }"}', 400],
] as const)('the body %j is refused with %d and a reason', async ([body, status]) => {
  const response = await fetch(server.url, {
    method: 'POST',
    headers: { 'content-type': 'application/json', accept: 'application/graphql-response+json' },
    body,
  });
  const answer = (await response.json()) as { errors: { message: string; stack?: string }[] };
  expect(response.status).toBe(status);
  expect(answer.errors[0]?.message).toBeTruthy();
  expect(JSON.stringify(answer)).not.toMatch(/node_modules|\.ts:/);
});

test('a wrong key is 401 over HTTP, whatever is asked, and says nothing of why', async () => {
  for (const header of ['Bearer argus_nonsense', 'Basic dXNlcjpwYXNz', 'Bearer']) {
    const { status, body } = await post(server.url, null, '{ __typename }', {}, { authorization: header });
    expect([header, status, body.errors?.[0]?.extensions?.code]).toEqual([header, 401, 'UNAUTHENTICATED']);
    expect(body.data).toBeUndefined();
  }
  const byHeader = await post(server.url, null, '{ viewer { kind } }', {}, { 'x-api-key': a.key });
  expect(byHeader.body.data?.viewer.kind).toBe('API_KEY');
});

test('another origin is not let in unless it is named', async () => {
  const preflight = (url: string) =>
    fetch(url, {
      method: 'OPTIONS',
      headers: { origin: 'https://evil.example', 'access-control-request-method': 'POST' },
    });
  const plain = await preflight(server.url);
  const answered = await post(server.url, null, '{ __typename }', {}, { origin: 'https://evil.example' });
  for (const headers of [plain.headers, answered.headers]) {
    expect([...headers.keys()].filter((name) => name.startsWith('access-control'))).toEqual([]);
  }
  const own = await createTestApp({ env: { CORS_ORIGINS: 'https://good.example' } });
  const named = await serve(own.app);
  const good = await post(named.url, null, '{ __typename }', {}, { origin: 'https://good.example' });
  expect(good.headers.get('access-control-allow-origin')).toBe('https://good.example');
  expect(good.headers.get('access-control-allow-credentials')).toBeNull();
  const evil = await preflight(named.url);
  expect(evil.headers.get('access-control-allow-origin')).not.toBe('https://evil.example');
  await named.stop();
  await own.close();
});

test('a path that is not there is 404 and says where the API is', async () => {
  for (const path of ['/nothing', '/graphql/x', '/..%2f..%2fetc/passwd', '/graphiql/assets/x']) {
    const response = await fetch(`${origin}${path}`);
    expect([path, response.status]).toEqual([path, 404]);
    await response.text();
  }
  const body = (await (await fetch(`${origin}/nothing`)).json()) as { errors: { message: string }[] };
  expect(body.errors[0]?.message).toContain('/graphql');
});

const probe = async (url: string, path: string) => {
  const response = await fetch(url.replace('/graphql', path));
  return [response.status, ((await response.json()) as { status: string }).status];
};

test('the server is alive and ready; while the database is away it is alive and not ready', {
  timeout: 40_000,
}, async () => {
  const own = await createTestApp({ env: { LOG_LEVEL: 'silent' } });
  const served = await serve(own.app);
  expect(await probe(served.url, '/livez')).toEqual([200, 'ok']);
  expect(await probe(served.url, '/readyz')).toEqual([200, 'ok']);
  const name = new URL(own.database.ownerUrl).pathname.slice(1);
  const url = new URL(own.database.ownerUrl);
  url.pathname = '/postgres';
  const admin = new pg.Client({ connectionString: url.toString() });
  await admin.connect();
  await admin.query(`ALTER DATABASE "${name}" ALLOW_CONNECTIONS false`);
  await admin.query('SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = $1', [name]);
  expect(await probe(served.url, '/readyz')).toEqual([503, 'unavailable']);
  expect(await probe(served.url, '/livez')).toEqual([200, 'ok']);
  await admin.query(`ALTER DATABASE "${name}" ALLOW_CONNECTIONS true`);
  await admin.end();
  await expect.poll(() => probe(served.url, '/readyz'), { timeout: 10_000 }).toEqual([200, 'ok']);
  await served.stop();
  await own.close();
});

test('a stop lets what runs finish, answers "not ready" and takes nothing new', { timeout: 40_000 }, async () => {
  const own = await createTestApp();
  const served = await serve(own.app);
  const tenant = await own.tenant('graceful');
  const owner = new pg.Client({ connectionString: own.database.ownerUrl });
  await owner.connect();
  await owner.query('BEGIN; LOCK TABLE cases IN ACCESS EXCLUSIVE MODE');
  // Two requests on one connection: the second is answered when the first is done.
  const socket = connect(served.port, '127.0.0.1');
  let received = '';
  socket.on('data', (chunk) => {
    received += chunk.toString();
  });
  const ended = new Promise((resolve) => socket.once('close', resolve));
  const body = JSON.stringify({ query: '{ cases { nodes { id } } }' });
  socket.write(
    `POST /graphql HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\nauthorization: Bearer ${tenant.key}\r\ncontent-length: ${body.length}\r\n\r\n${body}`,
  );
  await expect
    .poll(
      async () =>
        (
          await asOwner(
            own,
            `SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'`,
          )
        ).length,
    )
    .toBe(1);
  const stopped = served.stop().then(() => performance.now());
  socket.write('GET /readyz HTTP/1.1\r\nhost: x\r\n\r\n');
  await expect(fetch(served.url)).rejects.toThrow();
  expect(received).toBe('');
  const released = performance.now();
  await owner.query('COMMIT');
  await ended;
  expect(await stopped).toBeGreaterThan(released);
  expect((await stopped) - released).toBeLessThan(5_000);
  expect(received).toMatch(/^HTTP\/1\.1 200 [\s\S]*\{"data":\{"cases":\{"nodes":\[\]\}\}/);
  expect(received).toMatch(/HTTP\/1\.1 503 [\s\S]*"stopping"/);
  await owner.end();
  await own.close();
});

test('a port that is taken is told with what to do', async () => {
  const { serveHttp } = await import('../../../src/server/http.ts');
  await expect(
    serveHttp(t.app, { host: '127.0.0.1', port: server.port, examplesDir: 'examples/queries' }),
  ).rejects.toThrow(new RegExp(`port ${server.port} is in use.*PORT=`));
});
