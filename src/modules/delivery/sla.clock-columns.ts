import type { Bug } from '../../../generated/prisma/client.ts';
import type { SlaClock } from './sla/clock.ts';

type ClockColumns = Pick<
  Bug,
  | 'slaCycle'
  | 'slaStartedAt'
  | 'slaTargetMs'
  | 'slaRanMs'
  | 'slaRunningSince'
  | 'slaPausedMs'
  | 'slaPausedAt'
  | 'slaMediumRiskAt'
  | 'slaHighRiskAt'
  | 'slaDueAt'
  | 'slaBreachedAt'
  | 'slaMetAt'
  | 'slaMissedAt'
>;

/** The SLA clock that a bug's row holds; null when it has none. */
export function clockOf(bug: ClockColumns): SlaClock | null {
  if (bug.slaStartedAt === null || bug.slaTargetMs === null) return null;
  return {
    cycle: bug.slaCycle,
    startedAt: bug.slaStartedAt,
    targetMs: bug.slaTargetMs,
    ranMs: bug.slaRanMs,
    runningSince: bug.slaRunningSince,
    pausedAt: bug.slaPausedAt,
    pausedMs: bug.slaPausedMs,
    mediumRiskAt: bug.slaMediumRiskAt,
    highRiskAt: bug.slaHighRiskAt,
    dueAt: bug.slaDueAt,
    breachedAt: bug.slaBreachedAt,
    metAt: bug.slaMetAt,
    missedAt: bug.slaMissedAt,
  };
}

/** The columns of a clock, or of none. */
export function clockColumns(clock: SlaClock | null): ClockColumns {
  return {
    slaCycle: clock?.cycle ?? 0,
    slaStartedAt: clock?.startedAt ?? null,
    slaTargetMs: clock?.targetMs ?? null,
    slaRanMs: clock?.ranMs ?? 0,
    slaRunningSince: clock?.runningSince ?? null,
    slaPausedMs: clock?.pausedMs ?? 0,
    slaPausedAt: clock?.pausedAt ?? null,
    slaMediumRiskAt: clock?.mediumRiskAt ?? null,
    slaHighRiskAt: clock?.highRiskAt ?? null,
    slaDueAt: clock?.dueAt ?? null,
    slaBreachedAt: clock?.breachedAt ?? null,
    slaMetAt: clock?.metAt ?? null,
    slaMissedAt: clock?.missedAt ?? null,
  };
}
