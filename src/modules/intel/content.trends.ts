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

/**
 * Contents over time by risk level, source or status: one statement. Buckets are half-open [start, end), cut in the
 * bin's time zone (so a day has 23 or 25 hours when clocks change) and there also when they hold nothing.
 */
export async function contentTrends(
  scope: ReadScope,
  options: {
    from: Date;
    to: Date;
    bin: TimeBin;
    dimension: (typeof TREND_DIMENSIONS)[number];
    basis: (typeof TREND_BASES)[number];
  },
): Promise<TrendPoint[]> {
  const unit = options.bin.scale.toLowerCase();
  const step = unit === 'quarter' ? '3 months' : `1 ${unit}`;
  const basis = BASIS[options.basis];
  const sql = new SqlBuilder();
  const zone = () => sql.param(options.bin.timeZone, 'text');
  // Buckets are made in local time and turned into moments: adding a day there keeps midnight at midnight.
  sql.raw(`WITH bucket AS (SELECT b AS local, b AT TIME ZONE `);
  zone().raw(` AS start, (b + interval '${step}') AT TIME ZONE `);
  zone()
    .raw(` AS "end" FROM generate_series(date_trunc('${unit}', `)
    .param(options.from, 'timestamptz')
    .raw(' AT TIME ZONE ');
  zone().raw('), (').param(options.to, 'timestamptz').raw(" - interval '1 microsecond') AT TIME ZONE ");
  zone().raw(`, interval '${step}') b), counted AS (SELECT date_trunc('${unit}', c.${basis} AT TIME ZONE `);
  zone().raw(
    `) AS local, c.${DIMENSION[options.dimension]}::text AS key, count(*)::int AS count FROM content c WHERE c.tenant_id = `,
  );
  sql.param(scope.viewer.tenantId, 'uuid').raw(` AND c.${basis} >= `).param(options.from, 'timestamptz');
  sql.raw(` AND c.${basis} < `).param(options.to, 'timestamptz').raw(' GROUP BY 1, 2)');
  sql.raw(` SELECT b.start, b."end", coalesce(json_agg(json_build_object('key', n.key, 'count', n.count) ORDER BY n.count DESC, n.key) FILTER (WHERE n.key IS NOT NULL), '[]') AS counts
    FROM bucket b LEFT JOIN counted n ON n.local = b.local GROUP BY b.start, b."end" ORDER BY b.start`);
  return scope.query<TrendPoint>(sql.build('Content.trends'));
}
