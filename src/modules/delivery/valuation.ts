/** What a project is worth (version 1): discounted cash flow, return on investment, appeal. Pure functions. */
import { InvalidInput } from '../../errors.ts';
import { Decimal, type Money, roundParts, sumMoney, toScore } from './money.ts';

export const VALUATION_VERSION = 1;

export const MAX_YEARS = 50;
const RATE_DECIMALS = 6;
/** What the column of valuations holds. */
const MAX_VALUE_DIGITS = 20;
const MONTHS = 12;
/** tanh of 20 differs from 1 by less than 1e-17. */
const TANH_IS_ONE = 20;

export interface DcfInput {
  /** At the end of years 1, 2 …; at most 50. */
  readonly cashFlows: readonly Money[];
  /** Above 0, at most 1: 0.12 is 12 % a year. At most 6 decimals, as also the growth. */
  readonly discountRate: Decimal;
  /** A year, for ever after the last cash flow; above -1, below the discount rate. Null: no terminal value. */
  readonly terminalGrowth: Decimal | null;
}

export interface DcfPart {
  readonly kind: 'CASH_FLOW' | 'TERMINAL_VALUE';
  /** From whose end it is discounted, from 1. */
  readonly year: number;
  /** Before discounting; of the terminal value rounded to 4 decimals. */
  readonly cashFlow: Money;
  /** `1 / (1 + r)^year`, rounded to 10 decimals for reading; the value is not computed from it. */
  readonly discountFactor: Decimal;
  /** 4 decimals; see `roundParts` for the last one. */
  readonly value: Money;
}

export interface Dcf {
  /** 4 decimals, the sum of the parts. */
  readonly value: Money;
  readonly version: 1;
  readonly parts: readonly DcfPart[];
}

function checkRate(rate: Decimal, path: string): void {
  if (rate.decimalPlaces() > RATE_DECIMALS) {
    throw new InvalidInput(`${rate.toFixed()} has ${rate.decimalPlaces()} decimals: ${RATE_DECIMALS} at most`, [path]);
  }
}

function checkDcf({ cashFlows, discountRate, terminalGrowth }: DcfInput): void {
  if (cashFlows.length > MAX_YEARS) {
    throw new InvalidInput(`${cashFlows.length} cash flows: ${MAX_YEARS} at most, one a year`, ['cashFlows']);
  }
  if (!(discountRate.greaterThan(0) && discountRate.lessThanOrEqualTo(1))) {
    const shown = discountRate.toFixed();
    throw new InvalidInput(`the discount rate must be above 0 and at most 1, not ${shown}`, ['discountRate']);
  }
  checkRate(discountRate, 'discountRate');
  if (terminalGrowth === null) return;
  if (!(terminalGrowth.greaterThan(-1) && terminalGrowth.lessThan(discountRate))) {
    const bounds = `above -1 and below the discount rate ${discountRate.toFixed()}`;
    throw new InvalidInput(`the terminal growth must be ${bounds}, not ${terminalGrowth.toFixed()}`, [
      'terminalGrowth',
    ]);
  }
  checkRate(terminalGrowth, 'terminalGrowth');
}

/**
 * Discounted cash flow with Gordon's terminal value: `sum CF_t / (1+r)^t + (CF_n * (1+g) / (r-g)) / (1+r)^n`. Without
 * cash flows it is 0.
 *
 * @throws InvalidInput for too many cash flows, a rate out of its range, or a growth so close to the discount rate that
 * the value has more than 20 digits before the point.
 */
