import type { ReadScope } from '../../data/read-scope.ts';
import { InvalidInput } from '../../errors.ts';

/** What one member, or nobody, has before them. */
export interface ForecastQueue {
  assigneeId: string | null;
  /** bugs resolved a day, on average of the last 28 days */
  throughput: number;
  /** open bugs with a clock that runs or has run out, due by the end of the forecast */
  queued: number;
  /** of these late already */
  late: number;
  willBreach: number;
}

export interface ForecastBug {
  bugId: string;
  assigneeId: string | null;
  dueAt: Date;
  /** when its turn would be over; null: nothing was resolved in the last 28 days */
  expectedAt: Date | null;
}

export interface Forecast {
  willBreach: number;
  late: number;
  /** of the bugs that will breach, by currency */
  revenueImpact: { currency: string; amount: string }[];
  queues: ForecastQueue[];
  bugs: ForecastBug[];
}

const WINDOW_DAYS = 28;
export const MAX_FORECAST_DAYS = 365;

// Each one's open bugs are done one after the other, the next due first, at the pace of the last four weeks: the n-th
// is done after n / throughput days. One that is due before that, and within the forecast, will breach.
const QUEUED = `
  WITH pace AS (
    SELECT assignee_id, count(*)::float8 / ${WINDOW_DAYS} AS a_day FROM bugs
    WHERE tenant_id = $1::uuid AND resolved_at >= $2::timestamptz - interval '${WINDOW_DAYS} days' AND resolved_at < $2::timestamptz
    GROUP BY 1
  ), queue AS (
    SELECT b.id, b.assignee_id, b.sla_due_at, b.revenue_impact, b.project_id,
      coalesce(b.sla_breached_at, b.sla_due_at) < $2::timestamptz AS late, coalesce(p.a_day, 0) AS a_day,
      row_number() OVER (PARTITION BY b.assignee_id ORDER BY b.sla_due_at, b.id) AS place
    FROM bugs b LEFT JOIN pace p ON p.assignee_id IS NOT DISTINCT FROM b.assignee_id
    WHERE b.tenant_id = $1::uuid AND b.sla_due_at < $2::timestamptz + interval '1 day' * $3::int4
      AND b.status IN ('PENDING', 'IN_PROGRESS', 'VERIFIED', 'DEFERRED')
  ), expected AS (
    SELECT q.*, CASE WHEN a_day > 0 THEN $2::timestamptz + interval '1 day' * (place / a_day) END AS done_at FROM queue q
  ), judged AS (
    SELECT e.*, NOT late AND (done_at IS NULL OR done_at > sla_due_at) AS breaches FROM expected e
  )`;

/**
 * Which bugs will breach their SLA within so many days at today's pace (Argus's own forecast, version 1), and what they
 * put at risk. Bugs whose clock is paused have no due date and are left out.
 */
export async function slaForecast(scope: ReadScope, days: number, now: Date): Promise<Forecast> {
  if (days < 1 || days > MAX_FORECAST_DAYS)
    throw new InvalidInput(`${days} days: from 1 to ${MAX_FORECAST_DAYS}`, ['days']);
  const values = [scope.viewer.tenantId, now, days];
  const [queues, bugs, revenueImpact] = await Promise.all([
    scope.query<ForecastQueue>({
      name: 'delivery_forecast_queues',
      text: `/* sla.forecastQueues */ ${QUEUED}
        SELECT assignee_id AS "assigneeId", max(a_day) AS throughput, count(*)::int AS queued,
          count(*) FILTER (WHERE late)::int AS late, count(*) FILTER (WHERE breaches)::int AS "willBreach"
        FROM judged GROUP BY 1 ORDER BY 5 DESC, 3 DESC, 1`,
      values,
    }),
    scope.query<ForecastBug>({
      name: 'delivery_forecast_bugs',
      text: `/* sla.forecastBugs */ ${QUEUED}
        SELECT id AS "bugId", assignee_id AS "assigneeId", sla_due_at AS "dueAt", done_at AS "expectedAt"
        FROM judged WHERE breaches ORDER BY sla_due_at, id LIMIT 100`,
      values,
    }),
    scope.query<{ currency: string; amount: string }>({
      name: 'delivery_forecast_revenue',
      text: `/* sla.forecastRevenue */ ${QUEUED}
        SELECT p.currency, sum(j.revenue_impact)::text AS amount FROM judged j
        JOIN projects p ON p.tenant_id = $1::uuid AND p.id = j.project_id WHERE j.breaches GROUP BY 1 ORDER BY 1`,
      values,
    }),
  ]);
  const sum = (field: 'late' | 'willBreach') => queues.reduce((total, queue) => total + queue[field], 0);
  return { willBreach: sum('willBreach'), late: sum('late'), revenueImpact, queues, bugs };
}
