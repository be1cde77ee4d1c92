/** Annual revenue that an open bug puts at risk (Argus's own formula, version 1). Pure. */
import { InvalidInput } from '../../errors.ts';
import { Decimal, type Money } from './money.ts';
import type { BugSeverity } from './values.ts';

export const REVENUE_IMPACT_VERSION = 1;

export const DAY_MS = 86_400_000;
/** From then on the impact stays as it is. */
export const FULL_IMPACT_DAYS = 90;

const SHARE_DECIMALS = 4;
/** Share of the affected revenue that is lost if the bug is never mended. */
const CHURN_RISK: Readonly<Record<BugSeverity, string>> = {
  CRITICAL: '0.2',
  HIGH: '0.08',
  MEDIUM: '0.02',
  LOW: '0.005',
};

export interface RevenueImpactInput {
  /** Annual recurring revenue of the project, 0 or more. */
  readonly arr: Money;
  /** Share of the customers that the bug hits, 0 to 1, at most 4 decimals. */
  readonly affectedShare: number | Decimal;
  readonly severity: BugSeverity;
  /** Whole days, see `wholeDays`. */
  readonly openDays: number;
  /** Taken instead of the computed impact. */
  readonly override: Money | null;
}

export interface RevenueImpact {
  /** The override when there is one, else what was computed. */
  readonly value: Money;
  /** Two decimals, half to even: `arr * affectedShare * churnRisk * daysCounted / fullAfterDays`. */
  readonly computed: Money;
  readonly override: Money | null;
  readonly version: 1;
  readonly factors: {
    readonly arr: Money;
    readonly affectedShare: Decimal;
    readonly churnRisk: Decimal;
    /** `openDays`, but not more than `fullAfterDays`. */
    readonly daysCounted: number;
    readonly fullAfterDays: number;
  };
}

/** Whole periods of 24 hours between two instants; 0 when `to` is not after `from`. */
export function wholeDays(from: Date, to: Date): number {
  return Math.max(0, Math.floor((to.getTime() - from.getTime()) / DAY_MS));
}

/** @throws RangeError for anything but a whole number of days, 0 or more. */
export function checkDays(days: number): void {
  if (!(Number.isSafeInteger(days) && days >= 0)) throw new RangeError(`days must be whole and 0 or more, not ${days}`);
}

function checkShare(share: Decimal): void {
  if (!(share.greaterThanOrEqualTo(0) && share.lessThanOrEqualTo(1))) {
    throw new InvalidInput(`the affected share must be from 0 to 1, not ${share.toFixed()}`, ['affectedShare']);
  }
  if (share.decimalPlaces() > SHARE_DECIMALS) {
    const found = `${share.toFixed()} has ${share.decimalPlaces()} decimals`;
    throw new InvalidInput(`the affected share ${found}: ${SHARE_DECIMALS} at most`, ['affectedShare']);
  }
}

/**
 * `arr * affectedShare * churnRisk * min(1, openDays / 90)`; churn risk 0.2, 0.08, 0.02, 0.005 from CRITICAL to LOW.
 *
 * @throws InvalidInput for a share out of its range or with too many decimals; RangeError for a negative revenue, or
 * days that are not whole or negative.
 */
export function revenueImpact(input: RevenueImpactInput): RevenueImpact {
  const arr = new Decimal(input.arr);
  const affectedShare = new Decimal(input.affectedShare);
  if (!arr.greaterThanOrEqualTo(0)) throw new RangeError(`the revenue must be 0 or more, not ${arr.toFixed()}`);
  checkShare(affectedShare);
  checkDays(input.openDays);
  const churnRisk = new Decimal(CHURN_RISK[input.severity]);
  const daysCounted = Math.min(input.openDays, FULL_IMPACT_DAYS);
  // Divided last: all before is exact, so the only rounding that can be seen is that to two decimals.
  const product = arr.times(affectedShare).times(churnRisk).times(daysCounted);
  const computed = product.div(FULL_IMPACT_DAYS).toDecimalPlaces(2);
  return {
    value: input.override ?? computed,
    computed,
    override: input.override,
    version: REVENUE_IMPACT_VERSION,
    factors: { arr, affectedShare, churnRisk, daysCounted, fullAfterDays: FULL_IMPACT_DAYS },
  };
}
