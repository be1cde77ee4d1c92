import { afterAll, beforeAll, expect, test } from 'vitest';
import { createTestApp, type TestApp } from '../../support/app.ts';
import { fuzz } from '../../support/fuzz-http.ts';
import { type Served, serve } from './serving.ts';

let t: TestApp;
let server: Served;
beforeAll(async () => {
  t = await createTestApp({ env: { LOG_LEVEL: 'silent' } });
  server = await serve(t.app);
});
afterAll(async () => {
  await server?.stop();
  await t?.close();
});

// The long form: node test/prove/fuzz.ts.
test('300 operations made at random, valid and not, are answered without an error of the server', {
  timeout: 90_000,
}, async () => {
  const { byStatus, answered, findings } = await fuzz(server.url, await t.tenant('fuzz'), 300, 11);
  expect(findings).toEqual([]);
  expect(answered).toBeGreaterThan(60);
  expect(byStatus[200]).toBeGreaterThan(150);
  expect(byStatus[400]).toBeGreaterThan(5);
});
