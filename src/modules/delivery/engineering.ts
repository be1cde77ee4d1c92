import type { ReadScope } from '../../data/read-scope.ts';
import { SqlBuilder } from '../../data/statement.ts';
import type { CurrencyAmount } from './bug.statistics.ts';

/** Hours from report to resolution; a source may tell of a resolution before the report, which counts as none. */
export const RESOLUTION_HOURS = "(greatest(date_part('epoch', resolved_at - created_at), 0) / 3600)";

/** Of the bugs that were resolved in a time. Null: there is nothing to measure. */
export interface EngineeringMetrics {
  resolved: number;
  resolutionHoursMean: number | null;
  resolutionHoursP50: number | null;
  resolutionHoursP90: number | null;
  firstResponseHoursP50: number | null;
  reopened: number;
  slaMet: number;
  slaMissed: number;
  hoursSpent: string;
  cost: CurrencyAmount[];
}

/** Both quantiles come from sorting once. */
type EngineeringRow = Omit<EngineeringMetrics, 'resolutionHoursP50' | 'resolutionHoursP90'> & {
  quantiles: number[] | null;
};

/** A share of nothing is null. */
export function shareOf(part: number, whole: number): number | null {
  return whole === 0 ? null : part / whole;
}

/** One statement, which reads only the bugs resolved in [from, to). */
export async function engineeringMetrics(
  scope: ReadScope,
  { from, to, projectId }: { from: Date; to: Date; projectId: string | null },
): Promise<EngineeringMetrics> {
  const { tenantId } = scope.viewer;
  const sql = new SqlBuilder().raw(`WITH r AS MATERIALIZED (SELECT project_id, hours_spent, reopen_count, sla_state,
      ${RESOLUTION_HOURS} AS hours,
      CASE WHEN first_response_at IS NOT NULL THEN
        greatest(date_part('epoch', first_response_at - created_at), 0) / 3600 END AS response
    FROM bugs WHERE tenant_id = `);
  sql.param(tenantId, 'uuid').raw(' AND resolved_at >= ').param(from, 'timestamptz');
  sql.raw(' AND resolved_at < ').param(to, 'timestamptz');
  if (projectId) sql.raw(' AND project_id = ').param(projectId, 'uuid');
  sql.raw(`), cost AS (SELECT p.currency, trim_scale(sum(h.hours * p.hourly_rate))::text AS amount
      FROM (SELECT project_id, sum(hours_spent) AS hours FROM r GROUP BY 1) h
      JOIN projects p ON p.id = h.project_id AND p.tenant_id = `);
  sql.param(tenantId, 'uuid').raw(` GROUP BY 1 HAVING sum(h.hours * p.hourly_rate) > 0)
    SELECT count(*)::int AS resolved, avg(hours::numeric)::float8 AS "resolutionHoursMean",
      percentile_cont(ARRAY[0.5, 0.9]) WITHIN GROUP (ORDER BY hours) AS quantiles,
      percentile_cont(0.5) WITHIN GROUP (ORDER BY response) AS "firstResponseHoursP50",
      count(*) FILTER (WHERE reopen_count > 0)::int AS reopened,
      count(*) FILTER (WHERE sla_state = 'MET')::int AS "slaMet",
      count(*) FILTER (WHERE sla_state = 'MISSED')::int AS "slaMissed",
      trim_scale(coalesce(sum(hours_spent), 0))::text AS "hoursSpent",
      (SELECT coalesce(json_agg(c ORDER BY c.currency), '[]') FROM cost c) AS cost
    FROM r`);
  const [row] = await scope.query<EngineeringRow>(sql.build('Bug.engineering'));
  if (!row) throw new Error('an aggregate gives one row');
  const { quantiles, ...figures } = row;
  return { ...figures, resolutionHoursP50: quantiles?.[0] ?? null, resolutionHoursP90: quantiles?.[1] ?? null };
}
