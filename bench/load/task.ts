/** One stretch of load on one contender. Times in milliseconds. */
export interface Task {
  port: number;
  headers: Readonly<Record<string, string>>;
  /** sent in turn by all connections together */
  bodies: readonly string[];
  connections: number;
  warmMs: number;
  runMs: number;
}

/** What was seen: only requests that ended within the measured stretch. Times in milliseconds. */
export interface Measured {
  requests: number;
  errors: number;
  /** what went wrong first */
  firstError: string | null;
  /** of the bodies of the answers */
  bytes: number;
  ms: number;
  p50: number;
  p95: number;
  p99: number;
}

/**
 * What the load process tells: the measured stretch begins, each second how many requests ended since, the stretch is
 * over (requests under way still end), and what was seen.
 */
export type Message =
  | { type: 'begin' }
  | { type: 'progress'; requests: number }
  | { type: 'over' }
  | { type: 'end'; measured: Measured };
