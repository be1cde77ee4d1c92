import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type HealthInput, healthScore } from '../../../src/modules/delivery/health-score.ts';
import { Decimal } from '../../../src/modules/delivery/money.ts';

const RUNS = { numRuns: 2000, seed: 20260103 };
const now = new Date('2026-06-30T12:00:00.000Z');
const HOUR = 3_600_000;
const hoursAgo = (hours: number) => new Date(now.getTime() - hours * HOUR);

const healthy: HealthInput = {
  openBugs: 10,
  openCritical: 0,
  resolvedWithSla: 10,
  slaMissed: 0,
  lastCommitAt: now,
  importsTotal: 10,
  importsFailed: 0,
  now,
};
const nothing = { ...healthy, openBugs: 0, resolvedWithSla: 0, lastCommitAt: null, importsTotal: 0 };
const healthOf = (input: Partial<HealthInput>) => healthScore({ ...healthy, ...input });

function sumOf(parts: readonly { points: number }[]): number {
  return parts.reduce((sum, part) => sum.plus(part.points), new Decimal(0)).toNumber();
}

describe('healthScore', () => {
  test('is 100 when all is well', () => {
    const { score, version, parts } = healthOf({});
    expect({ score, version }).toEqual({ score: 100, version: 1 });
    expect(parts.map((part) => part.points)).toEqual([100, 0, 0, 0, 0]);
    expect(parts.some((part) => Object.is(part.points, -0))).toBe(false);
  });

  test('takes off each part by its share', () => {
    // 100 - 30*3/12 - 20*1/8 - 20 - 30*1/10 = 100 - 7.5 - 2.5 - 20 - 3
    const input = { openBugs: 12, openCritical: 3, resolvedWithSla: 8, slaMissed: 1, importsFailed: 1 };
    const { score, parts } = healthOf({ ...input, lastCommitAt: hoursAgo(400) });
    expect(score).toBe(67);
    expect(parts).toEqual([
      { name: 'BASE', weight: null, input: null, points: 100, reason: null },
      { name: 'OPEN_CRITICAL', weight: 30, input: 0.25, points: -7.5, reason: null },
      { name: 'SLA_MISSED', weight: 20, input: 0.125, points: -2.5, reason: null },
      { name: 'STALE', weight: 20, input: 1, points: -20, reason: null },
      { name: 'FAILED_IMPORTS', weight: 30, input: 0.1, points: -3, reason: null },
    ]);
  });

  test('keeps two decimals, and the parts add up to them', () => {
    // 30*1/7 = 4.2857, 20*1/3 = 6.6667, 30*2/9 = 6.6667; running totals 95.714, 89.048, 82.381
    const input = { openBugs: 7, openCritical: 1, resolvedWithSla: 3, slaMissed: 1, importsTotal: 9, importsFailed: 2 };
    const { score, parts } = healthOf(input);
    expect(score).toBe(82.38);
    expect(parts.map((part) => part.points)).toEqual([100, -4.29, -6.66, 0, -6.67]);
    expect(parts.map((part) => part.input)).toEqual([null, 0.1429, 0.3333, 0, 0.2222]);
  });

  test('is 0 when all is bad, without a floor', () => {
    const worst = { openCritical: 10, slaMissed: 10, lastCommitAt: null, importsFailed: 10 };
    expect(healthOf(worst).score).toBe(20);
    const { score, parts } = healthOf({ ...worst, lastCommitAt: new Date(0) });
    expect(score).toBe(0);
    expect(parts.map((part) => part.name)).not.toContain('FLOOR');
  });

  test('does not fall below 0 when counts contradict each other, and says what that gave', () => {
    // 100 - 30*50/10 = -50
    const { score, parts } = healthOf({ openCritical: 50 });
    expect(score).toBe(0);
    expect(parts.at(-1)).toEqual({ name: 'FLOOR', weight: null, input: null, points: 50, reason: null });
    expect(sumOf(parts)).toBe(0);
  });

  test('is stale after 14 days to the millisecond, and not for a commit to come', () => {
    const stale = (at: Date) => healthOf({ lastCommitAt: at }).parts.find((part) => part.name === 'STALE')?.input;
    const limit = hoursAgo(14 * 24);
    expect(stale(limit)).toBe(1);
    expect(stale(new Date(limit.getTime() + 1))).toBe(0);
    expect(stale(hoursAgo(-100))).toBe(0);
  });

  test('takes nothing off for what is not known, and says so', () => {
    const { score, parts } = healthScore(nothing);
    expect(score).toBe(100);
    expect(parts.map((part) => [part.name, part.input, part.reason])).toEqual([
      ['BASE', null, null],
      ['OPEN_CRITICAL', 0, null],
      ['SLA_MISSED', 0, 'NO_DATA'],
      ['STALE', 0, 'NO_DATA'],
      ['FAILED_IMPORTS', 0, 'NO_DATA'],
    ]);
  });

  test.each(['openBugs', 'openCritical', 'resolvedWithSla', 'slaMissed', 'importsTotal', 'importsFailed'] as const)(
    'refuses %s that is not a count',
    (name) => {
      for (const count of [-1, 0.5, Number.NaN, Number.POSITIVE_INFINITY]) {
        expect(() => healthOf({ [name]: count })).toThrow(new RangeError(`${name} must be a count, not ${count}`));
      }
    },
  );
});

