import type { ReadScope } from '../../data/read-scope.ts';
import { SqlBuilder } from '../../data/statement.ts';
import { bucketsSql, placeSql, type TimeSeries } from '../../data/time-buckets.ts';

export const TREND_DIMENSIONS = ['RISK_LEVEL', 'SOURCE', 'STATUS'] as const;
export const TREND_BASES = ['CREATED_AT', 'POSTED_AT'] as const;

export interface TrendPoint {
  start: Date;
  end: Date;
  counts: { key: string; count: number }[];
}

const DIMENSION = { RISK_LEVEL: 'risk_level', SOURCE: 'source_id', STATUS: 'status' } as const;
const BASIS = { CREATED_AT: 'created_at', POSTED_AT: 'posted_at' } as const;

interface TrendOptions extends TimeSeries {
  dimension: (typeof TREND_DIMENSIONS)[number];
  basis: (typeof TREND_BASES)[number];
}

/**
 * Contents over time by risk level, source or status: one statement. Buckets are half-open [start, end), cut in the
 * bin's time zone (so a day has 23 or 25 hours when clocks change) and there also when they hold nothing.
 */
export async function contentTrends(scope: ReadScope, options: TrendOptions): Promise<TrendPoint[]> {
  const sql = new SqlBuilder();
  const basis = BASIS[options.basis];
  bucketsSql(sql, options);
  sql.raw(', counted AS (SELECT ');
  placeSql(sql, options, `c.${basis}`);
  sql.raw(` AS place, c.${DIMENSION[options.dimension]}::text AS key, count(*)::int AS count FROM content c`);
  sql.raw(' WHERE c.tenant_id = ').param(scope.viewer.tenantId, 'uuid');
  sql.raw(` AND c.${basis} >= `).param(options.from, 'timestamptz').raw(` AND c.${basis} < `);
  sql.param(options.to, 'timestamptz').raw(' GROUP BY 1, 2)');
  sql.raw(` SELECT b.start, b."end", coalesce(json_agg(json_build_object('key', n.key, 'count', n.count) ORDER BY n.count DESC, n.key) FILTER (WHERE n.key IS NOT NULL), '[]') AS counts
    FROM bucket b LEFT JOIN counted n ON n.place = b.place GROUP BY b.start, b."end" ORDER BY b.start`);
  return scope.query<TrendPoint>(sql.build('Content.trends'));
}
