import { InvalidInput } from '../errors.ts';

const DURATION =
  /^([+-]?)P(?:(\d{1,4})Y)?(?:(\d{1,5})M)?(?:(\d{1,5})W)?(?:(\d{1,6})D)?(?:T(?:(\d{1,6})H)?(?:(\d{1,7})M)?(?:(\d{1,8})S)?)?$/;
const INSTANT = /^\d{4}-\d{2}-\d{2}(T\d{2}:\d{2}(:\d{2}(\.\d{1,9})?)?(Z|[+-]\d{2}:?\d{2}))?$/;

/** The present moment, or what tells it when it is asked for: who asks is remembered to depend on it. */
export type Moment = Date | { readonly now: Date };

/**
 * A moment given as RFC 3339 (`2026-11-21T10:00:00Z`, or a date: its midnight in UTC) or as an ISO 8601 duration from
 * now (`-P7D`, `-PT12H`). Calendar parts are counted in UTC. Throws InvalidInput.
 */
export function resolveInstant(text: string, now: Moment, path: string[]): Date {
  const duration = DURATION.exec(text);
  const at = duration && /\d/.test(text) ? shift(now, duration) : INSTANT.test(text) ? instant(text) : null;
  // PostgreSQL has no year 0 and does not reach as far back as Date.
  if (!at || Number.isNaN(at.getTime()) || at.getUTCFullYear() < 1 || at.getUTCFullYear() > 9999) {
    throw new InvalidInput(
      `${JSON.stringify(text.slice(0, 60))} is neither a time like 2026-11-21T10:00:00Z nor a duration from now like -P7D`,
      path,
    );
  }
  return at;
}

/** Midnight in UTC of the day that a moment is in. */
export function dayOf(at: Date): Date {
  return new Date(Math.floor(at.getTime() / 86_400_000) * 86_400_000);
}

/** Date rolls 30 February over to March: a round trip of the date part tells. */
function instant(text: string): Date | null {
  const date = text.slice(0, 10);
  const day = new Date(date);
  return Number.isNaN(day.getTime()) || day.toISOString().slice(0, 10) !== date ? null : new Date(text);
}

function shift(now: Moment, match: RegExpExecArray): Date {
  const sign = match[1] === '-' ? -1 : 1;
  const part = (index: number) => sign * Number(match[index] ?? 0);
  const at = new Date(now instanceof Date ? now : now.now);
  const day = at.getUTCDate();
  at.setUTCDate(1);
  at.setUTCFullYear(at.getUTCFullYear() + part(2), at.getUTCMonth() + part(3));
  // A month back from 31 March is the end of February, not 3 March.
  const days = new Date(Date.UTC(at.getUTCFullYear(), at.getUTCMonth() + 1, 0)).getUTCDate();
  at.setUTCDate(Math.min(day, days));
  at.setTime(
    at.getTime() + (part(4) * 7 + part(5)) * 86_400_000 + part(6) * 3_600_000 + part(7) * 60_000 + part(8) * 1_000,
  );
  return at;
}
