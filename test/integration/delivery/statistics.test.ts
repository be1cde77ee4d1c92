import { afterAll, beforeAll, expect, test } from 'vitest';
import { projectGlobalId } from '../../../src/modules/delivery/global-ids.ts';
import { BUG_SEVERITIES, BUG_STATUSES, SLA_STATES } from '../../../src/modules/delivery/values.ts';
import { type Answer, createTestApp, type Tenant, type TestApp } from '../../support/app.ts';
import { asOwner, type Company, company, fromMicros, micros, OPEN, rowsOf, sum } from './figures.ts';

let t: TestApp;
let a: Company;
let b: Company;
beforeAll(async () => {
  t = await createTestApp();
  a = await company(t, 'first', 11, 80);
  b = await company(t, 'second', 12, 20);
}, 120_000);
afterAll(() => t?.close());

const FIGURE = 'count filter';
const QUERY = `query($projectId: ID) { bugStatistics(projectId: $projectId) {
  total { ${FIGURE} } open { ${FIGURE} } blockers { ${FIGURE} } breached { ${FIGURE} }
  bySeverity { severity ${FIGURE} } byStatus { status ${FIGURE} } bySlaState { slaState ${FIGURE} }
  bySeverityAndStatus { severity status ${FIGURE} } revenueImpactOpen { currency amount } } }`;

const ask = async (tenant: Tenant, projectId?: string): Promise<Answer> =>
  (await t.runOk(tenant.key, QUERY, { projectId: projectId && projectGlobalId(projectId) })).bugStatistics;

/** The figures as anybody would count them, from all rows. */
function naive(bugs: Answer[], { projects }: Company): Answer {
  const count = (fits: (bug: Answer) => boolean) => bugs.filter(fits).length;
  const isOpen = (bug: Answer) => OPEN.includes(bug.status);
  const currencies = [...new Set(projects.map((project) => project.currency))].sort();
  const currencyOf = (bug: Answer) => projects.find(({ id }) => id === bug.project_id)?.currency;
  return {
    total: bugs.length,
    open: count(isOpen),
    blockers: count((bug) => isOpen(bug) && bug.is_blocker),
    breached: count((bug) => bug.sla_state === 'BREACHED'),
    bySeverity: BUG_SEVERITIES.map((severity) => [severity, count((bug) => bug.severity === severity)]),
    byStatus: BUG_STATUSES.map((status) => [status, count((bug) => bug.status === status)]),
    bySlaState: SLA_STATES.map((state) => [state, count((bug) => bug.sla_state === state)]),
    bySeverityAndStatus: BUG_SEVERITIES.flatMap((severity) =>
      BUG_STATUSES.map((status) => [severity, status, count((o) => o.severity === severity && o.status === status)]),
    ),
    revenueImpactOpen: currencies.flatMap((currency) => {
      const group = bugs.filter((bug) => isOpen(bug) && currencyOf(bug) === currency);
      const amount = fromMicros(sum(group.map((bug) => micros(bug.revenue_impact))));
      return group.length > 0 ? [{ currency, amount }] : [];
    }),
  };
}

/** An answer in the form of the naive computation. */
function plain(answer: Answer): Answer {
  const { revenueImpactOpen, ...figures } = answer;
  const shown = (value: Answer) =>
    Array.isArray(value) ? value.map(({ filter: _, ...rest }) => Object.values(rest)) : value.count;
  return { ...Object.fromEntries(Object.entries(figures).map(([k, v]) => [k, shown(v)])), revenueImpactOpen };
}

test('a tenant with nothing has zeroes', async () => {
  const empty = await ask(await t.tenant('empty'));
  expect(empty.total).toEqual({ count: 0, filter: {} });
  expect(plain(empty)).toEqual(naive([], { ...a, projects: [] }));
});

test('the figures are those of a count over all rows of the tenant, and of no other', async () => {
  for (const one of [a, b]) {
    const bugs = await rowsOf(t, one.tenant, 'bugs');
    expect(plain(await ask(one.tenant))).toEqual(naive(bugs, one));
  }
  const { open, blockers, bySlaState, revenueImpactOpen } = plain(await ask(a.tenant));
  expect(open).toBeGreaterThan(10);
  expect(blockers).toBeGreaterThan(0);
  expect(bySlaState.filter(([, n]: [string, number]) => n > 0).length).toBeGreaterThan(2);
  expect(revenueImpactOpen.map((one: Answer) => one.currency)).toEqual(['EUR', 'USD']);
});

test('of one project they are those of its rows; of another tenant’s they are zeroes', async () => {
  const bugs = await rowsOf(t, a.tenant, 'bugs');
  for (const { id } of a.projects) {
    const own = bugs.filter((bug) => bug.project_id === id);
    expect(plain(await ask(a.tenant, id))).toEqual(naive(own, a));
  }
  expect(plain(await ask(b.tenant, a.projects[0]?.id))).toEqual(naive([], b));
});

/** Every count with its filter, wherever in an answer. */
function figuresIn(value: Answer): { count: number; filter: object }[] {
  if (typeof value !== 'object' || value === null) return [];
  if (Object.hasOwn(value, 'filter')) return [value];
  return Object.values(value).flatMap(figuresIn);
}

test('each figure’s filter selects as many bugs as were counted', async () => {
  const figures = [...figuresIn(await ask(a.tenant)), ...figuresIn(await ask(a.tenant, a.projects[1]?.id))];
  expect(figures).toHaveLength(2 * (4 + 4 + 6 + 8 + 24));
  const names = figures.map((_, i) => `$f${i}: BugFilter`).join(', ');
  const fields = figures.map((_, i) => `f${i}: bugs(first: 1, filter: $f${i}) { totalCount(exact: true) { value } }`);
  const variables = Object.fromEntries(figures.map(({ filter }, i) => [`f${i}`, filter]));
  const found = await t.runOk(a.tenant.key, `query(${names}) { ${fields.join(' ')} }`, variables);
  expect(figures.map((_, i) => found[`f${i}`].totalCount.value)).toEqual(figures.map(({ count }) => count));
});

test('they take one statement', async () => {
  expect((await t.run(a.tenant.key, QUERY)).statements).toBe(1);
  const projectId = projectGlobalId(a.projects[0]?.id ?? '');
  expect((await t.run(a.tenant.key, QUERY, { projectId })).statements).toBe(1);
});

test('the tables’ rows are counted by tenant, up to 10,000', async () => {
  const query = '{ databaseStatistics { table rows { value kind } } }';
  const counts = async (one: Company) => {
    const { data, statements } = await t.run(one.tenant.key, query);
    expect(statements).toBe(1);
    return Object.fromEntries(data.databaseStatistics.map((row: Answer) => [row.table, row.rows]));
  };
  const before = await counts(a);
  expect(Object.keys(before)).toHaveLength(12);
  for (const [table, rows] of Object.entries(before)) {
    expect([table, rows]).toEqual([table, { value: (await rowsOf(t, a.tenant, table)).length, kind: 'EXACT' }]);
  }
  expect(before.bugs).toEqual({ value: 80, kind: 'EXACT' });
  await asOwner(
    t,
    `INSERT INTO bug_labels (tenant_id, bug_id, name)
       SELECT tenant_id, id, 'l' || n FROM bugs, generate_series(1, 501) n WHERE tenant_id = $1`,
    [b.tenant.tenantId],
  );
  expect((await counts(b)).bug_labels).toEqual({ value: 10_000, kind: 'AT_LEAST' });
  expect((await counts(a)).bug_labels).toEqual(before.bug_labels);
});
