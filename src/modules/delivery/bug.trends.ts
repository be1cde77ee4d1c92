import type { ReadScope } from '../../data/read-scope.ts';
import { SqlBuilder, type Statement } from '../../data/statement.ts';
import {
  bucketsSql,
  earlierSeries,
  HOUR_MS,
  isByWholeHours,
  placeSql,
  type TimeSeries,
} from '../../data/time-buckets.ts';
import { SEVERITY_COLUMNS } from './bug.totals.ts';
import { projectGlobalId } from './global-ids.ts';

export const BUG_TREND_MEASURES = ['CREATED', 'RESOLVED'] as const;
export const BUG_TREND_DIMENSIONS = ['SEVERITY', 'STATUS', 'PROJECT', 'NONE'] as const;

export interface BugTrendPoint {
  start: Date;
  end: Date;
  total: number;
  counts: { key: string; count: number }[];
}

/** A time and its buckets. */
export interface BugTrendPeriod {
  from: Date;
  to: Date;
  total: number;
  points: BugTrendPoint[];
}

export interface BugTrend {
  current: BugTrendPeriod;
  /** as many buckets earlier; null: not asked for */
  earlier: BugTrendPeriod | null;
}

interface TrendOptions extends TimeSeries {
  measure: (typeof BUG_TREND_MEASURES)[number];
  by: (typeof BUG_TREND_DIMENSIONS)[number];
  projectId: string | null;
  compare: boolean;
}

const MEASURE = { CREATED: 'created_at', RESOLVED: 'resolved_at' } as const;
const DIMENSION = { SEVERITY: 'b.severity', STATUS: 'b.status', PROJECT: 'b.project_id', NONE: `'ALL'::text` } as const;
/** Projects may be thousands: those with the most bugs in the time are told apart. */
const TOP = 20;
export const OTHER = 'OTHER';

/** Bugs created or resolved over time, and how many there were in the same stretch before. */
export async function bugTrends(scope: ReadScope, options: TrendOptions): Promise<BugTrend> {
  const current = await period(scope, options);
  if (!options.compare) return { current, earlier: null };
  const before = await earlierSeries(scope, options, current.points.length);
  return { current, earlier: await period(scope, { ...options, ...before }) };
}

async function period(scope: ReadScope, options: TrendOptions): Promise<BugTrendPeriod> {
  const { from, to, by } = options;
  const points = await scope.query<BugTrendPoint>(trendSql(scope.viewer.tenantId, options));
  const shown = (key: string) => (by === 'PROJECT' && key !== OTHER ? projectGlobalId(key) : key);
  return {
    from,
    to,
    total: points.reduce((sum, point) => sum + point.total, 0),
    points: points.map((point) => ({
      ...point,
      counts: by === 'NONE' ? [] : point.counts.map(({ key, count }) => ({ key: shown(key), count })),
    })),
  };
}

function trendSql(tenantId: string, options: TrendOptions): Statement {
  const { by, projectId } = options;
  const hasTotals = projectId === null && (by === 'SEVERITY' || by === 'NONE') && isByWholeHours(options);
  const full = hasTotals ? fullHours(options) : null;
  return full ? totalsSql(tenantId, options, full) : rowsSql(tenantId, options);
}

interface Range {
  from: Date;
  to: Date;
}

/** The whole hours in UTC within a time; null: there are none. */
function fullHours({ from, to }: Range): Range | null {
  const first = Math.ceil(from.getTime() / HOUR_MS) * HOUR_MS;
  const end = Math.floor(to.getTime() / HOUR_MS) * HOUR_MS;
  return first < end ? { from: new Date(first), to: new Date(end) } : null;
}

/** Appends the bugs of a time, each with its bucket. */
function bugsSql(sql: SqlBuilder, tenantId: string, options: TrendOptions, { from, to }: Range, selected: string) {
  const at = `b.${MEASURE[options.measure]}`;
  sql.raw('SELECT ');
  placeSql(sql, options, at);
  sql.raw(` AS place, ${selected} FROM bugs b WHERE b.tenant_id = `).param(tenantId, 'uuid');
  sql.raw(` AND ${at} >= `).param(from, 'timestamptz').raw(` AND ${at} < `).param(to, 'timestamptz');
}

