import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Prisma } from '../../../generated/prisma/client.ts';
import { InvalidInput } from '../../../src/errors.ts';
import { Decimal } from '../../../src/modules/delivery/money.ts';
import { type RevenueImpactInput, revenueImpact, wholeDays } from '../../../src/modules/delivery/revenue-impact.ts';
import { BUG_SEVERITIES } from '../../../src/modules/delivery/values.ts';

const RUNS = { numRuns: 2000, seed: 20260102 };

function impactOf(input: Partial<RevenueImpactInput> & { arr: Decimal }) {
  return revenueImpact({ affectedShare: 1, severity: 'CRITICAL', openDays: 90, override: null, ...input });
}

describe('revenueImpact', () => {
  test.each([
    // 1,200,000 * 0.25 = 300,000; * risk; * 45/90 = half
    ['CRITICAL', '30000'],
    ['HIGH', '12000'],
    ['MEDIUM', '3000'],
    ['LOW', '750'],
  ] as const)('%s: half of 1.2 million times a quarter times its risk is %s', (severity, expected) => {
    const arr = new Decimal('1200000');
    const impact = impactOf({ arr, affectedShare: 0.25, severity, openDays: 45 });
    expect(impact.value.toFixed()).toBe(expected);
    expect(impact.computed.toFixed()).toBe(expected);
    expect(impact.version).toBe(1);
  });

  test('names each factor', () => {
    const { factors } = impactOf({ arr: new Decimal(100), affectedShare: 0.1, severity: 'HIGH', openDays: 365 });
    expect(factors.arr.toFixed()).toBe('100');
    expect(factors.affectedShare.toFixed()).toBe('0.1');
    expect(factors.churnRisk.toFixed()).toBe('0.08');
    expect(factors).toMatchObject({ daysCounted: 90, fullAfterDays: 90 });
  });

  test('is exact for the largest revenue', () => {
    // 999,999,999,999,999.9999 * 0.3333 * 0.2 = 66,659,999,999,999.999993334
    const arr = new Prisma.Decimal('999999999999999.9999');
    expect(impactOf({ arr, affectedShare: 0.3333 }).value.toFixed()).toBe('66660000000000');
    // * 0.2 = 199,999,999,999,999.99998; * 89/90 = 197,777,777,777,777.7777…
    expect(impactOf({ arr, openDays: 89 }).value.toFixed()).toBe('197777777777777.78');
  });

  test('rounds halves to even', () => {
    // 0.2 * 0.125 = 0.025 and 0.2 * 0.175 = 0.035
    expect(impactOf({ arr: new Decimal('0.125') }).value.toFixed()).toBe('0.02');
    expect(impactOf({ arr: new Decimal('0.175') }).value.toFixed()).toBe('0.04');
  });

  test('keeps the computed value beside an override, also one of 0', () => {
    for (const text of ['0', '7.1234']) {
      const impact = impactOf({ arr: new Decimal(1000), override: new Decimal(text) });
      expect(impact.value.toFixed()).toBe(text);
      expect(impact.override?.toFixed()).toBe(text);
      expect(impact.computed.toFixed()).toBe('200');
    }
    expect(impactOf({ arr: new Decimal(1000) }).override).toBeNull();
  });

  test('is 0 on the first day, and stays as it is from day 90', () => {
    const arr = new Decimal(900);
    const values = [0, 1, 89, 90, 91, 10_000].map((openDays) => impactOf({ arr, openDays }).value.toFixed());
    expect(values).toEqual(['0', '2', '178', '180', '180', '180']);
  });

  test.each([-0.0001, 1.0001, 0.00001, 0.12345, Number.NaN, Number.POSITIVE_INFINITY])(
    'refuses an affected share of %s',
    (affectedShare) => {
      const refused = () => impactOf({ arr: new Decimal(1), affectedShare });
      expect(refused).toThrow(InvalidInput);
      expect(refused).toThrow(/^the affected share/);
      expect(refused).toThrow(expect.objectContaining({ inputPath: ['affectedShare'] }));
    },
  );

  test('refuses a negative revenue, and days that are not whole', () => {
    expect(() => impactOf({ arr: new Decimal(-1) })).toThrow('the revenue must be 0 or more, not -1');
    for (const openDays of [-1, 0.5, Number.NaN, Number.POSITIVE_INFINITY]) {
      expect(() => impactOf({ arr: new Decimal(1), openDays })).toThrow(RangeError);
    }
  });
});

