import { afterAll, beforeAll, expect, test } from 'vitest';
import { createBugs } from '../../../src/modules/delivery/bug.service.ts';
import { projectGlobalId } from '../../../src/modules/delivery/global-ids.ts';
import { type Answer, createTestApp, type Tenant, type TestApp } from '../../support/app.ts';
import { addProject, type Company, company, DAY, rowsOf, write } from './figures.ts';

let t: TestApp;
let a: Company;
let bugs: Answer[];
beforeAll(async () => {
  t = await createTestApp();
  a = await company(t, 'first', 21, 80);
  await company(t, 'second', 22, 20);
  bugs = await rowsOf(t, a.tenant, 'bugs');
}, 120_000);
afterAll(() => t?.close());

const PERIOD = 'from to total points { start end total counts { key count } }';
const QUERY = `query($from: Instant, $to: Instant, $timeBin: TimeBinInput, $measure: BugTrendMeasure, $by: BugTrendDimension,
    $projectId: ID, $compare: Boolean) {
  bugTrends(from: $from, to: $to, timeBin: $timeBin, measure: $measure, by: $by, projectId: $projectId, compare: $compare) {
    current { ${PERIOD} } earlier { ${PERIOD} } changePercent } }`;

interface Period {
  from: string;
  to: string;
  total: number;
  points: { start: string; end: string; total: number; counts: { key: string; count: number }[] }[];
}

const trend = async (
  tenant: Tenant,
  args: object,
): Promise<{ current: Period; earlier: Period | null; changePercent: number | null }> =>
  (await t.runOk(tenant.key, QUERY, { ...args })).bugTrends;

/** Buckets touch, cover the time, and hold exactly the bugs that fall into them and into the time. */
function check(period: Period, rows: Answer[], column: 'created_at' | 'resolved_at', keyOf: (bug: Answer) => string) {
  const at = (bug: Answer): string | null => bug[column]?.toISOString() ?? null;
  const inTime = rows.filter((bug) => {
    const time = at(bug);
    return time !== null && time >= period.from && time < period.to;
  });
  for (const [i, point] of period.points.entries()) {
    if (i > 0) expect(point.start).toBe(period.points[i - 1]?.end);
    const inside = inTime.filter((bug) => (at(bug) ?? '') >= point.start && (at(bug) ?? '') < point.end);
    const counts = [...Map.groupBy(inside, keyOf)].map(([key, group]) => ({ key, count: group.length }));
    counts.sort((x, y) => y.count - x.count || (x.key < y.key ? -1 : 1));
    const shown = keyOf(bugs[0]) === '' ? [] : counts;
    expect([point.start, point.total]).toEqual([point.start, inside.length]);
    expect(point.counts.toSorted((x, y) => y.count - x.count || (x.key < y.key ? -1 : 1))).toEqual(shown);
  }
  expect(period.total).toBe(inTime.length);
  expect((period.points[0]?.start ?? '') <= period.from).toBe(true);
  expect((period.points.at(-1)?.end ?? '') >= period.to).toBe(true);
}

const KEYS: [string, (bug: Answer) => string][] = [
  ['SEVERITY', (bug) => bug.severity],
  ['STATUS', (bug) => bug.status],
  ['PROJECT', (bug) => projectGlobalId(bug.project_id)],
  ['NONE', () => ''],
];

test.for(['DAY', 'WEEK', 'MONTH', 'QUARTER', 'YEAR'])(
  'a trend by %s is that of the rows, by every dimension',
  async (scale) => {
    const range = { from: '2024-02-10T05:00:00.000Z', to: '2024-09-20T17:30:00.000Z' };
    for (const timeZone of ['UTC', 'America/New_York']) {
      for (const [by, keyOf] of KEYS) {
        const args = { ...range, by, timeBin: { scale, timeZone } };
        const created = await trend(a.tenant, { ...args, measure: 'CREATED' });
        expect(created).toMatchObject({ earlier: null, changePercent: null, current: range });
        check(created.current, bugs, 'created_at', keyOf);
        expect(created.current.total).toBeGreaterThan(30);
        check((await trend(a.tenant, { ...args, measure: 'RESOLVED' })).current, bugs, 'resolved_at', keyOf);
      }
    }
  },
);

