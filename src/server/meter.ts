import { setTimeout as sleep } from 'node:timers/promises';
import { GraphQLError } from 'graphql';
import { addressKey } from '../access/address.ts';
import type { Viewer } from '../access/viewer.ts';
import type { Env } from '../env.ts';
import type { Operation } from '../execution/operation.ts';
import type { Context } from '../graphql/context.ts';
import { Budgets, type Left } from './budgets.ts';

/** What every answer tells of its cost, as `extensions.cost`. */
export interface CostReport {
  /** points that the operation could cost at most; 0 when none was found */
  requested: number;
  /** points that one operation may cost */
  limit: number;
  /** points left of the tightest budget; null: there is none */
  remaining: number | null;
  /** when all of that budget is there again, as RFC 3339 */
  resetAt: string | null;
}

/** An operation before it runs. */
export interface Admitted {
  requested: number;
  /** why it must not run */
  refused: GraphQLError | null;
  /** gives back what was taken: the operation cost nothing after all */
  refund(): void;
  report(): CostReport;
}

type Caller = Pick<Context, 'viewer' | 'request'>;
type Purse = readonly [budgets: Budgets, caller: string];

const NOTHING = () => {};
/** A stream that waits for its budget looks again so often, in milliseconds. */
const LONGEST_WAIT_MS = 1_000;

/**
 * Decides what may run, by what it could cost: no operation beyond MAX_OPERATION_COST, and none beyond what is left of
 * the budgets of its key, tenant or address. Budgets are those of this process.
 */
export class Meter {
  readonly #limit: number;
  readonly #byKey: Budgets | null;
  readonly #byTenant: Budgets | null;
  readonly #byAddress: Budgets | null;

  constructor(env: Env) {
    const budgets = (points: number) => (points === 0 ? null : new Budgets(points));
    this.#limit = env.MAX_OPERATION_COST;
    this.#byKey = budgets(env.BUDGET_PER_KEY);
    this.#byTenant = budgets(env.BUDGET_PER_TENANT);
    this.#byAddress = budgets(env.BUDGET_PER_ADDRESS);
  }

  /** Takes what an operation could cost from its caller's budgets, unless it must not run. */
  admit(caller: Caller, { cost }: Operation, variables: Readonly<Record<string, unknown>>): Admitted {
    let requested = 0;
    try {
      if (caller.viewer === null && cost.introspects) throw anonymous();
      requested = cost.total(variables);
      cost.check(variables, this.#limit);
      const refund = this.charge(caller, requested);
      return { requested, refused: null, refund, report: () => this.report(caller, requested) };
    } catch (error) {
      if (!(error instanceof GraphQLError)) throw error;
      return { requested, refused: error, refund: NOTHING, report: () => this.report(caller, requested) };
    }
  }

  /**
   * Takes points from a caller's budgets; what it gives puts them back.
   * @throws GraphQLError with the code RATE_LIMITED
   */
  charge(caller: Caller, points: number): () => void {
    const purses = this.#pursesOf(caller);
    if (points <= 0 || purses.length === 0) return NOTHING;
    const waitMs = this.#waitFor(caller, points);
    if (waitMs > 0) throw rateLimited(points, waitMs);
    const now = Date.now();
    for (const [budgets, name] of purses) budgets.spend(name, points, now);
    return () => {
      for (const [budgets, name] of purses) budgets.spend(name, -points, Date.now());
    };
  }

  /**
   * Takes points from a caller's budgets, and waits until they are there.
   * @param signal ends the waiting, with nothing taken
   * @throws GraphQLError with the code RATE_LIMITED when they never will be
   */
  async pay(caller: Caller, points: number, signal: AbortSignal): Promise<void> {
    for (;;) {
      const waitMs = this.#waitFor(caller, points);
      if (waitMs === 0) this.charge(caller, points);
      if (waitMs === 0 || signal.aborted) return;
      if (!Number.isFinite(waitMs)) throw rateLimited(points, waitMs);
      // Others spend from the same budget meanwhile.
      await sleep(Math.min(waitMs, LONGEST_WAIT_MS), undefined, { signal }).catch(() => {});
    }
  }

  #waitFor(caller: Caller, points: number): number {
    if (points <= 0) return 0;
    const now = Date.now();
    return Math.max(0, ...this.#pursesOf(caller).map(([budgets, name]) => budgets.waitFor(name, points, now)));
  }

  /** What an answer tells of its cost. */
  report(caller: Caller | null, requested: number): CostReport {
    const now = Date.now();
    let least: Left | null = null;
    for (const [budgets, name] of caller ? this.#pursesOf(caller) : []) {
      const left = budgets.left(name, now);
      if (least === null || left.remaining < least.remaining) least = left;
    }
    const { remaining, resetAt } = least ?? { remaining: null, resetAt: null };
    return { requested, limit: this.#limit, remaining, resetAt: resetAt?.toISOString() ?? null };
  }

  #pursesOf({ viewer, request }: Caller): Purse[] {
    if (viewer === null) return this.#byAddress ? [[this.#byAddress, addressKey(request.ip ?? '')]] : [];
    // Work of the server itself is not held up.
    if (viewer.kind === 'SYSTEM') return [];
    const purses: Purse[] = [];
    if (this.#byKey) purses.push([this.#byKey, callerOf(viewer)]);
    if (this.#byTenant) purses.push([this.#byTenant, viewer.tenantId]);
    return purses;
  }
}

function callerOf({ credentialId, memberId, tenantId }: Viewer): string {
  return credentialId ?? memberId ?? tenantId;
}

function rateLimited(points: number, waitMs: number): GraphQLError {
  const never = !Number.isFinite(waitMs);
  const seconds = Math.ceil(waitMs / 1_000);
  const when = never ? 'that is more than the whole budget of a minute: ask for less' : `try again in ${seconds} s`;
  const headers = never ? {} : { headers: { 'Retry-After': String(seconds) } };
  return new GraphQLError(
    `this costs ${points.toLocaleString('en')} points, more than is left of your budget: ${when}`,
    {
      extensions: { code: 'RATE_LIMITED', http: { status: 429, ...headers } },
    },
  );
}

function anonymous(): GraphQLError {
  return new GraphQLError('the schema is shown to those who sign in, or send an API key, only', {
    extensions: { code: 'UNAUTHENTICATED', http: { status: 401 } },
  });
}

/** The answer's JSON text with what it tells of its cost. */
export function withCost(json: string, report: CostReport): string {
  const { requested, limit, remaining, resetAt } = report;
  const reset = resetAt === null ? 'null' : `"${resetAt}"`;
  return `${json.slice(0, -1)},"extensions":{"cost":{"requested":${requested},"limit":${limit},"remaining":${remaining},"resetAt":${reset}}}}`;
}
