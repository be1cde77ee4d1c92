import type { Viewer } from '../access/viewer.ts';
import type { FilterInput } from '../data/filter.ts';
import { pageStatement, planPage } from '../data/list.ts';
import type { Row } from '../data/models.ts';
import { type ReadPool, type ReadScope, withReadScope } from '../data/read-scope.ts';
import type { EventBus } from './bus.ts';
import { eventList } from './event-list.ts';

/** When no notification comes, the log is looked at all the same: a lost one delays an event, never loses it. */
const POLL_MS = 15_000;
const BATCH = 100;
/** Within a batch that is read slowly, whether the viewer may still see the log is asked again after so long. */
const RECHECK_MS = 1_000;

export interface StreamDeps {
  read: ReadPool;
  bus: EventBus;
}

/**
 * The tenant's events after `afterSeq`, then the live ones, in order, without a gap and without a double. Events are
 * read from the log when the consumer asks for more, so a slow consumer lags and nothing queues up for it.
 *
 * @param check is called before the events of each batch, and again when they are taken slowly; throws when the viewer
 *   may no longer see the log
 */
export async function* eventStream(
  deps: StreamDeps,
  viewer: Viewer,
  options: { afterSeq: bigint; filter: FilterInput | null; check: () => Promise<void>; signal: AbortSignal },
): AsyncGenerator<Row<'Event'>, void, undefined> {
  const { signal } = options;
  let after = options.afterSeq;
  const alarm = new Alarm(signal);
  const off = deps.bus.onTenant(viewer.tenantId, () => alarm.ring());
  try {
    while (!signal.aborted) {
      alarm.reset();
      const batch = await readAfter(deps.read, viewer, after, options.filter);
      let checkedAt = Number.NEGATIVE_INFINITY;
      for (const event of batch.rows) {
        if (performance.now() - checkedAt > RECHECK_MS) {
          await options.check();
          checkedAt = performance.now();
        }
        if (signal.aborted) return;
        yield event;
      }
      after = batch.lastSeq;
      if (!batch.more) await alarm.wait(POLL_MS);
    }
  } finally {
    off();
    alarm.dispose();
  }
}

/** One batch, and up to where the log was looked at: with a filter, further than the last event that fits. */
async function readAfter(read: ReadPool, viewer: Viewer, after: bigint, filter: FilterInput | null) {
  const now = new Date();
  const bounded = { and: [{ seq: { gt: after } }, ...(filter ? [filter] : [])] };
  const plan = planPage(eventList, { first: BATCH, filter: bounded, orderBy: { field: 'SEQ', direction: 'ASC' } }, now);
  return withReadScope(read, viewer, async (scope) => {
    const rows = await scope.query<Row<'Event'>>(pageStatement(plan, viewer.tenantId));
    const more = rows.length > BATCH;
    const page = rows.slice(0, BATCH);
    // The counter is of the same snapshot: up to there the log holds nothing else that fits.
    const end = filter && !more ? await counterOf(scope) : (page.at(-1)?.seq ?? after);
    return { rows: page, more, lastSeq: end > after ? end : after };
  });
}

/** The seq of the tenant's last event; 0 when there is none. */
export async function lastSeq(read: ReadPool, viewer: Viewer): Promise<bigint> {
  return withReadScope(read, viewer, counterOf);
}

async function counterOf(scope: ReadScope): Promise<bigint> {
  const [row] = await scope.query<{ seq: bigint }>({
    text: `SELECT value AS seq FROM counters WHERE tenant_id = $1::uuid AND name = 'event'`,
    values: [scope.viewer.tenantId],
  });
  return row?.seq ?? 0n;
}

/** A flag that a waiter sleeps on: rung before the wait, the wait ends at once. */
class Alarm {
  #rung = false;
  #wake: (() => void) | undefined;
  readonly #signal: AbortSignal;
  readonly #onAbort = () => this.ring();

  constructor(signal: AbortSignal) {
    this.#signal = signal;
    signal.addEventListener('abort', this.#onAbort, { once: true });
  }

  /** The signal outlives its streams by far. */
  dispose(): void {
    this.#signal.removeEventListener('abort', this.#onAbort);
  }

  reset(): void {
    this.#rung = this.#signal.aborted;
  }

  ring(): void {
    this.#rung = true;
    this.#wake?.();
  }

  wait(milliseconds: number): Promise<void> {
    if (this.#rung) return Promise.resolve();
    return new Promise((resolve) => {
      const timer = setTimeout(() => this.#wake?.(), milliseconds);
      this.#wake = () => {
        clearTimeout(timer);
        this.#wake = undefined;
        resolve();
      };
    });
  }
}
