import { InvalidInput } from '../../../errors.ts';
import { DAY, dayOf, type OpenYear, openYear, planDays } from './open-year.ts';

/** Open from `from` to before `to`, local wall time `HH:MM`; `to` may be 24:00. A day may have several. */
export interface WeeklyHours {
  /** ISO: 1 is Monday, 7 is Sunday */
  readonly day: number;
  readonly from: string;
  readonly to: string;
}

/** Closed all day, or with hours: open only then, whatever the weekday. `date` is `YYYY-MM-DD`. */
export interface Holiday {
  readonly date: string;
  readonly name?: string | null;
  readonly from?: string | null;
  readonly to?: string | null;
}

export interface CalendarSpec {
  /** IANA name */
  readonly timeZone: string;
  readonly hours: readonly WeeklyHours[];
  readonly holidays: readonly Holiday[];
}

export interface Calendar {
  /** Milliseconds open in [from, to); 0 when `to` is not after `from`. @throws InvalidInput above 100 years. */
  elapsed(from: Date, to: Date): number;
  /**
   * The first moment `t >= from` with `elapsed(from, t) === ms`, a whole number from 0; so `from` itself for 0, and the
   * end of an interval rather than the start of the next.
   *
   * @throws InvalidInput when five calendar years on end have no open time, or it would take above 100 years.
   */
  add(from: Date, ms: number): Date;
}

const MAX_HOURS = 50;
const MAX_HOLIDAYS = 1_000;
const MAX_YEARS = 100;
const MAX_EMPTY_YEARS = 5;
const CACHED_YEARS = 128;

const TIME = /^(?:(?:[01]\d|2[0-3]):[0-5]\d|24:00)$/;

function checkTimes(from: string, to: string, path: readonly string[]): void {
  for (const [name, time] of Object.entries({ from, to })) {
    if (TIME.test(time)) continue;
    const shown = JSON.stringify(time.slice(0, 20));
    throw new InvalidInput(`${shown} is not a time of day: give HH:MM, from 00:00 to 24:00`, [...path, name]);
  }
  if (from >= to) throw new InvalidInput(`the hours end at ${to}: they must end after ${from}`, [...path, 'to']);
}

function checkHours(hours: readonly WeeklyHours[]): void {
  if (hours.length === 0) throw new InvalidInput('the calendar is never open: give at least one interval', ['hours']);
  if (hours.length > MAX_HOURS) {
    throw new InvalidInput(`${hours.length} weekly intervals: ${MAX_HOURS} at most`, ['hours']);
  }
  for (const [index, { day, from, to }] of hours.entries()) {
    const path = ['hours', String(index)];
    if (!Number.isInteger(day) || day < 1 || day > 7) {
      throw new InvalidInput(`${day} is not a weekday: give 1 (Monday) to 7 (Sunday)`, [...path, 'day']);
    }
    checkTimes(from, to, path);
    const other = hours.slice(0, index).find((one) => one.day === day && one.from < to && from < one.to);
    if (other !== undefined) {
      const both = `${from} to ${to} overlaps ${other.from} to ${other.to} of the same weekday`;
      throw new InvalidInput(`${both}: intervals must lie apart or touch`, path);
    }
  }
}

const MAX_NAME = 200;

function checkHolidays(holidays: readonly Holiday[]): void {
  if (holidays.length > MAX_HOLIDAYS) {
    throw new InvalidInput(`${holidays.length} holidays: ${MAX_HOLIDAYS} at most`, ['holidays']);
  }
  const seen = new Set<string>();
  for (const [index, { date, name, from, to }] of holidays.entries()) {
    const path = ['holidays', String(index)];
    if ((name?.length ?? 0) > MAX_NAME)
      throw new InvalidInput(`a holiday's name has at most ${MAX_NAME} characters`, [...path, 'name']);
    const real = /^\d{4}-\d\d-\d\d$/.test(date) && Number.isInteger(dayOf(date));
    if (!real || !new Date(dayOf(date) * DAY).toISOString().startsWith(date)) {
      const shown = JSON.stringify(date.slice(0, 20));
      throw new InvalidInput(`${shown} is not a date: give a day that exists as YYYY-MM-DD`, [...path, 'date']);
    }
    if (seen.has(date)) throw new InvalidInput(`${date} is listed twice: give each holiday once`, [...path, 'date']);
    seen.add(date);
    if ((from == null) !== (to == null)) {
      const missing = from == null ? 'from' : 'to';
      throw new InvalidInput(`a half day needs from and to; ${missing} is missing`, [...path, missing]);
    }
    if (from != null && to != null) checkTimes(from, to, path);
  }
}

/**
 * Checks a calendar before it is stored, and returns it with the zone's canonical spelling. Weekly hours are needed,
 * up to 50 intervals; up to 1,000 holidays.
 *
 * @throws InvalidInput with the path of the value that is wrong.
 */
