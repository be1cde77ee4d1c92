import { afterAll, beforeAll, expect, test } from 'vitest';
import { dayOf } from '../../../src/data/instant.ts';
import { projectGlobalId } from '../../../src/modules/delivery/global-ids.ts';
import { healthScore } from '../../../src/modules/delivery/health-score.ts';
import { type MetricRow, recordProjectMetrics } from '../../../src/modules/delivery/metric.service.ts';
import { type Answer, createTestApp, type Tenant, type TestApp } from '../../support/app.ts';
import { randomOf } from '../../support/random.ts';
import {
  addProject,
  asOwner,
  type Company,
  company,
  DAY,
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
  a = await company(t, 'first', 75, 60);
  b = await company(t, 'second', 76, 15);
}, 120_000);
afterAll(() => t?.close());

const ACTIVITY = `query($id: ID!, $from: Instant, $to: Instant, $bin: TimeBinInput) { projectActivity(projectId: $id, from: $from,
  to: $to, timeBin: $bin) { start end commits linesAdded linesDeleted filesChanged activeDays } }`;

test.for(['DAY', 'WEEK', 'MONTH', 'QUARTER', 'YEAR'])(
  'activity by %s adds the days up, and has zeroes between them',
  async (scale) => {
    const random = randomOf(74);
    const tenant = await t.tenant(`activity-${scale.toLowerCase()}`);
    const { id: projectId } = await addProject(t, tenant, 'ACT');
    const other = await addProject(t, tenant, 'OTHER');
    const rows = Array.from(
      { length: 200 },
      (_, i): MetricRow => ({
        projectId: i % 10 === 0 ? other.id : projectId,
        date: new Date(Date.UTC(2024, 0, 1) + i * 2 * DAY),
        commits: random() < 0.2 ? 0 : Math.floor(random() * 2 ** 30),
        linesAdded: random() < 0.2 ? null : 2 ** 31 - 1,
        filesChanged: Math.floor(random() * 10),
      }),
    );
    await write(t, tenant, (tx) => recordProjectMetrics(tx, rows));
    const [from, to] = ['2024-02-05T10:00:00.000Z', '2025-01-20T00:00:00.000Z'];
    const args = { id: projectGlobalId(projectId), from, to, bin: { scale, timeZone: 'UTC' } };
    const { data, statements } = await t.run(tenant.key, ACTIVITY, args);
    expect(statements).toBe(1);
    const points: Answer[] = data.projectActivity;
    // The day of `from` counts whole; `to` is a midnight, whose day does not.
    const inTime = rows.filter(
      (row) => row.projectId === projectId && row.date >= new Date('2024-02-05') && row.date < new Date(to),
    );
    for (const [i, point] of points.entries()) {
      if (i > 0) expect(point.start).toBe(points[i - 1]?.end);
      const days = inTime.filter((row) => row.date >= new Date(point.start) && row.date < new Date(point.end));
      const total = (field: 'commits' | 'linesAdded' | 'linesDeleted' | 'filesChanged') =>
        days.reduce((n, row) => n + (row[field] ?? 0), 0);
      expect(point).toEqual({
        start: point.start,
        end: point.end,
        commits: total('commits'),
        linesAdded: total('linesAdded'),
        linesDeleted: 0,
        filesChanged: total('filesChanged'),
        activeDays: days.filter((row) => (row.commits ?? 0) > 0).length,
      });
    }
    expect(points.reduce((n, point) => n + point.commits, 0)).toBe(
      inTime.reduce((n, row) => n + (row.commits ?? 0), 0),
    );
    const later = await t.runOk(tenant.key, ACTIVITY, { ...args, from: '2025-01-20', to: '2025-01-20T00:00:01Z' });
    expect(later.projectActivity).toHaveLength(1);
  },
);

test('activity knows no hours and no time zones, and of another tenant’s project nothing', async () => {
  const id = projectGlobalId(a.projects[0]?.id ?? '');
  for (const [bin, path] of [
    [{ scale: 'HOUR', timeZone: 'UTC' }, 'scale'],
    [{ scale: 'DAY', timeZone: 'Europe/Berlin' }, 'timeZone'],
  ] as const) {
    const { errors } = await t.run(a.tenant.key, ACTIVITY, { id, from: '-P1D', bin });
    expect(errors?.[0]?.extensions).toMatchObject({ code: 'INVALID_INPUT', path: ['timeBin', path] });
  }
  const today = { projectId: a.projects[0]?.id ?? '', date: dayOf(new Date()), commits: 5 };
  await write(t, a.tenant, (tx) => recordProjectMetrics(tx, [today]));
  const commits = async (tenant: Tenant): Promise<number> =>
    (await t.runOk(tenant.key, ACTIVITY, { id })).projectActivity.reduce((n: number, p: Answer) => n + p.commits, 0);
  expect([await commits(a.tenant), await commits(b.tenant)]).toEqual([5, 0]);
});

