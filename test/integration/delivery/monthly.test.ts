import { afterAll, beforeAll, expect, test } from 'vitest';
import { moveBug, updateBug } from '../../../src/modules/delivery/bug.service.ts';
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
  OPEN,
  percentile,
  rowsOf,
  sum,
  write,
} from './figures.ts';

let t: TestApp;
let a: Company;
let b: Company;
beforeAll(async () => {
  t = await createTestApp();
  a = await company(t, 'first', 51, 80);
  b = await company(t, 'second', 52, 20);
}, 120_000);
afterAll(() => t?.close());

const COMPUTE = `mutation($input: ComputeMonthlyMetricsInput!) { computeMonthlyMetrics(input: $input) {
  computed { months created updated unchanged } userErrors { code path message } eventSeq } }`;

const compute = async (tenant: Tenant, from: string, to: string, projectId?: string): Promise<Answer> =>
  (await t.runOk(tenant.key, COMPUTE, { input: { from, to, projectId: projectId && projectGlobalId(projectId) } }))
    .computeMonthlyMetrics;

const events = (tenant: Tenant) =>
  asOwner(
    t,
    `SELECT payload FROM event_store WHERE tenant_id = $1 AND type = 'MONTHLY_METRICS_COMPUTED' ORDER BY seq`,
    [tenant.tenantId],
  );

/** First days of months from one to the other. */
function months(from: string, to: string): string[] {
  const all: string[] = [];
  for (const at = new Date(from); at <= new Date(to); at.setUTCMonth(at.getUTCMonth() + 1))
    all.push(at.toISOString().slice(0, 10));
  return all;
}

const isIn = (at: Date | null, month: string) => at !== null && at.toISOString().slice(0, 7) === month.slice(0, 7);
const close = (value: number | null) => (value === null ? null : expect.closeTo(value, 3));

/** A month of some bugs, as anybody would compute it from their rows. */
function naive(bugs: Answer[], month: string, { projects }: Company): Answer {
  const start = new Date(month);
  const isKnown = (bug: Answer) => bug.resolved_at !== null || OPEN.includes(bug.status);
  const openAtStart = bugs.filter(
    (bug) => isKnown(bug) && bug.created_at < start && (bug.resolved_at === null || bug.resolved_at >= start),
  ).length;
  const created = bugs.filter((bug) => isIn(bug.created_at, month));
  const resolved = bugs.filter((bug) => isIn(bug.resolved_at, month));
  const hours = resolved.map((bug) => hoursBetween(bug.created_at, bug.resolved_at));
  const count = (list: Answer[], column: string, value: string) => list.filter((bug) => bug[column] === value).length;
  const all = openAtStart + created.length;
  return {
    open_at_start: openAtStart,
    created: created.length,
    created_critical: count(created, 'severity', 'CRITICAL'),
    created_high: count(created, 'severity', 'HIGH'),
    created_medium: count(created, 'severity', 'MEDIUM'),
    created_low: count(created, 'severity', 'LOW'),
    resolved: resolved.length,
    sla_met: count(resolved, 'sla_state', 'MET'),
    sla_missed: count(resolved, 'sla_state', 'MISSED'),
    hours_spent: fromMicros(sum(resolved.map((bug) => micros(bug.hours_spent)))),
    engineering_cost: costOf(resolved, projects),
    resolution_hours_mean: close(hours.length > 0 ? hours.reduce((x, y) => x + y, 0) / hours.length : null),
    resolution_hours_p50: close(percentile(hours, 0.5)),
    resolution_hours_p90: close(percentile(hours, 0.9)),
    resolution_rate: all > 0 ? resolved.length / all : null,
  };
}

/** All rows that there should be, by project and month. */
async function expected(one: Company, range: string[]): Promise<Record<string, Answer>> {
  const bugs = await rowsOf(t, one.tenant, 'bugs');
  const ofAll = range.map((month) => [`all ${month}`, naive(bugs, month, one)] as const);
  const ofProjects = one.projects.flatMap(({ id }) =>
    range.map(
      (month) =>
        [
          `${id} ${month}`,
          naive(
            bugs.filter((bug) => bug.project_id === id),
            month,
            one,
          ),
        ] as const,
    ),
  );
  const something = (row: Answer) => row.open_at_start + row.created + row.resolved > 0;
  return Object.fromEntries([...ofAll, ...ofProjects.filter(([, row]) => something(row))]);
}

