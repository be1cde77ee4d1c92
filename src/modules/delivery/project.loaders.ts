import { type LoaderContext, loaderOf } from '../../data/loaders.ts';
import { OPEN_SQL } from './bug.statistics.ts';

/** What a project's bugs add up to, from the totals that each write keeps. */
export interface ProjectBugStats {
  total: number;
  open: number;
  /** of the open ones, as also the two below and the money */
  critical: number;
  blockers: number;
  breached: number;
  slaMet: number;
  slaMissed: number;
  revenueImpact: string;
}

const NO_BUGS: ProjectBugStats = {
  total: 0,
  open: 0,
  critical: 0,
  blockers: 0,
  breached: 0,
  slaMet: 0,
  slaMissed: 0,
  revenueImpact: '0',
};

/** One statement for all projects of a level. */
export function projectBugStats(ctx: LoaderContext, projectId: string): Promise<ProjectBugStats> {
  return loaderOf(ctx, projectBugStats, async (ids) => {
    const open = `status IN ${OPEN_SQL}`;
    const rows = await ctx.scope.query<ProjectBugStats & { id: string }>({
      name: 'delivery_project_bug_stats',
      text: `/* Project.bugStats */ SELECT project_id AS id, sum(count)::int AS total,
          coalesce(sum(count) FILTER (WHERE ${open}), 0)::int AS open,
          coalesce(sum(count) FILTER (WHERE ${open} AND severity = 'CRITICAL'), 0)::int AS critical,
          coalesce(sum(count) FILTER (WHERE ${open} AND is_blocker), 0)::int AS blockers,
          coalesce(sum(count) FILTER (WHERE sla_state = 'BREACHED'), 0)::int AS breached,
          coalesce(sum(count) FILTER (WHERE sla_state = 'MET'), 0)::int AS "slaMet",
          coalesce(sum(count) FILTER (WHERE sla_state = 'MISSED'), 0)::int AS "slaMissed",
          coalesce(sum(revenue_impact) FILTER (WHERE ${open}), 0)::text AS "revenueImpact"
        FROM project_bug_totals WHERE tenant_id = $1::uuid AND project_id = ANY ($2::uuid[]) GROUP BY 1`,
      values: [ctx.scope.viewer.tenantId, ids],
    });
    const byId = new Map(rows.map((row) => [row.id, row]));
    return ids.map((id) => byId.get(id) ?? NO_BUGS);
  }).load(projectId);
}

/** The last day with commits, as its midnight in UTC; null: none is known. One statement for all projects of a level. */
export function lastCommitDay(ctx: LoaderContext, projectId: string): Promise<Date | null> {
  return loaderOf(ctx, lastCommitDay, async (ids) => {
    const rows = await ctx.scope.query<{ id: string; day: string }>({
      name: 'delivery_last_commit',
      text: `/* Project.lastCommit */ SELECT p.id, m.date::text AS day FROM unnest($2::uuid[]) AS p(id)
        CROSS JOIN LATERAL (SELECT date FROM project_metrics
          WHERE tenant_id = $1::uuid AND project_id = p.id AND commits > 0 ORDER BY date DESC LIMIT 1) m`,
      values: [ctx.scope.viewer.tenantId, ids],
    });
    const byId = new Map(rows.map((row) => [row.id, new Date(row.day)]));
    return ids.map((id) => byId.get(id) ?? null);
  }).load(projectId);
}

const IMPORT_DAYS = 30;
const IMPORT_KINDS = ['bugs', 'bug-history', 'github-issues', 'metrics'];

/** How the imports of this module went in the last 30 days: the same for every project, read once an operation. */
export function recentImports(ctx: LoaderContext): Promise<{ total: number; failed: number }> {
  return loaderOf(ctx, recentImports, async (keys) => {
    const [row] = await ctx.scope.query<{ total: number; failed: number }>({
      name: 'delivery_recent_imports',
      text: `/* Project.imports */ SELECT count(*)::int AS total, count(*) FILTER (WHERE status = 'FAILED')::int AS failed
        FROM import_logs WHERE tenant_id = $1::uuid AND kind = ANY ($2::text[]) AND created_at >= $3::timestamptz
          AND status IN ('COMPLETED', 'PARTIAL', 'FAILED') AND NOT is_dry_run`,
      values: [ctx.scope.viewer.tenantId, IMPORT_KINDS, new Date(ctx.now.getTime() - IMPORT_DAYS * 86_400_000)],
    });
    return keys.map(() => row ?? { total: 0, failed: 0 });
  }).load('imports');
}
