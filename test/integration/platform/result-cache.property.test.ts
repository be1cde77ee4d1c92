import { afterAll, beforeAll, expect, test } from 'vitest';
import type { App } from '../../../src/app.ts';
import { ResultCache } from '../../../src/server/result-cache.ts';
import { createTestApp, type TestApp } from '../../support/app.ts';
import { StaleReads } from '../../support/stale-reads.ts';
import { asOwner } from '../intel/records.ts';
import { anotherApp } from './serving.ts';

let t: TestApp;
let other: App;
beforeAll(async () => {
  t = await createTestApp();
  other = await anotherApp(t);
});
afterAll(async () => {
  await other?.close();
  await t?.close();
});

const BREAK = `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query LIKE 'LISTEN %' AND datname = current_database()`;

test('no read is older than what its client has seen, whoever writes, and where', { timeout: 120_000 }, async () => {
  const processes = [t.app, other].map(({ services }) => ({ services, cache: new ResultCache(services) }));
  const reads = new StaleReads(processes, 7);
  for (const slug of ['stale-a', 'stale-b']) await reads.add((await t.tenant(slug)).tenantId);
  await reads.run(1_500, 8, 10);
  t.app.services.log.level = 'silent';
  await asOwner(t, BREAK);
  await reads.run(1_500, 8, 10);
  t.app.services.log.level = 'error';
  expect(reads.faults).toEqual([]);
  const sum = (name: 'hits' | 'joins' | 'misses' | 'dropped') =>
    processes.reduce((total, { cache }) => total + cache.counters[name], 0);
  // What never gives anything is never wrong.
  expect(sum('hits')).toBeGreaterThan(300);
  expect(sum('joins')).toBeGreaterThan(10);
  expect(sum('misses')).toBeGreaterThan(100);
  expect(sum('dropped')).toBeGreaterThan(100);
  for (const { cache } of processes) cache.close();
});
