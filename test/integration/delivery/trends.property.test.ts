import { afterAll, beforeAll, expect, test } from 'vitest';
import { createTestApp, type Tenant, type TestApp } from '../../support/app.ts';
import { randomOf } from '../../support/random.ts';
import { addProject, asOwner, DAY, HOUR, pick, projectUuid } from './records.ts';

const BUGS = 4_000;
const BEGIN = Date.parse('2024-02-20T00:00:00Z');
const LENGTH = 300 * DAY;

let t: TestApp;
let a: Tenant;
let projectId: string;
beforeAll(async () => {
  t = await createTestApp();
  a = await t.tenant('first');
  ({ id: projectId } = await addProject(t, a));
  await fill(a, projectId, 31);
  const other = await t.tenant('second');
  await fill(other, (await addProject(t, other)).id, 32);
}, 120_000);
afterAll(() => t?.close());

/** Bugs and their totals, written past the services: what they write is compared with a recount elsewhere. */
async function fill(tenant: Tenant, project: string, seed: number): Promise<void> {
  const random = randomOf(seed);
  // Many at the borders of hours, where a bug may fall to the wrong side.
  const time = () => {
    const at = BEGIN + Math.floor(random() * LENGTH);
    const border = Math.floor(at / (HOUR / 2)) * (HOUR / 2);
    return new Date(pick(random, [at, at, border, border - 1])).toISOString();
  };
  const severities = ['CRITICAL', 'HIGH', 'HIGH', 'MEDIUM', 'LOW', 'LOW', 'LOW'];
  const rows = Array.from({ length: BUGS }, (_, i) => {
    const resolved = random() < 0.7;
    return { n: i + 1, severity: pick(random, severities), created: time(), resolved: resolved ? time() : null };
  });
  await asOwner(
    t,
    `INSERT INTO bugs (tenant_id, id, project_id, number, title, severity, status, created_at, resolved_at)
     SELECT $1, gen_random_uuid(), $2, n, 'x', severity, CASE WHEN resolved IS NULL THEN 'PENDING' ELSE 'CLOSED' END, created, resolved
     FROM json_to_recordset($3) AS r (n int, severity text, created timestamptz, resolved timestamptz)`,
    [tenant.tenantId, projectUuid(project), JSON.stringify(rows)],
  );
  await asOwner(
    t,
    `INSERT INTO bug_hour_totals SELECT tenant_id, measure, date_trunc('hour', at, 'UTC'), count(*),
       count(*) FILTER (WHERE severity = 'CRITICAL'), count(*) FILTER (WHERE severity = 'HIGH'),
       count(*) FILTER (WHERE severity = 'MEDIUM'), count(*) FILTER (WHERE severity = 'LOW')
     FROM bugs, LATERAL (VALUES ('CREATED', created_at), ('RESOLVED', resolved_at)) AS m (measure, at)
     WHERE tenant_id = $1 AND at IS NOT NULL GROUP BY 1, 2, 3`,
    [tenant.tenantId],
  );
}

const PERIOD = 'from to total points { start end total counts { key count } }';
const QUERY = `query($from: Instant!, $to: Instant!, $timeBin: TimeBinInput!, $measure: BugTrendMeasure, $by: BugTrendDimension,
    $projectId: ID, $compare: Boolean) {
  bugTrends(from: $from, to: $to, timeBin: $timeBin, measure: $measure, by: $by, projectId: $projectId, compare: $compare) {
    current { ${PERIOD} } earlier { ${PERIOD} } changePercent } }`;

const ZONES = ['UTC', 'UTC', 'Europe/Berlin', 'America/New_York', 'Asia/Kolkata', 'Australia/Lord_Howe'];
const LONGEST = { MINUTE: 0.5, HOUR: 40, DAY: 200, WEEK: 300, MONTH: 300, QUARTER: 300, YEAR: 300 } as const;
const SCALES = Object.keys(LONGEST) as (keyof typeof LONGEST)[];

function randomTrend(random: () => number) {
  const scale = pick(random, SCALES);
  const length = Math.max(1, Math.floor(random() ** 2 * LONGEST[scale] * DAY));
  const start = BEGIN + Math.floor(random() * (LENGTH - length));
  // Ends in the middle of an hour, at one of UTC, at a half one.
  const end = (at: number) => at - (at % pick(random, [1, HOUR, HOUR / 2]));
  const [from, to] = [end(start), end(start + length)];
  return {
    from: new Date(from).toISOString(),
    to: new Date(Math.max(to, from + 1)).toISOString(),
    timeBin: { scale, timeZone: pick(random, ZONES) },
    measure: pick(random, ['CREATED', 'RESOLVED']),
    by: pick(random, ['SEVERITY', 'NONE']),
    compare: random() < 0.3,
  };
}

// All bugs are of one project, and a project's trend is counted from the rows.
test.for([41, 42, 43, 44])(
  'a trend from totals is the one from the bugs, seed %i',
  { timeout: 60_000 },
  async (seed) => {
    const random = randomOf(seed);
    let bugs = 0;
    for (let i = 0; i < 60; i++) {
      const args = randomTrend(random);
      const trend = await t.runOk(a.key, QUERY, args);
      expect(trend, JSON.stringify(args)).toEqual(await t.runOk(a.key, QUERY, { ...args, projectId }));
      bugs += trend.bugTrends.current.total;
    }
    expect(bugs).toBeGreaterThan(5_000);
  },
);

test('totals are read where buckets have whole hours in UTC, for severities and all bugs: elsewhere the bugs', async () => {
  const wrong = await t.tenant('wrong');
  await asOwner(t, `INSERT INTO bug_hour_totals VALUES ($1, 'CREATED', '2024-05-01T03:00Z', 7, 0, 5, 2, 0)`, [
    wrong.tenantId,
  ]);
  const days = { from: '2024-04-30T10:20:00Z', to: '2024-05-02T10:40:00Z' };
  const within = { from: '2024-05-01T03:00:00Z', to: '2024-05-01T03:59:59.999Z' };
  const total = async (range: object, scale: string, timeZone: string, over: object = {}) =>
    (await t.runOk(wrong.key, QUERY, { ...range, timeBin: { scale, timeZone }, ...over })).bugTrends.current.total;
  for (const [scale, zone] of [
    ['HOUR', 'UTC'],
    ['DAY', 'UTC'],
    ['DAY', 'Europe/Berlin'],
    ['YEAR', 'America/New_York'],
  ] as const)
    for (const by of ['SEVERITY', 'NONE']) expect(await total(days, scale, zone, { by }), `${scale} ${zone}`).toBe(7);
  for (const scale of ['HOUR', 'DAY', 'WEEK']) expect(await total(days, scale, 'Asia/Kolkata'), scale).toBe(0);
  const minutes = { from: '2024-05-01T00:00:00Z', to: '2024-05-01T10:00:00Z' };
  expect([await total(minutes, 'MINUTE', 'UTC'), await total(within, 'DAY', 'UTC')]).toEqual([0, 0]);
  for (const by of ['STATUS', 'PROJECT']) expect(await total(days, 'DAY', 'UTC', { by }), by).toBe(0);
  expect(await total(days, 'DAY', 'UTC', { measure: 'RESOLVED' })).toBe(0);
});
