import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Prisma } from '../../../generated/prisma/client.ts';
import { InvalidInput } from '../../../src/errors.ts';
import {
  checkCurrency,
  Decimal,
  formatMoney,
  parseMoney,
  roundOff,
  roundParts,
  sumMoney,
  toScore,
} from '../../../src/modules/delivery/money.ts';

const RUNS = { numRuns: 2000, seed: 20260101 };
const money = (text: string) => parseMoney(text, ['amount']);

function refusal(action: () => unknown): InvalidInput {
  try {
    action();
  } catch (error) {
    if (error instanceof InvalidInput) return error;
    throw error;
  }
  throw new Error('nothing was refused');
}

describe('parseMoney', () => {
  test.each([
    ['0', '0'],
    ['-0', '0'],
    ['-0.0000', '0'],
    ['12', '12'],
    ['012.50', '12.5'],
    ['-3.0001', '-3.0001'],
    ['999999999999999.9999', '999999999999999.9999'],
    ['-999999999999999.9999', '-999999999999999.9999'],
    ['0.0001', '0.0001'],
  ])('reads %s as %s', (text, written) => {
    expect(formatMoney(money(text))).toBe(written);
    expect(Object.is(money(text).toNumber(), -0)).toBe(false);
  });

  test.each([
    ...['', ' ', '1 ', ' 1', '1\n', '+1', '--1', '-', '.', '.5', '5.', '1e3', '1E-2', '0x10', '0b1'],
    ...['NaN', 'Infinity', '-Infinity', '1,5', '1,000.00', '1_000', '$1', '1.2.3', '١٢', '１２', 'null'],
  ])('does not take %j for an amount', (text) => {
    const error = refusal(() => money(text));
    expect(error.message).toBe(
      `${JSON.stringify(text)} is not an amount: give digits and a decimal point, like 1234.5`,
    );
    expect(error.inputPath).toEqual(['amount']);
  });

  test('says how many decimals are too many', () => {
    expect(refusal(() => money('1.00000')).message).toBe('"1.00000" has 5 decimals: 4 at most');
    expect(refusal(() => parseMoney('0.123456', ['rows', '3'])).inputPath).toEqual(['rows', '3']);
  });

  test('says how many digits are too many', () => {
    expect(refusal(() => money('-1000000000000000')).message).toBe(
      '"-1000000000000000" is too large, it has 16 digits before the point: 15 at most',
    );
  });

  test('shows only the beginning of a long text', () => {
    expect(refusal(() => money('x'.repeat(100_000))).message.length).toBeLessThan(150);
    expect(refusal(() => money('1'.repeat(100_000))).message).toContain('100000 digits');
  });
});

describe('Decimal', () => {
  test('is exact where floats are not, and where the default precision is not', () => {
    expect(formatMoney(money('0.1').plus(money('0.2')))).toBe('0.3');
    const largest = '999999999999999.9999';
    // (10^15 - 10^-4)^2 = 10^30 - 2*10^11 + 10^-8
    const square = '999999999999999999800000000000.00000001';
    expect(new Decimal(largest).times(largest).toFixed()).toBe(square);
    expect(new Prisma.Decimal(largest).times(largest).toFixed()).not.toBe(square);
  });

  test("is what Prisma takes for a decimal, and takes Prisma's", () => {
    expect(Prisma.Decimal.isDecimal(new Decimal('1.5'))).toBe(true);
    const stored = new Prisma.Decimal('123456789012345.6789');
    expect(new Decimal(stored).times('1.00000000000001').toFixed()).toBe('123456789012346.913467890123456789');
  });
});

