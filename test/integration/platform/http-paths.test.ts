import { type IncomingHttpHeaders, request } from 'node:http';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { serveHttp } from '../../../src/server/http.ts';
import { createTestApp, type TestApp } from '../../support/app.ts';
import { asOwner, mutate } from '../intel/records.ts';

// The same requests to the short path and to Yoga: what both answer is the same.

let t: TestApp;
/** credentials by what they may do */
let keys: Record<string, string>;
let short: Awaited<ReturnType<typeof serveHttp>>;
let long: Awaited<ReturnType<typeof serveHttp>>;
/** requests that Yoga was given */
let toYoga = 0;
beforeAll(async () => {
  t = await createTestApp({ env: { LOG_LEVEL: 'silent', RESULT_CACHE_MB: '0' } });
  const { endpoint } = t.app;
  endpoint.yoga = new Proxy(endpoint.yoga, {
    apply: (yoga, self, args) => {
      toYoga++;
      return Reflect.apply(yoga, self, args);
    },
  });
  const options = { host: '127.0.0.1', port: 0, examplesDir: 'examples/queries' };
  short = await serveHttp(t.app, options);
  long = await serveHttp(t.app, { ...options, shortPath: false });
  const { key: all } = await t.tenant('paths');
  const made = await mutate(t, all, 'createApiKey { key { secret } }', { name: 'k', permissions: ['case:read'] });
  keys = { all, cases: made.key.secret, wrong: 'argus_no' };
});
afterAll(async () => {
  await short?.stop();
  await long?.stop();
  await t?.close();
});

interface Sent {
  body: string | Buffer;
  as?: string;
  headers?: Record<string, string>;
  path?: string;
  chunked?: boolean;
}

interface Received {
  status: number | undefined;
  headers: IncomingHttpHeaders;
  body: string;
}

function send(port: number, { body, as, headers = {}, path = '/graphql', chunked = false }: Sent): Promise<Received> {
  const length: Record<string, number> = chunked ? {} : { 'content-length': Buffer.byteLength(body) };
  const key: Record<string, string> = as ? { authorization: `Bearer ${keys[as]}` } : {};
  const all = { 'content-type': 'application/json', ...length, ...key, ...headers };
  return new Promise((resolve, reject) => {
    const req = request({ port, path, method: 'POST', headers: all }, (res) => {
      const chunks: Buffer[] = [];
      res.on('data', (chunk) => chunks.push(chunk)).on('error', reject);
      res.on('end', () => {
        resolve({ status: res.statusCode, headers: res.headers, body: Buffer.concat(chunks).toString() });
      });
    });
    req.on('error', reject).end(body);
  });
}

/** Differ by nature: the time, how the end of the body is told, how long statements took. */
const VARYING = ['date', 'content-length', 'transfer-encoding', 'server-timing'];
const REQUEST_ID = /\b[0-9a-f]{12}-[0-9a-z]+\b/g;

/** Sends a request both ways, expects the same answer, and tells which way the first took. */
async function both(sent: Sent) {
  const before = toYoga;
  const one = await send(short.port, sent);
  const way = toYoga === before ? 'short' : 'long';
  const other = await send(long.port, sent);
  const comparable = ({ status, headers, body }: Received) => ({
    status,
    headers: Object.fromEntries(
      Object.entries(headers)
        .filter(([name]) => !VARYING.includes(name))
        .map(([name, value]) => [name, String(value).replace(REQUEST_ID, 'REQUEST')]),
    ),
    statements: /desc="[^"]*"/.exec(String(headers['server-timing']))?.[0],
    body: body.replaceAll(REQUEST_ID, 'REQUEST'),
  });
  expect(comparable(one)).toEqual(comparable(other));
  return { way, ...one };
}

