import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Answer, createTestApp, type Tenant, type TestApp } from '../../support/app.ts';
import { addKeyword, addSource, ingestBatch, range } from './records.ts';

let t: TestApp;
beforeAll(async () => {
  t = await createTestApp();
});
afterAll(() => t?.close());

const QUERY = `query($from: Instant, $to: Instant, $timeBin: TimeBinInput, $by: ContentTrendDimension, $basis: ContentTrendBasis) {
  contentTrends(from: $from, to: $to, timeBin: $timeBin, by: $by, basis: $basis) { start end total counts { key count } } }`;

interface Point {
  start: string;
  end: string;
  total: number;
  counts: { key: string; count: number }[];
}

const trend = async (tenant: Tenant, args: object): Promise<Point[]> =>
  (await t.runOk(tenant.key, QUERY, { basis: 'POSTED_AT', ...args })).contentTrends;

/** A tenant with one content at each of the times. */
async function tenantWith(slug: string, times: string[]): Promise<{ a: Tenant; sourceId: string }> {
  const a = await t.tenant(slug);
  const sourceId = await addSource(t, a);
  const items = times.map((postedAt, i) => ({ sourceId, externalId: `m${i}`, text: `text ${i}`, postedAt }));
  for (let at = 0; at < items.length; at += 500) {
    expect((await ingestBatch(t, a, items.slice(at, at + 500))).userErrors).toEqual([]);
  }
  return { a, sourceId };
}

/** Times every `minutes` in [from, to). */
function every(minutes: number, from: string, to: string): string[] {
  const [start, end] = [Date.parse(from), Date.parse(to)];
  return range(Math.ceil((end - start) / (minutes * 60_000))).map((i) =>
    new Date(start + i * minutes * 60_000).toISOString(),
  );
}

const hours = (point: Point) => (Date.parse(point.end) - Date.parse(point.start)) / 3_600_000;
const localOf = (zone: string, options: Intl.DateTimeFormatOptions) => (instant: string) =>
  new Intl.DateTimeFormat('en-CA', { timeZone: zone, hourCycle: 'h23', ...options }).format(new Date(instant));

/** What holds of every series: buckets touch, and hold exactly the times that fall into them. */
function checkSeries(points: Point[], times: string[], from: string, to: string): void {
  for (const [i, point] of points.entries()) {
    if (i > 0) expect(point.start).toBe(points[i - 1]?.end);
    const inside = times.filter((time) => time >= point.start && time < point.end && time >= from && time < to);
    expect([point.start, point.total]).toEqual([point.start, inside.length]);
    expect(point.total).toBe(point.counts.reduce((sum, { count }) => sum + count, 0));
  }
  const all = times.filter((time) => time >= from && time < to).length;
  expect(points.reduce((sum, point) => sum + point.total, 0)).toBe(all);
  expect(Date.parse(points[0]?.start ?? '')).toBeLessThanOrEqual(Date.parse(from));
  expect(Date.parse(points.at(-1)?.end ?? '')).toBeGreaterThanOrEqual(Date.parse(to));
}

test('days are half-open, filled with zeroes, and add up', async () => {
  const times = [
    '2026-03-01T00:00:00.000Z',
    '2026-03-01T23:59:59.999Z',
    '2026-03-02T00:00:00.000Z',
    '2026-03-05T12:00:00.000Z',
    '2026-03-06T00:00:00.000Z',
  ];
  const { a } = await tenantWith('days', times);
  const [from, to] = ['2026-03-01T00:00:00.000Z', '2026-03-06T00:00:00.000Z'];
  const points = await trend(a, { from, to });
  expect(points.map((point) => point.total)).toEqual([2, 1, 0, 0, 1]);
  expect(points[2]).toEqual({
    start: '2026-03-03T00:00:00.000Z',
    end: '2026-03-04T00:00:00.000Z',
    total: 0,
    counts: [],
  });
  checkSeries(points, times, from, to);
  // A range that begins within a bucket counts only what is in the range.
  expect(
    (await trend(a, { from: '2026-03-01T12:00:00Z', to: '2026-03-02T00:00:00.001Z' })).map((p) => p.total),
  ).toEqual([1, 1]);
});

