import { type ExecutionResult, GraphQLError } from 'graphql';
import { DECISIVE } from '../access/authenticate.ts';
import type { Viewer } from '../access/viewer.ts';
import { Unauthenticated } from '../errors.ts';
import { Alarm, endedBySignal } from '../events/alarm.ts';
import { ANY_TYPE, type Dependence, touches } from '../events/changes.ts';
import type { LogChange } from '../events/event.ts';
import { executeOperation, type Operation } from '../execution/operation.ts';
import type { Context } from '../graphql/context.ts';
import { MAX_AGE_MS, Uses } from './answer-uses.ts';
import { assembled } from './assembled.ts';
import { observe } from './cached-answers.ts';
import { maskError } from './mask-error.ts';
import type { Admitted } from './meter.ts';

/** Between two answers, at least. */
export const LIVE_PAUSE_MS = 500;
/** An answer that changes with the time, or with rows that change without an event, is computed anew so often. */
export const LIVE_REFRESH_MS = 30_000;

/** Whose credential or permissions have ended gets no further answer. */
const FINAL: ReadonlySet<unknown> = new Set(['UNAUTHENTICATED', 'FORBIDDEN']);

type Variables = Readonly<Record<string, unknown>>;

/**
 * The answers to a live query: one at once, then one whenever it differs from the one before. It is computed when the
 * consumer has taken the one before and an event has come that may have changed it: nothing queues up. Ends with a
 * masked GraphQLError when the viewer may no longer see it, or when its budget is spent: each computation is paid for. Errors alone where it cannot be answered so.
 */
export function liveAnswers(
  operation: Operation,
  ctx: Context,
  variables: Variables,
  admit: () => Admitted,
): AsyncGenerator<ExecutionResult, void, undefined> | ExecutionResult {
  const { services, viewer } = ctx;
  if (!ctx.stream.open) return { errors: [needsStream('a live query', 'LIVE_NEEDS_STREAM')] };
  if (viewer === null) {
    const refused = ctx.refused ?? new Unauthenticated();
    return { errors: [maskError(refused, ctx.request.id, services.log)] };
  }
  return endedBySignal(services.streams.signal, async function* (signal) {
    const alarm = new Alarm(signal);
    const changes = new Changes(viewer.tenantId);
    const off = services.bus.onChange((change) => changes.add(change) && alarm.ring());
    let shown: string | undefined;
    try {
      while (!signal.aborted) {
        alarm.reset();
        changes.begin();
        const begun = performance.now();
        const { text, result, uses } = await compute({ operation, ctx, variables, viewer, admit });
        changes.settle(dependenceOf(uses));
        if (signal.aborted) return;
        if (text !== shown) {
          shown = text;
          yield result;
        }
        await pause(signal, LIVE_PAUSE_MS - (performance.now() - begun));
        if (!changes.isStale) await alarm.wait(uses.maxAge < MAX_AGE_MS ? LIVE_REFRESH_MS : MAX_AGE_MS);
      }
    } finally {
      off();
      alarm.dispose();
      void ctx.scope.close();
    }
  });
}

/** What was read past the scope is not seen: any event may change it. */
function dependenceOf(uses: Uses): Dependence {
  return uses.isPersonal ? new Map([[ANY_TYPE, null]]) : uses.dependence;
}

/** Whether what has been announced since a computation began concerns its answer. */
class Changes {
  readonly #tenantId: string;
  /** while the answer is being computed, since what it is made of is not known yet */
  #unjudged: LogChange[] = [];
  #dependence: Dependence | null = null;
  #stale = false;

  constructor(tenantId: string) {
    this.#tenantId = tenantId;
  }

  begin(): void {
    this.#unjudged = [];
    this.#dependence = null;
    this.#stale = false;
  }

  /** The answer is computed, and made of this. */
  settle(dependence: Dependence): void {
    this.#dependence = dependence;
    if (this.#unjudged.some((change) => touches(change, dependence))) this.#stale = true;
    this.#unjudged = [];
  }

  get isStale(): boolean {
    return this.#stale;
  }

  /** Notes a change, and tells whether the answer may be out of date. */
  add(change: LogChange | undefined): boolean {
    if (change && change.tenantId !== this.#tenantId) return false;
    // Who may see it is asked before it is computed.
    if (!change?.types || change.types.keys().some((type) => DECISIVE.has(type))) this.#stale = true;
    else if (!this.#dependence) this.#unjudged.push(change);
    else if (touches(change, this.#dependence)) this.#stale = true;
    return this.#stale;
  }
}

interface Question {
  operation: Operation;
  ctx: Context;
  variables: Variables;
  viewer: Viewer;
  admit: () => Admitted;
}

interface LiveAnswer {
  /** JSON */
  text: string;
  result: ExecutionResult;
  uses: Uses;
}

async function compute({ operation, ctx, variables, viewer, admit }: Question): Promise<LiveAnswer> {
  const uses = new Uses();
  try {
    const { refused: tooMuch, report } = admit();
    if (tooMuch) throw tooMuch;
    const permissions = await ctx.services.rights.current(viewer);
    ctx.refresh();
    ctx.viewer = { ...viewer, permissions };
    const observed = observe(ctx, uses);
    const result = await executeOperation(operation, observed, variables);
    void observed.scope.close();
    if (typeof result === 'string') return { text: result, result: assembled(result, report()), uses };
    const errors = result.errors?.map((error) => maskError(error, ctx.request.id, ctx.services.log));
    const refused = errors?.find(({ extensions }) => FINAL.has(extensions.code));
    if (refused) throw refused;
    const masked = errors ? { ...result, errors } : result;
    return { text: JSON.stringify(masked), result: { ...masked, extensions: { cost: report() } }, uses };
  } catch (error) {
    throw maskError(error, ctx.request.id, ctx.services.log);
  }
}

function pause(signal: AbortSignal, milliseconds: number): Promise<void> {
  if (milliseconds <= 0 || signal.aborted) return Promise.resolve();
  return new Promise((resolve) => {
    const end = () => {
      clearTimeout(timer);
      signal.removeEventListener('abort', end);
      resolve();
    };
    const timer = setTimeout(end, milliseconds);
    signal.addEventListener('abort', end);
  });
}

/** The error for what has many answers, where only one can be sent. */
export function needsStream(what: string, code: string): GraphQLError {
  return new GraphQLError(
    `${what} has many answers: send it over a WebSocket, or with the header "Accept: text/event-stream"`,
    { extensions: { code, http: { status: 400 } } },
  );
}
