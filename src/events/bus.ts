import { EventEmitter } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import type { Logger } from 'pino';
import { EVENT_CHANNEL } from './event.ts';

const FIRST_RETRY_MS = 250;
const LAST_RETRY_MS = 10_000;

/**
 * Tells this process whose event log grew. One LISTEN connection of its own; what happened is always read from the log,
 * so a notification that is lost while reconnecting costs nothing: everybody is woken after a reconnect.
 */
export class EventBus {
  readonly #emitter = new EventEmitter({ captureRejections: false }).setMaxListeners(0);
  readonly #config: pg.ClientConfig;
  readonly #log: Logger;
  #client: pg.Client | undefined;
  #closed = false;

  constructor(config: pg.ClientConfig, log: Logger) {
    this.#config = config;
    this.#log = log;
  }

  /** Connects; fails when the first connection fails. */
  async start(): Promise<void> {
    await this.#connect();
  }

  async #connect(): Promise<void> {
    const client = new pg.Client(this.#config);
    client.on('notification', ({ payload }) => payload && this.#emitter.emit(payload));
    client.on('notification', ({ payload }) => payload && this.#emitter.emit('any', payload));
    client.on('error', (error) => this.#log.warn({ err: error }, 'the LISTEN connection broke'));
    await client.connect();
    await client.query(`LISTEN ${EVENT_CHANNEL}`);
    client.once('end', () => void this.#reconnect());
    this.#client = client;
    // Closed while this was under way.
    if (this.#closed) await client.end();
  }

  async #reconnect(): Promise<void> {
    for (let wait = FIRST_RETRY_MS; !this.#closed; wait = Math.min(wait * 2, LAST_RETRY_MS)) {
      await sleep(wait, undefined, { ref: false });
      try {
        await this.#connect();
        for (const name of this.#emitter.eventNames()) this.#emitter.emit(name);
        return;
      } catch (error) {
        this.#log.warn({ err: error, wait }, 'cannot LISTEN yet');
      }
    }
  }

  /** Calls `listener` whenever the tenant's log may have grown. Returns how to stop. */
  onTenant(tenantId: string, listener: () => void): () => void {
    this.#emitter.on(tenantId, listener);
    return () => this.#emitter.off(tenantId, listener);
  }

  /** Calls `listener` with every tenant whose log grew; with undefined after a reconnect, when any may have. */
  onAny(listener: (tenantId: string | undefined) => void): () => void {
    this.#emitter.on('any', listener);
    return () => this.#emitter.off('any', listener);
  }

  /** Subscribers now listening, for metrics and tests. */
  listeners(tenantId: string): number {
    return this.#emitter.listenerCount(tenantId);
  }

  async close(): Promise<void> {
    this.#closed = true;
    await this.#client?.end();
  }
}
