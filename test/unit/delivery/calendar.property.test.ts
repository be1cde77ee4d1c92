import fc from 'fast-check';
import { Temporal } from 'temporal-polyfill';
import { describe, expect, it } from 'vitest';
import {
  type CalendarSpec,
  checkCalendar,
  compileCalendar,
  type WeeklyHours,
} from '../../../src/modules/delivery/sla/calendar.ts';

const QUARTER = 900_000;
const YEAR = 365 * 86_400_000;
const RUNS = { numRuns: 2_000, seed: 20_260_329 };

// Their clocks change between 22:00 and 05:00, by whole quarters of an hour, at times that `bounds` leave out.
const ZONES: readonly [string, ...string[]][] = [
  ['UTC'],
  ['Europe/Berlin', '2026-03-29T01:00Z', '2026-10-25T01:00Z'],
  ['America/New_York', '2026-03-08T07:00Z', '2026-11-01T06:00Z'],
  ['Australia/Lord_Howe', '2026-04-04T15:00Z', '2026-10-03T15:30Z'],
  ['America/Sao_Paulo', '2018-02-18T02:00Z', '2018-11-04T03:00Z'],
  ['Africa/Cairo', '2026-04-23T22:00Z', '2026-10-29T21:00Z'],
  ['Pacific/Apia', '2011-12-30T10:00Z', '2012-03-31T14:00Z'],
  ['Pacific/Chatham', '2026-04-04T14:00Z', '2026-09-26T14:00Z'],
  ['Asia/Kathmandu'],
];

const clock = (quarter: number) =>
  `${String(Math.floor(quarter / 4)).padStart(2, '0')}:${String((quarter % 4) * 15).padStart(2, '0')}`;
const bounds = fc
  .uniqueArray(fc.oneof(fc.constantFrom(0, 36, 68, 96), fc.integer({ min: 20, max: 87 })), {
    minLength: 2,
    maxLength: 6,
  })
  .map((quarters) => quarters.toSorted((a, b) => a - b));

/** Every other gap between the bounds is open. */
const dayHours = bounds.map((quarters) =>
  quarters.flatMap((from, index) => {
    const to = quarters[index + 1];
    return index % 2 === 0 && to !== undefined ? [{ from: clock(from), to: clock(to) }] : [];
  }),
);
const weekly = fc
  .array(fc.tuple(fc.integer({ min: 1, max: 7 }), dayHours), { minLength: 1, maxLength: 7 })
  .map((days): WeeklyHours[] => [...new Map(days)].flatMap(([day, list]) => list.map((one) => ({ day, ...one }))));

const zones = fc.constantFrom(...ZONES);
const specs = zones.chain(([timeZone, ...changes]) => {
  const near = fc.tuple(
    fc.constantFrom('2024-02-29T12:00Z', '2026-12-31T12:00Z', ...changes),
    fc.integer({ min: -3, max: 3 }),
  );
  const date = near.map(([start, days]) =>
    Temporal.Instant.from(start)
      .add({ hours: 24 * days })
      .toZonedDateTimeISO(timeZone)
      .toPlainDate()
      .toString(),
  );
  const holiday = fc.tuple(date, fc.option(dayHours)).map(([day, list]) => ({ date: day, ...list?.[0] }));
  const holidays = fc.uniqueArray(holiday, { selector: (one) => one.date, maxLength: 5 });
  return fc.record({ timeZone: fc.constant(timeZone), hours: weekly, holidays });
});

/** Open or closed by the wall clock of each quarter of an hour: slow, and knows nothing of intervals. */
function openQuarters(spec: CalendarSpec, from: number, to: number): number {
  let open = 0;
  for (let at = from; at < to; at += QUARTER) {
    const local = Temporal.Instant.fromEpochMilliseconds(at).toZonedDateTimeISO(spec.timeZone);
    const date = local.toPlainDate().toString();
    const time = local.toPlainTime().toString().slice(0, 5);
    const holiday = spec.holidays.find((one) => one.date === date);
    const lists = holiday === undefined ? spec.hours.filter((one) => one.day === local.dayOfWeek) : [holiday];
    if (lists.some((one) => one.from != null && one.to != null && one.from <= time && time < one.to)) open += 1;
  }
  return open;
}

