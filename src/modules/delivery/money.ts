/** Exact decimal arithmetic for money, and for the scores that are computed from it. */
import { Prisma } from '../../../generated/prisma/client.ts';
import { InvalidInput } from '../../errors.ts';

/**
 * Prisma's Decimal with 50 significant digits instead of 20, rounding half to even. A result has the precision of the
 * left operand's class: pass what comes from the database through `new Decimal(value)` first.
 */
export const Decimal = Prisma.Decimal.clone({ precision: 50, rounding: Prisma.Decimal.ROUND_HALF_EVEN });
export type Decimal = Prisma.Decimal;

/** An amount in the currency of its project, at most four decimals. */
export type Money = Decimal;

const MAX_DECIMALS = 4;
const MAX_INTEGER_DIGITS = 15;
const MAX_SHOWN = 40;
const PLAIN_NUMBER = /^-?(\d+)(?:\.(\d+))?$/;

const CURRENCIES: ReadonlySet<string> = new Set(Intl.supportedValuesOf('currency'));

function show(text: string): string {
  return JSON.stringify(text.length > MAX_SHOWN ? `${text.slice(0, MAX_SHOWN)}…` : text);
}

/**
 * Reads an amount in plain decimal notation: `-12.5`, not `1e3`, `.5`, `1,000` or `+1`. Zeros count as digits.
 *
 * @throws InvalidInput when it is not a number, has more than 4 decimals, or more than 15 digits before the point.
 */
export function parseMoney(text: string, path: readonly string[]): Money {
  const match = PLAIN_NUMBER.exec(text);
  if (match === null) {
    throw new InvalidInput(`${show(text)} is not an amount: give digits and a decimal point, like 1234.5`, path);
  }
  const [, whole = '', decimals = ''] = match;
  if (decimals.length > MAX_DECIMALS) {
    throw new InvalidInput(`${show(text)} has ${decimals.length} decimals: ${MAX_DECIMALS} at most`, path);
  }
  if (whole.length > MAX_INTEGER_DIGITS) {
    const found = `${whole.length} digits before the point`;
    throw new InvalidInput(`${show(text)} is too large, it has ${found}: ${MAX_INTEGER_DIGITS} at most`, path);
  }
  const value = new Decimal(text);
  return value.isZero() ? new Decimal(0) : value;
}

/** Plain notation: no exponent, no trailing zeros, no negative zero. Text must be a number, as the database writes it. */
export function formatMoney(value: Money | string): string {
  return new Decimal(value).toFixed();
}

/** Exact sum; 0 for an empty list. */
export function sumMoney(list: readonly Money[]): Money {
  return list.reduce((sum, value) => sum.plus(value), new Decimal(0));
}

/** Gives back a currency code of ISO 4217 that ICU knows as current. @throws InvalidInput for any other text. */
export function checkCurrency(code: string, path: readonly string[]): string {
  if (CURRENCIES.has(code)) return code;
  throw new InvalidInput(`${show(code)} is not a currency: give three upper-case letters of ISO 4217, like EUR`, path);
}

/**
 * Rounds a computed figure, half to even unless told otherwise. It is first rounded to 20 decimals, so that the last
 * digit of quotients does not decide: thirds that add up to a half are a half.
 */
export function roundOff(
  value: Decimal,
  decimals: number,
  rounding: Parameters<Decimal['toDecimalPlaces']>[1] = Decimal.rounding,
): Decimal {
  return value.toDecimalPlaces(20).toDecimalPlaces(decimals, rounding);
}

/**
 * Rounds summands such that they add up to their rounded sum: each is what it adds to the rounded running total. So
 * each is one of its two neighbours with that many decimals, and none changes its sign.
 */
export function roundParts(values: readonly Decimal[], decimals: number): Decimal[] {
  let total = new Decimal(0);
  return values.map((value) => {
    const before = roundOff(total, decimals);
    total = total.plus(value);
    return roundOff(total, decimals).minus(before);
  });
}

/** A score as a number with so many decimals, never negative zero. */
export function toScore(value: Decimal, decimals: number): number {
  return roundOff(value, decimals).toNumber() + 0;
}
