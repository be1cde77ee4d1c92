import { wholeNumber } from './env-variables.ts';

/** Settings that bound what callers may take. docs/limits.md tells how they work together. */

const POINTS = 1_000_000_000_000;

export const LIMIT_VARIABLES = {
  MAX_OPERATION_COST: wholeNumber(1, POINTS, 100_000, ['Most points that one operation may cost', '100000', '20000']),
  BUDGET_PER_KEY: wholeNumber(0, POINTS, 2_000_000, [
    'Points a minute for each API key or session; 0: any number',
    '2000000',
    '200000',
  ]),
  BUDGET_PER_TENANT: wholeNumber(0, POINTS, 10_000_000, [
    'Points a minute for each tenant; 0: any number',
    '10000000',
    '1000000',
  ]),
  BUDGET_PER_ADDRESS: wholeNumber(0, POINTS, 10_000, [
    'Points a minute for each address that asks without a credential; 0: any number',
    '10000',
    '2000',
  ]),
  EXECUTION_TIMEOUT_MS: wholeNumber(0, 3_600_000, 30_000, ['Longest run of a query; 0: no limit', '30000', '10000']),
  MAX_CONCURRENT: wholeNumber(1, 100_000, null, [
    'GraphQL requests that are worked on at once',
    '4 for each connection of a pool',
    '100',
  ]),
  MAX_QUEUED: wholeNumber(0, 1_000_000, 1_000, [
    'GraphQL requests that wait for their turn; what comes beyond is refused',
    '1000',
    '200',
  ]),
  STOP_TIMEOUT_S: wholeNumber(1, 600, 14, [
    'A process that was told to stop ends after so long, whatever it waits for',
    '14',
    '30',
  ]),
} as const;

export interface LimitSettings {
  /** Points. */
  MAX_OPERATION_COST: number;
  /** Points a minute; 0 is any number, as for the next two. */
  BUDGET_PER_KEY: number;
  BUDGET_PER_TENANT: number;
  BUDGET_PER_ADDRESS: number;
  /** 0 means no limit. */
  EXECUTION_TIMEOUT_MS: number;
  MAX_CONCURRENT: number;
  MAX_QUEUED: number;
  STOP_TIMEOUT_S: number;
}

/** Budgets of one of `workers` processes: together they give what is set. */
export function budgetShare(
  limits: LimitSettings,
  workers: number,
): Pick<LimitSettings, 'BUDGET_PER_KEY' | 'BUDGET_PER_TENANT' | 'BUDGET_PER_ADDRESS'> {
  const share = (points: number) => Math.ceil(points / workers);
  return {
    BUDGET_PER_KEY: share(limits.BUDGET_PER_KEY),
    BUDGET_PER_TENANT: share(limits.BUDGET_PER_TENANT),
    BUDGET_PER_ADDRESS: share(limits.BUDGET_PER_ADDRESS),
  };
}
