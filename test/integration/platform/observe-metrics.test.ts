import { afterAll, beforeAll, expect, test } from 'vitest';
import { serveOwnMetrics } from '../../../src/commands/worker-metrics.ts';
import { type MetricsServer, metricsText } from '../../../src/observe/metrics-server.ts';
import { createTestApp, type Tenant, type TestApp } from '../../support/app.ts';
import { mutate } from '../intel/records.ts';
import { post, type Served, serve } from './serving.ts';

let t: TestApp;
let a: Tenant;
let server: Served;
let metrics: MetricsServer;
beforeAll(async () => {
  t = await createTestApp({ env: { METRICS_PORT: '0' } });
  a = await t.tenant('measured');
  server = await serve(t.app);
  const served = await serveOwnMetrics(t.app.services, null);
  if (!served) throw new Error('there are no metrics');
  metrics = served;
});
afterAll(async () => {
  await metrics?.close();
  await server?.stop();
  await t?.close();
});

/** Values by name and labels, as Prometheus reads them. */
async function scrape(): Promise<Map<string, number>> {
  const response = await fetch(metrics.url);
  expect(response.headers.get('content-type')).toBe('text/plain; version=0.0.4; charset=utf-8');
  const text = await response.text();
  const values = text.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
  return new Map(
    values.map((line) => {
      const [, name, value] = /^(\w+(?:\{(?:\w+="(?:[^"\\]|\\.)*",?)*\})?) (\S+)$/.exec(line) ?? [];
      if (name === undefined) throw new Error(`not a line of Prometheus: ${line}`);
      return [name, Number(value)];
    }),
  );
}

/** Requests that have ended, by operation, type and outcome. */
async function counted(operation: string): Promise<Record<string, number>> {
  const name = /^argus_request_duration_seconds_count\{operation="(.*)",type="(\w+)",outcome="(\w+)"\}$/;
  const found = [...(await scrape())].map(([key, value]) => [name.exec(key), value] as const);
  return Object.fromEntries(
    found.flatMap(([match, value]) => (match?.[1] === operation ? [[`${match[2]} ${match[3]}`, value]] : [])),
  );
}

const CASES = 'query Cases($n: Int) { cases(first: $n) { nodes { id } } }';
const OPEN = 'mutation Open($t: String!) { openCase(input: { title: $t }) { userErrors { code } } }';

test('requests are counted by operation and outcome, with what they cost', async () => {
  const before = await scrape();
  for (let i = 0; i < 3; i++) await post(server.url, a.key, CASES, { n: 1 });
  await post(server.url, a.key, CASES, { n: 1_000 });
  await post(server.url, null, CASES);
  await post(server.url, a.key, OPEN, { t: 'x' });
  await post(server.url, a.key, OPEN, { t: '' });
  await expect.poll(() => counted('Cases')).toEqual({ 'query ok': 3, 'query refused': 2 });
  await expect.poll(() => counted('Open')).toEqual({ 'mutation ok': 1, 'mutation refused': 1 });
  const after = await scrape();
  const grown = (name: string) => (after.get(name) ?? 0) - (before.get(name) ?? 0);
  expect(grown('argus_errors_total{code="UNAUTHENTICATED"}')).toBe(1);
  expect(grown('argus_errors_total{code="INVALID_INPUT"}')).toBe(2);
  expect(grown('argus_statements_total')).toBeGreaterThan(8);
  expect(grown('argus_statement_seconds_total')).toBeGreaterThan(0);
  expect(grown('argus_result_cache_total{event="hit"}')).toBe(2);
  expect(after.get('argus_result_cache_bytes')).toBeGreaterThanOrEqual(0);
  const ofCases = 'operation="Cases",type="query",outcome="ok"';
  expect(after.get(`argus_request_duration_seconds_bucket{le="+Inf",${ofCases}}`)).toBe(3);
  expect(after.get(`argus_request_duration_seconds_sum{${ofCases}}`)).toBeGreaterThan(0);
});

test('the state of the process is among them', async () => {
  const off = t.app.services.bus.onTenant(a.tenantId, () => {});
  const ended = t.app.services.counts.streamBegan('events');
  const now = await scrape();
  off();
  ended();
  expect(now.get('argus_pool_connections{pool="read",state="open"}')).toBeGreaterThan(0);
  expect(now.get('argus_pool_connections{pool="write",state="waiting"}')).toBe(0);
  expect(now.get('argus_streams{kind="listener"}')).toBe(1);
  expect(now.get('argus_streams{kind="events"}')).toBe(1);
  expect(now.get('argus_listen_connected')).toBe(1);
  expect(now.get('argus_listen_silence_seconds')).toBeLessThan(60);
  expect(now.get('process_cpu_seconds_total')).toBeGreaterThan(0.1);
  expect(now.get('process_resident_memory_bytes')).toBeGreaterThan(5e7);
  expect(now.get('argus_event_loop_delay_seconds{quantile="0.99"}')).toBeGreaterThanOrEqual(0);
  expect(now.get(`argus_build_info{version="0.1.0",node="${process.versions.node}"}`)).toBe(1);
  expect((await scrape()).get('argus_streams{kind="listener"}')).toBe(0);
});

test('keys and attempts to sign in that are refused are counted', async () => {
  const failures = async (kind: string) => (await scrape()).get(`argus_authentication_failures_total{kind="${kind}"}`);
  const [keys, signIns] = [await failures('credential'), await failures('sign_in')];
  await post(server.url, `${a.key.slice(0, -1)}!`, '{ viewer { kind } }');
  await mutate(t, '', 'signIn { userErrors { code } }', { email: 'no@body.example', password: 'x' });
  expect([await failures('credential'), await failures('sign_in')]).toEqual([(keys ?? 0) + 1, (signIns ?? 0) + 1]);
});

test('names that callers make up do not grow the metrics without end', async () => {
  await post(server.url, null, 'query Nobody { health { status } }');
  await post(server.url, a.key, '{ health { status } }');
  await post(server.url, a.key, `query ${'Long'.repeat(30)} { health { status } }`);
  await expect.poll(() => counted('(other)')).toEqual({ 'query ok': 2 });
  expect(await counted('Nobody')).toEqual({});
  expect(await counted('(anonymous)')).toMatchObject({ 'query ok': 1 });
  for (let i = 0; i < 210; i++) await post(server.url, a.key, `query Made${i} { health { status } }`);
  const known = async () =>
    [...(await scrape()).keys()].filter((key) => /^argus_req\w+_count\{operation="Made/.test(key));
  // The others of the 200 are the operations above.
  await expect.poll(async () => (await known()).length).toBe(198);
});

test('they are on an address of their own, which other machines do not reach', async () => {
  expect(new URL(metrics.url).hostname).toBe('127.0.0.1');
  expect((await fetch(server.url.replace('/graphql', '/metrics'))).status).toBe(404);
  expect((await fetch(metrics.url.replace('/metrics', '/graphql'))).status).toBe(404);
  expect((await fetch(metrics.url, { method: 'POST' })).status).toBe(404);
});

test('those of several processes are told apart', async () => {
  const of = async () => (await t.app.services.observer.metrics?.read()) ?? [];
  const text = await metricsText([
    { worker: '1', metrics: await of() },
    { worker: '2', metrics: await of() },
  ]);
  expect(text.match(/^# TYPE argus_listen_connected gauge$/gm)).toHaveLength(1);
  expect(text.match(/^argus_listen_connected\{worker="[12]"\} 1$/gm)).toHaveLength(2);
  expect(text).toContain(
    'argus_request_duration_seconds_count{operation="Cases",type="query",outcome="ok",worker="2"} 3',
  );
});
