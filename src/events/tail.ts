import type { Logger } from 'pino';
import type { Rights } from '../access/rights.ts';
import { systemViewer, type Viewer } from '../access/viewer.ts';
import type { Row } from '../data/models.ts';
import type { ReadPool } from '../data/read-scope.ts';
import { NOBODY, places } from '../observe/place.ts';
import type { EventBus } from './bus.ts';
import { type EventBatch, lastSeq, readAfter } from './log.ts';

/** When no notification comes, the log is looked at all the same: a lost one delays an event, never loses it. */
const POLL_MS = 15_000;
const RETRY_MS = 1_000;
const BATCH = 100;
/** What is kept of a log's end for all who follow it; who is further behind reads the log himself. */
export const TAIL_EVENTS = 1_000;
export const TAIL_BYTES = 4 * 1024 * 1024;

export interface TailDeps {
  read: ReadPool;
  bus: EventBus;
  rights: Rights;
  log: Logger;
}

/** One who follows a log's end. */
export interface Follower {
  /** the log has been read up to here, and all that it tells of rights was heard */
  readonly last: bigint;
  /** all events after `seq` that are kept; null: what comes next is older than what is kept, or not read yet */
  after(seq: bigint): EventBatch | null;
  stop(): void;
}

/** The ends of the logs that are followed in this process: each event is read once for all who follow. */
export class LogTails {
  readonly #deps: TailDeps;
  readonly #tails = new Map<string, Tail>();

  constructor(deps: TailDeps) {
    this.#deps = deps;
  }

  /** Follows a tenant's log; `wake` is called when there may be more of it, or rights may have changed. */
  async follow(tenantId: string, wake: () => void): Promise<Follower> {
    let tail = this.#tails.get(tenantId);
    if (!tail) {
      // It reads for all who come later, too.
      tail = places.run(NOBODY, () => new Tail(this.#deps, tenantId));
      this.#tails.set(tenantId, tail);
    }
    const followed = tail;
    followed.wakes.add(wake);
    const stop = () => {
      followed.wakes.delete(wake);
      if (followed.wakes.size > 0) return;
      followed.close();
      if (this.#tails.get(tenantId) === followed) this.#tails.delete(tenantId);
    };
    try {
      await followed.ready;
    } catch (error) {
      stop();
      throw error;
    }
    return {
      get last() {
        return followed.last;
      },
      after: (seq) => followed.after(seq),
      stop,
    };
  }

  /** How many follow a tenant's log here. */
  followers(tenantId: string): number {
    return this.#tails.get(tenantId)?.wakes.size ?? 0;
  }
}

class Tail {
  readonly #deps: TailDeps;
  readonly #viewer: Viewer;
  readonly #off: () => void;
  readonly #timer: NodeJS.Timeout;
  /** one after the other without a gap, up to `last` */
  #events: { row: Row<'Event'>; bytes: number }[] = [];
  #bytes = 0;
  #reading = false;
  #again = false;
  #closed = false;
  readonly wakes = new Set<() => void>();
  readonly ready: Promise<void>;
  last = 0n;

  constructor(deps: TailDeps, tenantId: string) {
    this.#deps = deps;
    this.#viewer = systemViewer(tenantId, 'log-tail');
    // Listened to before the end is read, so that nothing between the two is missed.
    this.#off = deps.bus.onTenant(tenantId, () => void this.#grow());
    this.#timer = setInterval(() => void this.#grow(), POLL_MS);
    this.#reading = true;
    this.ready = this.#begin();
  }

  async #begin(): Promise<void> {
    this.last = await lastSeq(this.#deps.read, this.#viewer);
    this.#reading = false;
    if (this.#again) void this.#grow();
  }

  async #grow(): Promise<void> {
    this.#again = true;
    if (this.#reading) return;
    this.#reading = true;
    while (this.#again && !this.#closed) {
      this.#again = false;
      try {
        await this.#readOn();
      } catch (error) {
        this.#deps.log.warn({ err: error, tenantId: this.#viewer.tenantId }, 'cannot read the event log yet');
        setTimeout(() => void this.#grow(), RETRY_MS).unref();
        break;
      }
    }
    this.#reading = false;
  }

  async #readOn(): Promise<void> {
    for (let more = true; more && !this.#closed; ) {
      const batch = await readAfter(this.#deps.read, this.#viewer, { after: this.last, filter: null, size: BATCH });
      for (const row of batch.events) this.#append(row);
      this.last = batch.upTo;
      more = batch.more;
      for (const wake of this.wakes) wake();
    }
  }

  #append(row: Row<'Event'>): void {
    this.#deps.rights.heard(row.tenantId, row.aggregateType);
    const bytes = JSON.stringify(row.payload).length;
    this.#events.push({ row, bytes });
    this.#bytes += bytes;
    while (this.#events.length > TAIL_EVENTS || this.#bytes > TAIL_BYTES)
      this.#bytes -= this.#events.shift()?.bytes ?? 0;
  }

  after(seq: bigint): EventBatch | null {
    const behind = this.last - seq;
    if (behind < 0n || behind > BigInt(this.#events.length)) return null;
    const events = behind === 0n ? [] : this.#events.slice(-Number(behind)).map(({ row }) => row);
    return { events, upTo: this.last, more: false };
  }

  close(): void {
    this.#closed = true;
    this.#off();
    clearInterval(this.#timer);
  }
}
