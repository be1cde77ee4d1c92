import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type App, createApp } from '../../../src/app.ts';
import { loadEnv } from '../../../src/env.ts';
import { createLog } from '../../../src/log.ts';
import type { OsintProvider } from '../../../src/modules/intel/osint.provider.ts';
import { runLookups } from '../../../src/modules/intel/osint.runner.ts';
import { createTestApp, type GraphQLResponse, type Tenant, type TestApp } from '../../support/app.ts';
import { addSource, asOwner, eventsOf, ingest, mutate } from './records.ts';

let t: TestApp;
const newKey = (id: string) => `${id}:${randomBytes(32).toString('base64')}`;
const FIRST = newKey('first');
beforeAll(async () => {
  t = await createTestApp({ env: { ENCRYPTION_KEYS: FIRST } });
});
afterAll(() => t?.close());

const RESULT = 'osintResult { id status normalisedQuery resultCount error expiresAt version parent { id } }';
const START = `startOsintLookup { ${RESULT} userErrors { code message path } eventSeq }`;
const start = (tenant: Tenant, input: object) => mutate(t, tenant.key, START, input);
const run = (tenant: Tenant, app: App = t.app) =>
  runLookups(app.services, tenant.tenantId, new AbortController().signal);

const READ = `query($id: ID!) { node(id: $id) { ... on OsintResult { status error resultCount results searchParameters
  identifiers { nodes { relation confidence identifier { type value } } } } } }`;

/** Another server process over the same database, with its own provider or keys. */
async function secondApp(options: { provider?: OsintProvider; keys?: string } = {}): Promise<App> {
  const env = loadEnv({
    NODE_ENV: 'test',
    DB_POOL_SIZE: '2',
    LOG_LEVEL: 'silent',
    DATABASE_URL: t.database.appUrl,
    ENCRYPTION_KEYS: options.keys ?? FIRST,
  });
  const log = createLog({ level: env.LOG_LEVEL, pretty: false });
  return createApp({ databaseUrl: t.database.appUrl, env, log, jobs: false, osintProvider: options.provider });
}

async function ask(app: App, key: string, query: string, variables: object): Promise<GraphQLResponse> {
  const response = await app.endpoint.yoga.fetch('http://localhost/graphql', {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: `Bearer ${key}` },
    body: JSON.stringify({ query, variables }),
  });
  return (await response.json()) as GraphQLResponse;
}

async function setUp(slug: string) {
  const a = await t.tenant(slug);
  const sourceId = await addSource(t, a);
  await ingest(t, a, { sourceId, title: 'Offer', text: 'write to bob@example.com or call +49 30 901820' });
  const lookup = await start(a, {
    query: ' Bob@Example.com ',
    queryType: 'EMAIL',
    parameters: { note: 'TOPSECRETNOTE' },
  });
  return { a, id: lookup.osintResult.id as string, lookup };
}

test('a lookup runs as a job; what it asks and finds is encrypted in the database', async () => {
  const { a, id, lookup } = await setUp('completed');
  expect(lookup).toMatchObject({
    userErrors: [],
    osintResult: { status: 'PENDING', normalisedQuery: 'bob@example.com' },
  });
  expect(await run(a)).toBe(1);
  const { node } = await t.runOk(a.key, READ, { id });
  expect(node).toMatchObject({ status: 'COMPLETED', error: null, searchParameters: { note: 'TOPSECRETNOTE' } });
  expect(node.results.contents).toMatchObject([{ title: 'Offer' }]);
  expect(node.identifiers.nodes).toContainEqual({
    relation: 'QUERIED',
    confidence: 1,
    identifier: { type: 'EMAIL', value: 'bob@example.com' },
  });
  expect(node.identifiers.nodes).toContainEqual({
    relation: 'FOUND',
    confidence: 0.5,
    identifier: { type: 'PHONE', value: '+4930901820' },
  });
  const [row] = await asOwner<{ results: Buffer; search_parameters: Buffer }>(
    t,
    'SELECT results, search_parameters FROM osint_results WHERE tenant_id = $1',
    [a.tenantId],
  );
  const stored = Buffer.concat([row?.results ?? Buffer.of(), row?.search_parameters ?? Buffer.of()]);
  expect(stored.length).toBeGreaterThan(100);
  for (const plain of ['TOPSECRETNOTE', 'Offer', '901820', 'contents', 'note']) {
    expect(stored.includes(plain), plain).toBe(false);
  }
  const log = await eventsOf(t, a);
  expect(log.filter((e) => e.aggregateType === 'OsintResult').map((e) => e.type)).toEqual([
    'OSINT_REQUESTED',
    'OSINT_STARTED',
    'OSINT_COMPLETED',
  ]);
  const osintLog = JSON.stringify(log.filter((e) => e.aggregateType === 'OsintResult'));
  for (const secret of ['TOPSECRETNOTE', 'bob@example.com', '901820']) expect(osintLog).not.toContain(secret);
  expect(await run(a)).toBe(0);
});

