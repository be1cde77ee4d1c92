import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Prisma } from '../../../generated/prisma/client.ts';
import { InvalidInput } from '../../../src/errors.ts';
import { Decimal } from '../../../src/modules/delivery/money.ts';
import { appealIndex, dcf, projectCost, roiScore } from '../../../src/modules/delivery/valuation.ts';

const RUNS = { numRuns: 2000, seed: 20260104 };

function dcfOf(cashFlows: readonly string[], discountRate: string, terminalGrowth: string | null = null) {
  return dcf({
    cashFlows: cashFlows.map((text) => new Decimal(text)),
    discountRate: new Decimal(discountRate),
    terminalGrowth: terminalGrowth === null ? null : new Decimal(terminalGrowth),
  });
}

function refusal(path: string, message: string | RegExp) {
  return expect.objectContaining({
    name: InvalidInput.name,
    inputPath: [path],
    message: typeof message === 'string' ? message : expect.stringMatching(message),
  });
}

const sumOf = (parts: readonly { value: Decimal }[]) =>
  parts.reduce((sum, part) => sum.plus(part.value), new Decimal(0));

describe('dcf', () => {
  test('discounts each year', () => {
    // 110/1.1 = 100, 121/1.21 = 100, 133.1/1.331 = 100
    const { value, version, parts } = dcfOf(['110', '121', '133.1'], '0.1');
    expect(value.toFixed()).toBe('300');
    expect(version).toBe(1);
    expect(parts.map((part) => part.value.toFixed())).toEqual(['100', '100', '100']);
    expect(parts.map((part) => [part.kind, part.year, part.cashFlow.toFixed(), part.discountFactor.toFixed()])).toEqual(
      [
        ['CASH_FLOW', 1, '110', '0.9090909091'],
        ['CASH_FLOW', 2, '121', '0.826446281'],
        ['CASH_FLOW', 3, '133.1', '0.7513148009'],
      ],
    );
  });

  test('adds the terminal value', () => {
    // 110/1.1 = 100; 110 * 1.02 / (0.1 - 0.02) = 1402.5, discounted by 1.1: 1275
    const { value, parts } = dcfOf(['110'], '0.1', '0.02');
    expect(value.toFixed()).toBe('1375');
    expect(parts[1]).toMatchObject({ kind: 'TERMINAL_VALUE', year: 1 });
    expect(parts[1]?.cashFlow.toFixed()).toBe('1402.5');
    expect(parts[1]?.value.toFixed()).toBe('1275');
  });

  test('takes losses, a shrinking perpetuity, and a growth of 0', () => {
    // -100/2 + 100/4 = -25; terminal value 100 * 0.5 / 1.5 = 33.3333…, a quarter of it 8.3333…
    expect(dcfOf(['-100', '100'], '1').value.toFixed()).toBe('-25');
    expect(dcfOf(['-100', '100'], '1', '-0.5').value.toFixed()).toBe('-16.6667');
    // 10/1.25 + (10/0.25)/1.25 = 8 + 32
    expect(dcfOf(['10'], '0.25', '0').value.toFixed()).toBe('40');
  });

  test('parts take the rounding of the running total', () => {
    // 1/1.2 = 0.83333, 1/1.44 = 0.69444, 1/1.728 = 0.57870; totals 0.8333, 1.5278, 2.1065
    const { value, parts } = dcfOf(['1', '1', '1'], '0.2');
    expect(value.toFixed()).toBe('2.1065');
    expect(parts.map((part) => part.value.toFixed())).toEqual(['0.8333', '0.6945', '0.5787']);
  });

  test('rounds halves to even, also when they are sums of quotients that have no end', () => {
    // in units of 0.0001: 1/2 = 0.5; 3/2 = 1.5; 4*5/6 + 6*25/36 = 7.5
    expect(dcfOf(['0.0001'], '1').value.toFixed()).toBe('0');
    expect(dcfOf(['0.0003'], '1').value.toFixed()).toBe('0.0002');
    expect(dcfOf(['0.0004', '0.0006'], '0.2').value.toFixed()).toBe('0.0008');
  });

  test('is exact for the largest amounts, and for those that the database gives', () => {
    // 999,999,999,999,999.9999 / 1.25 = 799,999,999,999,999.99992
    const cashFlows = [new Prisma.Decimal('999999999999999.9999')];
    const rates = { discountRate: new Prisma.Decimal('0.25'), terminalGrowth: new Prisma.Decimal('0.249999') };
    expect(dcf({ ...rates, cashFlows, terminalGrowth: null }).value.toFixed()).toBe('799999999999999.9999');
    // the terminal value is that times 1.249999 / 0.000001 = 999999199999999999999.900000064, which is too large
    expect(() => dcf({ ...rates, cashFlows })).toThrow(
      refusal(
        'terminalGrowth',
        /^the value has more than 20 digits before the point: the terminal growth is too close/,
      ),
    );
    const smaller = dcf({ ...rates, cashFlows: [new Prisma.Decimal('12345678901234.5678')] });
    // 12345678901234.5678 / 1.25 * (1 + 1249999) = 12345678901234.5678 * 1000000
    expect(smaller.value.toFixed()).toBe('12345678901234567800');
  });

  test('is 0 without cash flows, with or without growth', () => {
    for (const growth of [null, '0.02']) expect(dcfOf([], '0.12', growth)).toMatchObject({ parts: [] });
    expect(dcfOf([], '0.12', '0.02').value.toFixed()).toBe('0');
  });

  test.each(['0', '-0.1', '1.000001', 'NaN'])('refuses a discount rate of %s', (rate) => {
    const message = `the discount rate must be above 0 and at most 1, not ${rate}`;
    expect(() => dcfOf(['1'], rate)).toThrow(refusal('discountRate', message));
  });

  test.each(['0.12', '0.5', '-1', '-2', 'NaN'])(
    'refuses a terminal growth of %s at a discount rate of 0.12',
    (growth) => {
      const message = `the terminal growth must be above -1 and below the discount rate 0.12, not ${growth}`;
      expect(() => dcfOf(['1'], '0.12', growth)).toThrow(refusal('terminalGrowth', message));
      expect(() => dcfOf([], '0.12', growth)).toThrow(InvalidInput);
    },
  );

  test('refuses rates that would not be stored as they are', () => {
    expect(() => dcfOf(['1'], '0.1234567')).toThrow(refusal('discountRate', '0.1234567 has 7 decimals: 6 at most'));
    expect(() => dcfOf(['1'], '0.12', '0.0000001')).toThrow(refusal('terminalGrowth', /has 7 decimals/));
    expect(dcfOf(['1'], '0.123456', '0.123455').parts).toHaveLength(2);
  });

  test('takes 50 cash flows, not 51', () => {
    const flows = (count: number) => Array.from({ length: count }, () => '1');
    expect(dcfOf(flows(50), '0.12').parts).toHaveLength(50);
    expect(() => dcfOf(flows(51), '0.12')).toThrow(refusal('cashFlows', '51 cash flows: 50 at most, one a year'));
  });
});