const CHANGES: [string, string, string, Record<string, number>][] = [
  // zone, from, to, length of the days that are not of 24 hours
  ['Europe/Berlin', '2026-03-27T23:00:00.000Z', '2026-03-30T22:00:00.000Z', { '2026-03-29': 23 }],
  ['Europe/Berlin', '2026-10-23T22:00:00.000Z', '2026-10-26T23:00:00.000Z', { '2026-10-25': 25 }],
  ['America/Sao_Paulo', '2018-11-02T03:00:00.000Z', '2018-11-06T02:00:00.000Z', { '2018-11-04': 23 }],
  ['America/Sao_Paulo', '2018-02-16T02:00:00.000Z', '2018-02-20T03:00:00.000Z', { '2018-02-17': 25 }],
  ['America/Havana', '2025-11-01T04:00:00.000Z', '2025-11-04T05:00:00.000Z', { '2025-11-02': 25 }],
  ['Asia/Kolkata', '2026-03-01T18:30:00.000Z', '2026-03-03T18:30:00.000Z', {}],
];

test.for(CHANGES)('days in %s from %s have the hours that they have', async ([zone, from, to, odd], { task }) => {
  const times = every(30, from, to);
  const { a } = await tenantWith(`dst-${task.id.replace(/[^a-z0-9]/g, '').slice(-12)}`, times);
  const days = await trend(a, { from, to, timeBin: { scale: 'DAY', timeZone: zone } });
  checkSeries(days, times, from, to);
  const dayOf = localOf(zone, { year: 'numeric', month: '2-digit', day: '2-digit' });
  for (const day of days) {
    const length = odd[dayOf(day.start)] ?? 24;
    expect([dayOf(day.start), hours(day), day.total]).toEqual([dayOf(day.start), length, length * 2]);
    expect(dayOf(new Date(Date.parse(day.start) - 1).toISOString())).not.toBe(dayOf(day.start));
    expect(dayOf(new Date(Date.parse(day.end) - 1).toISOString())).toBe(dayOf(day.start));
  }
  expect(Object.keys(odd).every((day) => days.some((point) => dayOf(point.start) === day))).toBe(true);
});

test.for(CHANGES)('hours in %s from %s are real hours, also through the change', async ([zone, from, to], { task }) => {
  const times = every(20, from, to);
  const { a } = await tenantWith(`hours-${task.id.replace(/[^a-z0-9]/g, '').slice(-12)}`, times);
  const points = await trend(a, { from, to, timeBin: { scale: 'HOUR', timeZone: zone } });
  checkSeries(points, times, from, to);
  expect(points).toHaveLength((Date.parse(to) - Date.parse(from)) / 3_600_000);
  expect(new Set(points.map(hours))).toEqual(new Set([1]));
  expect(new Set(points.map((point) => point.total))).toEqual(new Set([3]));
  const minuteOf = localOf(zone, { minute: '2-digit' });
  expect(new Set(points.map((point) => Number(minuteOf(point.start))))).toEqual(new Set([0]));
  const minutes = await trend(a, {
    from,
    to: new Date(Date.parse(from) + 600_000).toISOString(),
    timeBin: { scale: 'MINUTE', timeZone: zone },
  });
  expect(minutes.map((point) => point.total)).toEqual([1, ...range(9).map(() => 0)]);
});

test('hours begin where the hour of the zone begins, also when the range begins within one', async () => {
  const times = every(10, '2026-10-25T00:00:00.000Z', '2026-10-25T03:00:00.000Z');
  const { a } = await tenantWith('within', times);
  const [from, to] = ['2026-10-25T00:25:00.000Z', '2026-10-25T02:35:00.000Z'];
  const berlin = await trend(a, { from, to, timeBin: { scale: 'HOUR', timeZone: 'Europe/Berlin' } });
  expect(berlin.map((p) => [p.start, p.total])).toEqual([
    ['2026-10-25T00:00:00.000Z', 3],
    ['2026-10-25T01:00:00.000Z', 6],
    ['2026-10-25T02:00:00.000Z', 4],
  ]);
  const kolkata = await trend(a, { from, to, timeBin: { scale: 'HOUR', timeZone: 'Asia/Kolkata' } });
  expect(kolkata.map((p) => p.start)).toEqual([
    '2026-10-24T23:30:00.000Z',
    '2026-10-25T00:30:00.000Z',
    '2026-10-25T01:30:00.000Z',
    '2026-10-25T02:30:00.000Z',
  ]);
  checkSeries(kolkata, times, from, to);
});

