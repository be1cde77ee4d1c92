import { afterAll, beforeAll, expect, test } from 'vitest';
import { projectGlobalId } from '../../../src/modules/delivery/global-ids.ts';
import { takeSnapshot } from '../../../src/modules/delivery/portfolio.service.ts';
import { moveProject, updateProject } from '../../../src/modules/delivery/project.service.ts';
import { PROJECT_STATUSES } from '../../../src/modules/delivery/values.ts';
import { type Answer, createTestApp, type Tenant, type TestApp } from '../../support/app.ts';
import {
  addBug,
  addProject,
  asOwner,
  type Company,
  company,
  fromMicros,
  micros,
  OPEN,
  rowsOf,
  sum,
  write,
} from './figures.ts';

let t: TestApp;
let a: Company;
let b: Company;
beforeAll(async () => {
  t = await createTestApp();
  a = await company(t, 'first', 61, 60);
  b = await company(t, 'second', 62, 15);
  const move = (project: number, status: 'SHIPPED' | 'CANCELLED') =>
    write(t, a.tenant, (tx) => moveProject(tx, { id: a.projects[project]?.id ?? '', status }));
  await move(0, 'SHIPPED');
  await move(3, 'CANCELLED');
}, 120_000);
afterAll(() => t?.close());

const FIGURES = `date projects { total active shipped deferred cancelled } bugs { open critical blockers breached resolved }
  money { currency arr dcfValuation infrastructureCost revenueImpact
    byStatus { status projects arr dcfValuation infrastructureCost } }`;
const QUERY = `query($asOf: Date) { portfolioOverview(asOf: $asOf) { ${FIGURES} } }`;

const overview = async (tenant: Tenant, asOf?: string): Promise<Answer> =>
  (await t.runOk(tenant.key, QUERY, { asOf })).portfolioOverview;

const amounts = (rows: Answer[], column: string) => fromMicros(sum(rows.map((row) => micros(row[column]))));
const moneyOf = (rows: Answer[]) => ({
  arr: amounts(rows, 'arr'),
  dcfValuation: amounts(rows, 'dcf_valuation'),
  infrastructureCost: amounts(rows, 'infrastructure_cost'),
});

/** The figures as anybody would compute them, from all projects and bugs. */
async function naive(tenant: Tenant): Promise<Answer> {
  const projects = await rowsOf(t, tenant, 'projects');
  const bugs = await rowsOf(t, tenant, 'bugs');
  const open = bugs.filter((bug) => OPEN.includes(bug.status));
  const counts = PROJECT_STATUSES.map((status) => [
    status.toLowerCase(),
    projects.filter((project) => project.status === status).length,
  ]);
  const currencies = [...Map.groupBy(projects, (project) => project.currency)].sort(([x], [y]) => (x < y ? -1 : 1));
  return {
    date: null,
    projects: { total: projects.length, ...Object.fromEntries(counts) },
    bugs: {
      open: open.length,
      critical: open.filter((bug) => bug.severity === 'CRITICAL').length,
      blockers: open.filter((bug) => bug.is_blocker).length,
      breached: bugs.filter((bug) => bug.sla_state === 'BREACHED').length,
      resolved: bugs.length - open.length,
    },
    money: currencies.map(([currency, group]) => ({
      currency,
      ...moneyOf(group),
      revenueImpact: amounts(
        open.filter((bug) => group.some((project) => project.id === bug.project_id)),
        'revenue_impact',
      ),
      byStatus: PROJECT_STATUSES.flatMap((status) => {
        const part = group.filter((project) => project.status === status);
        return part.length > 0 ? [{ status, projects: part.length, ...moneyOf(part) }] : [];
      }),
    })),
  };
}

test('the live figures are those of all projects and bugs of the tenant, and of no other', async () => {
  for (const { tenant } of [a, b]) expect(await overview(tenant)).toEqual(await naive(tenant));
  const { projects, money } = await overview(a.tenant);
  expect(projects).toEqual({ total: 4, active: 2, shipped: 1, deferred: 0, cancelled: 1 });
  expect(money.map((one: Answer) => one.currency)).toEqual(['EUR', 'USD']);
  expect(money[1].byStatus).toHaveLength(2);
});

test('each figure of money is the sum of its parts', async () => {
  for (const one of (await overview(a.tenant)).money) {
    for (const figure of ['arr', 'dcfValuation', 'infrastructureCost'])
      expect(fromMicros(sum(one.byStatus.map((part: Answer) => micros(part[figure]))))).toBe(one[figure]);
  }
});

