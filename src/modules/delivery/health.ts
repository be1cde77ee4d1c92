import type { LoaderContext } from '../../data/loaders.ts';
import { type HealthScore, healthScore } from './health-score.ts';
import { lastCommitDay, projectBugStats, recentImports } from './project.loaders.ts';

/** How well a project is looked after, from its totals, its last commit and the imports: three statements a level. */
export async function projectHealth(ctx: LoaderContext, projectId: string): Promise<HealthScore> {
  const [bugs, lastCommitAt, imports] = await Promise.all([
    projectBugStats(ctx, projectId),
    lastCommitDay(ctx, projectId),
    recentImports(ctx),
  ]);
  return healthScore({
    openBugs: bugs.open,
    openCritical: bugs.critical,
    resolvedWithSla: bugs.slaMet + bugs.slaMissed,
    slaMissed: bugs.slaMissed,
    lastCommitAt,
    importsTotal: imports.total,
    importsFailed: imports.failed,
    now: ctx.now,
  });
}
