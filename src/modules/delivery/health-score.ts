/** How well a project is looked after (Argus's own formula, version 1). Pure: the clock's time is an input. */
import { Decimal, roundParts, sumMoney, toScore } from './money.ts';
import { wholeDays } from './revenue-impact.ts';

export const HEALTH_SCORE_VERSION = 1;

const STALE_DAYS = 14;

export interface HealthInput {
  readonly openBugs: number;
  /** Of the open ones. */
  readonly openCritical: number;
  readonly resolvedWithSla: number;
  /** Of those resolved with an SLA. */
  readonly slaMissed: number;
  /** Null: not known. */
  readonly lastCommitAt: Date | null;
  readonly importsTotal: number;
  readonly importsFailed: number;
  readonly now: Date;
}

export interface HealthPart {
  readonly name: 'BASE' | 'OPEN_CRITICAL' | 'SLA_MISSED' | 'STALE' | 'FAILED_IMPORTS' | 'FLOOR';
  /** The most points it can take; null for BASE and FLOOR. */
  readonly weight: number | null;
  /** Share, 0 to 1, rounded to 4 decimals for reading; STALE is 0 or 1; null for BASE and FLOOR. */
  readonly input: number | null;
  /** Two decimals, 0 or less but for BASE and FLOOR. */
  readonly points: number;
  /** NO_DATA: there is nothing to measure, which takes no points. */
  readonly reason: 'NO_DATA' | null;
}

export interface HealthScore {
  /** 0 to 100, two decimals, the sum of the parts' points. */
  readonly score: number;
  readonly version: 1;
  readonly parts: readonly HealthPart[];
}

type Term = Pick<HealthPart, 'name' | 'weight' | 'reason'> & {
  readonly input: Decimal | null;
  readonly points: Decimal;
};

function penalty(name: HealthPart['name'], weight: number, input: Decimal | null): Term {
  const share = input ?? new Decimal(0);
  return { name, weight, input: share, points: share.times(-weight), reason: input === null ? 'NO_DATA' : null };
}

/** Null: a share of nothing. */
function share(count: number, of: number): Decimal | null {
  return of === 0 ? null : new Decimal(count).div(of);
}

function checkCounts(input: HealthInput): void {
  for (const name of [
    'openBugs',
    'openCritical',
    'resolvedWithSla',
    'slaMissed',
    'importsTotal',
    'importsFailed',
  ] as const) {
    const count = input[name];
    if (!(Number.isSafeInteger(count) && count >= 0)) throw new RangeError(`${name} must be a count, not ${count}`);
  }
}

/**
 * `100 - 30 * critical share of open bugs - 20 * missed share of SLAs - 20 if stale - 30 * failed share of imports`,
 * not below 0. Stale: no commit for 14 days (14 times 24 hours). No open bugs is a share of 0; no SLA resolved, no
 * import and an unknown commit take no points, with reason NO_DATA.
 *
 * Counts that were read at different moments may contradict each other (more critical bugs than open ones): then the
 * part FLOOR gives back what lies below 0.
 *
 * @throws RangeError for a count that is not whole or negative.
 */
export function healthScore(input: HealthInput): HealthScore {
  checkCounts(input);
  const { lastCommitAt, now } = input;
  const stale = lastCommitAt === null ? null : new Decimal(wholeDays(lastCommitAt, now) >= STALE_DAYS ? 1 : 0);
  const terms: Term[] = [
    { name: 'BASE', weight: null, input: null, points: new Decimal(100), reason: null },
    penalty('OPEN_CRITICAL', 30, share(input.openCritical, input.openBugs) ?? new Decimal(0)),
    penalty('SLA_MISSED', 20, share(input.slaMissed, input.resolvedWithSla)),
    penalty('STALE', 20, stale),
    penalty('FAILED_IMPORTS', 30, share(input.importsFailed, input.importsTotal)),
  ];
  const below = sumMoney(terms.map((term) => term.points)).negated();
  if (below.greaterThan(0)) terms.push({ name: 'FLOOR', weight: null, input: null, points: below, reason: null });
  const points = roundParts(
    terms.map((term) => term.points),
    2,
  );
  return {
    score: toScore(sumMoney(points), 2),
    version: HEALTH_SCORE_VERSION,
    parts: terms.map((term, index) => ({
      ...term,
      input: term.input === null ? null : toScore(term.input, 4),
      points: toScore(points[index] ?? new Decimal(0), 2),
    })),
  };
}
