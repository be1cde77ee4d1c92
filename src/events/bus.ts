import { EventEmitter } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import type { Logger } from 'pino';
import { EVENT_CHANNEL, type LogChange, readNotification } from './event.ts';

/** The connection is asked whether it is alive so often, and has as long to answer: silence is noticed within 20 s. */
const PULSE_MS = 10_000;
const FIRST_RETRY_MS = 250;
const LAST_RETRY_MS = 10_000;
/** Names of the emitter that are no tenant's. */
const ANY = 'any';
const BREAK = 'break';
const COMMIT = 'commit';

/**
 * Tells this process whose event log grew, and what kinds of rows that is about. One LISTEN connection of its own; what
 * happened is always read from the log, so a notification that is lost while reconnecting costs nothing: everybody is
 * told when the connection breaks and woken when it is back. Notifications come in the order of commits.
 */
export class EventBus {
  readonly #emitter = new EventEmitter({ captureRejections: false }).setMaxListeners(0);
  readonly #config: pg.ClientConfig;
  readonly #log: Logger;
  readonly #pulseMs: number;
  #client: pg.Client | undefined;
  #connected = false;
  #closed = false;
  /** when something last came over the connection, as `performance.now()` */
  heardAt = performance.now();

  /** `pulseMs`: between two questions whether the connection is alive */
  constructor(config: pg.ClientConfig, log: Logger, pulseMs = PULSE_MS) {
    this.#config = config;
    this.#log = log;
    this.#pulseMs = pulseMs;
  }

  /** Connects; fails when the first connection fails. */
  async start(): Promise<void> {
    await this.#connect();
  }

  async #connect(): Promise<void> {
    const client = new pg.Client(this.#config);
    client.on('notification', ({ payload }) => this.#told(payload ?? ''));
    client.on('error', (error) => {
      this.#log.warn({ err: error }, 'the LISTEN connection broke');
      if (this.#client === client) this.#broke();
    });
    try {
      await client.connect();
      await client.query(`LISTEN ${EVENT_CHANNEL}`);
    } catch (error) {
      // A server that is reached but refuses, such as a standby, would be left with a connection at each attempt.
      client.end().catch(() => {});
      throw error;
    }
    const stopPulse = this.#feelPulse(client);
    client.once('end', () => {
      stopPulse();
      if (this.#client !== client) return;
      this.#broke();
      void this.#reconnect();
    });
    this.#client = client;
    this.#connected = true;
    this.heardAt = performance.now();
    // Closed while this was under way.
    if (this.#closed) await client.end();
  }

  /** A connection whose other end has silently gone looks open for hours: it is closed when it does not answer. */
  #feelPulse(client: pg.Client): () => void {
    let late: NodeJS.Timeout | undefined;
    const timer = setInterval(() => {
      late ??= setTimeout(() => {
        this.#log.warn('the LISTEN connection does not answer');
        Reflect.get(client, 'connection').stream.destroy(new Error('the LISTEN connection does not answer'));
      }, this.#pulseMs).unref();
      const answered = () => {
        this.heardAt = performance.now();
        clearTimeout(late);
        late = undefined;
      };
      // What fails tells so by itself.
      client.query('SELECT 1').then(answered, () => {});
    }, this.#pulseMs).unref();
    return () => {
      clearInterval(timer);
      clearTimeout(late);
    };
  }

  #told(payload: string): void {
    this.heardAt = performance.now();
    const change = readNotification(payload);
    if (change) {
      this.#emitter.emit(change.tenantId);
      this.#emitter.emit(ANY, change);
    } else this.#wakeAll();
  }

  #wakeAll(): void {
    for (const name of this.#emitter.eventNames()) if (name !== BREAK && name !== COMMIT) this.#emitter.emit(name);
  }

  #broke(): void {
    if (!this.#connected) return;
    this.#connected = false;
    this.#emitter.emit(BREAK);
  }

  async #reconnect(): Promise<void> {
    for (let wait = FIRST_RETRY_MS; !this.#closed; wait = Math.min(wait * 2, LAST_RETRY_MS)) {
      await sleep(wait, undefined, { ref: false });
      try {
        await this.#connect();
        this.#wakeAll();
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
    return this.onChange((change) => listener(change?.tenantId));
  }

  /** Calls `listener` with every change of a log; with undefined after a reconnect, when anything may have happened. */
  onChange(listener: (change: LogChange | undefined) => void): () => void {
    this.#emitter.on(ANY, listener);
    return () => this.#emitter.off(ANY, listener);
  }

  /** Calls `listener` when the connection breaks: from now until it is back, nothing is heard of what happens. */
  onBreak(listener: () => void): () => void {
    this.#emitter.on(BREAK, listener);
    return () => this.#emitter.off(BREAK, listener);
  }

  /** Tells this process at once what it has committed itself; the notification comes later. */
  committed(tenantId: string, seq: bigint): void {
    this.#emitter.emit(COMMIT, tenantId, seq);
  }

  /** Calls `listener` with the last event of each write that this process has committed. */
  onCommit(listener: (tenantId: string, seq: bigint) => void): () => void {
    this.#emitter.on(COMMIT, listener);
    return () => this.#emitter.off(COMMIT, listener);
  }

  /** Whether what happens now will be heard of. */
  get connected(): boolean {
    return this.#connected;
  }

  /** How many listen to tenants, for metrics. */
  get listening(): number {
    const others = [ANY, BREAK, COMMIT];
    const tenants = this.#emitter.eventNames().filter((name) => !others.includes(String(name)));
    return tenants.reduce((sum, name) => sum + this.#emitter.listenerCount(name), 0);
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
