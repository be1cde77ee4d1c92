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

/** The mean is taken of exact numbers: whatever order they come in, it is the same. */
const SOLVED = `solved AS (SELECT coalesce(project_id, ${ALL}) AS scope, resolved AS month, count(*)::int AS resolved,
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
  cost AS (SELECT scope, month, jsonb_agg(jsonb_build_object('currency', currency, 'amount', trim_scale(amount)::text)
    ORDER BY currency)::text AS engineering_cost FROM amounts GROUP BY 1, 2)`;

const STORED = `stored AS (SELECT coalesce(project_id, ${ALL}) AS scope, month FROM monthly_metrics
  WHERE tenant_id = $1::uuid AND month BETWEEN $2::text::date AND $3::text::date AND ($4::uuid IS NULL OR project_id = $4::uuid))`;

/** Every month of the range for all that has bugs or rows. */
const GRID = `grid AS (SELECT s.scope, m::date AS month
  FROM (SELECT scope FROM came UNION SELECT scope FROM solved UNION SELECT scope FROM stored
    UNION SELECT ${ALL} WHERE $4::uuid IS NULL) s,
    generate_series($2::text::date::timestamp, $3::text::date::timestamp, interval '1 month') m)`;

/** What the parts tell of a month: each its own columns, the others null. */
const TOLD: Readonly<Record<string, string>> = {
  change: 'int',
  created: 'int',
  created_critical: 'int',
  created_high: 'int',
  created_medium: 'int',
  created_low: 'int',
  resolved: 'int',
  sla_met: 'int',
  sla_missed: 'int',
  hours_spent: 'numeric',
  engineering_cost: 'text',
  resolution_hours_mean: 'float8',
  quantiles: 'float8[]',
  is_stored: 'bool',
};

const part = (from: string, told: readonly string[], values: Readonly<Record<string, string>> = {}) => {
  const columns = Object.entries(TOLD).map(([name, type]) => {
    const value = values[name] ?? (told.includes(name) ? name : 'NULL');
    return `${value}::${type} AS ${name}`;
  });
  return `SELECT scope, month, ${columns.join(', ')} FROM ${from}`;
};

const SOLVED_SUMS = ['resolved', 'sla_met', 'sla_missed', 'hours_spent'];
const CAME_COLUMNS = FIGURES.filter((name) => name.startsWith('created'));

/**
 * The parts brought together by grouping, not by joins: PostgreSQL cannot know how many months a project has, and would
 * join by the month alone, which compares every project with every other.
 */
const MERGED = `parts AS (${[
  part('grid', []),
  part('came', CAME_COLUMNS, { change: 'created' }),
  part('ceased', [], { change: '-n' }),
  part('solved', [...SOLVED_SUMS, 'resolution_hours_mean', 'quantiles']),
  part('cost', ['engineering_cost']),
  part('stored', [], { is_stored: 'true' }),
].join('\n  UNION ALL ')}),
  merged AS (SELECT scope, month, sum(change) AS change, ${[...CAME_COLUMNS, ...SOLVED_SUMS]
    .map((name) => `coalesce(sum(${name}), 0) AS ${name}`)
    .join(', ')},
    coalesce(max(engineering_cost), '[]')::jsonb AS engineering_cost, max(resolution_hours_mean) AS resolution_hours_mean,
    max(quantiles) AS quantiles, bool_or(is_stored) AS is_stored
  FROM parts GROUP BY scope, month),
  opened AS (SELECT *, coalesce(sum(change) OVER (PARTITION BY scope ORDER BY month
    ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING), 0)::int AS open_at_start FROM merged)`;

/** What is to be stored. A row that is there stays there, with zeroes when its bugs are gone. */
const COMPUTED = `computed AS MATERIALIZED (SELECT gen_random_uuid() AS id, nullif(scope, ${ALL}) AS project_id, month,
    ${FIGURES.filter((name) => !/_(p50|p90|rate)$/.test(name)).join(', ')},
    quantiles[1] AS resolution_hours_p50, quantiles[2] AS resolution_hours_p90,
    resolved::float8 / nullif(open_at_start + created, 0) AS resolution_rate
  FROM opened WHERE month >= $2::text::date
    AND (scope = ${ALL} OR is_stored OR open_at_start > 0 OR created > 0 OR resolved > 0))`;

/**
 * Computes months and stores what differs from what is stored; gives how many rows are new, other and the same.
 * $1: tenant, $2 and $3: first day of the first and of the last month, $4: project or null, $5: now.
 */
export const MONTHLY_SQL = `/* MonthlyMetric.compute */ WITH ${[BUGS, CAME, CEASED, SOLVED, COST, STORED, GRID, MERGED, COMPUTED].join(',\n')},
written AS (INSERT INTO monthly_metrics AS m (tenant_id, id, project_id, month, ${list('')}, computed_at, created_at)
  SELECT $1::uuid, id, project_id, month, ${list('')}, $5::timestamptz, $5::timestamptz FROM computed ORDER BY month, project_id
  ON CONFLICT (tenant_id, project_id, month) DO UPDATE SET computed_at = excluded.computed_at,
    ${FIGURES.map((name) => `${name} = excluded.${name}`).join(', ')}
  WHERE (${list('m.')}) IS DISTINCT FROM (${list('excluded.')}) RETURNING m.id)
SELECT count(c.id)::int AS created, count(*)::int - count(c.id)::int AS updated,
  (SELECT count(*)::int FROM computed) - count(*)::int AS unchanged
FROM written w LEFT JOIN computed c ON c.id = w.id`;
