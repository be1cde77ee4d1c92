import { afterAll, beforeAll, expect, test } from 'vitest';
import type { App } from '../../../src/app.ts';
import { places } from '../../../src/observe/place.ts';
import { statementLabel } from '../../../src/observe/tracing.ts';
import { createTestApp, type Tenant, type TestApp } from '../../support/app.ts';
import { type OtlpReceiver, receiveTraces } from '../../support/otlp-receiver.ts';
import { anotherApp, post, serve } from './serving.ts';

let t: TestApp;
let a: Tenant;
let receiver: OtlpReceiver;
beforeAll(async () => {
  t = await createTestApp();
  a = await t.tenant('traced');
  receiver = await receiveTraces();
});
afterAll(async () => {
  receiver?.close();
  await t?.close();
});

/** Does something with a server that traces, and gives the spans that it has sent when it is closed. */
async function traced(percent: number, work: (url: string, app: App) => Promise<void>) {
  const app = await anotherApp(t, { TRACES: String(percent), OTEL_EXPORTER_OTLP_ENDPOINT: `${receiver.url}/` });
  const server = await serve(app);
  receiver.spans.length = 0;
  await work(server.url, app);
  await server.stop();
  await app.close();
  return receiver.spans;
}

const CALLER = '0af7651916cd43dd8448eb211c80319c';
const asked = { traceparent: `00-${CALLER}-b7ad6b7169203331-01` };
const OPEN =
  'mutation Open($title: String!) { openCase(input: { title: $title }) { case { id } userErrors { code } } }';

test('a request is a span of its caller’s trace, its statements and its transaction are parts of it', async () => {
  const spans = await traced(100, async (url) => {
    await post(url, a.key, 'query Some { cases { nodes { id } } sources { nodes { id } } }', {}, asked);
    await post(url, a.key, OPEN, { title: 'hidden-in-a-value' }, asked);
  });
  const named = (name: string) => spans.filter((span) => span.name === name);
  const [query] = named('query Some');
  expect(query).toMatchObject({ traceId: CALLER, parentSpanId: 'b7ad6b7169203331', kind: 2, error: false });
  expect(query?.attributes).toMatchObject({
    'graphql.operation.name': 'Some',
    'graphql.operation.type': 'query',
    'argus.outcome': 'ok',
    'argus.tenant.id': a.tenantId,
  });
  const partsOf = (id: string | undefined) => spans.filter(({ parentSpanId }) => parentSpanId === id);
  const names = (id: string | undefined) => partsOf(id).map(({ name }) => name);
  expect(names(query?.spanId)).toEqual(expect.arrayContaining(['Case.page', 'Source.page']));
  const [mutation] = named('mutation Open');
  expect(mutation).toMatchObject({ traceId: CALLER, parentSpanId: 'b7ad6b7169203331' });
  const [write] = partsOf(mutation?.spanId).filter(({ name }) => name.startsWith('write '));
  expect(write?.name).toBe('write case.open');
  expect(names(write?.spanId)).toEqual(expect.arrayContaining(['INSERT cases', 'Event.insert', 'COMMIT']));
  expect(write?.milliseconds).toBeGreaterThan(0);
  // All are of this trace, in the tree under the two requests.
  const ids = new Set(spans.map(({ spanId }) => spanId));
  expect(spans.filter(({ parentSpanId = '' }) => !ids.has(parentSpanId)).sort()).toHaveLength(2);
  expect(receiver.bodies.join()).not.toContain('hidden-in-a-value');
});

test('without a caller’s trace a request begins one; a failed change is marked', async () => {
  const spans = await traced(100, async (url) => {
    await post(url, a.key, '{ cases { nodes { id } } }');
    await post(url, a.key, OPEN, { title: '' });
  });
  const [query] = spans.filter(({ name }) => name === 'query');
  expect(query?.traceId).not.toBe(CALLER);
  expect(query?.parentSpanId).toBeFalsy();
  expect(spans.find(({ name }) => name === 'mutation Open')?.attributes).toMatchObject({ 'argus.outcome': 'refused' });
  expect(spans.find(({ name }) => name.startsWith('write '))?.error).toBe(true);
});

test('of requests without a caller’s trace so many are traced; a caller who does not trace gets none', async () => {
  const unsampled = { traceparent: asked.traceparent.replace(/01$/, '00') };
  const spans = await traced(1, async (url) => {
    for (let i = 0; i < 20; i++) await post(url, a.key, '{ viewer { kind } }', {}, unsampled);
    await post(url, a.key, '{ viewer { kind } }', {}, asked);
  });
  expect(new Set(spans.map(({ traceId }) => traceId))).toEqual(new Set([CALLER]));
});

test('who is called from a span is told of it, and a job begins a trace', async () => {
  let told = {};
  const spans = await traced(100, async (_, { services }) => {
    expect(services.observer.tracing?.outgoing()).toEqual({});
    await services.observer.tracing?.within('job test', {}, async () => {
      told = services.observer.tracing?.outgoing() ?? {};
      expect(places.getStore()?.request).toBeNull();
    });
  });
  const [job] = spans;
  expect(told).toEqual({ traceparent: `00-${job?.traceId}-${job?.spanId}-01` });
});

test('a collector that is away costs no request anything, and a stop little', async () => {
  const app = await anotherApp(t, { TRACES: '100', OTEL_EXPORTER_OTLP_ENDPOINT: 'http://127.0.0.1:9' });
  const server = await serve(app);
  const { status } = await post(server.url, a.key, '{ viewer { kind } }');
  expect(status).toBe(200);
  await server.stop();
  const begun = performance.now();
  await app.close();
  expect(performance.now() - begun).toBeLessThan(5_000);
});

test('without TRACES nothing is there', async () => {
  expect(t.app.services.observer.tracing).toBeNull();
});

test.each([
  ['/* Case.page */ SELECT 1', 'Case.page'],
  ["/* case.open */ SET LOCAL app.tenant_id = 'x'", 'case.open'],
  ['INSERT INTO "public"."cases" ("tenant_id") VALUES ($1)', 'INSERT cases'],
  ['SELECT "public"."cases"."id" FROM "public"."cases" WHERE 1=1', 'SELECT cases'],
  ['UPDATE "public"."users" SET "a" = $1', 'UPDATE users'],
  ['COMMIT', 'COMMIT'],
  ['SELECT pg_notify($1::text, $2::text)', 'SELECT'],
])('the statement %s is called %s', (text, label) => {
  expect(statementLabel(text)).toBe(label);
});