async function stored(one: Company): Promise<Record<string, Answer>> {
  const rows = await rowsOf(t, one.tenant, 'monthly_metrics');
  const leaveOut = ['tenant_id', 'id', 'project_id', 'month', 'computed_at', 'created_at'];
  return Object.fromEntries(
    rows.map((row) => [
      `${row.project_id ?? 'all'} ${row.month}`,
      {
        ...Object.fromEntries(Object.entries(row).filter(([column]) => !leaveOut.includes(column))),
        hours_spent: fromMicros(micros(row.hours_spent)),
      },
    ]),
  );
}

const YEAR = months('2023-12-01', '2024-12-01');

test('each month of each project, and of all, is that of the rows; again changes and tells nothing', async () => {
  const first = await compute(a.tenant, '2023-12-15', '2024-12-03');
  const rows = await expected(a, YEAR);
  expect(first).toMatchObject({
    userErrors: [],
    computed: { months: 13, created: Object.keys(rows).length, updated: 0 },
  });
  expect(await stored(a)).toEqual(rows);
  expect(Object.keys(rows).length).toBeGreaterThan(13 * 3);
  expect(Object.values(rows).reduce((n, row) => n + row.resolved, 0)).toBeGreaterThan(20);
  expect(Object.keys(rows).some((key) => key.startsWith(a.projects[3]?.id ?? ''))).toBe(false);
  const before = await rowsOf(t, a.tenant, 'monthly_metrics');
  const again = await compute(a.tenant, '2023-12-01', '2024-12-31');
  expect(again.computed).toEqual({ months: 13, created: 0, updated: 0, unchanged: before.length });
  expect(again.eventSeq).toBeNull();
  expect(await rowsOf(t, a.tenant, 'monthly_metrics')).toEqual(before);
  expect(await events(a.tenant)).toEqual([
    {
      payload: {
        projectId: null,
        from: '2023-12-01',
        to: '2024-12-01',
        months: 13,
        created: before.length,
        updated: 0,
        unchanged: 0,
      },
    },
  ]);
  expect(await rowsOf(t, b.tenant, 'monthly_metrics')).toEqual([]);
});

test('a part of the months gives the same as all of them', async () => {
  await compute(b.tenant, '2024-06-01', '2024-07-01');
  expect(await stored(b)).toEqual(await expected(b, months('2024-06-01', '2024-07-01')));
  const [one] = b.projects;
  await compute(b.tenant, '2024-04-01', '2024-05-01', one?.id);
  const rows = await stored(b);
  const spring = await expected(b, months('2024-04-01', '2024-05-01'));
  const own = Object.entries(spring).filter(([key]) => key.startsWith(one?.id ?? ''));
  expect(own.length).toBeGreaterThan(0);
  expect(rows).toMatchObject(Object.fromEntries(own));
  expect(Object.keys(rows).filter((key) => /2024-0[45]/.test(key))).toHaveLength(own.length);
});

test('what changed of the bugs changes the rows that it is in, and no other', async () => {
  const tenant = await t.tenant('changing');
  const project = await addProject(t, tenant, 'C', { hourlyRate: '100.5' });
  const one = { tenant, projects: [project], members: [] };
  const bug = { projectId: project.id, title: 'x', severity: 'HIGH' as const };
  await addBug(t, tenant, '2024-01-10T00:00:00Z', bug, [['2024-01-20T00:00:00Z', 'CLOSED']]);
  const kept = await addBug(t, tenant, '2024-02-10T00:00:00Z', bug);
  await compute(tenant, '2024-01-01', '2024-04-01');
  expect(await stored(one)).toEqual(await expected(one, months('2024-01-01', '2024-04-01')));
  await write(t, tenant, async (tx) => {
    await updateBug(tx, { id: kept.id, hoursSpent: '1.5' });
    tx.now = new Date('2024-03-05T12:00:00Z');
    await moveBug(tx, { id: kept.id, status: 'CLOSED' });
  });
  // March and April of the project and of all: from then on it is resolved.
  const { computed } = await compute(tenant, '2024-01-01', '2024-04-01');
  expect(computed).toEqual({ months: 4, created: 0, updated: 4, unchanged: 4 });
  const rows = await stored(one);
  expect(rows[`${project.id} 2024-03-01`]).toMatchObject({
    resolved: 1,
    hours_spent: '1.5',
    engineering_cost: [{ currency: 'USD', amount: '150.75' }],
  });
  // April has nothing left: its row stays, with zeroes.
  const { [`${project.id} 2024-04-01`]: april, ...others } = rows;
  expect(april).toMatchObject({ open_at_start: 0, created: 0, resolved: 0, resolution_rate: null });
  expect(others).toEqual(await expected(one, months('2024-01-01', '2024-04-01')));
  expect((await events(tenant)).map(({ payload }) => [payload.created, payload.updated])).toEqual([
    [8, 0],
    [0, 4],
  ]);
});

