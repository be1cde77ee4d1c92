import { afterAll, beforeAll, expect, test } from 'vitest';
import { createTestApp, type TestApp } from '../../support/app.ts';
import { exactlyOnce } from '../../support/exactly-once.ts';
import { logOf } from '../../support/prove-world.ts';

let t: TestApp;
beforeAll(async () => {
  t = await createTestApp();
});
afterAll(() => t?.close());

// The long form is test/prove/exactly-once.ts.
test('every subscriber gets the log once, whoever is killed', { timeout: 120_000 }, async () => {
  const a = await t.tenant('exactly-once');
  const result = await exactlyOnce({
    urls: t.database,
    keys: [a.key],
    subscribers: 10,
    kills: 30,
    serverKills: 2,
    events: 500,
    seed: 1,
    everyMs: 50,
    readLog: () => logOf(t.app, a.system),
  });
  expect(result.faults).toEqual([]);
  expect(result.deliveries).toBe(result.events * 10);
  expect(result.events).toBeGreaterThan(10);
});