/** Value in units of 0.0001, half to even, as a fraction of whole numbers: rates in millionths, money in units. */
function dcfInUnits(flows: readonly bigint[], rate: bigint, growth: bigint | null): bigint {
  const one = 1_000_000n;
  const n = flows.length;
  let numerator = 0n;
  for (const [index, flow] of flows.entries()) {
    numerator += flow * one ** BigInt(index + 1) * (one + rate) ** BigInt(n - index - 1);
  }
  let denominator = (one + rate) ** BigInt(n);
  const last = flows.at(-1);
  if (growth !== null && last !== undefined) {
    numerator = numerator * (rate - growth) + last * (one + growth) * one ** BigInt(n);
    denominator *= rate - growth;
  }
  const size = numerator < 0n ? -numerator : numerator;
  const twice = (size % denominator) * 2n;
  let units = size / denominator;
  if (twice > denominator || (twice === denominator && units % 2n === 1n)) units += 1n;
  return numerator < 0n ? -units : units;
}

const anyFlow = fc.oneof(
  fc.bigInt({ min: -(10n ** 19n) + 1n, max: 10n ** 19n - 1n }),
  fc.bigInt({ min: -(10n ** 6n), max: 10n ** 6n }),
);
const anyProject = fc.record({
  flows: fc.oneof(fc.array(anyFlow, { maxLength: 8 }), fc.array(anyFlow, { minLength: 40, maxLength: 50 })),
  rate: fc.oneof(
    fc.integer({ min: 1, max: 1_000_000 }),
    fc.constantFrom(50_000, 100_000, 200_000, 250_000, 500_000, 1_000_000),
  ),
  below: fc.option(fc.oneof(fc.integer({ min: 1, max: 1_000_000 }), fc.integer({ min: 100_000, max: 999_999 }))),
});