const whole = fc.integer({ min: 0, max: 500 });
const anyInput: fc.Arbitrary<HealthInput> = fc
  .tuple(whole, whole, whole, whole, whole, whole, fc.option(fc.integer({ min: -100, max: 1000 })))
  .map(([a, b, c, d, e, f, hours]) => ({
    openBugs: Math.max(a, b),
    openCritical: Math.min(a, b),
    resolvedWithSla: Math.max(c, d),
    slaMissed: Math.min(c, d),
    importsTotal: Math.max(e, f),
    importsFailed: Math.min(e, f),
    lastCommitAt: hours === null ? null : hoursAgo(hours),
    now,
  }));

describe('for any counts', () => {
  test('the parts add up to the score, which follows the formula and is from 0 to 100', () => {
    fc.assert(
      fc.property(anyInput, (input) => {
        const { score, parts } = healthScore(input);
        expect(sumOf(parts)).toBe(score);
        expect(score).toBeGreaterThanOrEqual(0);
        expect(score).toBeLessThanOrEqual(100);
        expect(Number(score.toFixed(2))).toBe(score);
        const ratio = (count: number, of: number) => (of === 0 ? 0 : count / of);
        const days = input.lastCommitAt === null ? 0 : (now.getTime() - input.lastCommitAt.getTime()) / (24 * HOUR);
        const expected =
          100 -
          30 * ratio(input.openCritical, input.openBugs) -
          20 * ratio(input.slaMissed, input.resolvedWithSla) -
          (days >= 14 ? 20 : 0) -
          30 * ratio(input.importsFailed, input.importsTotal);
        expect(Math.abs(score - expected)).toBeLessThanOrEqual(0.005_000_1);
        for (const part of parts) if (part.name !== 'BASE') expect(part.points).toBeLessThanOrEqual(0);
      }),
      RUNS,
    );
  });

  test('counts that contradict each other keep the sum and the range', () => {
    const wild = fc.tuple(anyInput, whole, whole, whole).map(([input, openCritical, slaMissed, importsFailed]) => {
      return { ...input, openCritical, slaMissed, importsFailed };
    });
    let floors = 0;
    fc.assert(
      fc.property(wild, (input) => {
        const { score, parts } = healthScore(input);
        expect(sumOf(parts)).toBe(score);
        expect(score).toBeGreaterThanOrEqual(0);
        expect(score).toBeLessThanOrEqual(100);
        if (parts.at(-1)?.name === 'FLOOR') floors += 1;
      }),
      RUNS,
    );
    expect(floors).toBeGreaterThan(50);
  });

  test('one more that is bad, of as many, never raises the score', () => {
    const name = fc.constantFrom('openCritical', 'slaMissed', 'importsFailed');
    fc.assert(
      fc.property(anyInput, name, (input, field) => {
        const worse = { ...input, [field]: input[field] + 1 };
        expect(healthScore(worse).score).toBeLessThanOrEqual(healthScore(input).score);
      }),
      RUNS,
    );
  });
});
