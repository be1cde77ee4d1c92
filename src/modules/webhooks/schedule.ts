/** When a failed delivery is tried again. Times are milliseconds. */
export interface RetrySchedule {
  /** between one attempt and the next; after the last of them the delivery is given up */
  delays: readonly number[];
  /** up to this share is added, so that what failed together does not come back together */
  jitter: number;
}

const MINUTE_MS = 60_000;

export const RETRIES: RetrySchedule = {
  delays: [MINUTE_MS, 10 * MINUTE_MS, 60 * MINUTE_MS, 360 * MINUTE_MS],
  jitter: 0.1,
};

/** A receiver that asks for more time gets at most so much. */
const MAX_RETRY_AFTER_MS = 360 * MINUTE_MS;

/**
 * How long to wait after so many attempts, in milliseconds: as the schedule says, or as long as the receiver asked for
 * if that is longer. Null: it was the last attempt.
 *
 * @param chance from 0 up to 1
 */
export function retryDelay(
  schedule: RetrySchedule,
  attempts: number,
  retryAfterMs: number | null,
  chance = Math.random(),
): number | null {
  const delay = schedule.delays[attempts - 1];
  if (delay === undefined) return null;
  return Math.round(Math.max(delay * (1 + schedule.jitter * chance), Math.min(retryAfterMs ?? 0, MAX_RETRY_AFTER_MS)));
}

/** Milliseconds that a Retry-After header asks for (RFC 9110, 10.2.3: seconds or a date); null when it does not. */
export function retryAfterMs(header: string | undefined, now: number): number | null {
  if (header === undefined) return null;
  const ms = /^\s*\d{1,9}\s*$/.test(header) ? Number(header) * 1_000 : Date.parse(header) - now;
  return Number.isNaN(ms) || ms < 0 ? null : ms;
}
