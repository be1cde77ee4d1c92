import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Prisma } from '../../../generated/prisma/client.ts';
import { Decimal } from '../../../src/modules/delivery/money.ts';
import {
  nextRefreshAt,
  type PriorityInput,
  priorityScore,
  type RefreshInput,
} from '../../../src/modules/delivery/priority.ts';
import { revenueImpact, wholeDays } from '../../../src/modules/delivery/revenue-impact.ts';
import { BUG_SEVERITIES } from '../../../src/modules/delivery/values.ts';

const RUNS = { numRuns: 2000, seed: 20260105 };
const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

const least: PriorityInput = {
  severity: 'LOW',
  sla: null,
  revenueImpact: new Decimal(0),
  isBlocker: false,
  openDays: 0,
};
const most: PriorityInput = {
  severity: 'CRITICAL',
  sla: { elapsedMs: 0, targetMs: HOUR, breached: true },
  revenueImpact: new Decimal('999999'),
  isBlocker: true,
  openDays: 30,
};
const priorityOf = (input: Partial<PriorityInput>) => priorityScore({ ...least, ...input });
const pointsOf = ({ parts }: ReturnType<typeof priorityScore>) => parts.map((part) => part.points);

function sumOf(parts: readonly { points: number }[]): number {
  return parts.reduce((sum, part) => sum.plus(part.points), new Decimal(0)).toNumber();
}

describe('priorityScore', () => {
  test('adds what each part gives', () => {
    // 40*0.7 = 28, 25*12/24 = 12.5, 20*log10(1000)/6 = 10, 10, 5*15/30 = 2.5
    const sla = { elapsedMs: 12 * HOUR, targetMs: 24 * HOUR, breached: false };
    const revenue = new Decimal(999);
    const found = priorityScore({ severity: 'HIGH', sla, revenueImpact: revenue, isBlocker: true, openDays: 15 });
    expect(found).toEqual({
      score: 63,
      version: 1,
      parts: [
        { name: 'SEVERITY', weight: 40, input: 0.7, points: 28 },
        { name: 'SLA', weight: 25, input: 0.5, points: 12.5 },
        { name: 'REVENUE', weight: 20, input: 0.5, points: 10 },
        { name: 'BLOCKER', weight: 10, input: 1, points: 10 },
        { name: 'AGE', weight: 5, input: 0.5, points: 2.5 },
        { name: 'ROUNDING', weight: null, input: null, points: 0 },
      ],
    });
  });

  test('rounds half up, also a half that is a sum of thirds, and says what rounding gave', () => {
    // 16 + 25/3 + 5/30 = 24.5
    const sla = { elapsedMs: HOUR, targetMs: 3 * HOUR, breached: false };
    const up = priorityOf({ severity: 'MEDIUM', sla, openDays: 1 });
    expect(up.score).toBe(25);
    expect(pointsOf(up)).toEqual([16, 8.33, 0, 0, 0.17, 0.5]);
    // 4 + 5*2/30 = 4.3333
    const down = priorityOf({ openDays: 2 });
    expect(down.score).toBe(4);
    expect(pointsOf(down)).toEqual([4, 0, 0, 0, 0.33, -0.33]);
  });

  test('goes from 4 to 100', () => {
    expect(priorityScore(least).score).toBe(4);
    expect(priorityScore(most).score).toBe(100);
    const beyond = { revenueImpact: new Decimal('999999999999999.9999'), openDays: 100_000 };
    expect(priorityScore({ ...most, ...beyond }).score).toBe(100);
  });

  test('weighs severity', () => {
    expect(BUG_SEVERITIES.map((severity) => priorityOf({ severity }).score)).toEqual([40, 28, 16, 4]);
  });

  test('a breach counts in full however little has run, and an overdue clock no more than that', () => {
    const slaPoints = (elapsedMs: number, breached: boolean) =>
      pointsOf(priorityOf({ sla: { elapsedMs, targetMs: HOUR, breached } }))[1];
    expect(slaPoints(0, true)).toBe(25);
    expect(slaPoints(5 * HOUR, false)).toBe(25);
    expect(slaPoints(HOUR - 1, false)).toBe(25);
    expect(slaPoints(-HOUR, false)).toBe(0);
    expect(slaPoints(HOUR / 10, false)).toBe(2.5);
  });

  test.each([
    // log10(1 + impact) / 6: 0, 1/6, 3/6, just below 1, 1, 1
    ['0', 0, 0],
    ['9', 0.1667, 3.33],
    ['999', 0.5, 10],
    ['999998', 1, 20],
    ['999999', 1, 20],
    ['123456789012345.6789', 1, 20],
  ])('a revenue impact of %s gives %s of its points', (impact, input, points) => {
    const { parts } = priorityOf({ revenueImpact: new Prisma.Decimal(impact) });
    expect(parts.find((part) => part.name === 'REVENUE')).toMatchObject({ input, points });
  });

  test('refuses what no bug can have', () => {
    const sla = { elapsedMs: 1, targetMs: 0, breached: true };
    expect(() => priorityOf({ sla })).toThrow(new RangeError('the target must be above 0 ms, not 0'));
    expect(() => priorityOf({ revenueImpact: new Decimal(-1) })).toThrow('the impact must be 0 or more, not -1');
    for (const openDays of [-1, 1.5, Number.NaN]) expect(() => priorityOf({ openDays })).toThrow(RangeError);
  });
});

