import { afterAll, beforeAll, expect, test } from 'vitest';
import type { BugSeverity } from '../../../src/modules/delivery/values.ts';
import { memberEntity } from '../../../src/modules/platform/entities.ts';
import { type Answer, createTestApp, type TestApp } from '../../support/app.ts';
import { addBug, type Company, company, DAY, hoursBetween, OPEN, percentile, rowsOf } from './figures.ts';

let t: TestApp;
let a: Company;
let b: Company;
beforeAll(async () => {
  t = await createTestApp();
  a = await company(t, 'first', 41, 80);
  b = await company(t, 'second', 42, 20);
  // Some that were resolved lately.
  for (const [i, severity] of (['LOW', 'CRITICAL'] as BugSeverity[]).entries()) {
    const assigneeId = a.members[i] ?? null;
    const at = (hours: number) => new Date(Date.now() - hours * 3_600_000).toISOString();
    const bug = { projectId: a.projects[0]?.id ?? '', title: 'lately', severity, assigneeId };
    await addBug(t, a.tenant, at(100), bug, [[at(20), 'CLOSED']]);
  }
}, 120_000);
afterAll(() => t?.close());

const FIELDS = `member { id } open { count filter } bySeverity { severity open weight points } points
  overdue { count filter } averageAgeDays slaMet slaMissed slaRate`;
const WEIGHTS = { CRITICAL: 5, HIGH: 3, MEDIUM: 2, LOW: 1 };

/** What a member has to do, as anybody would count it from all rows. */
function naive(bugs: Answer[], memberId: string): Answer {
  const own = bugs.filter((bug) => bug.assignee_id === memberId);
  const open = own.filter((bug) => OPEN.includes(bug.status));
  const ages = open.map((bug) => (Date.now() - bug.created_at) / DAY);
  const recent = own.filter((bug) => bug.resolved_at && Date.now() - bug.resolved_at < 90 * DAY);
  const slaMet = recent.filter((bug) => bug.sla_state === 'MET').length;
  const slaMissed = recent.filter((bug) => bug.sla_state === 'MISSED').length;
  const bySeverity = Object.entries(WEIGHTS).map(([severity, weight]) => {
    const count = open.filter((bug) => bug.severity === severity).length;
    return { severity, open: count, weight, points: count * weight };
  });
  return {
    member: { id: memberEntity.encode(memberId) },
    open: { count: open.length, filter: expect.anything() },
    bySeverity,
    points: bySeverity.reduce((sum, part) => sum + part.points, 0),
    overdue: {
      count: open.filter((bug) => bug.sla_state === 'BREACHED' || (bug.due_at && bug.due_at < Date.now())).length,
      filter: expect.anything(),
    },
    averageAgeDays: ages.length > 0 ? expect.closeTo(ages.reduce((x, y) => x + y, 0) / ages.length, 1) : null,
    slaMet,
    slaMissed,
    slaRate: slaMet + slaMissed > 0 ? slaMet / (slaMet + slaMissed) : null,
  };
}

test('the team’s workload is that of the rows, most points first', async () => {
  for (const one of [a, b]) {
    const bugs = await rowsOf(t, one.tenant, 'bugs');
    const { teamWorkload } = await t.runOk(one.tenant.key, `{ teamWorkload { ${FIELDS} } }`);
    const expected = one.members.map((id) => naive(bugs, id)).filter(({ open }) => open.count > 0);
    expected.sort((x, y) => y.points - x.points || (x.member.id < y.member.id ? -1 : 1));
    expect(teamWorkload).toEqual(expected);
    expect(teamWorkload.length).toBeGreaterThan(1);
  }
});

const ONE = `query($id: ID!) { workload(memberId: $id) { ${FIELDS} } }`;

