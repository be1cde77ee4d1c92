import { afterAll, beforeAll, expect, test } from 'vitest';
import { projectGlobalId } from '../../../src/modules/delivery/global-ids.ts';
import { type Answer, createTestApp, type Tenant, type TestApp } from '../../support/app.ts';
import {
  addBug,
  addProject,
  asOwner,
  type Company,
  company,
  costOf,
  fromMicros,
  hoursBetween,
  micros,
  percentile,
  rowsOf,
  sum,
} from './figures.ts';

let t: TestApp;
let a: Company;
let bugs: Answer[];
beforeAll(async () => {
  t = await createTestApp();
  a = await company(t, 'first', 31, 200);
  await company(t, 'second', 32, 20);
  bugs = await rowsOf(t, a.tenant, 'bugs');
}, 120_000);
afterAll(() => t?.close());

const QUERY = `query($from: Instant, $to: Instant, $projectId: ID) { engineeringMetrics(from: $from, to: $to, projectId: $projectId) {
  resolved resolutionHoursMean resolutionHoursP50 resolutionHoursP90 firstResponseHoursP50 reopened reopenRate
  slaMet slaMissed slaRate hoursSpent cost { currency amount }
  dora { deploymentFrequency changeFailureRate meanTimeToRestore leadTime reason } } }`;

const ask = async (tenant: Tenant, args: object): Promise<Answer> =>
  (await t.runOk(tenant.key, QUERY, { ...args })).engineeringMetrics;

const close = (value: number | null) => (value === null ? null : expect.closeTo(value, 3));
const DORA = {
  deploymentFrequency: null,
  changeFailureRate: null,
  meanTimeToRestore: null,
  leadTime: null,
  reason: 'NO_DATA',
};

/** The figures as anybody would compute them, from all rows. */
function naive(rows: Answer[], from: string, to: string): Answer {
  const within = rows.filter((bug) => bug.resolved_at >= new Date(from) && bug.resolved_at < new Date(to));
  const hours = within.map((bug) => hoursBetween(bug.created_at, bug.resolved_at));
  const responses = within.filter((bug) => bug.first_response_at);
  const reopened = within.filter((bug) => bug.reopen_count > 0).length;
  const slaMet = within.filter((bug) => bug.sla_state === 'MET').length;
  const slaMissed = within.filter((bug) => bug.sla_state === 'MISSED').length;
  const ended = slaMet + slaMissed;
  return {
    resolved: within.length,
    resolutionHoursMean: close(hours.length > 0 ? hours.reduce((x, y) => x + y, 0) / hours.length : null),
    resolutionHoursP50: close(percentile(hours, 0.5)),
    resolutionHoursP90: close(percentile(hours, 0.9)),
    firstResponseHoursP50: close(
      percentile(
        responses.map((bug) => hoursBetween(bug.created_at, bug.first_response_at)),
        0.5,
      ),
    ),
    reopened,
    reopenRate: within.length > 0 ? reopened / within.length : null,
    slaMet,
    slaMissed,
    slaRate: ended > 0 ? slaMet / ended : null,
    hoursSpent: fromMicros(sum(within.map((bug) => micros(bug.hours_spent)))),
    cost: costOf(within, a.projects),
    dora: DORA,
  };
}

test('the figures are those of a computation over the rows resolved in the time', async () => {
  for (const [from, to] of [
    ['2024-01-01T00:00:00Z', '2025-12-01T00:00:00Z'],
    ['2024-04-01T00:00:00Z', '2024-07-01T00:00:00Z'],
    ['2023-01-01T00:00:00Z', '2023-02-01T00:00:00Z'],
  ] as const) {
    expect(await ask(a.tenant, { from, to })).toEqual(naive(bugs, from, to));
    for (const { id } of a.projects) {
      const own = bugs.filter((bug) => bug.project_id === id);
      expect(await ask(a.tenant, { from, to, projectId: projectGlobalId(id) })).toEqual(naive(own, from, to));
    }
  }
  const all = naive(bugs, '2024-01-01T00:00:00Z', '2025-12-01T00:00:00Z');
  expect(all.resolved).toBeGreaterThan(10);
  for (const figure of ['reopened', 'slaMet', 'slaMissed']) expect(all[figure]).toBeGreaterThan(0);
  expect(all.cost.map((one: Answer) => one.currency)).toEqual(['EUR', 'USD']);
});

test('the time is half-open, and a resolution that a source dates before the report took no time', async () => {
  const tenant = await t.tenant('edges');
  const { id: projectId } = await addProject(t, tenant, 'E');
  const bug = { projectId, title: 'x' };
  await addBug(t, tenant, '2024-03-01T00:00:00Z', bug, [['2024-03-01T10:00:00Z', 'CLOSED']]);
  await addBug(t, tenant, '2024-03-01T00:00:00Z', bug, [['2024-03-02T00:00:00Z', 'CLOSED']]);
  const day = { from: '2024-03-01T10:00:00Z', to: '2024-03-02T00:00:00Z' };
  expect(await ask(tenant, day)).toMatchObject({
    resolved: 1,
    resolutionHoursMean: 10,
    resolutionHoursP90: 10,
    cost: [],
  });
  await asOwner(t, `UPDATE bugs SET created_at = '2024-03-05' WHERE tenant_id = $1`, [tenant.tenantId]);
  expect(await ask(tenant, day)).toMatchObject({ resolved: 1, resolutionHoursMean: 0, resolutionHoursP50: 0 });
});

test('where nothing was resolved there are zeroes and nulls', async () => {
  expect(await ask(await t.tenant('empty'), {})).toEqual({ ...naive([], '2024-01-01', '2024-02-01'), hoursSpent: '0' });
});

test('an empty time is refused', async () => {
  const { errors } = await t.run(a.tenant.key, QUERY, { from: '2024-02-01', to: '2024-02-01' });
  expect(errors?.[0]?.extensions).toMatchObject({ code: 'INVALID_INPUT', path: ['from'] });
});

test('they take one statement', async () => {
  expect((await t.run(a.tenant.key, QUERY, {})).statements).toBe(1);
});