test('the value is that of fractions of whole numbers, and the sum of its parts', () => {
  let compared = 0;
  fc.assert(
    fc.property(anyProject, ({ flows, rate, below }) => {
      const growth = below === null ? null : rate - below;
      if (growth !== null && growth <= -1_000_000) return;
      const units = dcfInUnits(flows.map(BigInt), BigInt(rate), growth === null ? null : BigInt(growth));
      const input = {
        cashFlows: flows.map((flow) => new Decimal(flow.toString()).div(10_000)),
        discountRate: new Decimal(rate).div(1_000_000),
        terminalGrowth: growth === null ? null : new Decimal(growth).div(1_000_000),
      };
      if (units >= 10n ** 24n || units <= -(10n ** 24n)) {
        expect(() => dcf(input)).toThrow('more than 20 digits');
        return;
      }
      compared += 1;
      const { value, parts } = dcf(input);
      expect(value.times(10_000).toFixed()).toBe(units.toString());
      expect(sumOf(parts).equals(value)).toBe(true);
      for (const part of parts) {
        const { cashFlow, discountFactor, year } = part;
        expect(part.value.decimalPlaces()).toBeLessThanOrEqual(4);
        const factor = 1 / (1 + rate / 1_000_000) ** year;
        expect(Math.abs(discountFactor.toNumber() - factor)).toBeLessThanOrEqual(0.500_01e-10);
        const off = cashFlow.times(discountFactor).minus(part.value).abs();
        expect(off.lessThanOrEqualTo(cashFlow.abs().times('1e-10').plus('0.0002'))).toBe(true);
      }
    }),
    { ...RUNS, numRuns: 2500 },
  );
  expect(compared).toBeGreaterThan(2000);
});

describe('roiScore', () => {
  const roi = (value: string, cost: string) => roiScore(new Decimal(value), new Decimal(cost));

  test.each([
    // tanh(0) = 0, tanh(1) = 0.761594, tanh(-1) = -0.761594, tanh(0.5) = 0.462117
    ['1000', '1000', 50],
    ['2000', '1000', 88.08],
    ['0', '1000', 11.92],
    ['1500', '1000', 73.11],
    // a cost below 1 counts as 1 in the divisor: tanh(0.5 - 0.1) = 0.379949
    ['0.5', '0.1', 69],
    ['1', '0', 88.08],
    ['0', '0', 50],
  ])('a value of %s for a cost of %s has %s', (value, cost, score) => {
    const gain = new Decimal(score).minus(50).toNumber();
    expect(roi(value, cost)).toEqual({ score, version: 1, breakdown: { base: 50, gain } });
  });

  test('reaches 0 and 100 at once for amounts of any size', () => {
    expect(roi('99999999999999999999.9999', '0').score).toBe(100);
    expect(roi('-99999999999999999999.9999', '0').score).toBe(0);
    expect(roi('-99999999999999999999.9999', '999999999999999.9999').score).toBe(0);
  });

  test('knows nothing without cash flows', () => {
    const cost = projectCost(new Decimal('123.45'), 0);
    expect(roiScore(dcfOf([], '0.12').value, cost).score).toBe(50);
  });

  test('the cost is that of all months of all years, not negative', () => {
    expect(() => roi('1', '-0.01')).toThrow(new RangeError('the cost must be 0 or more, not -0.01'));
    expect(projectCost(new Prisma.Decimal('999999999999999.9999'), 50).toFixed()).toBe('599999999999999999.94');
    expect(projectCost(new Decimal('0.1'), 3).toFixed()).toBe('3.6');
  });

  test('is base plus gain, within bounds, near the formula in floats, and rises with the value', () => {
    const cents = fc.oneof(fc.integer({ min: -1_000_000, max: 1_000_000 }), fc.maxSafeInteger());
    const costs = fc.oneof(fc.integer({ min: 0, max: 200_000 }), fc.constant(0));
    fc.assert(
      fc.property(cents, costs, fc.nat(100_000), (value, cost, more) => {
        const at = (amount: number) => roiScore(new Decimal(amount).div(100), new Decimal(cost).div(100));
        const { score, breakdown } = at(value);
        expect(new Decimal(breakdown.base).plus(breakdown.gain).toNumber()).toBe(score);
        expect(score).toBeGreaterThanOrEqual(0);
        expect(score).toBeLessThanOrEqual(100);
        const expected = 50 + 50 * Math.tanh((value - cost) / 100 / Math.max(cost / 100, 1));
        expect(Math.abs(score - expected)).toBeLessThanOrEqual(0.005_000_1);
        if (Number.isSafeInteger(value + more)) expect(at(value + more).score).toBeGreaterThanOrEqual(score);
      }),
      RUNS,
    );
  });
});

