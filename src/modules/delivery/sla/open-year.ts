import { Temporal } from 'temporal-polyfill';
import type { CalendarSpec } from './calendar.ts';

/** Milliseconds. */
export const DAY = 86_400_000;
const MINUTE = 60_000;

/** Minutes since local midnight, up to 1,440. */
export type Minutes = readonly [from: number, to: number];

/** The open times of one local year as instants in milliseconds: ascending, apart from each other, none empty. */
export interface OpenYear {
  /** [from, to) of the local year */
  readonly from: number;
  readonly to: number;
  readonly starts: readonly number[];
  readonly ends: readonly number[];
  /** open milliseconds of the year before each start */
  readonly before: readonly number[];
  readonly total: number;
}

/** Which minutes are open on a day, counted from 1970-01-01. */
export type DayPlan = (day: number) => readonly Minutes[];

/** Minutes since midnight of `HH:MM`, whose form was checked before. */
export function minutesOf(time: string): number {
  return Number(time.slice(0, 2)) * 60 + Number(time.slice(3, 5));
}

/** The day, counted from 1970-01-01, of `YYYY-MM-DD`. */
export function dayOf(date: string): number {
  return Date.parse(`${date}T00:00:00Z`) / DAY;
}

/** The open minutes of each day of a calendar: those of the holiday, else those of the weekday. */
export function planDays(spec: CalendarSpec): DayPlan {
  const weekdays = Array.from({ length: 7 }, (_, index) =>
    spec.hours
      .filter(({ day }) => day === index + 1)
      .map(({ from, to }): Minutes => [minutesOf(from), minutesOf(to)])
      .toSorted(([a], [b]) => a - b),
  );
  const holidays = new Map(
    spec.holidays.map(({ date, from, to }): [number, Minutes[]] => [
      dayOf(date),
      from != null && to != null ? [[minutesOf(from), minutesOf(to)]] : [],
    ]),
  );
  // Day 0 was a Thursday.
  return (day) => holidays.get(day) ?? weekdays[(((day + 3) % 7) + 7) % 7] ?? [];
}

function dateOf(day: number): Temporal.PlainDate {
  return new Temporal.PlainDate(1970, 1, 1).add({ days: day });
}

function startOfDay(day: number, timeZone: string): number {
  return dateOf(day).toZonedDateTime(timeZone).epochMilliseconds;
}

/** The first change of the zone's offset at or after an instant; infinite when there is none. */
function nextChange(at: number, timeZone: string): number {
  const zoned = Temporal.Instant.fromEpochMilliseconds(at - 1).toZonedDateTimeISO(timeZone);
  return zoned.getTimeZoneTransition('next')?.epochMilliseconds ?? Number.POSITIVE_INFINITY;
}

/**
 * The instants of a day's open minutes when the clocks change on it. A time that is skipped counts as later by the
 * change, one that comes twice as its first ('compatible'). Nothing leaves the day: one that a zone skips has no hours.
 */
function onChangingDay(day: number, from: number, to: number, open: readonly Minutes[], timeZone: string): Minutes[] {
  const instant = (minutes: number): number => {
    if (minutes === 0) return from;
    if (minutes === 1_440) return to;
    const time = new Temporal.PlainTime(Math.floor(minutes / 60), minutes % 60);
    const { epochMilliseconds } = dateOf(day).toPlainDateTime(time).toZonedDateTime(timeZone);
    return Math.min(Math.max(epochMilliseconds, from), to);
  };
  // Moved by a change, one interval can reach into the next or pass it.
  return open.map(([a, b]): Minutes => [instant(a), instant(b)]).toSorted(([a], [b]) => a - b);
}

/** The days of a local year with their open instants, in order. */
function* openTimes(first: number, last: number, plan: DayPlan, timeZone: string): Generator<Minutes> {
  let from = startOfDay(first, timeZone);
  let change = nextChange(from, timeZone);
  for (let day = first; day < last; day += 1) {
    // Looking up the zone costs microseconds, so a day without a change is reckoned from its start.
    if (from + DAY < change) {
      for (const [start, end] of plan(day)) yield [from + start * MINUTE, from + end * MINUTE];
      from += DAY;
      continue;
    }
    const to = startOfDay(day + 1, timeZone);
    yield* onChangingDay(day, from, to, plan(day), timeZone);
    from = to;
    change = nextChange(from, timeZone);
  }
}

/** Lays out the open times of a local year. */
export function openYear(year: number, plan: DayPlan, timeZone: string): OpenYear {
  const first = new Date(0).setUTCFullYear(year, 0, 1) / DAY;
  const last = new Date(0).setUTCFullYear(year + 1, 0, 1) / DAY;
  const starts: number[] = [];
  const ends: number[] = [];
  for (const [start, end] of openTimes(first, last, plan, timeZone)) {
    const open = ends.at(-1) ?? Number.NEGATIVE_INFINITY;
    if (end <= Math.max(start, open)) continue;
    if (start <= open) {
      ends[ends.length - 1] = end;
      continue;
    }
    starts.push(start);
    ends.push(end);
  }
  let total = 0;
  const before = starts.map((start, index) => {
    const sum = total;
    total += (ends[index] ?? start) - start;
    return sum;
  });
  return { from: startOfDay(first, timeZone), to: startOfDay(last, timeZone), starts, ends, before, total };
}