test('a bug that is resolved, but nobody knows when, is open in no later month', async () => {
  const tenant = await t.tenant('unknown');
  const project = await addProject(t, tenant, 'U');
  const bug = { projectId: project.id, title: 'x' };
  await addBug(t, tenant, '2024-01-10T00:00:00Z', bug, [['2024-05-20T00:00:00Z', 'CLOSED']]);
  await asOwner(t, 'UPDATE bugs SET resolved_at = NULL WHERE tenant_id = $1', [tenant.tenantId]);
  await compute(tenant, '2024-01-01', '2024-03-01');
  const rows = Object.values(await stored({ tenant, projects: [project], members: [] }));
  expect(rows.map((row) => row.open_at_start)).toEqual([0, 0, 0, 0]);
  expect(rows.map((row) => row.created).reduce((x, y) => x + y, 0)).toBe(2);
});

test('a tenant with nothing has a row of zeroes for each month', async () => {
  const tenant = await t.tenant('empty');
  expect((await compute(tenant, '2024-01-01', '2024-02-01')).computed).toMatchObject({ created: 2 });
  const one = { tenant, projects: [], members: [] };
  expect(await stored(one)).toEqual(await expected(one, months('2024-01-01', '2024-02-01')));
});

test('a range that is empty, too long or not begun, and a project of another tenant, are refused', async () => {
  const bad: [string, string, string | undefined, string, string, RegExp][] = [
    ['2024-03-01', '2024-02-28', undefined, 'INVALID_INPUT', 'from', /empty/],
    ['2010-01-01', '2020-01-01', undefined, 'INVALID_INPUT', 'to', /121 months: 120 at most/],
    ['2024-01-01', '9999-12-31', undefined, 'INVALID_INPUT', 'to', /at most/],
    [
      new Date().toISOString().slice(0, 10),
      new Date(Date.now() + 32 * 86_400_000).toISOString().slice(0, 10),
      undefined,
      'INVALID_INPUT',
      'to',
      /has not begun/,
    ],
    ['2024-01-01', '2024-02-01', a.projects[0]?.id, 'NOT_FOUND', 'projectId', /no such Project/],
  ];
  for (const [from, to, projectId, code, path, message] of bad) {
    const { userErrors, computed } = await compute(b.tenant, from, to, projectId);
    expect(userErrors).toEqual([{ code, path: [path], message: expect.stringMatching(message) }]);
    expect(computed).toBeNull();
  }
  expect((await compute(b.tenant, '2010-01-01', '2019-12-31')).computed).toMatchObject({ months: 120 });
});

test('the list gives the newest months, of all projects or of one, and a project has its own', async () => {
  const ofAll = `{ monthlyMetrics(first: 3, filter: { projectId: { null: true } }) { nodes { month openAtStart created
    createdCritical createdHigh createdMedium createdLow resolved slaMet slaMissed hoursSpent engineeringCost { currency amount }
    resolutionHoursMean resolutionHoursP50 resolutionHoursP90 resolutionRate computedAt project { id } } } }`;
  const { monthlyMetrics } = await t.runOk(a.tenant.key, ofAll);
  expect(monthlyMetrics.nodes.map((row: Answer) => [row.month, row.project])).toEqual(
    ['2024-12-01', '2024-11-01', '2024-10-01'].map((month) => [month, null]),
  );
  const bugs = await rowsOf(t, a.tenant, 'bugs');
  const october = naive(bugs, '2024-10-01', a);
  expect(monthlyMetrics.nodes[2]).toMatchObject({
    openAtStart: october.open_at_start,
    createdLow: october.created_low,
    hoursSpent: october.hours_spent,
    engineeringCost: october.engineering_cost,
    resolutionRate: october.resolution_rate,
  });
  const { data, statements } = await t.run(
    a.tenant.key,
    '{ projects { nodes { id months(first: 2) { nodes { month project { id } } } } } }',
  );
  // the projects, their months, the months' projects
  expect(statements).toBe(3);
  const [, , , first] = data.projects.nodes;
  expect(first.months.nodes).toEqual([
    { month: '2024-12-01', project: { id: first.id } },
    { month: '2024-11-01', project: { id: first.id } },
  ]);
});
