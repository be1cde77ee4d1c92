import type { ReadScope } from '../../data/read-scope.ts';
import { SqlBuilder } from '../../data/statement.ts';
import type { TimeBin } from '../../graphql/time-series.ts';

export const TREND_DIMENSIONS = ['RISK_LEVEL', 'SOURCE', 'STATUS'] as const;
export const TREND_BASES = ['CREATED_AT', 'POSTED_AT'] as const;

export interface TrendPoint {
  start: Date;
  end: Date;
  counts: { key: string; count: number }[];
}

const DIMENSION = { RISK_LEVEL: 'risk_level', SOURCE: 'source_id', STATUS: 'status' } as const;
const BASIS = { CREATED_AT: 'created_at', POSTED_AT: 'posted_at' } as const;

interface TrendOptions {
  from: Date;
  to: Date;
  bin: TimeBin;
  dimension: (typeof TREND_DIMENSIONS)[number];
  basis: (typeof TREND_BASES)[number];
}

/**
 * Contents over time by risk level, source or status: one statement. Buckets are half-open [start, end), cut in the
 * bin's time zone (so a day has 23 or 25 hours when clocks change) and there also when they hold nothing.
 */
export async function contentTrends(scope: ReadScope, options: TrendOptions): Promise<TrendPoint[]> {
  const { scale } = options.bin;
  const sql = new SqlBuilder();
  if (scale === 'HOUR' || scale === 'MINUTE') clockBuckets(sql, options);
  else calendarBuckets(sql, options);
  sql.raw(`, c.${DIMENSION[options.dimension]}::text AS key, count(*)::int AS count FROM content c`);
  if (scale === 'HOUR' || scale === 'MINUTE') sql.raw(', origin');
  const basis = BASIS[options.basis];
  sql.raw(' WHERE c.tenant_id = ').param(scope.viewer.tenantId, 'uuid');
  sql.raw(` AND c.${basis} >= `).param(options.from, 'timestamptz').raw(` AND c.${basis} < `);
  sql.param(options.to, 'timestamptz').raw(' GROUP BY 1, 2)');
  sql.raw(` SELECT b.start, b."end", coalesce(json_agg(json_build_object('key', n.key, 'count', n.count) ORDER BY n.count DESC, n.key) FILTER (WHERE n.key IS NOT NULL), '[]') AS counts
    FROM bucket b LEFT JOIN counted n ON n.place = b.place GROUP BY b.start, b."end" ORDER BY b.start`);
  return scope.query<TrendPoint>(sql.build('Content.trends'));
}

/** Hours and minutes are moments apart, also while clocks change: only where the first begins is the zone's matter. */
function clockBuckets(sql: SqlBuilder, { from, to, bin, basis }: TrendOptions): void {
  const unit = bin.scale.toLowerCase();
  const local = () => {
    sql.raw('(').param(from, 'timestamptz').raw(' AT TIME ZONE ').param(bin.timeZone, 'text').raw(')');
  };
  sql.raw('WITH origin AS (SELECT ').param(from, 'timestamptz').raw(' - (');
  local();
  sql.raw(` - date_trunc('${unit}', `);
  local();
  sql.raw(`)) AS first), bucket AS (SELECT b AS place, b AS start, b + interval '1 ${unit}' AS "end" FROM origin, `);
  sql
    .raw('generate_series(first, ')
    .param(to, 'timestamptz')
    .raw(` - interval '1 microsecond', interval '1 ${unit}') b)`);
  sql.raw(`, counted AS (SELECT date_bin(interval '1 ${unit}', c.${BASIS[basis]}, origin.first) AS place`);
}

/** Days and longer are made in local time and turned into moments: adding a day there keeps midnight at midnight. */
function calendarBuckets(sql: SqlBuilder, { from, to, bin, basis }: TrendOptions): void {
  const unit = bin.scale.toLowerCase();
  const step = `interval '${unit === 'quarter' ? '3 months' : `1 ${unit}`}'`;
  const zone = () => sql.param(bin.timeZone, 'text');
  // Of a midnight that comes twice PostgreSQL takes the second; the day begins with the first.
  const moment = (local: string) => {
    sql.raw(`CASE WHEN (${local} AT TIME ZONE `);
    zone().raw(" - interval '1 hour') AT TIME ZONE ");
    zone().raw(` = ${local} THEN ${local} AT TIME ZONE `);
    zone().raw(` - interval '1 hour' ELSE ${local} AT TIME ZONE `);
    zone().raw(' END');
  };
  sql.raw('WITH bucket AS (SELECT b AS place, ');
  moment('b');
  sql.raw(' AS start, ');
  moment(`(b + ${step})`);
  sql.raw(` AS "end" FROM generate_series(date_trunc('${unit}', `);
  sql.param(from, 'timestamptz').raw(' AT TIME ZONE ');
  zone().raw('), (').param(to, 'timestamptz').raw(" - interval '1 microsecond') AT TIME ZONE ");
  zone().raw(`, ${step}) b), counted AS (SELECT date_trunc('${unit}', c.${BASIS[basis]} AT TIME ZONE `);
  zone().raw(') AS place');
}