const anyInput: fc.Arbitrary<PriorityInput> = fc.record({
  severity: fc.constantFrom(...BUG_SEVERITIES),
  sla: fc.option(
    fc.record({
      elapsedMs: fc.oneof(fc.integer({ min: 0, max: 1000 }), fc.integer({ min: 0, max: 60 * DAY })),
      targetMs: fc.oneof(fc.integer({ min: 1, max: 1000 }), fc.integer({ min: 1, max: 60 * DAY })),
      breached: fc.boolean(),
    }),
  ),
  revenueImpact: fc
    .oneof(fc.bigInt({ min: 0n, max: 10n ** 8n }), fc.bigInt({ min: 0n, max: 10n ** 12n }))
    .map((cents) => new Decimal(cents.toString()).div(100)),
  isBlocker: fc.boolean(),
  openDays: fc.integer({ min: 0, max: 60 }),
});

describe('for any bug', () => {
  test('the points add up to the score, which is whole, from 4 to 100 and follows the formula', () => {
    fc.assert(
      fc.property(anyInput, (input) => {
        const { score, parts } = priorityScore(input);
        expect(sumOf(parts)).toBe(score);
        expect(Number.isInteger(score)).toBe(true);
        expect(score).toBeGreaterThanOrEqual(4);
        expect(score).toBeLessThanOrEqual(100);
        const { sla } = input;
        const shares = [
          { CRITICAL: 1, HIGH: 0.7, MEDIUM: 0.4, LOW: 0.1 }[input.severity],
          sla === null ? 0 : sla.breached ? 1 : Math.min(1, sla.elapsedMs / sla.targetMs),
          Math.min(1, Math.log10(1 + input.revenueImpact.toNumber()) / 6),
          input.isBlocker ? 1 : 0,
          Math.min(1, input.openDays / 30),
        ];
        const points = [40, 25, 20, 10, 5].map((weight, index) => weight * (shares[index] ?? Number.NaN));
        expect(Math.abs(score - points.reduce((sum, each) => sum + each, 0))).toBeLessThanOrEqual(0.500_000_1);
        for (const [index, each] of points.entries()) {
          expect(Math.abs((parts[index]?.points ?? Number.NaN) - each)).toBeLessThanOrEqual(0.005_000_1);
          expect(Math.abs((parts[index]?.input ?? Number.NaN) - (shares[index] ?? 0))).toBeLessThanOrEqual(0.000_050_1);
        }
        expect(Math.abs(parts.at(-1)?.points ?? Number.NaN)).toBeLessThanOrEqual(0.53);
      }),
      RUNS,
    );
  });

  test('a higher severity, more of the SLA gone, more revenue, blocking or more age never lower it', () => {
    const change = fc.constantFrom('severity', 'elapsed', 'breached', 'revenue', 'blocker', 'age');
    fc.assert(
      fc.property(anyInput, change, fc.nat(1_000_000), (input, field, more) => {
        const { sla } = input;
        const rank = BUG_SEVERITIES.indexOf(input.severity);
        const raised: PriorityInput = {
          severity: { ...input, severity: BUG_SEVERITIES[Math.max(0, rank - 1)] ?? 'CRITICAL' },
          elapsed: { ...input, sla: sla && { ...sla, elapsedMs: sla.elapsedMs + more } },
          breached: { ...input, sla: sla && { ...sla, breached: true } },
          revenue: { ...input, revenueImpact: input.revenueImpact.plus(more) },
          blocker: { ...input, isBlocker: true },
          age: { ...input, openDays: input.openDays + more },
        }[field];
        expect(priorityScore(raised).score).toBeGreaterThanOrEqual(priorityScore(input).score);
      }),
      RUNS,
    );
  });
});