test('hours and minutes are real ones; one project’s bugs are its own', async () => {
  const hours = { timeBin: { scale: 'HOUR', timeZone: 'Asia/Kolkata' }, by: 'NONE' };
  const { current } = await trend(a.tenant, { ...hours, from: '2024-05-01T00:10:00Z', to: '2024-06-01T00:10:00Z' });
  check(current, bugs, 'created_at', () => '');
  expect(current.points).toHaveLength(31 * 24 + 1);
  const at = bugs[0].created_at.getTime();
  const minute = { timeBin: { scale: 'MINUTE', timeZone: 'UTC' }, by: 'NONE' };
  const around = { from: new Date(at - 90_000).toISOString(), to: new Date(at + 1).toISOString() };
  const minutes = await trend(a.tenant, { ...minute, ...around });
  check(minutes.current, bugs, 'created_at', () => '');
  expect(minutes.current.points.at(-1)?.total).toBe(1);
  const [first] = a.projects;
  const own = await trend(a.tenant, {
    from: '2024-01-01',
    to: '2024-12-01',
    projectId: projectGlobalId(first?.id ?? ''),
  });
  check(
    own.current,
    bugs.filter((bug) => bug.project_id === first?.id),
    'created_at',
    (bug) => bug.severity,
  );
  expect(own.current.total).toBeGreaterThan(5);
});

const local = (zone: string, at: string) =>
  new Intl.DateTimeFormat('en-CA', {
    timeZone: zone,
    dateStyle: 'short',
    timeStyle: 'medium',
    hourCycle: 'h23',
  }).format(new Date(at));

// zone, from, to, scale, where the stretch before begins and ends
const BEFORE: [string, string, string, string, string, string][] = [
  [
    'UTC',
    '2024-06-01T00:00:00.000Z',
    '2024-07-01T00:00:00.000Z',
    'DAY',
    '2024-05-02T00:00:00.000Z',
    '2024-06-01T00:00:00.000Z',
  ],
  [
    'UTC',
    '2024-06-01T00:00:00.000Z',
    '2024-09-01T00:00:00.000Z',
    'MONTH',
    '2024-03-01T00:00:00.000Z',
    '2024-06-01T00:00:00.000Z',
  ],
  [
    'UTC',
    '2024-07-01T00:00:00.000Z',
    '2024-08-15T00:00:00.000Z',
    'QUARTER',
    '2024-04-01T00:00:00.000Z',
    '2024-05-15T00:00:00.000Z',
  ],
  // Clocks went forward on 31 March: midnight stays midnight.
  [
    'Europe/Berlin',
    '2024-03-31T22:00:00.000Z',
    '2024-04-07T22:00:00.000Z',
    'DAY',
    '2024-03-24T23:00:00.000Z',
    '2024-03-31T22:00:00.000Z',
  ],
  [
    'Europe/Berlin',
    '2024-03-31T22:00:00.000Z',
    '2024-04-07T22:00:00.000Z',
    'WEEK',
    '2024-03-24T23:00:00.000Z',
    '2024-03-31T22:00:00.000Z',
  ],
  [
    'Europe/Berlin',
    '2024-04-30T22:00:00.000Z',
    '2024-07-31T22:00:00.000Z',
    'MONTH',
    '2024-01-31T23:00:00.000Z',
    '2024-04-30T22:00:00.000Z',
  ],
  // The hour before 2 o'clock came twice on 3 November; hours are moments apart.
  [
    'America/New_York',
    '2024-11-03T06:00:00.000Z',
    '2024-11-03T08:00:00.000Z',
    'HOUR',
    '2024-11-03T04:00:00.000Z',
    '2024-11-03T06:00:00.000Z',
  ],
];

test.for(BEFORE)(
  'in %s from %s to %s by %s it is compared with what was before',
  async ([zone, from, to, scale, start, end]) => {
    const args = { from, to, by: 'SEVERITY', compare: true, timeBin: { scale, timeZone: zone } };
    const { current, earlier, changePercent } = await trend(a.tenant, args);
    if (earlier === null) throw new Error('it is not compared');
    expect([earlier.from, earlier.to]).toEqual([start, end]);
    expect(earlier.points).toHaveLength(current.points.length);
    check(current, bugs, 'created_at', (bug) => bug.severity);
    check(earlier, bugs, 'created_at', (bug) => bug.severity);
    if (scale !== 'HOUR') expect(local(zone, earlier.from).slice(-8)).toBe(local(zone, from).slice(-8));
    const change = ((current.total - earlier.total) / earlier.total) * 100;
    if (earlier.total === 0) expect(changePercent).toBeNull();
    else expect(changePercent).toBeCloseTo(change, 1);
  },
);

