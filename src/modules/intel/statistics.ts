import type { ReadScope } from '../../data/read-scope.ts';

/** Every figure of the overview, as the database computes it. */
export interface Overview {
  contentTotal: number;
  byRiskLevel: { key: string; count: number }[];
  contentRecent: number;
  detectionTotal: number;
  detectedKeywords: number;
  topKeywords: { keywordId: string; count: number }[];
  caseTotal: number;
  casesOpen: number;
  casesClosed: number;
  averageCaseDays: number | null;
}

const TOP = 10;

/**
 * The intelligence overview in one statement. Durations are days between start and completion of completed cases, to one
 * decimal; the seed's version loaded every case to compute them.
 */
export async function overviewStatistics(scope: ReadScope): Promise<Overview> {
  const [row] = await scope.query<Overview>({
    name: 'intel_overview',
    text: `/* intel.overview */
      WITH c AS MATERIALIZED (SELECT risk_level, count(*)::int AS n FROM content WHERE tenant_id = $1::uuid GROUP BY 1),
        d AS MATERIALIZED (SELECT keyword_id, count(*)::int AS n FROM detections WHERE tenant_id = $1::uuid GROUP BY 1)
      SELECT
      (SELECT coalesce(sum(n), 0)::int FROM c) AS "contentTotal",
      (SELECT coalesce(json_agg(json_build_object('key', risk_level, 'count', n) ORDER BY n DESC), '[]') FROM c) AS "byRiskLevel",
      (SELECT count(*)::int FROM content WHERE tenant_id = $1::uuid AND created_at >= now() - interval '24 hours') AS "contentRecent",
      (SELECT coalesce(sum(n), 0)::int FROM d) AS "detectionTotal",
      (SELECT count(*)::int FROM d) AS "detectedKeywords",
      (SELECT coalesce(json_agg(t), '[]') FROM (SELECT keyword_id AS "keywordId", n AS count FROM d ORDER BY n DESC, keyword_id LIMIT ${TOP}) t) AS "topKeywords",
      k.*
    FROM (SELECT count(*)::int AS "caseTotal",
        count(*) FILTER (WHERE status = 'OPEN')::int AS "casesOpen",
        count(*) FILTER (WHERE status = 'CLOSED')::int AS "casesClosed",
        round((avg(extract(epoch FROM actual_completion - start_date)) FILTER (WHERE actual_completion IS NOT NULL) / 86400)::numeric, 1)::float8 AS "averageCaseDays"
      FROM cases WHERE tenant_id = $1::uuid) k`,
    values: [scope.viewer.tenantId],
  });
  if (!row) throw new Error('a statement without FROM gives one row');
  return row;
}