test('a tenant with nothing has zeroes', async () => {
  const tenant = await t.tenant('empty');
  expect(await overview(tenant)).toEqual({ ...(await naive(tenant)), money: [] });
  expect(await overview(tenant, '2030-01-01')).toBeNull();
});

test('the figures take two statements, those of a day one', async () => {
  expect((await t.run(a.tenant.key, QUERY)).statements).toBe(2);
  expect((await t.run(a.tenant.key, QUERY, { asOf: '2024-01-01' })).statements).toBe(1);
});

const TAKE = 'mutation { takePortfolioSnapshot { snapshot { id date bugs { open } } userErrors { code } eventSeq } }';
const take = async (tenant: Tenant): Promise<Answer> => (await t.runOk(tenant.key, TAKE)).takePortfolioSnapshot;
const events = (tenant: Tenant) =>
  asOwner(
    t,
    `SELECT payload FROM event_store WHERE tenant_id = $1 AND type = 'PORTFOLIO_SNAPSHOT_TAKEN' ORDER BY seq`,
    [tenant.tenantId],
  );

test('a snapshot keeps the day’s figures; the same again changes nothing, others replace it', async () => {
  const tenant = await t.tenant('snapshots');
  const project = await addProject(t, tenant, 'S', { arr: '10.5' });
  const first = await take(tenant);
  const today = first.snapshot.date;
  expect(first).toMatchObject({ userErrors: [], eventSeq: expect.any(Number), snapshot: { bugs: { open: 0 } } });
  expect(await take(tenant)).toEqual({ ...first, eventSeq: null });
  await addBug(t, tenant, new Date().toISOString(), { projectId: project.id, title: 'x' });
  const third = await take(tenant);
  expect(third.snapshot).toEqual({ id: first.snapshot.id, date: today, bugs: { open: 1 } });
  expect((await events(tenant)).map(({ payload }) => [payload.date, payload.bugs.open])).toEqual([
    [today, 0],
    [today, 1],
  ]);
  expect(await rowsOf(t, tenant, 'portfolio_metrics')).toHaveLength(1);
  expect(await overview(tenant, today)).toEqual({ ...(await naive(tenant)), date: today });
});

test('as of a day the newest snapshot that is not after it counts', async () => {
  const tenant = await t.tenant('history');
  const { id } = await addProject(t, tenant, 'H', { arr: '1' });
  for (const [day, arr] of [
    ['2024-03-01', '2'],
    ['2024-03-10', '3'],
  ] as const) {
    await write(t, tenant, async (tx) => {
      await updateProject(tx, { id, arr });
    });
    await write(t, tenant, (tx) => takeSnapshot(tx, new Date(day)));
  }
  await write(t, tenant, (tx) => updateProject(tx, { id, arr: '4' }));
  const asOf = async (day?: string) => {
    const found = await overview(tenant, day);
    return found && [found.date, found.money[0].arr];
  };
  expect(await asOf('2024-02-29')).toBeNull();
  expect(await asOf('2024-03-01')).toEqual(['2024-03-01', '2']);
  expect(await asOf('2024-03-09')).toEqual(['2024-03-01', '2']);
  expect(await asOf('2024-03-10')).toEqual(['2024-03-10', '3']);
  expect(await asOf('2030-01-01')).toEqual(['2024-03-10', '3']);
  expect(await asOf()).toEqual([null, '4']);
  const { portfolioMetrics } = await t.runOk(tenant.key, `{ portfolioMetrics { nodes { ${FIGURES} } } }`);
  expect(portfolioMetrics.nodes).toEqual([await overview(tenant, '2024-03-10'), await overview(tenant, '2024-03-01')]);
  expect(await overview(b.tenant, '2030-01-01')).toBeNull();
});

test('snapshots taken at the same moment are one', async () => {
  const tenant = await t.tenant('racing');
  await addProject(t, tenant, 'R');
  const taken = await Promise.all([take(tenant), take(tenant), take(tenant)]);
  expect(new Set(taken.map(({ snapshot }) => snapshot.id)).size).toBe(1);
  expect(await events(tenant)).toHaveLength(1);
});

test('the projects with the highest ROI come first', async () => {
  const rows = await rowsOf(t, a.tenant, 'projects');
  rows.sort((x, y) => y.roi_score - x.roi_score || (x.id < y.id ? 1 : -1));
  const { data, statements } = await t.run(a.tenant.key, '{ topProjectsByRoi(first: 3) { id } }');
  expect(data.topProjectsByRoi.map((one: Answer) => one.id)).toEqual(
    rows.slice(0, 3).map(({ id }) => projectGlobalId(id)),
  );
  expect(statements).toBe(1);
});
