import type { WriteTx } from '../data/write.ts';
import type { Who } from './actions.ts';
import type { Members } from './apply.ts';

/** One transaction of the demo: who acts at what time, and what happens. */
export interface Step {
  what: string;
  at: Date;
  by: Who | null;
  run: (tx: WriteTx, members: Members) => Promise<unknown>;
  /** work with transactions of its own, which done twice changes nothing */
  before?: () => Promise<unknown>;
}