test('protected fields need osint:decrypt, and each reading of one is audited', async () => {
  const { a, id } = await setUp('protected');
  await run(a);
  const { key } = await mutate(t, a.key, 'createApiKey { key { secret } userErrors { message } }', {
    name: 'reader',
    permissions: ['osint:read', 'identifier:read', 'tenant:read'],
  });
  const audits = async () =>
    asOwner(
      t,
      `SELECT actor_kind, resource, resource_id FROM audit_logs WHERE tenant_id = $1 AND action = 'osint.decrypt'`,
      [a.tenantId],
    );
  const refused = await t.run(key.secret, READ, { id });
  expect(refused.errors?.map((e) => e.extensions?.code)).toEqual(['FORBIDDEN', 'FORBIDDEN']);
  expect(refused.errors?.[0]?.message).toContain('osint:decrypt');
  expect(refused.data?.node).toMatchObject({ status: 'COMPLETED', results: null, searchParameters: null });
  expect(await audits()).toHaveLength(0);
  const one = 'query($id: ID!) { node(id: $id) { ... on OsintResult { results } } }';
  for (const times of [1, 2, 3]) {
    await t.runOk(a.key, one, { id });
    expect(await audits()).toHaveLength(times);
  }
  expect((await audits())[0]).toMatchObject({ actor_kind: 'API_KEY', resource: 'OsintResult' });
  await t.runOk(a.key, '{ osintResults { nodes { id status } } }');
  expect(await audits()).toHaveLength(3);
});

test('a fresh answer is given again for 24 hours, unless asked to look again', async () => {
  const { a, id } = await setUp('reuse');
  // While it waits it is no answer yet.
  const waiting = await start(a, { query: 'bob@example.com', queryType: 'EMAIL' });
  expect(waiting.osintResult.id).not.toBe(id);
  await run(a);
  const again = await start(a, { query: 'BOB@example.com', queryType: 'EMAIL' });
  expect([id, waiting.osintResult.id]).toContain(again.osintResult.id);
  expect(again).toMatchObject({ eventSeq: null, osintResult: { status: 'COMPLETED' } });
  const hours = (Date.parse(again.osintResult.expiresAt) - Date.now()) / 3_600_000;
  expect(hours).toBeCloseTo(24, 1);
  expect((await start(a, { query: 'bob@example.com', queryType: 'TEXT' })).osintResult.status).toBe('PENDING');
  const forced = await start(a, { query: 'bob@example.com', queryType: 'EMAIL', force: true, parentId: id });
  expect(forced.osintResult).toMatchObject({ status: 'PENDING', parent: { id } });
  await asOwner(t, `UPDATE osint_results SET expires_at = now() - interval '1 second' WHERE tenant_id = $1`, [
    a.tenantId,
  ]);
  expect((await start(a, { query: 'bob@example.com', queryType: 'EMAIL' })).osintResult.status).toBe('PENDING');
});

test('a query that is not of its type is refused with the reason', async () => {
  const a = await t.tenant('bad-query');
  const cases: [object, RegExp][] = [
    [{ query: 'bob', queryType: 'EMAIL' }, /not a EMAIL: /],
    [{ query: 'DE00370400440532013000', queryType: 'IBAN' }, /not a IBAN: /],
    [{ query: ' ', queryType: 'TEXT' }, /1 to 500/],
    [{ query: 'x'.repeat(501), queryType: 'TEXT' }, /1 to 500/],
    [{ query: 'a\0b', queryType: 'TEXT' }, /U\+0000/],
  ];
  for (const [input, message] of cases) {
    const { osintResult, userErrors } = await start(a, input);
    expect(osintResult).toBeNull();
    expect(userErrors).toMatchObject([{ code: 'INVALID_INPUT', path: ['query'] }]);
    expect(userErrors[0].message).toMatch(message);
  }
});

test('a cancelled lookup is not run, and stays cancelled when it was running', async () => {
  const { a, id } = await setUp('cancel');
  const cancel = (target: string) =>
    mutate(t, a.key, `cancelOsintLookup { ${RESULT} userErrors { code message } }`, { id: target });
  expect((await cancel(id)).osintResult.status).toBe('CANCELLED');
  expect(await run(a)).toBe(0);
  expect((await cancel(id)).userErrors).toMatchObject([{ code: 'INVALID_TRANSITION' }]);
  const second = await start(a, { query: 'bob@example.com', queryType: 'EMAIL' });
  const provider: OsintProvider = {
    name: 'slow',
    lookup: async () => {
      await cancel(second.osintResult.id);
      return { results: { late: true }, found: [], count: 1 };
    },
  };
  const app = await secondApp({ provider });
  expect(await run(a, app)).toBe(1);
  await app.close();
  const { node } = await t.runOk(a.key, READ, { id: second.osintResult.id });
  expect(node).toMatchObject({ status: 'CANCELLED', results: null, resultCount: 0 });
});

