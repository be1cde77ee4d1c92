import { afterAll, beforeAll, expect, test } from 'vitest';
import type { App } from '../../../src/app.ts';
import { createTestApp, type TestApp } from '../../support/app.ts';
import { StaleHttp } from '../../support/stale-http.ts';
import { anotherApp, type Served, serve } from './serving.ts';

let t: TestApp;
let other: App;
const servers: Served[] = [];
beforeAll(async () => {
  t = await createTestApp();
  other = await anotherApp(t);
  servers.push(await serve(t.app), await serve(other));
});
afterAll(async () => {
  await Promise.all(servers.map((server) => server.stop()));
  await other?.close();
  await t?.close();
});

test('over HTTP no answer is older than the min-seq that its client sent', { timeout: 60_000 }, async () => {
  const { key } = await t.tenant('stale-http');
  const clients = new StaleHttp(
    servers.map(({ port }) => ({ port, key })),
    3,
  );
  await clients.prepare();
  await clients.run(5_000, 16, 8);
  expect(clients.faults).toEqual([]);
  // What never gives anything from memory is never wrong.
  expect(clients.cached).toBeGreaterThan(500);
  expect(clients.writes).toBeGreaterThan(20);
});
