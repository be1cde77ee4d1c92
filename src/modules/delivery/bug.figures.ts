import type { Bug, Project } from '../../../generated/prisma/client.ts';
import { Decimal } from './money.ts';
import { nextRefreshAt, PRIORITY_VERSION, type Priority, priorityScore } from './priority.ts';
import { type RevenueImpact, revenueImpact, wholeDays } from './revenue-impact.ts';
import { elapsedMs, nextThresholdAt, type SlaClock, type SlaRules, slaStateAt } from './sla/clock.ts';
import { clockOf } from './sla.clock-columns.ts';
import { type BugSeverity, type BugStatus, RESOLVED_STATUSES } from './values.ts';

/** Columns that follow from the others and from the time. */
export type Figures = Pick<
  Bug,
  'slaState' | 'priorityScore' | 'revenueImpact' | 'refreshAt' | 'figuresAt' | 'figuresArr'
>;

export type FiguredBug = Omit<Bug, keyof Figures | 'severityRank' | 'revenueImpactSort' | 'slaDueSort'>;
type Arr = { arr: Project['arr'] | string };

export function isResolved(status: string): boolean {
  return RESOLVED_STATUSES.includes(status as BugStatus);
}

/** Whole days from the report to the resolution, or until now. */
export function openDays(bug: Pick<Bug, 'createdAt' | 'resolvedAt' | 'status'>, now: Date): number {
  return wholeDays(bug.createdAt, isResolved(bug.status) ? (bug.resolvedAt ?? bug.createdAt) : now);
}

/** What a bug costs, and from what that follows. */
export function impactOf(bug: FiguredBug, project: Arr, now: Date): RevenueImpact {
  return revenueImpact({
    arr: new Decimal(String(project.arr)),
    affectedShare: new Decimal(String(bug.affectedShare)),
    severity: bug.severity as BugSeverity,
    openDays: openDays(bug, now),
    override: bug.revenueImpactOverride === null ? null : new Decimal(String(bug.revenueImpactOverride)),
  });
}

/** The priority of an open bug, and from what it follows. A resolved one has none: there is nothing left to do. */
export function priorityOf(bug: FiguredBug, impact: Decimal, rules: SlaRules | null, now: Date): Priority {
  if (isResolved(bug.status)) return { score: 0, version: PRIORITY_VERSION, parts: [] };
  const clock = clockOf(bug);
  return priorityScore({
    severity: bug.severity as BugSeverity,
    sla: clock && rules ? slaPart(rules, clock, now) : null,
    revenueImpact: impact,
    isBlocker: bug.isBlocker,
    openDays: openDays(bug, now),
  });
}

function slaPart(rules: SlaRules, clock: SlaClock, now: Date) {
  const breached = slaStateAt({ ...clock, pausedAt: null }, now, { resolved: false }) === 'BREACHED';
  return { elapsedMs: elapsedMs(rules, clock, now), targetMs: clock.targetMs, breached };
}

/** All that follows from a bug's own columns, its project and the time; `told` thresholds were told before. */
export function figuresOf(bug: FiguredBug, project: Arr, rules: SlaRules | null, now: Date): Figures {
  const clock = clockOf(bug);
  const resolved = isResolved(bug.status);
  const impact = impactOf(bug, project, now);
  const { score } = priorityOf(bug, impact.value, rules, now);
  return {
    slaState: slaStateAt(clock, now, { resolved }),
    priorityScore: score,
    revenueImpact: impact.value,
    figuresAt: now,
    figuresArr: new Decimal(String(project.arr)),
    refreshAt: resolved ? null : refreshAt(bug, clock, rules, impact, now),
  };
}

function refreshAt(
  bug: FiguredBug,
  clock: SlaClock | null,
  rules: SlaRules | null,
  impact: RevenueImpact,
  now: Date,
): Date | null {
  const threshold = clock ? nextThresholdAt(clock, bug.slaTold) : null;
  const figures = nextRefreshAt({
    now,
    createdAt: bug.createdAt,
    hasRevenue: impact.override === null && !impact.factors.arr.mul(impact.factors.affectedShare).isZero(),
    runningSla: rules && clock?.runningSince && clock.breachedAt === null ? slaPart(rules, clock, now) : null,
  });
  const dates = [threshold, figures].filter((at) => at !== null);
  return dates.length === 0 ? null : new Date(Math.min(...dates.map((at) => at.getTime())));
}