describe('a calendar against the wall clock', () => {
  it('counts each quarter of an hour that is open, near clock changes, leap days and year ends (1000 runs)', {
    timeout: 60_000,
  }, () => {
    const spans = fc.record({ start: fc.integer({ min: -300, max: 300 }), length: fc.integer({ min: 0, max: 400 }) });
    const anchors = fc.nat().chain((pick) => fc.tuple(specs, spans, fc.constant(pick)));
    let open = 0;
    fc.assert(
      fc.property(anchors, ([spec, { start, length }, pick]) => {
        const [, ...changes] = ZONES.find(([zone]) => zone === spec.timeZone) ?? ['UTC'];
        const near = ['2024-02-29T12:00Z', '2026-12-31T12:00Z', ...changes, ...changes, ...changes];
        const from = Date.parse(near[pick % near.length] ?? '') + start * QUARTER;
        const to = from + length * QUARTER;
        const counted = compileCalendar(checkCalendar(spec)).elapsed(new Date(from), new Date(to));
        expect(counted).toBe(openQuarters(spec, from, to) * QUARTER);
        open += counted;
      }),
      { ...RUNS, numRuns: 1_000 },
    );
    expect(open).toBeGreaterThan(0);
  });
});

describe('laws of elapsed and add', () => {
  const sampled = fc.sample(specs, { numRuns: 60, seed: 7 });
  const calendars = fc.constantFrom(compileCalendar(null), ...sampled.map(compileCalendar));
  const moments = fc
    .integer({ min: Date.parse('2010-01-01'), max: Date.parse('2026-12-31') })
    .map((ms) => new Date(ms));
  const durations = fc.oneof(
    fc.integer({ min: 0, max: 100 * 3_600_000 }),
    fc.integer({ min: 0, max: 400 }).map((quarters) => quarters * QUARTER),
  );

  it('elapsed is additive, monotonic, and never more than the wall time (2000 runs)', () => {
    const three = fc
      .tuple(moments, fc.integer({ min: 0, max: 8 * YEAR }), fc.integer({ min: 0, max: 7 * YEAR }))
      .map(([a, b, c]) => [a, new Date(a.getTime() + b), new Date(a.getTime() + b + c)] as const);
    fc.assert(
      fc.property(calendars, three, (calendar, [a, b, c]) => {
        const parts = [calendar.elapsed(a, b), calendar.elapsed(b, c)] as const;
        expect(calendar.elapsed(a, c)).toBe(parts[0] + parts[1]);
        expect(Math.min(...parts)).toBeGreaterThanOrEqual(0);
        expect(parts[0]).toBeLessThanOrEqual(b.getTime() - a.getTime());
      }),
      RUNS,
    );
  });

  it('add is the inverse of elapsed, and the earliest (2000 runs)', () => {
    fc.assert(
      fc.property(calendars, moments, durations, (calendar, from, ms) => {
        const to = calendar.add(from, ms);
        expect(calendar.elapsed(from, to)).toBe(ms);
        if (ms === 0) expect(to).toEqual(from);
        else expect(calendar.elapsed(from, new Date(to.getTime() - 1))).toBe(ms - 1);
      }),
      RUNS,
    );
  });

  it('adding what elapsed leads back to the last open moment (2000 runs)', () => {
    fc.assert(
      fc.property(calendars, moments, fc.integer({ min: 0, max: YEAR }), (calendar, from, wall) => {
        const to = new Date(from.getTime() + wall);
        const back = calendar.add(from, calendar.elapsed(from, to));
        expect(back.getTime()).toBeLessThanOrEqual(to.getTime());
        expect(calendar.elapsed(back, to)).toBe(0);
      }),
      RUNS,
    );
  });

  it('adding in two steps is adding at once (2000 runs)', () => {
    fc.assert(
      fc.property(calendars, moments, durations, durations, (calendar, from, a, b) => {
        expect(calendar.add(calendar.add(from, a), b)).toEqual(calendar.add(from, a + b));
      }),
      RUNS,
    );
  });
});