test.for([
  ['WEEK', '2026-01-01T00:00:00.000Z', '2026-04-01T00:00:00.000Z'],
  ['MONTH', '2025-11-15T00:00:00.000Z', '2026-05-02T00:00:00.000Z'],
  ['QUARTER', '2025-02-15T00:00:00.000Z', '2026-05-02T00:00:00.000Z'],
  ['YEAR', '2023-02-15T00:00:00.000Z', '2026-05-02T00:00:00.000Z'],
] as const)('a %s begins where it begins on the calendar', async ([scale, from, to]) => {
  const times = every(60 * 24 * 5, from, to);
  const { a } = await tenantWith(`scale-${scale.toLowerCase()}`, times);
  const zone = 'Europe/Berlin';
  const points = await trend(a, { from, to, timeBin: { scale, timeZone: zone } });
  checkSeries(points, times, from, to);
  const clock = localOf(zone, { hour: '2-digit', minute: '2-digit' });
  const weekday = localOf(zone, { weekday: 'short' });
  const date = localOf(zone, { year: 'numeric', month: '2-digit', day: '2-digit' });
  for (const { start } of points) {
    expect(clock(start)).toBe('00:00');
    if (scale === 'WEEK') expect(weekday(start)).toMatch(/^Mon/);
    else expect(date(start)).toMatch({ MONTH: /-01$/, QUARTER: /-(01|04|07|10)-01$/, YEAR: /-01-01$/ }[scale]);
  }
});

test('a trend is split by risk level, source or status, and by the time of taking in', async () => {
  const { a, sourceId } = await tenantWith('split', ['2026-03-01T00:00:00Z']);
  const second = await addSource(t, a);
  await addKeyword(t, a, 'snow', 0.9);
  await ingestBatch(t, a, [
    { sourceId: second, text: 'snow', postedAt: '2026-03-01T01:00:00Z' },
    { sourceId: second, text: 'more snow', postedAt: '2026-03-01T02:00:00Z' },
  ]);
  const range1 = { from: '2026-03-01', to: '2026-03-02' };
  const counts = async (args: object) => (await trend(a, { ...range1, ...args })).map((point) => point.counts);
  expect(await counts({})).toEqual([
    [
      { key: 'CRITICAL', count: 2 },
      { key: 'NONE', count: 1 },
    ],
  ]);
  expect(await counts({ by: 'SOURCE' })).toEqual([
    [
      { key: second, count: 2 },
      { key: sourceId, count: 1 },
    ],
  ]);
  expect(await counts({ by: 'STATUS' })).toEqual([[{ key: 'ANALYZED', count: 3 }]]);
  const now = await trend(a, { basis: 'CREATED_AT', from: '-PT1H', to: 'PT1H' });
  expect(now.reduce((sum, point) => sum + point.total, 0)).toBe(3);
  const month: Answer = await t.runOk(a.key, '{ contentTrends { total } }');
  expect(month.contentTrends.length).toBeGreaterThanOrEqual(31);
  expect(month.contentTrends.at(-1).total).toBe(3);
});

test('more than 1,000 buckets, an unknown zone and an empty range are refused with what is wrong', async () => {
  const { a } = await tenantWith('refused', []);
  const to = '2026-03-01T00:00:00Z';
  const before = (scale: string, ms: number) => ({
    from: new Date(Date.parse(to) - ms).toISOString(),
    to,
    timeBin: { scale, timeZone: 'UTC' },
  });
  expect(await trend(a, before('HOUR', 1_000 * 3_600_000))).toHaveLength(1_000);
  const bad: [object, string[], RegExp][] = [
    [before('HOUR', 1_001 * 3_600_000), ['timeBin', 'scale'], /1001 buckets.*1000/],
    [before('MINUTE', 86_400_000), ['timeBin', 'scale'], /1440 buckets/],
    [{ from: '0001-01-01', to }, ['timeBin', 'scale'], /1000/],
    [{ from: to, to }, ['from'], /empty/],
    [{ from: to, to: '2026-02-01' }, ['from'], /empty/],
    ...['Europe/Atlantis', '+02:00', '', "UTC'; --", 'posix/Europe/Berlin'].map(
      (timeZone): [object, string[], RegExp] => [
        { from: '-P1D', timeBin: { scale: 'DAY', timeZone } },
        ['timeBin', 'timeZone'],
        /not an IANA time zone like Europe\/Berlin/,
      ],
    ),
  ];
  for (const [args, path, message] of bad) {
    const { errors } = await t.run(a.key, QUERY, args as Record<string, unknown>);
    expect(errors?.[0]?.extensions, JSON.stringify(args)).toMatchObject({ code: 'INVALID_INPUT', path });
    expect(errors?.[0]?.message).toMatch(message);
  }
});