test('days are whole periods of 24 hours, none backwards', () => {
  const from = new Date('2026-03-28T12:00:00.000Z');
  const days = (to: string) => wholeDays(from, new Date(to));
  expect(days('2026-03-28T12:00:00.000Z')).toBe(0);
  expect(days('2026-03-29T11:59:59.999Z')).toBe(0);
  expect(days('2026-03-29T12:00:00.000Z')).toBe(1);
  expect(days('2027-03-28T12:00:00.000Z')).toBe(365);
  expect(Object.is(days('2026-03-27T00:00:00.000Z'), 0)).toBe(true);
});

const anyInput = fc.record({
  units: fc.oneof(fc.bigInt({ min: 0n, max: 10n ** 19n - 1n }), fc.bigInt({ min: 0n, max: 100_000n })),
  share: fc.integer({ min: 0, max: 10_000 }),
  severity: fc.constantFrom(...BUG_SEVERITIES),
  openDays: fc.integer({ min: 0, max: 120 }),
});
const PER_MILLE = { CRITICAL: 200n, HIGH: 80n, MEDIUM: 20n, LOW: 5n };

function impactOfUnits({
  units,
  share,
  severity,
  openDays,
}: typeof anyInput extends fc.Arbitrary<infer T> ? T : never) {
  const arr = new Decimal(units.toString()).div(10_000);
  return revenueImpact({ arr, affectedShare: share / 10_000, severity, openDays, override: null });
}

describe('for any input', () => {
  test('the impact is that of whole-number arithmetic, half to even', () => {
    fc.assert(
      fc.property(anyInput, (input) => {
        const days = BigInt(Math.min(input.openDays, 90));
        const numerator = input.units * BigInt(input.share) * PER_MILLE[input.severity] * days * 100n;
        const denominator = 10_000n * 10_000n * 1000n * 90n;
        const twice = (numerator % denominator) * 2n;
        let cents = numerator / denominator;
        if (twice > denominator || (twice === denominator && cents % 2n === 1n)) cents += 1n;
        expect(impactOfUnits(input).value.times(100).toFixed()).toBe(cents.toString());
      }),
      RUNS,
    );
  });

  test('the factors multiply to the computed impact', () => {
    fc.assert(
      fc.property(anyInput, (input) => {
        const { computed, factors } = impactOfUnits(input);
        const rate = factors.affectedShare.times(factors.churnRisk);
        const product = factors.arr.times(rate).times(factors.daysCounted).div(factors.fullAfterDays);
        expect(product.toDecimalPlaces(2).equals(computed)).toBe(true);
      }),
      RUNS,
    );
  });

  test('more revenue, more customers, more days or a higher severity never lower it', () => {
    const more = fc.constantFrom('units', 'share', 'openDays', 'severity');
    fc.assert(
      fc.property(anyInput, more, (input, field) => {
        const rank = BUG_SEVERITIES.indexOf(input.severity);
        const raised = {
          units: { ...input, units: input.units + 1n },
          share: { ...input, share: Math.min(10_000, input.share + 1) },
          openDays: { ...input, openDays: input.openDays + 1 },
          severity: { ...input, severity: BUG_SEVERITIES[Math.max(0, rank - 1)] ?? 'CRITICAL' },
        }[field];
        expect(impactOfUnits(raised).value.greaterThanOrEqualTo(impactOfUnits(input).value)).toBe(true);
      }),
      RUNS,
    );
  });
});