test('a member’s workload is the same, all zeroes without bugs, and null for nobody of this tenant', async () => {
  const bugs = await rowsOf(t, a.tenant, 'bugs');
  for (const id of a.members) {
    const { workload } = await t.runOk(a.tenant.key, ONE, { id: memberEntity.encode(id) });
    expect(workload).toEqual(naive(bugs, id));
  }
  expect(naive(bugs, a.members[0] ?? '').slaMet + naive(bugs, a.members[0] ?? '').slaMissed).toBeGreaterThan(0);
  const owner = a.tenant.memberId;
  expect((await t.runOk(a.tenant.key, ONE, { id: memberEntity.encode(owner) })).workload).toEqual(naive(bugs, owner));
  expect((await t.runOk(b.tenant.key, ONE, { id: memberEntity.encode(owner) })).workload).toBeNull();
});

test('the filters of open and overdue select as many bugs as were counted', async () => {
  const { teamWorkload } = await t.runOk(a.tenant.key, `{ teamWorkload { ${FIELDS} } }`);
  for (const { open, overdue } of teamWorkload) {
    const found = await t.runOk(
      a.tenant.key,
      `query($open: BugFilter, $overdue: BugFilter) { open: bugs(filter: $open) { totalCount(exact: true) { value } }
        overdue: bugs(filter: $overdue) { totalCount(exact: true) { value } } }`,
      { open: open.filter, overdue: overdue.filter },
    );
    expect([found.open.totalCount.value, found.overdue.totalCount.value]).toEqual([open.count, overdue.count]);
    expect(overdue.count).toBeGreaterThan(0);
  }
});

const PERFORMANCE = `query($from: Instant, $to: Instant) { teamPerformance(from: $from, to: $to) { member { id } resolved
  resolutionHoursP50 reopened reopenRate slaMet slaMissed slaRate } }`;

test('performance is that of the rows resolved in the time, most first', async () => {
  const [from, to] = ['2024-02-01T00:00:00Z', '2024-09-15T00:00:00Z'];
  const { teamPerformance } = await t.runOk(a.tenant.key, PERFORMANCE, { from, to });
  const bugs = (await rowsOf(t, a.tenant, 'bugs')).filter(
    (bug) => bug.assignee_id && bug.resolved_at >= new Date(from) && bug.resolved_at < new Date(to),
  );
  const expected = [...Map.groupBy(bugs, (bug) => bug.assignee_id)].map(([id, own]) => {
    const slaMet = own.filter((bug) => bug.sla_state === 'MET').length;
    const slaMissed = own.filter((bug) => bug.sla_state === 'MISSED').length;
    const reopened = own.filter((bug) => bug.reopen_count > 0).length;
    const median =
      percentile(
        own.map((bug) => hoursBetween(bug.created_at, bug.resolved_at)),
        0.5,
      ) ?? 0;
    return {
      member: { id: memberEntity.encode(id) },
      resolved: own.length,
      resolutionHoursP50: expect.closeTo(median, 3),
      reopened,
      reopenRate: reopened / own.length,
      slaMet,
      slaMissed,
      slaRate: slaMet + slaMissed > 0 ? slaMet / (slaMet + slaMissed) : null,
    };
  });
  expected.sort((x, y) => y.resolved - x.resolved || (x.member.id < y.member.id ? -1 : 1));
  expect(teamPerformance).toEqual(expected);
  expect(teamPerformance).toHaveLength(3);
});

test('a team without bugs has nobody in it', async () => {
  const { key } = await t.tenant('empty');
  expect(await t.runOk(key, `{ teamWorkload { points } teamPerformance { resolved } }`)).toEqual({
    teamWorkload: [],
    teamPerformance: [],
  });
});

test('each takes one statement, and one more for the members', async () => {
  expect((await t.run(a.tenant.key, '{ teamWorkload { points } }')).statements).toBe(1);
  expect((await t.run(a.tenant.key, `{ teamWorkload { ${FIELDS} } }`)).statements).toBe(2);
  expect((await t.run(a.tenant.key, '{ teamPerformance { resolved } }')).statements).toBe(1);
  expect((await t.run(a.tenant.key, ONE, { id: memberEntity.encode(a.members[0] ?? '') })).statements).toBe(2);
});
