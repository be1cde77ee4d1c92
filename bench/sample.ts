import type { Measured } from './load/task.ts';

/** One contender under one load for one round. */
export interface Sample extends Measured {
  /** requests a second */
  rate: number;
  /** milliseconds of CPU of the contender's processes for each request */
  serverCpu: number;
  /** milliseconds of CPU of its database backends for each request */
  databaseCpu: number;
  /** bytes of a body, on average */
  size: number;
  /** bytes: the most that its processes held during this load, added up */
  memory: number;
}
