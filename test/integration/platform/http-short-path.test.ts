import { createServer, request, type Server } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { type Compute, computeAnswer, createShortPath } from '../../../src/server/short-path.ts';
import { createTestApp, type Tenant, type TestApp } from '../../support/app.ts';

let t: TestApp;
let a: Tenant;
let server: Server;
let port: number;
/** what the short path said of the last request */
let handled: Promise<boolean> | false;
let compute: Compute;
let computed: Parameters<Compute>[];
beforeAll(async () => {
  t = await createTestApp({ env: { LOG_LEVEL: 'silent' } });
  a = await t.tenant('short');
  const { endpoint, services } = t.app;
  const shortPath = createShortPath(endpoint, services, endpoint.documents, (...args) => {
    computed.push(args);
    return compute(...args);
  });
  server = createServer((req, res) => {
    handled = shortPath.handle(req, res);
    if (handled === false) res.writeHead(421).end();
    else void handled.then((answered) => answered || res.writeHead(422).end());
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  ({ port } = server.address() as AddressInfo);
});
afterAll(async () => {
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
  await t?.close();
});
beforeEach(() => {
  compute = computeAnswer;
  computed = [];
});

async function post(query: string, headers: Record<string, string> = {}) {
  const response = await fetch(`http://127.0.0.1:${port}/graphql`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: `Bearer ${a.key}`, ...headers },
    body: JSON.stringify({ query, variables: { first: 3 } }),
  });
  const text = await response.text();
  return { status: response.status, headers: response.headers, answer: text ? JSON.parse(text) : null };
}

const CASES = '{ cases { nodes { id } } }';

describe('what computes the answer', () => {
  test('gets context, operation, variables and what is wanted, and its answer is what is sent', async () => {
    compute = async () => ({ body: '{"x":1}', status: 299, failed: true, headers: { 'retry-after': '7' } });
    const { status, headers, answer } = await post('query Q { __typename }', { 'min-seq': '12' });
    expect([status, headers.get('retry-after'), answer.x]).toEqual([299, '7', 1]);
    expect(headers.get('content-type')).toBe('application/json; charset=utf-8');
    const [[ctx, operation, variables, wanted] = []] = computed;
    expect(ctx?.viewer?.tenantId).toBe(a.tenantId);
    expect(operation?.id).toBe(t.app.endpoint.documents.get('query Q { __typename }')?.operations.get('Q')?.id);
    expect([operation?.kind, variables]).toEqual(['query', { first: 3 }]);
    expect(wanted).toEqual({ mediaType: 'application/json', minSeq: 12n });
  });

  test('may throw: the answer is masked, and no connection stays behind', async () => {
    compute = async (ctx) => {
      await ctx.scope.query({ text: 'SELECT 1', values: [] });
      throw new Error('secret');
    };
    const { pool } = t.app.services;
    // Each opens a transaction; the pool has fewer connections.
    for (let i = 0; i < 20; i++) {
      const { status, answer } = await post(CASES);
      expect([status, answer.errors[0].extensions.code]).toEqual([200, 'INTERNAL']);
      expect(JSON.stringify(answer)).not.toContain('secret');
    }
    await expect.poll(() => pool.totalCount - pool.idleCount).toBe(0);
  });

  test('tells whether it failed', async () => {
    const failed: boolean[] = [];
    compute = async (...args) => {
      const answer = await computeAnswer(...args);
      failed.push(answer.failed);
      return answer;
    };
    await post(CASES);
    await post('{ cases(after: "x") { nodes { id } } }');
    await post('mutation { openCase(input: { title: "" }) { userErrors { code } } }');
    expect(failed).toEqual([false, true, false]);
  });
});

describe('the header min-seq', () => {
  test('is a whole number from 0', async () => {
    for (const given of ['0', '007', '999999999999999999']) {
      expect((await post(CASES, { 'min-seq': given })).status, given).toBe(200);
      expect(computed.at(-1)?.[3].minSeq).toBe(BigInt(given));
    }
    await post(CASES);
    expect(computed.at(-1)?.[3].minSeq).toBeNull();
  });

  test.for(['', '-1', '+1', '1.0', '1e3', '0x1', 'x', '1, 2', '1000000000000000000'])(
    'is refused as %j',
    async (given) => {
      const { status, answer } = await post(CASES, { 'min-seq': given });
      expect([status, answer.errors[0].extensions]).toEqual([400, { code: 'INVALID_INPUT' }]);
      expect(answer.errors[0].message).toBe(
        `the header min-seq is ${JSON.stringify(given)}: it has to be a whole number from 0, of at most 18 digits`,
      );
      expect(computed).toEqual([]);
    },
  );
});