/** Full hours from their totals, the part of an hour at either end from the bugs: the cost is that of the hours. */
function totalsSql(tenantId: string, options: TrendOptions, full: Range): Statement {
  const columns = options.by === 'NONE' ? ['count'] : ['count', ...SEVERITY_COLUMNS];
  const sql = new SqlBuilder();
  bucketsSql(sql, options);
  sql.raw(
    `, counted AS (SELECT place, ${columns.map((name) => `sum(${name})::int AS ${name}`).join(', ')} FROM (SELECT `,
  );
  placeSql(sql, options, 't.hour');
  sql.raw(` AS place, ${columns.map((name) => `t.${name}`).join(', ')} FROM bug_hour_totals t WHERE t.tenant_id = `);
  sql.param(tenantId, 'uuid').raw(` AND t.measure = '${options.measure}' AND t.hour >= `);
  sql.param(full.from, 'timestamptz').raw(' AND t.hour < ').param(full.to, 'timestamptz');
  const counted = columns.map((name) => (name === 'count' ? '1' : `(b.severity = '${name.toUpperCase()}')::int`));
  const ends = [
    { from: options.from, to: full.from },
    { from: full.to, to: options.to },
  ];
  for (const end of ends) {
    // A time of whole hours has none, and then the bugs are not even planned for.
    if (end.from >= end.to) continue;
    sql.raw(' UNION ALL ');
    bugsSql(sql, tenantId, options, end, counted.join(', '));
  }
  sql.raw(') n GROUP BY place) SELECT b.start, b."end", coalesce(n.count, 0) AS total');
  if (options.by !== 'NONE') {
    sql.raw(`, (SELECT coalesce(json_agg(json_build_object('key', s.key, 'count', s.count) ORDER BY s.count DESC, s.key), '[]')
      FROM (VALUES ${SEVERITY_COLUMNS.map((name) => `('${name.toUpperCase()}', n.${name})`).join(', ')}) s (key, count)
      WHERE s.count > 0) AS counts`);
  }
  sql.raw(' FROM bucket b LEFT JOIN counted n ON n.place = b.place ORDER BY b.start');
  return sql.build('Bug.hourTrends');
}

function rowsSql(tenantId: string, options: TrendOptions): Statement {
  const sql = new SqlBuilder();
  const bugs = (selected: string) => {
    bugsSql(sql, tenantId, options, options, selected);
    if (options.projectId) sql.raw(' AND b.project_id = ').param(options.projectId, 'uuid');
  };
  bucketsSql(sql, options);
  if (options.by === 'NONE') {
    sql.raw(', counted AS (');
    bugs('count(*)::int AS count');
    sql.raw(` GROUP BY 1) SELECT b.start, b."end", coalesce(n.count, 0) AS total
      FROM bucket b LEFT JOIN counted n ON n.place = b.place ORDER BY b.start`);
    return sql.build('Bug.totalTrends');
  }
  sql.raw(', within AS MATERIALIZED (');
  bugs(`${DIMENSION[options.by]} AS key`);
  sql.raw(`), top AS (SELECT key FROM within GROUP BY key ORDER BY count(*) DESC, key LIMIT ${TOP}),
    shown AS (SELECT w.place, coalesce(t.key::text, '${OTHER}') AS key, count(*)::int AS count
      FROM within w LEFT JOIN top t ON t.key = w.key GROUP BY w.place, t.key) 
    SELECT b.start, b."end", coalesce(sum(n.count), 0)::int AS total,
      coalesce(json_agg(json_build_object('key', n.key, 'count', n.count) ORDER BY n.count DESC, n.key)
        FILTER (WHERE n.key IS NOT NULL), '[]') AS counts
    FROM bucket b LEFT JOIN shown n ON n.place = b.place GROUP BY b.start, b."end" ORDER BY b.start`);
  return sql.build('Bug.trends');
}

/** How much more there is than before, in per cent to one decimal; null when there was nothing before. */
export function changePercent(now: number, before: number): number | null {
  return before === 0 ? null : Math.round(((now - before) / before) * 1_000) / 10;
}