const PROJECTS = `{ projects(filter: { status: { eq: ACTIVE } }) { nodes { id
  bugStats { total open critical blockers breached revenueImpact } health { score version parts { name weight input points reason } }
  metrics(first: 1) { nodes { date } } } } }`;

test('projects show what their bugs add up to and how healthy they are, in one statement each', async () => {
  const dayAgo = (days: number) => dayOf(new Date(Date.now() - days * DAY));
  const lastCommits = [3, 20, null];
  for (const [i, days] of lastCommits.entries()) {
    const projectId = a.projects[i]?.id ?? '';
    const rows = [
      { projectId, date: dayAgo(60), commits: 1 },
      { projectId, date: dayAgo(1), commits: 0 },
    ];
    if (days !== null) rows.push({ projectId, date: dayAgo(days), commits: 2 });
    if (i > 0) await asOwner(t, 'DELETE FROM project_metrics WHERE project_id = $1', [projectId]);
    await write(t, a.tenant, (tx) => recordProjectMetrics(tx, days === null ? rows.slice(1) : rows));
  }
  for (const [i, [kind, status, days, isDryRun]] of (
    [
      ['bugs', 'COMPLETED', 1, false],
      ['metrics', 'FAILED', 29, false],
      ['github-issues', 'PARTIAL', 2, false],
      ['bug-history', 'RUNNING', 0, false],
      ['bugs', 'FAILED', 31, false],
      ['bugs', 'FAILED', 1, true],
      ['keywords', 'FAILED', 1, false],
    ] as const
  ).entries()) {
    await asOwner(
      t,
      `INSERT INTO import_logs (tenant_id, id, kind, source, status, is_dry_run, created_at)
         VALUES ($1, gen_random_uuid(), $2, $3, $4, $5, $6)`,
      [a.tenant.tenantId, kind, `s${i}`, status, isDryRun, dayAgo(days)],
    );
  }
  const { data, statements } = await t.run(a.tenant.key, PROJECTS);
  // projects, their bugs' totals, their last commits, the imports, their newest days
  expect(statements).toBe(5);
  const bugs = await rowsOf(t, a.tenant, 'bugs');
  const metrics = await rowsOf(t, a.tenant, 'project_metrics');
  expect(data.projects.nodes).toHaveLength(4);
  for (const node of data.projects.nodes) {
    const project = a.projects.find(({ id }) => projectGlobalId(id) === node.id);
    const own = bugs.filter((bug) => bug.project_id === project?.id);
    const open = own.filter((bug) => OPEN.includes(bug.status));
    const ended = (state: string) => own.filter((bug) => bug.sla_state === state).length;
    const critical = open.filter((bug) => bug.severity === 'CRITICAL').length;
    expect(node.bugStats).toEqual({
      total: own.length,
      open: open.length,
      critical,
      blockers: open.filter((bug) => bug.is_blocker).length,
      breached: own.filter((bug) => bug.sla_state === 'BREACHED').length,
      revenueImpact: fromMicros(sum(open.map((bug) => micros(bug.revenue_impact)))),
    });
    const days = metrics.filter((row) => row.project_id === project?.id && row.commits > 0).map((row) => row.date);
    const last = days.sort().at(-1);
    expect(node.health).toEqual(
      healthScore({
        openBugs: open.length,
        openCritical: critical,
        resolvedWithSla: ended('MET') + ended('MISSED'),
        slaMissed: ended('MISSED'),
        lastCommitAt: last ? new Date(last) : null,
        importsTotal: 3,
        importsFailed: 1,
        now: new Date(),
      }),
    );
  }
  const stale = data.projects.nodes.map((node: Answer) =>
    node.health.parts.find((part: Answer) => part.name === 'STALE'),
  );
  expect(new Set(stale.map((part: Answer) => part.reason ?? part.input))).toEqual(new Set(['NO_DATA', 0, 1]));
});

test('a project without anything has zeroes', async () => {
  const tenant = await t.tenant('bare');
  await addProject(t, tenant, 'BARE');
  const { projects } = await t.runOk(tenant.key, PROJECTS);
  expect(projects.nodes[0].bugStats).toEqual({
    total: 0,
    open: 0,
    critical: 0,
    blockers: 0,
    breached: 0,
    revenueImpact: '0',
  });
  expect(projects.nodes[0].health.score).toBe(100);
});