test('the answer says how long it is, and how many statements it took', async () => {
  const { headers } = await post(CASES);
  expect(Number(headers.get('content-length'))).toBeGreaterThan(20);
  expect(headers.get('server-timing')).toMatch(/^db;dur=\d+\.\d;desc="[1-9]\d* statements"$/);
  expect(headers.get('transfer-encoding')).toBeNull();
});

const BODY = JSON.stringify({ query: '{ health { status } }' });
const HEAD = `POST /graphql HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: ${BODY.length}\r\n\r\n`;

test('answers of one connection come whole and in order, and the connection stays', async () => {
  const socket = connect(port, '127.0.0.1');
  const pieces: string[] = [];
  socket.on('data', (piece) => pieces.push(piece.toString()));
  // The first is slower than the second.
  let calls = 0;
  compute = async (...args) => {
    const nth = ++calls;
    if (nth === 1) await new Promise((resolve) => setTimeout(resolve, 50));
    return { ...(await computeAnswer(...args)), headers: { nth: String(nth) } };
  };
  socket.write(HEAD + BODY + HEAD + BODY);
  const nths = () => [...pieces.join('').matchAll(/\r\nnth: (\d)/gi)].map((match) => match[1]);
  await expect.poll(nths).toEqual(['1', '2']);
  pieces.length = 0;
  socket.write(HEAD + BODY);
  await expect.poll(nths).toEqual(['3']);
  expect(pieces).toHaveLength(1);
  expect(pieces[0]).toMatch(
    /^HTTP\/1\.1 200 [\s\S]*\r\n\r\n\{"data":\{"health":\{"status":"\w+"\}\},"extensions":\{"cost":\{[^{}]*\}\}\}$/,
  );
  socket.destroy();
});

test('a client that goes away, before its body is there or before its answer is, is let go', async () => {
  const early = connect(port, '127.0.0.1');
  handled = false;
  early.write(HEAD + BODY.slice(0, 9));
  await expect.poll(() => handled !== false).toBe(true);
  early.destroy();
  expect(await handled).toBe(true);
  expect(computed).toEqual([]);
  let release = () => {};
  compute = async (...args) => {
    await new Promise<void>((resolve) => {
      release = resolve;
    });
    return computeAnswer(...args);
  };
  const late = connect(port, '127.0.0.1');
  late.write(HEAD + BODY);
  await expect.poll(() => computed.length).toBe(1);
  const [open] = await new Promise<number[]>((resolve) => server.getConnections((_, count) => resolve([count])));
  late.destroy();
  await expect
    .poll(() => new Promise<number>((resolve) => server.getConnections((_, count) => resolve(count))))
    .toBe((open ?? 0) - 1);
  release();
  expect(await handled).toBe(true);
  compute = computeAnswer;
  expect((await post(CASES)).status).toBe(200);
});

test('with origins named, a request of a page is left to what answers with them', async () => {
  const own = await createTestApp({ env: { CORS_ORIGINS: 'https://good.example' } });
  const { endpoint, services } = own.app;
  const shortPath = createShortPath(endpoint, services, endpoint.documents);
  const other = createServer((req, res) => {
    const taken = shortPath.handle(req, res);
    if (taken === false) res.writeHead(421).end();
  });
  await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve));
  const ask = (headers: Record<string, string>) =>
    new Promise((resolve) => {
      const options = { port: (other.address() as AddressInfo).port, path: '/graphql', method: 'POST' };
      const all = { 'content-type': 'application/json', ...headers };
      request({ ...options, headers: all }, (res) => resolve(res.resume().statusCode)).end(BODY);
    });
  expect(await ask({ origin: 'https://good.example' })).toBe(421);
  expect(await ask({ origin: 'https://evil.example' })).toBe(421);
  expect(await ask({})).toBe(200);
  await new Promise((resolve) => other.close(resolve));
  await own.close();
});