export function dcf(input: DcfInput): Dcf {
  checkDcf(input);
  const { discountRate: rate, terminalGrowth } = input;
  const growth = new Decimal(rate).plus(1);
  const flows = input.cashFlows.map((cashFlow, index) => {
    return { kind: 'CASH_FLOW' as DcfPart['kind'], year: index + 1, cashFlow: new Decimal(cashFlow) };
  });
  const last = flows.at(-1);
  if (last !== undefined && terminalGrowth !== null) {
    const perpetuity = last.cashFlow.times(terminalGrowth.plus(1)).div(new Decimal(rate).minus(terminalGrowth));
    flows.push({ kind: 'TERMINAL_VALUE', year: last.year, cashFlow: perpetuity });
  }
  const values = roundParts(
    flows.map(({ cashFlow, year }) => cashFlow.div(growth.pow(year))),
    4,
  );
  const value = sumMoney(values);
  if (value.abs().greaterThanOrEqualTo(new Decimal(10).pow(MAX_VALUE_DIGITS))) {
    const problem = `the value has more than ${MAX_VALUE_DIGITS} digits before the point`;
    throw new InvalidInput(`${problem}: the terminal growth is too close to the discount rate`, ['terminalGrowth']);
  }
  const parts = flows.map(({ kind, year, cashFlow }, index) => ({
    kind,
    year,
    cashFlow: cashFlow.toDecimalPlaces(4),
    discountFactor: new Decimal(1).div(growth.pow(year)).toDecimalPlaces(10),
    value: values[index] ?? new Decimal(0),
  }));
  return { value, version: VALUATION_VERSION, parts };
}

/** Infrastructure cost of as many years as there are cash flows, from that of a month. Not discounted. */
export function projectCost(monthly: Money, years: number): Money {
  return new Decimal(monthly).times(MONTHS).times(years);
}

export interface RoiScore {
  /** 0 to 100, two decimals: base + gain. 50: worth what it costs, or nothing is known. */
  readonly score: number;
  readonly version: 1;
  readonly breakdown: { readonly base: 50 /** -50 to 50 */; readonly gain: number };
}

/**
 * `50 + 50 * tanh((dcf - cost) / max(cost, 1))`. Without cash flows both value and cost are 0, and the score is 50.
 *
 * @throws RangeError for a negative cost.
 */
export function roiScore(dcfValue: Money, cost: Money): RoiScore {
  if (!cost.greaterThanOrEqualTo(0)) throw new RangeError(`the cost must be 0 or more, not ${cost.toFixed()}`);
  const ratio = new Decimal(dcfValue).minus(cost).div(Decimal.max(cost, 1));
  // The library's tanh takes minutes for large arguments.
  const gain = Decimal.tanh(Decimal.clamp(ratio, -TANH_IS_ONE, TANH_IS_ONE))
    .times(50)
    .toDecimalPlaces(2);
  return {
    score: toScore(gain.plus(50), 2),
    version: VALUATION_VERSION,
    breakdown: { base: 50, gain: toScore(gain, 2) },
  };
}

export interface AppealPart {
  /** SIMPLICITY is complexity turned round: (10 - complexity) * 10. */
  readonly name: 'ROI' | 'APPEAL' | 'SIMPLICITY';
  readonly weight: number;
  /** 0 to 100. */
  readonly input: number;
  /** Two decimals. */
  readonly points: number;
}

export interface AppealIndex {
  /** 0 to 100, two decimals, the sum of the parts' points. */
  readonly score: number;
  readonly version: 1;
  readonly parts: readonly AppealPart[];
}

function checkRange(value: number, max: number, path: string): void {
  if (!(value >= 0 && value <= max)) throw new InvalidInput(`give a number from 0 to ${max}, not ${value}`, [path]);
}

/**
 * `roi * 0.5 + appeal * 0.3 + (10 - complexity) * 10 * 0.2`; `roi` and `appeal` from 0 to 100, `complexity` to 10.
 *
 * @throws InvalidInput for a score out of its range; the paths are roiScore, appealScore and complexityScore.
 */
export function appealIndex(input: { roi: number; appeal: number; complexity: number }): AppealIndex {
  checkRange(input.roi, 100, 'roiScore');
  checkRange(input.appeal, 100, 'appealScore');
  checkRange(input.complexity, 10, 'complexityScore');
  const simplicity = new Decimal(10).minus(input.complexity).times(10);
  const terms = [
    { name: 'ROI', weight: 0.5, input: new Decimal(input.roi) },
    { name: 'APPEAL', weight: 0.3, input: new Decimal(input.appeal) },
    { name: 'SIMPLICITY', weight: 0.2, input: simplicity },
  ] as const;
  const points = roundParts(
    terms.map((term) => term.input.times(term.weight)),
    2,
  );
  return {
    score: toScore(sumMoney(points), 2),
    version: VALUATION_VERSION,
    parts: terms.map((term, index) => ({
      ...term,
      input: term.input.toNumber(),
      points: toScore(points[index] ?? new Decimal(0), 2),
    })),
  };
}