const ask = (query: string, more: object = {}): Sent => ({ as: 'all', body: JSON.stringify({ query, ...more }) });
const raw = (query: string, variables: string): Sent => ({
  as: 'all',
  body: `{"query":${JSON.stringify(query)},"variables":${variables}}`,
});
const TYPE = '{ __typename }';
const TWO = 'query One { __typename } query Two { health { status } }';
const LIST = 'query($first: Int, $filter: CaseFilter) { cases(first: $first, filter: $filter) { nodes { id } } }';
const OPEN = 'openCase(input: { title: "" }) { case { id } userErrors { code message path } eventSeq }';
const deep = (name: string, levels: number) => `${`{"${name}":`.repeat(levels)}1${'}'.repeat(levels)}`;
const nested = (levels: number) => `${'{ a '.repeat(levels)}${'}'.repeat(levels)}`;
const times = (count: number, part: (i: number) => string) =>
  Array.from({ length: count }, (_, i) => part(i)).join(' ');

/** What the short path answers with 200. */
const ANSWERED: [string, Sent][] = [
  ['a query', ask('{ viewer { kind } health { status } }')],
  ['a public query', { body: '{"query":"{ health { status } viewer { kind } }"}' }],
  ['introspection', ask('{ __schema { types { name fields { name args { name } } } } }')],
  ['members of null', ask(TYPE, { variables: null, operationName: null, extensions: null })],
  ['a named operation', ask(TWO, { operationName: 'Two' })],
  ['texts beyond ASCII', ask(LIST, { variables: { filter: { title: { eq: '\u03a9 \u6f22 \ud83e\udd8a' } } } })],
  ['a variable __proto__', raw(LIST, '{"__proto__":{"first":1},"first":2}')],
  ['a field __proto__', raw(LIST, '{"filter":{"__proto__":{"title":1}}}')],
  ['a lone surrogate', raw(LIST, '{"filter":{"title":{"eq":"\\ud800"}}}')],
  ['a NUL', raw(LIST, '{"filter":{"title":{"eq":"\\u0000"}}}')],
  ['numbers on the edge', raw(LIST, '{"first":-0,"filter":{"number":{"in":[1e400,9007199254740993,1.0]}}}')],
  ['bytes that are not UTF-8', { body: Buffer.from('{"query":"{ __typename } # \xff\xfe"}', 'latin1') }],
  ['a mutation that is refused', ask(`mutation { ${OPEN} }`)],
  ['no viewer where one is needed', { body: '{"query":"{ cases { nodes { id } } viewer { kind } }"}' }],
  ['a missing permission', { ...ask('{ contents { nodes { id } } viewer { kind } }'), as: 'cases' }],
  ['a domain error', ask('{ cases(after: "nonsense") { nodes { id } } }')],
  ['a page that is too large', ask('{ cases(first: 1000) { nodes { id } } }')],
  ['a missing variable', ask('query($id: ID!) { node(id: $id) { id } }')],
  ['variables of wrong types', ask(LIST, { variables: { first: 'x', filter: { nothing: 1 } } })],
  ['deep variables', raw(LIST, deep('m', 50_000))],
  ['a deep filter', raw(LIST, `{"filter":${deep('not', 9_000)}}`)],
  ['an address with a query', { ...ask(TYPE), path: '/graphql?query={viewer{kind}}&x' }],
  ['a body in pieces', { ...ask(TYPE), chunked: true }],
  ['an origin', { ...ask(TYPE), headers: { origin: 'https://evil.example' } }],
  ['a charset', { ...ask(TYPE), headers: { 'content-type': 'application/json; charset=utf-8' } }],
];

/** What it answers with an error's own status. */
const FAILED: [string, number, Sent][] = [
  ['a wrong key', 401, { ...ask(TYPE), as: 'wrong' }],
  ['another scheme', 401, { ...ask(TYPE), headers: { authorization: 'Basic eDp5' } }],
  ['too many changes', 400, ask(`mutation { ${times(21, (i) => `m${i}: ${OPEN}`)} }`)],
  [
    'too many fields',
    400,
    ask(`{ ${times(21, () => '...F')} } fragment F on Query { ${times(100, (i) => `a${i}: __typename`)} }`),
  ],
];

/** What Yoga answers: with 400, or where plain JSON is asked for with the second status. */
const REFUSED: [string, 200 | 400, Sent][] = [
  ['a syntax error', 200, ask('{ cases(')],
  ['an invalid document', 200, ask('{ nothing cases { nothing } }')],
  ['too many tokens', 400, ask(`{ ${times(5_000, () => '__typename')} }`)],
  ['a deep document', 400, ask(nested(400))],
  ['an empty query', 200, ask('')],
  ['a query of null', 200, { body: '{"query":null}' }],
  ['no query', 200, { body: '{}' }],
  ['an unknown document', 200, { body: '{"documentId":"sha256:00"}' }],
  ['a document and a query', 400, ask(TYPE, { documentId: 'sha256:00' })],
  ['a document id that is a number', 400, { body: '{"documentId":1}' }],
  ['a query that is a number', 400, { body: '{"query":1}' }],
  ['two operations without a name', 400, ask(TWO)],
  ['an unknown operation', 400, ask(TWO, { operationName: 'Three' })],
  ['an empty operation name', 400, ask(TYPE, { operationName: '' })],
  ['an operation name that is a number', 400, ask(TYPE, { operationName: 1 })],
  ['variables that are a list', 400, ask(TYPE, { variables: [] })],
  ['variables that are a text', 400, ask(TYPE, { variables: 'x' })],
  ['extensions that are a list', 400, ask(TYPE, { extensions: [] })],
  ['an unknown member', 400, ask(TYPE, { other: 1 })],
  ['a member __proto__', 400, { body: '{"query":"{ __typename }","__proto__":{"x":1}}' }],
  ['what is not JSON', 400, { body: '{"query": "{ __typename }"' }],
  ['what is not JSON, in pieces', 400, { body: '{', chunked: true }],
  ['nothing', 400, { body: '' }],
  ['nothing, in pieces', 400, { body: '', chunked: true }],
  ['a byte order mark', 400, { body: '\uFEFF{"query":"{ __typename }"}' }],
  ['a list', 400, { body: '[{"query":"{ __typename }"}]' }],
  ['a text', 400, { body: '"{ __typename }"' }],
  ['null', 400, { body: 'null' }],
];

const GRAPHQL_JSON = 'application/graphql-response+json';

/** Both ways, for both media types. */
async function compare(sent: Sent, way: string, asJson: number, asGraphQL: number) {
  const { headers = {} } = sent;
  // An operation is interpreted at its first sighting and compiled at its second.
  await send(short.port, sent);
  const plain = await both(sent);
  expect([plain.way, plain.status]).toEqual([way, asJson]);
  const typed = await both({ ...sent, headers: { ...headers, accept: `text/html, ${GRAPHQL_JSON};q=0.5, */*` } });
  expect([typed.way, typed.status]).toEqual([way, asGraphQL]);
  expect(typed.headers['content-type']).toBe(`${GRAPHQL_JSON}; charset=utf-8`);
  return plain;
}

describe('both ways give the same for', () => {
  test.for(ANSWERED)('%s', async ([, sent]) => {
    const { headers, body } = await compare(sent, 'short', 200, 200);
    expect(headers['content-length']).toBe(String(Buffer.byteLength(body)));
  });

  test.for(FAILED)('%s, %d', async ([, status, sent]) => {
    await compare(sent, 'short', status, status);
  });

  test.for(REFUSED)('%s', async ([, asJson, sent]) => {
    await compare(sent, 'long', asJson, 400);
  });

  test('the deepest document within the limit of tokens is an error of the caller', async () => {
    // Where the stack ends depends on what the engine has compiled, and so does which error it is.
    for (const { port } of [short, long]) {
      const { status, body } = await send(port, ask(nested(2_400)));
      expect(status).toBeLessThan(500);
      expect(body).toContain('"errors"');
    }
  });

  test.for([
    ['a subscription', 400, { ...ask('subscription { events { seq } }'), headers: { accept: 'application/json' } }],
    ['an event stream', 200, { ...ask(TYPE), headers: { accept: 'text/event-stream' } }],
    ['pictures', 406, { ...ask(TYPE), headers: { accept: 'image/png' } }],
    ['another charset', 200, { ...ask(TYPE), headers: { 'content-type': 'application/json; charset=latin1' } }],
    ['a packed body', 200, { ...ask(TYPE), headers: { 'content-encoding': 'gzip' } }],
    ['an address that ends as that of a health check', 200, { ...ask(TYPE), path: '/graphql?x=/health' }],
  ] as [string, number, Sent][])('%s, which is left to Yoga: %d', async ([, status, sent]) => {
    const { way, status: given } = await both(sent);
    expect([way, given]).toEqual(['long', status]);
  });

  test.for(['multipart/form-data; boundary=x', 'text/plain', ''])(
    'a body of the type %j, which neither reads',
    async (type) => {
      const { way, status } = await both({ ...ask(TYPE), headers: { 'content-type': type } });
      expect([way, status]).toEqual(['short', 415]);
    },
  );

  test('a body that is too long, which neither reads', async () => {
    const body = JSON.stringify({ query: TYPE, variables: { filler: 'x'.repeat(1024 * 1024) } });
    for (const chunked of [false, true]) {
      const { way, status } = await both({ body, chunked });
      expect([chunked, way, status]).toEqual([chunked, 'short', 413]);
    }
  });

  test('an unexpected error, which names its request and hides what it was', async () => {
    await asOwner(t, 'ALTER TABLE cases RENAME TO cases_away');
    const { body } = await compare(ask('{ cases { nodes { id } } viewer { kind } }'), 'short', 200, 200);
    await asOwner(t, 'ALTER TABLE cases_away RENAME TO cases');
    const [{ message, extensions }] = JSON.parse(body).errors;
    expect(extensions).toEqual({ code: 'INTERNAL', requestId: expect.stringMatching(REQUEST_ID) });
    expect(message).toContain(extensions.requestId);
    expect(body).not.toContain('relation');
  });

  test('a query again and again, interpreted at first and compiled later', async () => {
    for (let i = 0; i < 4; i++) await compare(ask('{ cases(first: 2) { nodes { id title } } }'), 'short', 200, 200);
  });
});
