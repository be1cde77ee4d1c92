import type pg from 'pg';
import type { SharedConnections } from './shared-connections.ts';
import type { Statement } from './statement.ts';

/** How a session begins and ends, and whom it tells. */
export interface SessionPlan {
  pool: pg.Pool;
  /** sent before the first statement, in the same flight; a failure of theirs fails that statement */
  opening: readonly Statement[];
  /** sent before the Sync that ends the session */
  closing: readonly Statement[];
  /** how long a session may stay open with nothing to do; 0: any time */
  idleMs: number;
  /** the flight of this number, from 1, is expected to be the last and ends the transaction; 0: not known */
  lastFlight: number;
  /** connections that it may share, when its first flight is its last; null: it has one of its own */
  shared: SharedConnections | null;
  /** called when a statement that was sent has its answer, an error included */
  answered(text: string, milliseconds: number): void;
}
