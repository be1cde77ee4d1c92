import { InvalidInput } from '../errors.ts';
import { builder } from './builder.ts';
import { defineEnum } from './enums.ts';

export const TIME_SCALES = ['MINUTE', 'HOUR', 'DAY', 'WEEK', 'MONTH', 'QUARTER', 'YEAR'] as const;
export type TimeScale = (typeof TIME_SCALES)[number];
export const MAX_BUCKETS = 1_000;

const TimeScaleEnum = defineEnum('TimeScale', TIME_SCALES, 'Width of a bucket. Weeks start on Monday.');

export interface TimeBin {
  scale: TimeScale;
  timeZone: string;
}

/** How a time series is cut: scale and IANA time zone, so that a day is a day there, also when clocks change. */
export const TimeBinInput = builder.inputType('TimeBinInput', {
  description: 'How a time series is cut into buckets.',
  fields: (t) => ({
    scale: t.field({ type: TimeScaleEnum, required: true, defaultValue: 'DAY' }),
    timeZone: t.string({ required: true, defaultValue: 'UTC', description: 'IANA name, such as Europe/Berlin' }),
  }),
});

/** By name as given: its canonical spelling. There are few hundred zones, and making a format to ask costs more than a query. */
const zones = new Map<string, string>();
const MAX_ZONES = 2_000;

/** The canonical spelling of a zone's name. @throws RangeError when there is no such zone */
function canonicalZone(name: string): string {
  const known = zones.get(name);
  if (known) return known;
  if (!/^[A-Za-z]/.test(name)) throw new RangeError();
  const { timeZone } = new Intl.DateTimeFormat('en', { timeZone: name }).resolvedOptions();
  if (zones.size < MAX_ZONES) zones.set(name, timeZone);
  return timeZone;
}

/** Checks a bin's time zone; an offset such as +02:00 is refused, since it knows nothing of summer time. */
export function checkTimeBin(bin: TimeBin): TimeBin {
  try {
    // The canonical spelling goes to PostgreSQL, which also takes names that are not IANA's.
    return { scale: bin.scale, timeZone: canonicalZone(bin.timeZone) };
  } catch {
    throw new InvalidInput(`${JSON.stringify(bin.timeZone.slice(0, 60))} is not an IANA time zone like Europe/Berlin`, [
      'timeBin',
      'timeZone',
    ]);
  }
}

const SCALE_SECONDS: Record<TimeScale, number> = {
  MINUTE: 60,
  HOUR: 3_600,
  DAY: 86_400,
  WEEK: 604_800,
  MONTH: 2_419_200,
  QUARTER: 7_776_000,
  YEAR: 31_536_000,
};

/** Refuses what would give too many buckets, before the database makes them. */
export function checkBuckets(from: Date, to: Date, scale: TimeScale): void {
  if (from >= to) throw new InvalidInput('the time range is empty: from must be before to', ['from']);
  const buckets = Math.ceil((to.getTime() - from.getTime()) / 1_000 / SCALE_SECONDS[scale]);
  if (buckets > MAX_BUCKETS)
    throw new InvalidInput(`about ${buckets} buckets of one ${scale.toLowerCase()}: ${MAX_BUCKETS} at most`, [
      'timeBin',
      'scale',
    ]);
}
