import type { ReadScope } from '../../data/read-scope.ts';
import { SqlBuilder } from '../../data/statement.ts';
import { bucketsSql, placeSql } from '../../data/time-buckets.ts';
import type { TimeScale } from '../../graphql/time-series.ts';

/** What was committed to a project in [start, end). */
export interface ActivityPoint {
  start: Date;
  end: Date;
  commits: number;
  linesAdded: number;
  linesDeleted: number;
  filesChanged: number;
  /** days with commits */
  activeDays: number;
}

/**
 * A project's daily metrics over time: the days from that of `from` on that begin before `to`, in buckets that are there
 * also when nothing is known of their days. Days have no time zone; their buckets are those of UTC. One statement.
 */
export async function projectActivity(
  scope: ReadScope,
  { projectId, from, to, scale }: { projectId: string; from: Date; to: Date; scale: TimeScale },
): Promise<ActivityPoint[]> {
  const series = { from, to, bin: { scale, timeZone: 'UTC' } };
  const sql = new SqlBuilder();
  bucketsSql(sql, series);
  sql.raw(', summed AS (SELECT ');
  placeSql(sql, series, `(m.date::timestamp AT TIME ZONE 'UTC')`);
  // Counts of a single day fit an int, sums may not: JSON's numbers are exact up to 2^53.
  sql.raw(` AS place, sum(m.commits)::float8 AS commits, sum(m.lines_added)::float8 AS added,
      sum(m.lines_deleted)::float8 AS deleted, sum(m.files_changed)::float8 AS files,
      count(*) FILTER (WHERE m.commits > 0)::int AS days
    FROM project_metrics m WHERE m.tenant_id = `);
  sql.param(scope.viewer.tenantId, 'uuid').raw(' AND m.project_id = ').param(projectId, 'uuid');
  sql.raw(' AND m.date >= ').param(from, 'date').raw(' AND m.date < ').param(dayAfter(to), 'date');
  sql.raw(` GROUP BY 1) SELECT b.start, b."end", coalesce(s.commits, 0) AS commits, coalesce(s.added, 0) AS "linesAdded",
      coalesce(s.deleted, 0) AS "linesDeleted", coalesce(s.files, 0) AS "filesChanged", coalesce(s.days, 0) AS "activeDays"
    FROM bucket b LEFT JOIN summed s ON s.place = b.place ORDER BY b.start`);
  return scope.query<ActivityPoint>(sql.build('Project.activity'));
}

/** The first day that does not begin before the moment. */
function dayAfter(at: Date): Date {
  return new Date(Math.ceil(at.getTime() / 86_400_000) * 86_400_000);
}