test('a time that cuts its first and last bucket is compared with one that cuts them alike', async () => {
  const args = { from: '2024-06-10T09:00:00.000Z', to: '2024-08-20T15:00:00.000Z', compare: true };
  const { current, earlier } = await trend(a.tenant, { ...args, timeBin: { scale: 'MONTH', timeZone: 'UTC' } });
  expect(current.points.map((point) => point.start.slice(0, 7))).toEqual(['2024-06', '2024-07', '2024-08']);
  expect(earlier?.points.map((point) => point.start.slice(0, 7))).toEqual(['2024-03', '2024-04', '2024-05']);
  expect([earlier?.from, earlier?.to]).toEqual(['2024-03-10T09:00:00.000Z', '2024-05-20T15:00:00.000Z']);
});

test('days in which clocks change have the hours that they have, and nothing is in none', async () => {
  const tenant = await t.tenant('dst');
  const { id: projectId } = await addProject(t, tenant, 'DST');
  const [from, to] = [Date.parse('2024-03-29T23:00:00Z'), Date.parse('2024-04-01T22:00:00Z')];
  await write(t, tenant, async (tx) => {
    for (let at = from; at < to; at += 3_600_000) {
      tx.now = new Date(at);
      await createBugs(tx, [{ projectId, title: 'hourly' }]);
    }
  });
  const args = { from: new Date(from).toISOString(), to: new Date(to).toISOString(), by: 'NONE' };
  const { current } = await trend(tenant, { ...args, timeBin: { scale: 'DAY', timeZone: 'Europe/Berlin' } });
  expect(current.points.map(({ start, total }) => [local('Europe/Berlin', start), total])).toEqual(
    ['03-30', '03-31', '04-01'].map((day) => [expect.stringContaining(`2024-${day}`), day === '03-31' ? 23 : 24]),
  );
});

test('of many projects the twenty with the most bugs are told apart', async () => {
  const tenant = await t.tenant('many');
  const ids: string[] = [];
  for (let i = 0; i < 23; i++) ids.push((await addProject(t, tenant, `M${i}`)).id);
  await write(t, tenant, async (tx) => {
    const many = ids.flatMap((projectId, i) =>
      Array.from({ length: i < 20 ? 2 : 1 }, () => ({ projectId, title: 'x' })),
    );
    await createBugs(tx, many);
  });
  const args = { from: '-P1D', to: 'P1D', by: 'PROJECT', timeBin: { scale: 'YEAR', timeZone: 'UTC' } };
  const { current } = await trend(tenant, args);
  const counts = current.points.flatMap((point) => point.counts);
  expect(counts.find(({ key }) => key === 'OTHER')?.count).toBe(3);
  expect(
    counts
      .filter(({ key }) => key !== 'OTHER')
      .map(({ key }) => key)
      .sort(),
  ).toEqual(ids.slice(0, 20).map(projectGlobalId).sort());
  expect(current.total).toBe(43);
});

test('without bugs there are buckets all the same, and no change in per cent', async () => {
  const tenant = await t.tenant('none');
  const { current, earlier, changePercent } = await trend(tenant, { compare: true });
  expect(current.points.length).toBeGreaterThanOrEqual(30);
  expect([current.total, earlier?.total, changePercent]).toEqual([0, 0, null]);
  expect(new Date(current.to).getTime() - new Date(current.from).getTime()).toBe(30 * DAY);
});

test('one statement, and two more to compare', async () => {
  expect((await t.run(a.tenant.key, QUERY, {})).statements).toBe(1);
  expect((await t.run(a.tenant.key, QUERY, { compare: true })).statements).toBe(3);
});

test('too many buckets and an empty time are refused', async () => {
  const { errors } = await t.run(a.tenant.key, QUERY, { from: '2020-01-01', to: '2024-01-01' });
  expect(errors?.[0]?.message).toMatch(/1461 buckets.*1000 at most/);
  const empty = await t.run(a.tenant.key, QUERY, { from: 'P1D' });
  expect(empty.errors?.[0]?.extensions).toMatchObject({ code: 'INVALID_INPUT', path: ['from'] });
});