test('a provider that fails leaves FAILED with the reason, and the next lookup runs', async () => {
  const { a, id } = await setUp('failed');
  await start(a, { query: 'second', queryType: 'TEXT' });
  let calls = 0;
  const provider: OsintProvider = {
    name: 'local',
    lookup: async () => {
      calls += 1;
      if (calls === 1) throw new Error('the provider\0 is down');
      return { results: 'fine', found: [], count: 0 };
    },
  };
  const app = await secondApp({ provider });
  expect(await run(a, app)).toBe(2);
  await app.close();
  const { node } = await t.runOk(a.key, READ, { id });
  expect(node).toMatchObject({ status: 'FAILED', results: null });
  expect(node.error).toContain('is down');
  expect((await eventsOf(t, a)).map((e) => e.type)).toEqual(
    expect.arrayContaining(['OSINT_FAILED', 'OSINT_COMPLETED']),
  );
  // A failure is no answer: asked again, it is looked up again.
  expect((await start(a, { query: 'bob@example.com', queryType: 'EMAIL' })).osintResult.status).toBe('PENDING');
});

test('a lookup whose process is gone is run by another one; one that still runs is left alone', async () => {
  const { a, id } = await setUp('lost');
  const running = (minutes: number) =>
    asOwner(
      t,
      `UPDATE osint_results SET status = 'RUNNING', started_at = now() - make_interval(mins => $2) WHERE tenant_id = $1`,
      [a.tenantId, minutes],
    );
  await running(4);
  expect(await run(a)).toBe(0);
  await running(6);
  expect(await run(a)).toBe(1);
  expect((await t.runOk(a.key, READ, { id })).node.status).toBe('COMPLETED');
});

test('a lookup that a stopping server broke off waits for the next server', async () => {
  const { a, id } = await setUp('stopped');
  const stop = new AbortController();
  const provider: OsintProvider = {
    name: 'slow',
    lookup: ({ signal }) =>
      new Promise((_, reject) => {
        signal.addEventListener('abort', () => reject(signal.reason), { once: true });
        stop.abort();
      }),
  };
  const app = await secondApp({ provider });
  await runLookups(app.services, a.tenantId, stop.signal);
  await app.close();
  expect((await t.runOk(a.key, READ, { id })).node.status).toBe('PENDING');
  expect(await run(a)).toBe(1);
  expect((await t.runOk(a.key, READ, { id })).node.status).toBe('COMPLETED');
});

test('after a rotation old answers are readable; without their key the error is clear and tells nothing', async () => {
  const { a, id } = await setUp('rotation');
  await run(a);
  const SECOND = newKey('second');
  const rotated = await secondApp({ keys: `${SECOND},${FIRST}` });
  const answer = await ask(rotated, a.key, READ, { id });
  expect(answer.errors).toBeUndefined();
  expect(answer.data?.node.results.contents).toHaveLength(1);
  const query = 'bob@example.com';
  const forced = await ask(
    rotated,
    a.key,
    'mutation($q: String!) { startOsintLookup(input: { query: $q, queryType: EMAIL, force: true }) { osintResult { id } } }',
    { q: query },
  );
  await run(a, rotated);
  await rotated.close();
  const newId = forced.data?.startOsintLookup.osintResult.id;
  // This process has only the first key.
  const unknown = await t.run(a.key, READ, { id: newId });
  expect(unknown.data?.node).toMatchObject({ status: 'COMPLETED', results: null });
  expect(unknown.errors?.[0]?.extensions?.code).toBe('UNKNOWN_ENCRYPTION_KEY');
  expect(unknown.errors?.[0]?.message).toContain('"second"');
  expect(JSON.stringify(unknown)).not.toContain(SECOND.split(':')[1]);
  expect((await t.runOk(a.key, READ, { id })).node.results.contents).toHaveLength(1);
});

test('an answer that was moved to another row is not decrypted', async () => {
  const { a, id } = await setUp('moved');
  await start(a, { query: 'x', queryType: 'TEXT' });
  await run(a);
  await asOwner(
    t,
    `UPDATE osint_results SET results = (SELECT results FROM osint_results WHERE tenant_id = $1 AND query_type = 'TEXT')
     WHERE tenant_id = $1 AND query_type = 'EMAIL'`,
    [a.tenantId],
  );
  const answer = await t.run(a.key, READ, { id });
  expect(answer.data?.node.results).toBeNull();
  expect(answer.errors?.[0]?.message).not.toContain('contents');
});
