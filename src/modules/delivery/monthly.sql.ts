import { OPEN_SQL } from './bug.statistics.ts';
import { RESOLUTION_HOURS } from './engineering.ts';

/** Stands for all projects together: in GROUPING SETS they are null, which joins do not find. */
const ALL = `'00000000-0000-0000-0000-000000000000'::uuid`;

const FIGURES = [
  'open_at_start',
  'created',
  'created_critical',
  'created_high',
  'created_medium',
  'created_low',
  'resolved',
  'sla_met',
  'sla_missed',
  'hours_spent',
  'engineering_cost',
  'resolution_hours_mean',
  'resolution_hours_p50',
  'resolution_hours_p90',
  'resolution_rate',
] as const;

const list = (prefix: string) => FIGURES.map((name) => `${prefix}${name}`).join(', ');
const severity = (name: string) => `count(*) FILTER (WHERE severity = '${name}')::int AS created_${name.toLowerCase()}`;
const month = (column: string) => `date_trunc('month', ${column} AT TIME ZONE 'UTC')::date`;

/** What was before the range counts as one month: only how many were left over matters. */
const since = (column: string) => `greatest(${month(column)}, ($2::text::date - interval '1 month')::date)`;

/** Each bug with the months in which it came, was resolved, and ceased to be open. */
const BUGS = `b AS MATERIALIZED (SELECT project_id, severity, hours_spent, sla_state, ${RESOLUTION_HOURS} AS hours,
    ${since('created_at')} AS came, ${month('resolved_at')} AS resolved,
    CASE WHEN resolved_at IS NOT NULL THEN greatest(${month('resolved_at')}, ${since('created_at')})
      -- resolved, and nothing tells when: not open since, as far as is known, it came
      WHEN status NOT IN ${OPEN_SQL} THEN ${since('created_at')} END AS ceased
  FROM bugs WHERE tenant_id = $1::uuid AND ($4::uuid IS NULL OR project_id = $4::uuid))`;

/** For each project and for all of them (unless one is asked for), by month. */
const grouped = (column: string) =>
  `GROUP BY GROUPING SETS ((project_id, ${column}), (${column})) HAVING $4::uuid IS NULL OR grouping(project_id) = 0`;

const CAME = `came AS (SELECT coalesce(project_id, ${ALL}) AS scope, came AS month, count(*)::int AS created,
    ${['CRITICAL', 'HIGH', 'MEDIUM', 'LOW'].map(severity).join(', ')} FROM b
  WHERE came <= $3::text::date ${grouped('came')})`;

const CEASED = `ceased AS (SELECT coalesce(project_id, ${ALL}) AS scope, ceased AS month, count(*)::int AS n
  FROM b WHERE ceased <= $3::text::date ${grouped('ceased')})`;

// Materialised, as other parts that are joined: else PostgreSQL, which cannot know how many months a project has, joins
// them by the month alone and compares every project with every other.
/** The mean is taken of exact numbers: whatever order they come in, it is the same. */
const RESOLVED = `resolved AS MATERIALIZED (SELECT coalesce(project_id, ${ALL}) AS scope, resolved AS month, count(*)::int AS resolved,
    count(*) FILTER (WHERE sla_state = 'MET')::int AS sla_met, count(*) FILTER (WHERE sla_state = 'MISSED')::int AS sla_missed,
    sum(hours_spent) AS hours_spent, round(avg(hours::numeric), 4)::float8 AS resolution_hours_mean,
    percentile_cont(ARRAY[0.5, 0.9]) WITHIN GROUP (ORDER BY hours) AS quantiles
  FROM b WHERE resolved BETWEEN $2::text::date AND $3::text::date ${grouped('resolved')})`;

/** Money is summed up exactly, by currency; nothing is left out but amounts of 0. */
const COST = `amounts AS (SELECT coalesce(h.project_id, ${ALL}) AS scope, h.month, p.currency, sum(h.hours * p.hourly_rate) AS amount
    FROM (SELECT project_id, resolved AS month, sum(hours_spent) AS hours FROM b
      WHERE resolved BETWEEN $2::text::date AND $3::text::date GROUP BY 1, 2) h
    JOIN projects p ON p.tenant_id = $1::uuid AND p.id = h.project_id
    GROUP BY GROUPING SETS ((h.project_id, h.month, p.currency), (h.month, p.currency))
    HAVING sum(h.hours * p.hourly_rate) > 0),
  cost AS MATERIALIZED (SELECT scope, month, jsonb_agg(jsonb_build_object('currency', currency, 'amount', trim_scale(amount)::text)
    ORDER BY currency) AS engineering_cost FROM amounts GROUP BY 1, 2)`;