describe('nextRefreshAt', () => {
  const createdAt = new Date('2026-01-01T08:30:00.000Z');
  const atAge = (ms: number) => new Date(createdAt.getTime() + ms);
  const refreshOf = (ageMs: number, more: Partial<RefreshInput> = {}) =>
    nextRefreshAt({ now: atAge(ageMs), createdAt, runningSla: null, hasRevenue: false, ...more });

  test('is the next whole day of age, up to day 30', () => {
    expect(refreshOf(0)).toEqual(atAge(DAY));
    expect(refreshOf(DAY - 1)).toEqual(atAge(DAY));
    expect(refreshOf(DAY)).toEqual(atAge(2 * DAY));
    expect(refreshOf(30 * DAY - 1)).toEqual(atAge(30 * DAY));
    expect(refreshOf(30 * DAY)).toBeNull();
  });

  test('is up to day 90 when the revenue impact grows', () => {
    expect(refreshOf(30 * DAY, { hasRevenue: true })).toEqual(atAge(31 * DAY));
    expect(refreshOf(90 * DAY - 1, { hasRevenue: true })).toEqual(atAge(90 * DAY));
    expect(refreshOf(90 * DAY, { hasRevenue: true })).toBeNull();
  });

  test('is the next fiftieth of the target of a running SLA', () => {
    const at = (elapsedMs: number, targetMs: number) => refreshOf(40 * DAY, { runningSla: { elapsedMs, targetMs } });
    // 50 h / 50 = 1 h; a quarter of an hour of the first step has run
    expect(at(0, 50 * HOUR)).toEqual(atAge(40 * DAY + HOUR));
    expect(at(HOUR / 4, 50 * HOUR)).toEqual(atAge(40 * DAY + 0.75 * HOUR));
    expect(at(49 * HOUR, 50 * HOUR)).toEqual(atAge(40 * DAY + HOUR));
    // not within five minutes, be it that the step is shorter, or that little of it is left
    expect(at(0, HOUR)).toEqual(atAge(40 * DAY + 5 * MINUTE));
    expect(at(HOUR - 1, 50 * HOUR)).toEqual(atAge(40 * DAY + 5 * MINUTE));
    // the whole target has run
    expect(at(50 * HOUR, 50 * HOUR)).toBeNull();
    expect(at(51 * HOUR, 50 * HOUR)).toBeNull();
  });

  test('is whichever of both comes first', () => {
    const runningSla = { elapsedMs: 0, targetMs: 50 * HOUR };
    expect(refreshOf(0, { runningSla })).toEqual(atAge(HOUR));
    expect(refreshOf(DAY - 10 * MINUTE, { runningSla })).toEqual(atAge(DAY));
  });

  test('waits for the first day of a bug from the future', () => {
    expect(refreshOf(-HOUR)).toEqual(atAge(DAY));
  });

  const anyState = fc.record({
    age: fc.integer({ min: 0, max: 100 * DAY }),
    hasRevenue: fc.boolean(),
    share: fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
  });
  const anySla = fc.record({
    elapsedMs: fc.integer({ min: 0, max: 60 * DAY }),
    targetMs: fc.integer({ min: MINUTE, max: 60 * DAY }),
  });

  function figuresAt(now: Date, hasRevenue: boolean) {
    const openDays = wholeDays(createdAt, now);
    const arr = new Decimal(hasRevenue ? 5_000_000 : 0);
    const impact = revenueImpact({ arr, affectedShare: 0.5, severity: 'HIGH', openDays, override: null }).value;
    const { score, parts } = priorityOf({ openDays, revenueImpact: impact });
    return { impact: impact.toFixed(), score, parts };
  }

  test('nothing changes before it, and when it is null nothing ever does', () => {
    fc.assert(
      fc.property(anyState, ({ age, hasRevenue, share }) => {
        const now = atAge(age);
        const next = refreshOf(age, { hasRevenue });
        const wait = next === null ? 1000 * DAY : next.getTime() - now.getTime() - 1;
        const later = new Date(now.getTime() + Math.floor(wait * share));
        expect(figuresAt(later, hasRevenue)).toEqual(figuresAt(now, hasRevenue));
        // and at it the age or the impact does change
        if (next !== null) expect(figuresAt(next, hasRevenue)).not.toEqual(figuresAt(now, hasRevenue));
      }),
      RUNS,
    );
  });

  test('with a running SLA it is at least 5 minutes away unless a day ends, and at most a fiftieth of the target, or 5 minutes', () => {
    fc.assert(
      fc.property(anyState, anySla, ({ age, hasRevenue }, runningSla) => {
        const next = refreshOf(age, { hasRevenue, runningSla });
        if (next === null) {
          expect(runningSla.elapsedMs).toBeGreaterThanOrEqual(runningSla.targetMs);
          return;
        }
        const wait = next.getTime() - createdAt.getTime() - age;
        expect(wait).toBeGreaterThan(0);
        if ((age + wait) % DAY !== 0) expect(wait).toBeGreaterThanOrEqual(5 * MINUTE);
        if (runningSla.elapsedMs < runningSla.targetMs) {
          expect(wait).toBeLessThanOrEqual(Math.max(5 * MINUTE, Math.ceil(runningSla.targetMs / 50)));
        }
      }),
      RUNS,
    );
  });
});
