import { once } from 'node:events';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createTestApp, type Tenant, type TestApp } from '../../support/app.ts';
import { asOwner } from './figures.ts';
import { bugsOf, importCommand, jiraCsv, totalsOf } from './import-files.ts';

let t: TestApp;
let command: ReturnType<typeof importCommand>;
beforeAll(async () => {
  t = await createTestApp();
  command = importCommand(t);
});
afterAll(async () => {
  command?.remove();
  await t?.close();
});

const COUNT = 5_000;
const numbered = async ({ tenantId }: Tenant): Promise<number> =>
  (await asOwner(t, 'SELECT count(*)::int AS count FROM bugs WHERE tenant_id = $1', [tenantId]))[0].count;

/** What an undisturbed import leaves: bugs with their numbers, events by type, and their sequence without gaps. */
async function endState(tenant: Tenant) {
  const events = await asOwner(
    t,
    `SELECT type, count(*)::int AS count FROM event_store WHERE tenant_id = $1 GROUP BY type ORDER BY type`,
    [tenant.tenantId],
  );
  const [gaps] = await asOwner(
    t,
    'SELECT max(seq)::int - count(*)::int AS missing FROM event_store WHERE tenant_id = $1',
    [tenant.tenantId],
  );
  return { bugs: await bugsOf(t, tenant), events, gaps, totals: await totalsOf(t, tenant) };
}

test('what was killed in the middle and run again ends as what ran undisturbed', { timeout: 120_000 }, async () => {
  const [undisturbed, killed] = [await t.tenant('undisturbed'), await t.tenant('killed')];
  const path = command.file('many.csv', jiraCsv(COUNT));
  expect((await command.run('bugs', path, '--tenant', 'undisturbed')).code).toBe(0);
  const child = command.start('bugs', path, '--tenant', 'killed');
  await expect.poll(() => numbered(killed), { timeout: 30_000, interval: 20 }).toBeGreaterThan(0);
  child.kill('SIGKILL');
  await once(child, 'close');
  const left = await numbered(killed);
  expect(left).toBeLessThan(COUNT);
  expect((await command.run('bugs', path, '--tenant', 'killed')).text).toContain(
    `${COUNT - left} created, 0 updated, ${left} unchanged, 0 rejected`,
  );

  const end = await endState(killed);
  expect(end).toEqual(await endState(undisturbed));
  expect(end.bugs).toHaveLength(COUNT);
  expect(end.gaps).toEqual({ missing: 0 });
  expect(end.totals.kept).toEqual(end.totals.counted);
  for (const project of ['CAMEL', 'LLAMA']) {
    const numbers = end.bugs.filter(({ key }) => key.startsWith(project)).map(({ key }) => Number(key.split('-')[1]));
    expect(numbers.sort((a, b) => a - b)).toEqual(numbers.map((_, i) => i + 1));
  }
  const { importRuns } = await t.runOk(killed.key, '{ importRuns { nodes { status finishedAt errors } } }');
  expect(importRuns.nodes).toMatchObject([
    { status: 'COMPLETED' },
    { status: 'FAILED', finishedAt: expect.any(String), errors: [{ reason: 'its process ended before it was done' }] },
  ]);
});

test('Ctrl-C ends a run between two batches, and says how to go on', { timeout: 60_000 }, async () => {
  const tenant = await t.tenant('stopped');
  const child = command.start('bugs', command.file('stopped.csv', jiraCsv(COUNT)), '--tenant', 'stopped');
  let text = '';
  child.stderr?.on('data', (chunk) => (text += chunk));
  await expect.poll(() => numbered(tenant), { timeout: 30_000, interval: 20 }).toBeGreaterThan(0);
  child.kill('SIGINT');
  expect(await once(child, 'close')).toEqual([1, null]);
  expect(text).toContain('run the same import again to go on, nothing is done twice');
  const stored = await numbered(tenant);
  expect(stored).toBeLessThan(COUNT);
  const { importRuns } = await t.runOk(tenant.key, '{ importRuns { nodes { status created } } }');
  expect(importRuns.nodes).toEqual([{ status: 'FAILED', created: stored }]);
});
