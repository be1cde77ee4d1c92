/** Which bug comes first (Argus's own formula, version 1). Pure: the clock's time is an input. */
import { Decimal, type Money, roundOff, sumMoney, toScore } from './money.ts';
import { checkDays, DAY_MS, FULL_IMPACT_DAYS, wholeDays } from './revenue-impact.ts';
import type { BugSeverity } from './values.ts';

export const PRIORITY_VERSION = 1;

const SEVERITY: Readonly<Record<BugSeverity, string>> = { CRITICAL: '1', HIGH: '0.7', MEDIUM: '0.4', LOW: '0.1' };
const WEIGHTS = { SEVERITY: 40, SLA: 25, REVENUE: 20, BLOCKER: 10, AGE: 5 } as const;
/** log10 of the revenue impact that gets all its points, plus 1. */
const FULL_REVENUE_LOG = 6;
const FULL_AGE_DAYS = 30;
/** Half a point of the SLA's 25. */
const SLA_STEPS = 50;
const MIN_REFRESH_MS = 5 * 60_000;

export interface PriorityInput {
  readonly severity: BugSeverity;
  /** Open time that has run, of the target; null without SLA. The target is above 0. */
  readonly sla: { readonly elapsedMs: number; readonly targetMs: number; readonly breached: boolean } | null;
  /** 0 or more; of the override when there is one. */
  readonly revenueImpact: Money;
  readonly isBlocker: boolean;
  /** Whole days, see `wholeDays`. */
  readonly openDays: number;
}

export interface PriorityPart {
  readonly name: 'SEVERITY' | 'SLA' | 'REVENUE' | 'BLOCKER' | 'AGE' | 'ROUNDING';
  /** The most points it can give; null for ROUNDING. */
  readonly weight: number | null;
  /** 0 to 1, rounded to 4 decimals for reading; null for ROUNDING. */
  readonly input: number | null;
  /** Two decimals. ROUNDING is what the others lack of the whole number, or have too much. */
  readonly points: number;
}

export interface Priority {
  /** 0 to 100, whole, the sum of the parts' points. */
  readonly score: number;
  readonly version: 1;
  readonly parts: readonly PriorityPart[];
}

function slaShare(sla: PriorityInput['sla']): Decimal {
  if (sla === null) return new Decimal(0);
  if (!(sla.targetMs > 0)) throw new RangeError(`the target must be above 0 ms, not ${sla.targetMs}`);
  if (sla.breached) return new Decimal(1);
  return Decimal.clamp(new Decimal(sla.elapsedMs).div(sla.targetMs), 0, 1);
}

function revenueShare(impact: Money): Decimal {
  if (!impact.greaterThanOrEqualTo(0)) throw new RangeError(`the impact must be 0 or more, not ${impact.toFixed()}`);
  return Decimal.min(1, Decimal.log10(new Decimal(impact).plus(1)).div(FULL_REVENUE_LOG));
}

/**
 * `round(40*severity + 25*sla + 20*revenue + 10*blocker + 5*age)`, half up. Severity is 1, 0.7, 0.4, 0.1 from CRITICAL
 * to LOW; sla the share of the target that has run, 1 when breached, 0 without SLA; revenue
 * `min(1, log10(1 + impact) / 6)`; age `min(1, days / 30)`.
 *
 * @throws RangeError for a target of 0 ms or less, a negative impact, or days that are not whole or negative.
 */
export function priorityScore(input: PriorityInput): Priority {
  checkDays(input.openDays);
  const inputs = {
    SEVERITY: new Decimal(SEVERITY[input.severity]),
    SLA: slaShare(input.sla),
    REVENUE: revenueShare(input.revenueImpact),
    BLOCKER: new Decimal(input.isBlocker ? 1 : 0),
    AGE: Decimal.min(1, new Decimal(input.openDays).div(FULL_AGE_DAYS)),
  };
  const terms = (['SEVERITY', 'SLA', 'REVENUE', 'BLOCKER', 'AGE'] as const).map((name) => {
    const points = inputs[name].times(WEIGHTS[name]);
    return { name, weight: WEIGHTS[name], input: inputs[name], points, shown: roundOff(points, 2) };
  });
  const score = roundOff(sumMoney(terms.map((term) => term.points)), 0, Decimal.ROUND_HALF_UP);
  const rounding = score.minus(sumMoney(terms.map((term) => term.shown)));
  const parts = terms.map(({ name, weight, input, shown }): PriorityPart => {
    return { name, weight, input: toScore(input, 4), points: toScore(shown, 2) };
  });
  return {
    score: toScore(score, 0),
    version: PRIORITY_VERSION,
    parts: [...parts, { name: 'ROUNDING', weight: null, input: null, points: toScore(rounding, 2) }],
  };
}

export interface RefreshInput {
  readonly now: Date;
  readonly createdAt: Date;
  /** Of a running clock that is not breached; null: there is none. */
  readonly runningSla: { readonly elapsedMs: number; readonly targetMs: number } | null;
  /** Revenue and affected share are above 0 and nothing overrides the impact: it grows until day 90, from 0 on day 0. */
  readonly hasRevenue: boolean;
}

/**
 * When an open bug's priority or revenue impact may next change just by time passing; null: it no longer will. That is
 * the next whole day of its age, up to day 30 (with revenue 90), or the next fiftieth of its SLA's target, but not
 * within 5 minutes. Open time is taken to run as fast as the clock on the wall: when offices are closed nothing has
 * changed by then. The moments of the SLA's risks and of its breach are the SLA's own, and may be earlier.
 */
export function nextRefreshAt({ now, createdAt, runningSla, hasRevenue }: RefreshInput): Date | null {
  const times: number[] = [];
  const days = wholeDays(createdAt, now);
  if (days < (hasRevenue ? FULL_IMPACT_DAYS : FULL_AGE_DAYS)) times.push(createdAt.getTime() + (days + 1) * DAY_MS);
  if (runningSla !== null && runningSla.elapsedMs < runningSla.targetMs) {
    const step = runningSla.targetMs / SLA_STEPS;
    const left = Math.ceil(step - (Math.max(0, runningSla.elapsedMs) % step));
    times.push(now.getTime() + Math.max(MIN_REFRESH_MS, left));
  }
  return times.length === 0 ? null : new Date(Math.min(...times));
}
