import { randomUUID } from 'node:crypto';
import type { Logger } from 'pino';
import { type Place, places } from '../observe/place.ts';

interface Minute {
  calls: number;
  totalMs: number;
  slow: number;
}

/** What writes the finished minutes: one row a minute and process in `statement_log`. */
export type StatementLogWriter = (
  rows: { minute: Date; processId: string; calls: number; totalMs: number; slow: number }[],
) => Promise<void>;

/**
 * Counts this process's statements minute by minute, so that "slow statements of the last 24 hours" is a real figure:
 * PostgreSQL's own statistics are cumulative and know no window.
 */
export class StatementLog {
  readonly processId: string = randomUUID();
  readonly #minutes = new Map<number, Minute>();
  readonly #slowMs: number;
  readonly #log: Logger;
  /** since the start of the process */
  readonly totals: Minute = { calls: 0, totalMs: 0, slow: 0 };
  /** told of each statement that was answered */
  observer: ((text: string, milliseconds: number, place: Place | null) => void) | undefined;

  constructor(slowMs: number, log: Logger) {
    this.#slowMs = slowMs;
    this.#log = log;
  }

  /** Notes a statement that was answered just now; `place` is what asked for it. */
  record(text: string, milliseconds: number, place: Place | null = places.getStore() ?? null): void {
    const key = Math.floor(Date.now() / 60_000);
    let minute = this.#minutes.get(key);
    if (!minute) {
      minute = { calls: 0, totalMs: 0, slow: 0 };
      this.#minutes.set(key, minute);
    }
    const slow = milliseconds >= this.#slowMs;
    for (const count of [minute, this.totals]) {
      count.calls++;
      count.totalMs += milliseconds;
      if (slow) count.slow++;
    }
    const request = place?.request;
    if (request) {
      request.statements++;
      request.databaseMs += milliseconds;
    }
    this.observer?.(text, milliseconds, place);
    if (!slow) return;
    // Values travel as parameters; only settings of a transaction are literals.
    const statement = text.slice(0, 500).replace(/'[^']*('|$)/g, "'…'");
    this.#log.warn({ milliseconds: Math.round(milliseconds), statement, requestId: request?.id }, 'slow statement');
  }

  /** Writes what was counted since the last flush; keeps it when writing fails. */
  async flush(write: StatementLogWriter): Promise<void> {
    const rows = [...this.#minutes].map(([key, minute]) => ({
      minute: new Date(key * 60_000),
      processId: this.processId,
      ...minute,
    }));
    if (rows.length === 0) return;
    await write(rows);
    for (const row of rows) this.#settle(row.minute.getTime() / 60_000, row);
  }

  #settle(key: number, written: Minute): void {
    const minute = this.#minutes.get(key);
    if (!minute) return;
    minute.calls -= written.calls;
    minute.totalMs -= written.totalMs;
    minute.slow -= written.slow;
    if (minute.calls <= 0) this.#minutes.delete(key);
  }
}