describe('appealIndex', () => {
  test('weighs return, appeal and simplicity', () => {
    // 88.08*0.5 = 44.04, 70*0.3 = 21, (10-4)*10*0.2 = 12
    expect(appealIndex({ roi: 88.08, appeal: 70, complexity: 4 })).toEqual({
      score: 77.04,
      version: 1,
      parts: [
        { name: 'ROI', weight: 0.5, input: 88.08, points: 44.04 },
        { name: 'APPEAL', weight: 0.3, input: 70, points: 21 },
        { name: 'SIMPLICITY', weight: 0.2, input: 60, points: 12 },
      ],
    });
  });

  test('goes from 0 to 100', () => {
    expect(appealIndex({ roi: 0, appeal: 0, complexity: 10 }).score).toBe(0);
    expect(appealIndex({ roi: 100, appeal: 100, complexity: 0 }).score).toBe(100);
    expect(appealIndex({ roi: 50, appeal: 50, complexity: 5 }).score).toBe(50);
  });

  test.each([
    [{ roi: -0.01, appeal: 50, complexity: 5 }, 'roiScore', 'give a number from 0 to 100, not -0.01'],
    [{ roi: 50, appeal: 100.01, complexity: 5 }, 'appealScore', 'give a number from 0 to 100, not 100.01'],
    [{ roi: 50, appeal: 50, complexity: 10.1 }, 'complexityScore', 'give a number from 0 to 10, not 10.1'],
    [{ roi: 50, appeal: Number.NaN, complexity: 5 }, 'appealScore', 'give a number from 0 to 100, not NaN'],
  ])('refuses %j', (input, path, message) => {
    expect(() => appealIndex(input)).toThrow(refusal(path, message));
  });

  test('is the sum of its parts, near the formula, and never falls with more return or appeal or less complexity', () => {
    const hundred = fc.integer({ min: 0, max: 10_000 }).map((n) => n / 100);
    const scores = fc.record({
      roi: hundred,
      appeal: fc.oneof(hundred, fc.double({ min: 0, max: 100, noNaN: true })),
      complexity: fc.integer({ min: 0, max: 100 }).map((n) => n / 10),
    });
    fc.assert(
      fc.property(scores, fc.double({ min: 0, max: 1, noNaN: true }), (input, part) => {
        const { roi, appeal, complexity } = input;
        const { score, parts } = appealIndex(input);
        expect(parts.reduce((sum, { points }) => sum.plus(points), new Decimal(0)).toNumber()).toBe(score);
        expect(Math.abs(score - (roi * 0.5 + appeal * 0.3 + (10 - complexity) * 2))).toBeLessThanOrEqual(0.005_000_1);
        expect(Number(score.toFixed(2))).toBe(score);
        const better = [
          { ...input, roi: roi + (100 - roi) * part },
          { ...input, appeal: appeal + (100 - appeal) * part },
          { ...input, complexity: complexity * part },
        ];
        for (const each of better) expect(appealIndex(each).score).toBeGreaterThanOrEqual(score);
      }),
      RUNS,
    );
  });
});