export function checkCalendar(spec: CalendarSpec): CalendarSpec {
  let timeZone: string;
  try {
    // An offset such as +02:00 knows nothing of summer time.
    if (!/^[A-Za-z]/.test(spec.timeZone)) throw new RangeError();
    timeZone = new Intl.DateTimeFormat('en', { timeZone: spec.timeZone }).resolvedOptions().timeZone;
  } catch {
    const shown = JSON.stringify(spec.timeZone.slice(0, 60));
    throw new InvalidInput(`${shown} is not an IANA time zone like Europe/Berlin`, ['timeZone']);
  }
  checkHours(spec.hours);
  checkHolidays(spec.holidays);
  return { ...spec, timeZone };
}

/** Index of the last start at or before an instant; -1 when all are after it. */
function lastStart(starts: readonly number[], at: number): number {
  let low = 0;
  let high = starts.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((starts[middle] ?? 0) <= at) low = middle + 1;
    else high = middle;
  }
  return low - 1;
}

/** Open milliseconds of the year before an instant in it. */
function openBefore({ starts, ends, before }: OpenYear, at: number): number {
  const index = lastStart(starts, at);
  const start = starts[index];
  return start === undefined ? 0 : (before[index] ?? 0) + Math.min(at, ends[index] ?? at) - start;
}

/** The first instant of the year with so many open milliseconds before it; above 0, at most the year's total. */
function instantAfter({ starts, before }: OpenYear, open: number): number {
  const index = lastStart(before, open - 1);
  return (starts[index] ?? Number.NaN) + open - (before[index] ?? 0);
}

function checkSpan(from: Date, ms: number): void {
  if (!Number.isSafeInteger(ms) || ms < 0) throw new RangeError(`ms must be a whole number from 0, not ${ms}`);
  if (ms > MAX_YEARS * 366 * DAY) throw tooLong(from);
}

function tooLong(from: Date): InvalidInput {
  return new InvalidInput(`from ${from.toISOString()} on it is more than ${MAX_YEARS} years: that is the most counted`);
}

/** The years of a calendar as they are asked for; a bounded number is kept. */
function yearsOf(spec: CalendarSpec): { year(year: number): OpenYear; yearAt(at: number): number } {
  const plan = planDays(spec);
  const cache = new Map<number, OpenYear>();
  const year = (wanted: number): OpenYear => {
    const known = cache.get(wanted);
    if (known !== undefined) return known;
    if (cache.size >= CACHED_YEARS) cache.clear();
    const made = openYear(wanted, plan, spec.timeZone);
    cache.set(wanted, made);
    return made;
  };
  const yearAt = (at: number): number => {
    const inUtc = new Date(at).getUTCFullYear();
    if (Number.isNaN(inUtc)) throw new RangeError('not a valid date');
    const { from, to } = year(inUtc);
    if (at < from) return inUtc - 1;
    return at < to ? inUtc : inUtc + 1;
  };
  return { year, yearAt };
}

const ALWAYS_OPEN: Calendar = {
  elapsed: (from, to) => Math.max(0, to.getTime() - from.getTime()),
  add(from, ms) {
    checkSpan(from, ms);
    return new Date(from.getTime() + ms);
  },
};

/**
 * Makes a checked calendar fit for counting; null is always open. Hours are local wall time and last as long as they
 * really do: a shift from 00:00 to 06:00 has 5 h on the day on which clocks go forward by one.
 */
export function compileCalendar(spec: CalendarSpec | null): Calendar {
  if (spec === null) return ALWAYS_OPEN;
  const { year, yearAt } = yearsOf(spec);
  return {
    elapsed(from, to) {
      if (to <= from) return 0;
      const first = yearAt(from.getTime());
      const last = yearAt(to.getTime());
      if (last - first > MAX_YEARS) throw tooLong(from);
      let open = openBefore(year(last), to.getTime()) - openBefore(year(first), from.getTime());
      for (let between = first; between < last; between += 1) open += year(between).total;
      return open;
    },
    add(from, ms) {
      checkSpan(from, ms);
      if (ms === 0) return new Date(from);
      const first = yearAt(from.getTime());
      let open = openBefore(year(first), from.getTime()) + ms;
      let empty = 0;
      for (let current = first; current <= first + MAX_YEARS; current += 1) {
        const { total } = year(current);
        if (open <= total) return new Date(instantAfter(year(current), open));
        open -= total;
        empty = total === 0 ? empty + 1 : 0;
        if (empty === MAX_EMPTY_YEARS) {
          throw new InvalidInput(`the calendar is never open from ${current - MAX_EMPTY_YEARS + 1} to ${current}`);
        }
      }
      throw tooLong(from);
    },
  };
}