/** Every month of the range for all that has bugs or rows, with how many bugs more there were open after it. */
const GRID = `months AS (SELECT m::date AS month FROM generate_series($2::text::date::timestamp, $3::text::date::timestamp, interval '1 month') m),
  delta AS (SELECT scope, month, sum(n) AS n FROM (SELECT scope, month, created AS n FROM came
    UNION ALL SELECT scope, month, -n FROM ceased) d GROUP BY 1, 2),
  stored AS (SELECT coalesce(project_id, ${ALL}) AS scope, month FROM monthly_metrics
    WHERE tenant_id = $1::uuid AND month BETWEEN $2::text::date AND $3::text::date AND ($4::uuid IS NULL OR project_id = $4::uuid)),
  before AS (SELECT scope, coalesce(sum(n) FILTER (WHERE month < $2::text::date), 0) AS n FROM delta GROUP BY 1),
  scopes AS (SELECT scope FROM before UNION SELECT scope FROM stored UNION SELECT ${ALL} WHERE $4::uuid IS NULL),
  grid AS (SELECT s.scope, m.month, (coalesce(b.n, 0) + coalesce(sum(d.n) OVER (PARTITION BY s.scope ORDER BY m.month
      ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING), 0))::int AS open_at_start
    FROM scopes s CROSS JOIN months m LEFT JOIN before b ON b.scope = s.scope
    LEFT JOIN delta d ON d.scope = s.scope AND d.month = m.month)`;

/** What is to be stored. A row that is there stays there, with zeroes when its bugs are gone. */
const COMPUTED = `computed AS MATERIALIZED (SELECT gen_random_uuid() AS id, nullif(g.scope, ${ALL}) AS project_id, g.month, g.open_at_start,
    coalesce(c.created, 0) AS created, coalesce(c.created_critical, 0) AS created_critical,
    coalesce(c.created_high, 0) AS created_high, coalesce(c.created_medium, 0) AS created_medium,
    coalesce(c.created_low, 0) AS created_low, coalesce(r.resolved, 0) AS resolved, coalesce(r.sla_met, 0) AS sla_met,
    coalesce(r.sla_missed, 0) AS sla_missed, coalesce(r.hours_spent, 0) AS hours_spent,
    coalesce(k.engineering_cost, '[]') AS engineering_cost, r.resolution_hours_mean, r.quantiles[1] AS resolution_hours_p50,
    r.quantiles[2] AS resolution_hours_p90,
    coalesce(r.resolved, 0)::float8 / nullif(g.open_at_start + coalesce(c.created, 0), 0) AS resolution_rate
  FROM grid g LEFT JOIN came c ON c.scope = g.scope AND c.month = g.month
    LEFT JOIN resolved r ON r.scope = g.scope AND r.month = g.month
    LEFT JOIN cost k ON k.scope = g.scope AND k.month = g.month
  WHERE g.scope = ${ALL} OR (g.scope, g.month) IN (SELECT scope, month FROM stored) OR g.open_at_start > 0 OR c.created > 0 OR r.resolved > 0)`;

/**
 * Computes months and stores what differs from what is stored; gives how many rows are new, other and the same.
 * $1: tenant, $2 and $3: first day of the first and of the last month, $4: project or null, $5: now.
 */
export const MONTHLY_SQL = `/* MonthlyMetric.compute */ WITH ${[BUGS, CAME, CEASED, RESOLVED, COST, GRID, COMPUTED].join(',\n')},
written AS (INSERT INTO monthly_metrics AS m (tenant_id, id, project_id, month, ${list('')}, computed_at, created_at)
  SELECT $1::uuid, id, project_id, month, ${list('')}, $5::timestamptz, $5::timestamptz FROM computed ORDER BY month, project_id
  ON CONFLICT (tenant_id, project_id, month) DO UPDATE SET computed_at = excluded.computed_at,
    ${FIGURES.map((name) => `${name} = excluded.${name}`).join(', ')}
  WHERE (${list('m.')}) IS DISTINCT FROM (${list('excluded.')}) RETURNING m.id)
SELECT count(c.id)::int AS created, count(*)::int - count(c.id)::int AS updated,
  (SELECT count(*)::int FROM computed) - count(*)::int AS unchanged
FROM written w LEFT JOIN computed c ON c.id = w.id`;