describe('formatMoney', () => {
  test.each([
    ['12.5000', '12.5'],
    ['1000.0000', '1000'],
    ['-0', '0'],
    ['-0.0000', '0'],
    ['1e21', '1000000000000000000000'],
    ['1e-9', '0.000000001'],
  ])('writes %s as %s', (text, written) => {
    expect(formatMoney(text)).toBe(written);
    expect(formatMoney(new Decimal(text))).toBe(written);
  });

  test('writes what parseMoney reads back, for any amount', () => {
    const units = fc.bigInt({ min: -(10n ** 19n) + 1n, max: 10n ** 19n - 1n });
    fc.assert(
      fc.property(units, (count) => {
        const value = new Decimal(count.toString()).div(10_000);
        const text = formatMoney(value);
        expect(text).toMatch(/^(?!-0$)-?(0|[1-9]\d*)(\.\d*[1-9])?$/);
        expect(money(text).times(10_000).toFixed()).toBe(count.toString());
      }),
      RUNS,
    );
  });
});

test('sums exactly: a thousand tenths, the largest amounts, none at all', () => {
  expect(formatMoney(sumMoney(Array.from({ length: 1000 }, () => money('0.1'))))).toBe('100');
  const largest = Array.from({ length: 1000 }, () => new Prisma.Decimal('999999999999999.9999'));
  expect(formatMoney(sumMoney(largest))).toBe('999999999999999999.9');
  expect(formatMoney(sumMoney([]))).toBe('0');
});

test('a currency is a code of ISO 4217 in upper case', () => {
  for (const code of ['USD', 'EUR', 'JPY', 'KWD']) expect(checkCurrency(code, [])).toBe(code);
  for (const code of ['usd', 'ABC', 'US', 'USDT', '', 'Usd', ' USD', 'toString']) {
    const error = refusal(() => checkCurrency(code, ['currency']));
    expect(error.message).toContain(`${JSON.stringify(code)} is not a currency: give three upper-case letters`);
    expect(error.inputPath).toEqual(['currency']);
  }
});

describe('rounding', () => {
  test('goes half to even, also when a half is a sum of thirds', () => {
    const halves = ['0.5', '1.5', '2.5', '-0.5', '-2.5'].map((text) => roundOff(new Decimal(text), 0).toNumber() + 0);
    expect(halves).toEqual([0, 2, 2, 0, -2]);
    // 25/3 + 5/30 = 17/2, which quotients of 50 digits miss by their last one
    const half = new Decimal(1).div(3).times(25).plus(new Decimal(1).div(30).times(5));
    expect(half.lessThan('8.5')).toBe(true);
    expect(roundOff(half, 0, Decimal.ROUND_HALF_UP).toFixed()).toBe('9');
    expect(roundOff(half, 0).toFixed()).toBe('8');
  });

  test('a score is never negative zero', () => {
    expect(Object.is(toScore(new Decimal('-0.001'), 2), 0)).toBe(true);
    expect(toScore(new Decimal('-0.006'), 2)).toBe(-0.01);
  });

  test('three thirds of 1 are 0.33, 0.34 and 0.33', () => {
    // running totals 0.333, 0.667, 1 round to 0.33, 0.67, 1
    const third = new Decimal(1).div(3);
    expect(roundParts([third, third, third], 2).map(String)).toEqual(['0.33', '0.34', '0.33']);
  });

  test('parts add up to the rounded sum, each one of its neighbours, for any summands', () => {
    const summand = fc.tuple(fc.bigInt({ min: -(10n ** 12n), max: 10n ** 12n }), fc.integer({ min: 1, max: 1000 }));
    fc.assert(
      fc.property(fc.array(summand, { maxLength: 20 }), fc.integer({ min: 0, max: 4 }), (fractions, decimals) => {
        const values = fractions.map(([count, divisor]) => new Decimal(count.toString()).div(divisor));
        const parts = roundParts(values, decimals);
        expect(sumMoney(parts).equals(roundOff(sumMoney(values), decimals))).toBe(true);
        for (const [index, part] of parts.entries()) {
          const value = values[index] ?? new Decimal(Number.NaN);
          const off = part.minus(value).abs();
          expect(off.lessThanOrEqualTo(new Decimal(10).pow(-decimals))).toBe(true);
          expect(part.decimalPlaces()).toBeLessThanOrEqual(decimals);
          expect(part.times(value).greaterThanOrEqualTo(0)).toBe(true);
        }
      }),
      RUNS,
    );
  });
});
