import { InvalidInput } from '../../../errors.ts';
import { cellText, type Row } from './cells.ts';

/** How dates with slashes or full stops are read: 03/04/2020 is 3 April (DMY) or 4 March (MDY). */
export const DATE_ORDERS = ['DMY', 'MDY'] as const;
export type DateOrder = (typeof DATE_ORDERS)[number];

const TIME = String.raw`(?:[T ](\d{2}):(\d{2})(?::(\d{2})(?:[.,](\d{1,9}))?)?)?\s*(Z|UTC|GMT|[+-]\d{2}(?::?\d{2})?)?`;
const YEAR_FIRST = new RegExp(String.raw`^(\d{4})([-/])(\d{2})\2(\d{2})${TIME}$`, 'i');
const YEAR_LAST = new RegExp(String.raw`^(\d{1,2})([-/.])(\d{1,2})\2(\d{4})${TIME}$`, 'i');
const NUMBER = /^\d+(?:\.\d{1,9})?$/;
/** Below, a number could as well be a date without separators, such as 20200102. */
const LEAST_SECONDS = 1e8;
const LEAST_MS = 1e11;
const MAX_OFFSET_MINUTES = 14 * 60;

/**
 * The moment that a cell tells, null when it is empty. Read are ISO 8601 dates and times with any offset (none is UTC, a
 * date its midnight; digits after the milliseconds are cut), seconds or milliseconds since 1970, and, when `order` says
 * which, dates with the day or month first. Throws InvalidInput for anything else, and outside the years 1970 to 2100.
 */
export function cellInstant(row: Row, column: string | undefined, order: DateOrder | null): Date | null {
  const text = cellText(row, column, 100);
  if (text === null) return null;
  const at = NUMBER.test(text) ? sinceEpoch(Number(text)) : calendar(text, order);
  if (at === null || Number.isNaN(at)) throw new InvalidInput(problem(text, order), [column ?? '']);
  const date = new Date(at);
  if (date.getUTCFullYear() < 1970 || date.getUTCFullYear() > 2100)
    throw new InvalidInput(`${JSON.stringify(text)} is outside the years 1970 to 2100`, [column ?? '']);
  if (at > Date.now() + DAY_MS) throw new InvalidInput(`${JSON.stringify(text)} lies in the future`, [column ?? '']);
  return date;
}

/** Clocks and time zones differ by less. */
const DAY_MS = 86_400_000;

function problem(text: string, order: DateOrder | null): string {
  const found = JSON.stringify(text);
  if (order === null && YEAR_LAST.test(text))
    return `${found} can be read with the day or the month first: say which with "dateOrder": "DMY" or "MDY" in the mapping`;
  return `${found} is not a date: write it like 2026-11-21 or 2026-11-21T10:00:00Z, or as seconds since 1970`;
}

function sinceEpoch(value: number): number | null {
  if (value >= LEAST_MS) return Math.trunc(value);
  return value >= LEAST_SECONDS ? Math.trunc(value * 1_000) : null;
}

function calendar(text: string, order: DateOrder | null): number | null {
  const iso = YEAR_FIRST.exec(text);
  if (iso !== null) return utc(iso[1], iso[3], iso[4], iso.slice(5));
  const other = order === null ? null : YEAR_LAST.exec(text);
  if (other === null) return null;
  return order === 'DMY'
    ? utc(other[4], other[3], other[1], other.slice(5))
    : utc(other[4], other[1], other[3], other.slice(5));
}

type Part = string | undefined;

/** Milliseconds since 1970, null when there is no such day or time: Date would roll 30 February over to March. */
function utc(year: Part, month: Part, day: Part, [hour, minute, second, fraction, zone]: Part[]): number | null {
  const [h, m, s] = [Number(hour ?? 0), Number(minute ?? 0), Number(second ?? 0)];
  const ms = Number((fraction ?? '').slice(0, 3).padEnd(3, '0'));
  const midnight = Date.UTC(Number(year), Number(month) - 1, Number(day));
  const date = new Date(midnight);
  if (date.getUTCMonth() !== Number(month) - 1 || date.getUTCDate() !== Number(day)) return null;
  if (h > 23 || m > 59 || s > 59) return null;
  const offset = offsetMinutes(zone);
  return offset === null ? null : midnight + ((h * 60 + m - offset) * 60 + s) * 1_000 + ms;
}

function offsetMinutes(zone: Part): number | null {
  const [, sign, hours, minutes = '0'] = /^([+-])(\d{2}):?(\d{2})?$/.exec(zone ?? '') ?? [];
  if (sign === undefined) return 0;
  const total = Number(hours) * 60 + Number(minutes);
  if (Number(minutes) > 59 || total > MAX_OFFSET_MINUTES) return null;
  return sign === '-' ? -total : total;
}
