import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { serveHttp } from '../../../src/server/http.ts';
import { documentId } from '../../../src/server/trusted-documents.ts';
import { createTestApp, type Tenant, type TestApp } from '../../support/app.ts';
import { countOf } from '../intel/records.ts';

const LIST = 'query List($first: Int) { cases(first: $first) { nodes { title } } }\nquery Me { viewer { kind } }\n';
const OPEN = 'mutation($title: String!) { openCase(input: { title: $title }) { case { title } userErrors { code } } }';
const EVENTS = 'subscription { events(afterSeq: 0) { event { type } } }';
const OPTIONS = { host: '127.0.0.1', port: 0, examplesDir: 'examples/queries' };

let t: TestApp;
let a: Tenant;
let folder: string;
let short: Awaited<ReturnType<typeof serveHttp>>;
let long: Awaited<ReturnType<typeof serveHttp>>;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'argus-documents-'));
  for (const [name, text] of Object.entries({ list: LIST, open: OPEN, events: EVENTS }))
    writeFileSync(join(folder, `${name}.graphql`), text);
  t = await createTestApp({ env: { TRUSTED_DOCUMENTS: folder } });
  short = await serveHttp(t.app, OPTIONS);
  long = await serveHttp(t.app, { ...OPTIONS, shortPath: false });
  a = await t.tenant('documents');
});
afterAll(async () => {
  await short?.stop();
  await long?.stop();
  await t?.close();
  rmSync(folder, { recursive: true });
});

async function post(port: number, body: object, headers: Record<string, string> = {}) {
  const response = await fetch(`http://127.0.0.1:${port}/graphql`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: `Bearer ${a.key}`, ...headers },
    body: JSON.stringify(body),
  });
  return [response.status, await response.json()] as const;
}

async function get(parameters: Record<string, string>) {
  const response = await fetch(`http://127.0.0.1:${short.port}/graphql?${new URLSearchParams(parameters)}`, {
    headers: { authorization: `Bearer ${a.key}` },
  });
  return [response.status, await response.json()] as const;
}

describe('a trusted document is asked for by its id', () => {
  test.for(['the short path', 'Yoga'] as const)('by %s', async (way) => {
    const { port } = way === 'Yoga' ? long : short;
    const opened = await post(port, { documentId: documentId(OPEN), variables: { title: 'one' } });
    expect(opened).toMatchObject([200, { data: { openCase: { case: { title: 'one' }, userErrors: [] } } }]);
    const list = { documentId: documentId(LIST), operationName: 'List', variables: { first: 1 } };
    expect(await post(port, list)).toMatchObject([200, { data: { cases: { nodes: [{ title: 'one' }] } } }]);
    const me = await post(port, { documentId: documentId(LIST), operationName: 'Me', query: null });
    expect(me).toMatchObject([200, { data: { viewer: { kind: 'API_KEY' } } }]);
  });

  test('with GET, unless it is a mutation', async () => {
    const parameters = { documentId: documentId(LIST), operationName: 'List', variables: '{"first":0}' };
    const [status, { errors }] = (await get(parameters)) as [number, { errors: { message: string }[] }];
    // The variable arrived.
    expect([status, errors[0]?.message]).toEqual([200, expect.stringContaining('0 is out of range')]);
    expect(await get({ documentId: documentId(LIST), operationName: 'Me' })).toMatchObject([
      200,
      { data: { viewer: { kind: 'API_KEY' } } },
    ]);
    const before = await countOf(t, a, 'cases');
    const [refused] = await get({ documentId: documentId(OPEN), variables: '{"title":"two"}' });
    expect([refused, await countOf(t, a, 'cases')]).toEqual([405, before]);
  });

  test('with a subscription', async () => {
    const abort = new AbortController();
    const response = await fetch(`http://127.0.0.1:${short.port}/graphql`, {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        authorization: `Bearer ${a.key}`,
        accept: 'text/event-stream',
      },
      body: JSON.stringify({ documentId: documentId(EVENTS) }),
      signal: abort.signal,
    });
    expect(response.headers.get('content-type')).toContain('text/event-stream');
    const reader = response.body?.getReader();
    let text = '';
    while (!text.includes('event: next')) text += Buffer.from((await reader?.read())?.value ?? []).toString();
    expect(text).toMatch(/"events":\{"event":\{"type":"[A-Z_]+"\}\}/);
    abort.abort();
  });
});

describe('refused is', () => {
  test.for([
    [
      'an id that is not known',
      { documentId: documentId('{ a }') },
      'UNKNOWN_DOCUMENT',
      /no trusted document "sha256:/,
    ],
    ['an id without its method', { documentId: 'x' }, 'UNKNOWN_DOCUMENT', /no trusted document "x"/],
    ['an id and a text', { documentId: documentId(OPEN), query: OPEN }, 'BAD_REQUEST', /either query or documentId/],
    ['an id that is no text', { documentId: {} }, 'BAD_REQUEST', /documentId is not a string/],
  ] as const)('%s', async ([, body, code, message]) => {
    for (const { port } of [short, long]) {
      const [status, answer] = await post(port, body, { accept: 'application/graphql-response+json' });
      const { errors } = answer as { errors: { message: string; extensions: { code: string } }[] };
      expect([status, errors.length, errors[0]?.extensions.code]).toEqual([400, 1, code]);
      expect(errors[0]?.message).toMatch(message);
      expect(answer).not.toHaveProperty('data');
    }
  });

  test('an unknown id with GET', async () => {
    expect((await get({ documentId: 'sha256:0' }))[1]).toMatchObject({
      errors: [{ extensions: { code: 'UNKNOWN_DOCUMENT' } }],
    });
  });
});

test('a server whose trusted documents have errors does not start, and says which', async () => {
  const file = join(mkdtempSync(join(tmpdir(), 'argus-documents-')), 'documents.json');
  const text = '{ cases { nodes { nothing } } }';
  writeFileSync(file, JSON.stringify({ [documentId(text).slice('sha256:'.length)]: text }));
  const own = await createTestApp({ env: { TRUSTED_DOCUMENTS: file } });
  await expect(serveHttp(own.app, OPTIONS)).rejects.toThrow(/[0-9a-f]{64}: Cannot query field "nothing"/);
  rmSync(file);
  await expect(serveHttp(own.app, OPTIONS)).rejects.toThrow(/^TRUSTED_DOCUMENTS = ".*documents\.json": ENOENT/);
  await own.close();
});
