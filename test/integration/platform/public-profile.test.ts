import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { serveHttp } from '../../../src/server/http.ts';
import { createTestApp, type Tenant, type TestApp } from '../../support/app.ts';
import { countOf, range } from '../intel/records.ts';
import { post } from './serving.ts';

// What a scanner of GraphQL servers tries, as nobody and as somebody. Nothing of it may work.

const WAYS = ['the short path', 'Yoga'] as const;
const OPEN = 'mutation { openCase(input: { title: "x" }) { case { id } } }';

let t: TestApp;
let a: Tenant;
const servers = new Map<string, Awaited<ReturnType<typeof serveHttp>>>();
beforeAll(async () => {
  t = await createTestApp({ env: { LOG_LEVEL: 'silent', CORS_ORIGINS: 'https://good.example' } });
  a = await t.tenant('public');
  for (const way of WAYS) {
    const options = { host: '127.0.0.1', port: 0, examplesDir: 'examples/queries', shortPath: way !== 'Yoga' };
    servers.set(way, await serveHttp(t.app, options));
  }
});
afterAll(async () => {
  for (const server of servers.values()) await server.stop();
  await t?.close();
});

const times = (count: number, part: (i: number) => string) => range(count).map(part).join(' ');

/** What must stand in no answer: places in the code, names of what lies below, statements. */
const INSIDE = /node_modules|\.ts:\d|\bat .+ \(|SELECT |relation "|prisma|stack/i;

describe.for(WAYS)('by %s', (way) => {
  const url = () => `http://127.0.0.1:${servers.get(way)?.port}/graphql`;
  const codeOf = async (query: string, key: string | null = null, variables = {}) => {
    const { status, body } = await post(url(), key, query, variables);
    expect(JSON.stringify(body)).not.toMatch(INSIDE);
    return [status, body.errors?.[0]?.extensions?.code, body.data];
  };
  const UNSHOWN = [401, 'UNAUTHENTICATED', undefined];

  test.for<[string, string]>([
    ['the schema', '{ __schema { queryType { name } } }'],
    ['a type', '{ health { status } __type(name: "Case") { fields { name } } }'],
    ['the schema in a fragment', 'query { ...F } fragment F on Query { x: __schema { types { name } } }'],
    ['a list that is not public and the schema', '{ cases { nodes { id } } __schema { types { name } } }'],
  ])('nobody is shown %s', async ([, query]) => {
    expect(await codeOf(query)).toEqual(UNSHOWN);
    expect((await codeOf(query, a.key))[0]).toBe(200);
  });

  test('a schema that turns in circles is refused to all', async () => {
    const circle = `{ __schema { types { ${'fields { type { '.repeat(6)} name ${'} }'.repeat(6)} } } }`;
    expect((await codeOf(circle, a.key))[1]).toBe('GRAPHQL_VALIDATION_FAILED');
  });

  test.for<[string, string]>([
    ['a field', '{ healt { status } }'],
    ['an argument', '{ health { status } cases(frst: 1) { nodes { id } } }'],
    ['a type', 'query ($x: CaseFiltr) { cases(filter: $x) { nodes { id } } }'],
    ['a value', '{ cases(orderBy: { field: NUMBR }) { nodes { id } } }'],
    ['a member', '{ cases(filter: { statuss: { eq: OPEN } }) { nodes { id } } }'],
  ])('nobody is told of %s that comes near; who has signed in is', async ([, query]) => {
    const nobody = await post(url(), null, query);
    expect(nobody.body.errors?.length).toBeGreaterThan(0);
    expect(JSON.stringify(nobody.body)).not.toContain('Did you mean');
    expect(JSON.stringify((await post(url(), a.key, query)).body)).toContain('Did you mean');
  });

  test('nor of one in a variable', async () => {
    const query = 'query ($f: CaseFilter) { cases(filter: $f) { nodes { id } } }';
    const nobody = await post(url(), null, query, { f: { statuss: { eq: '' } } });
    expect(nobody.body.errors?.[0]?.message).toContain('statuss');
    expect(JSON.stringify(nobody.body)).not.toContain('Did you mean');
    expect(JSON.stringify((await post(url(), a.key, query, { f: { statuss: 1 } })).body)).toContain('Did you mean');
  });

  test.for<[string, string]>([
    ['aliases', `{ ${times(101, (i) => `a${i}: __typename`)} }`],
    ['repeated fields', `{ ${times(11, () => '__typename')} }`],
    [
      'directives',
      `{ ${times(101, () => '__typename @include(if: true)').replaceAll('__typename', '...F')} } fragment F on Query { __typename }`,
    ],
    ['one directive again and again', `{ __typename ${times(60, () => '@skip(if: false)')} }`],
    ['tokens', `{ ${times(5_001, () => '__typename')} }`],
    [
      'changes',
      `mutation { ${times(21, (i) => `m${i}: signIn(input: { email: "", password: "" }) { userErrors { code } }`)} }`,
    ],
  ])('%s beyond measure are refused', async ([, query]) => {
    const [status, code, data] = await codeOf(query);
    expect(status === 400 || code === 'GRAPHQL_VALIDATION_FAILED', String(code)).toBe(true);
    expect(data).toBeUndefined();
  });

  const raw = async (init: RequestInit, path = '') => {
    const response = await fetch(`${url()}${path}`, init);
    const text = await response.text();
    expect(text).not.toMatch(INSIDE);
    return { status: response.status, text, headers: response.headers };
  };
  const key = () => ({ authorization: `Bearer ${a.key}` });

  test('several operations in one body are not taken', async () => {
    const body = JSON.stringify(
      times(2, () => '')
        .split(' ')
        .map(() => ({ query: '{ __typename }' })),
    );
    const { status, text } = await raw({
      method: 'POST',
      headers: { 'content-type': 'application/json', ...key() },
      body,
    });
    expect([status, text]).toEqual([400, expect.stringContaining('atching')]);
  });

  test('nothing changes by GET, by forms of other pages, or without a type', async () => {
    const before = await countOf(t, a, 'cases');
    expect((await raw({ headers: key() }, `?query=${encodeURIComponent(OPEN)}`)).status).toBe(405);
    for (const type of [
      'text/plain',
      'application/x-www-form-urlencoded',
      'multipart/form-data; boundary=x',
      'application/graphql',
    ]) {
      const body = type.includes('form-url')
        ? new URLSearchParams({ query: OPEN }).toString()
        : type.includes('graphql')
          ? OPEN
          : JSON.stringify({ query: OPEN });
      const { status, text } = await raw({ method: 'POST', headers: { 'content-type': type, ...key() }, body });
      expect([type, status, JSON.parse(text).errors[0].extensions.code]).toEqual([type, 415, 'UNSUPPORTED_MEDIA_TYPE']);
    }
    expect(await countOf(t, a, 'cases')).toBe(before);
  });

  test.for<[string, string]>([
    ['no JSON', '{'],
    ['another type', '{"query":1}'],
    [
      'deep variables',
      `{"query":"query($f: CaseFilter) { cases(filter: $f) { nodes { id } } }","variables":{"f":${'{"not":'.repeat(5_000)}1${'}'.repeat(5_000)}}}`,
    ],
    ['a deep document', JSON.stringify({ query: '{ a '.repeat(2_400) })],
    [
      'extensions that ask for a trace',
      '{"query":"{ health { nothing } }","extensions":{"tracing":true,"debug":true}}',
    ],
  ])('%s shows nothing of the inside', async ([, body]) => {
    for (const headers of [{}, { ...key(), 'apollo-federation-include-trace': 'ftv1', 'x-debug': '1' }]) {
      const { status, text } = await raw({
        method: 'POST',
        headers: { 'content-type': 'application/json', ...headers },
        body,
      });
      expect(status).toBeLessThan(500);
      expect(Object.keys(JSON.parse(text).extensions ?? {})).toEqual(['cost']);
    }
  });

  test('every answer tells browsers what they may do with it', async () => {
    const graphql = {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: '{"query":"{ __typename }"}',
    };
    const asked: [string, RequestInit][] = [
      ['/graphql', graphql],
      ['/graphql', { ...graphql, body: '{' }],
      ['/graphql?query={__typename}', {}],
      ['/graphql', { method: 'PUT' }],
      ['/livez', {}],
      ['/readyz', {}],
      ['/nothing', {}],
      ['/export/cases.csv', {}],
      ['/', { redirect: 'manual' }],
      ['/graphiql', {}],
    ];
    for (const [path, init] of asked) {
      const { headers } = await fetch(url().replace('/graphql', path), init);
      const told = Object.fromEntries(headers);
      expect(told, path).toMatchObject({
        'x-content-type-options': 'nosniff',
        'x-frame-options': 'DENY',
        'referrer-policy': 'no-referrer',
        'cross-origin-opener-policy': 'same-origin',
        'content-security-policy': expect.stringContaining("frame-ancestors 'none'"),
      });
      expect(told['x-powered-by'] ?? told.server, path).toBeUndefined();
      expect(told['strict-transport-security'], path).toBeUndefined();
      expect(told['content-security-policy'], path).not.toMatch(/unsafe-eval|script-src[^;]*unsafe-inline/);
    }
  });

  test('only the origins that are named may call, without cookies', async () => {
    const ask = async (origin: string, init: RequestInit) => {
      const { headers } = await raw({
        ...init,
        headers: { 'content-type': 'application/json', ...init.headers, origin },
      });
      return [headers.get('access-control-allow-origin'), headers.get('access-control-allow-credentials')];
    };
    const call = { method: 'POST', body: '{"query":"{ __typename }"}' };
    const preflight = {
      method: 'OPTIONS',
      headers: { 'access-control-request-method': 'POST', 'access-control-request-headers': 'authorization' },
    };
    for (const init of [call, preflight]) {
      expect(await ask('https://good.example', init)).toEqual(['https://good.example', null]);
      for (const origin of ['https://evil.example', 'null', 'https://good.example.evil.example'])
        expect((await ask(origin, init))[0]).not.toBe(origin);
    }
  });
});
