import { randomUUID } from 'node:crypto';
import type { Logger } from 'pino';

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

  constructor(slowMs: number, log: Logger) {
    this.#slowMs = slowMs;
    this.#log = log;
  }

  record(text: string, milliseconds: number): void {
    const key = Math.floor(Date.now() / 60_000);
    let minute = this.#minutes.get(key);
    if (!minute) {
      minute = { calls: 0, totalMs: 0, slow: 0 };
      this.#minutes.set(key, minute);
    }
    minute.calls++;
    minute.totalMs += milliseconds;
    if (milliseconds < this.#slowMs) return;
    minute.slow++;
    // The text holds no values: those travel as parameters.
    this.#log.warn({ milliseconds: Math.round(milliseconds), statement: text.slice(0, 500) }, 'slow statement');
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
