import type { TimeBin } from '../graphql/time-series.ts';
import type { ReadScope } from './read-scope.ts';
import { SqlBuilder } from './statement.ts';

/** A time [from, to) that is cut into buckets. */
export interface TimeSeries {
  from: Date;
  to: Date;
  bin: TimeBin;
}

function isClock({ bin }: TimeSeries): boolean {
  return bin.scale === 'HOUR' || bin.scale === 'MINUTE';
}

function stepOf({ bin }: TimeSeries, count = 1): string {
  const [units, unit] = bin.scale === 'QUARTER' ? [3 * count, 'month'] : [count, bin.scale.toLowerCase()];
  return `interval '${units} ${unit}'`;
}

/**
 * Appends `WITH … bucket AS (place, start, "end")`: all buckets that the time touches, half-open [start, end), cut in
 * the bin's time zone, so that a day has 23 or 25 hours when clocks change.
 */
export function bucketsSql(sql: SqlBuilder, series: TimeSeries): void {
  if (isClock(series)) clockBuckets(sql, series);
  else calendarBuckets(sql, series);
}

/** Appends the expression that gives a time's bucket, as in `bucket.place`. */
export function placeSql(sql: SqlBuilder, series: TimeSeries, column: string): void {
  if (isClock(series)) {
    sql.raw(`date_bin(${stepOf(series)}, ${column}, (SELECT first FROM origin))`);
    return;
  }
  sql.raw(`date_trunc('${series.bin.scale.toLowerCase()}', ${column} AT TIME ZONE `);
  zoneSql(sql, series.bin.timeZone).raw(')');
}

/** Hours and minutes are moments apart, also while clocks change: only where the first begins is the zone's matter. */
function clockBuckets(sql: SqlBuilder, series: TimeSeries): void {
  const { from, to, bin } = series;
  const step = stepOf(series);
  const local = () => {
    sql.raw('(').param(from, 'timestamptz').raw(' AT TIME ZONE ').param(bin.timeZone, 'text').raw(')');
  };
  sql.raw('WITH origin AS (SELECT ').param(from, 'timestamptz').raw(' - (');
  local();
  sql.raw(` - date_trunc('${bin.scale.toLowerCase()}', `);
  local();
  sql.raw(`)) AS first), bucket AS (SELECT b AS place, b AS start, b + ${step} AS "end" FROM origin, `);
  sql.raw('generate_series(first, ').param(to, 'timestamptz').raw(` - interval '1 microsecond', ${step}) b)`);
}

/** The zone without changes of clocks is written out, so that nothing has to be reckoned for it. */
function zoneSql(sql: SqlBuilder, timeZone: string): SqlBuilder {
  return timeZone === 'UTC' ? sql.raw("'UTC'") : sql.param(timeZone, 'text');
}

/** Days and longer are made in local time and turned into moments: adding a day there keeps midnight at midnight. */
function calendarBuckets(sql: SqlBuilder, series: TimeSeries): void {
  const { from, to, bin } = series;
  const step = stepOf(series);
  const zone = () => zoneSql(sql, bin.timeZone);
  sql.raw('WITH bucket AS (SELECT b AS place, ');
  momentSql(sql, bin.timeZone, () => sql.raw('b'));
  sql.raw(' AS start, ');
  momentSql(sql, bin.timeZone, () => sql.raw(`(b + ${step})`));
  sql.raw(` AS "end" FROM generate_series(date_trunc('${bin.scale.toLowerCase()}', `);
  sql.param(from, 'timestamptz').raw(' AT TIME ZONE ');
  zone().raw('), (').param(to, 'timestamptz').raw(" - interval '1 microsecond') AT TIME ZONE ");
  zone().raw(`, ${step}) b)`);
}

/** The moment of a local time. Of a midnight that comes twice PostgreSQL takes the second; the day begins with the first. */
function momentSql(sql: SqlBuilder, timeZone: string, local: () => void): void {
  if (timeZone === 'UTC') {
    local();
    sql.raw(" AT TIME ZONE 'UTC'");
    return;
  }
  const zoned = (hoursBack: string) => {
    local();
    sql.raw(' AT TIME ZONE ').param(timeZone, 'text').raw(hoursBack);
  };
  sql.raw('CASE WHEN (');
  zoned(" - interval '1 hour') AT TIME ZONE ");
  sql.param(timeZone, 'text').raw(' = ');
  local();
  sql.raw(' THEN ');
  zoned(" - interval '1 hour' ELSE ");
  zoned(' END');
}

export const HOUR_MS = 3_600_000;
const SAMPLE_MS = 28 * 24 * HOUR_MS;
/** Before, clocks of some zones changed a minute past midnight, back into the day before. */
const WHOLE_SINCE_MS = Date.UTC(2012, 0);

/**
 * Whether every bucket within the time begins at a whole hour in UTC, so that no such hour is in two of them: not for
 * minutes, nor where the zone's offset has half hours then. Such an offset lasts for months (IANA's tz database), so
 * looking at the zone every 28 days finds it.
 */
export function isByWholeHours({ from, to, bin }: TimeSeries): boolean {
  if (bin.scale === 'MINUTE') return false;
  if (bin.timeZone === 'UTC') return true;
  if (from.getTime() < WHOLE_SINCE_MS) return false;
  const offsets = new Intl.DateTimeFormat('en', { timeZone: bin.timeZone, timeZoneName: 'longOffset' });
  const isWhole = (at: number) => /GMT(?:[+-]\d\d:00)?$/.test(offsets.format(at));
  for (let at = from.getTime(); at < to.getTime(); at += SAMPLE_MS) if (!isWhole(at)) return false;
  return isWhole(to.getTime());
}

/**
 * The same stretch of time so many buckets earlier, in local time. What a bucket holds of the range is then what its
 * counterpart holds, also of a first and a last bucket that the range cuts.
 */
export async function earlierSeries(scope: ReadScope, series: TimeSeries, buckets: number): Promise<TimeSeries> {
  const back = stepOf(series, buckets);
  const sql = new SqlBuilder().raw('SELECT ');
  const shifted = (at: Date, name: string) => {
    if (isClock(series)) sql.param(at, 'timestamptz').raw(` - ${back}`);
    else
      momentSql(sql, series.bin.timeZone, () => {
        sql.raw('((').param(at, 'timestamptz').raw(' AT TIME ZONE ').param(series.bin.timeZone, 'text');
        sql.raw(`) - ${back})`);
      });
    sql.raw(` AS "${name}"`);
  };
  shifted(series.from, 'from');
  sql.raw(', ');
  shifted(series.to, 'to');
  // Its text holds the number of buckets, so it is not worth a name.
  const [row] = await scope.query<{ from: Date; to: Date }>(sql.plannedEachTime().build('TimeSeries.earlier'));
  if (!row) throw new Error('a statement without FROM gives one row');
  return { ...row, bin: series.bin };
}
