/** What a caller has left, and when all of it is there again. */
export interface Left {
  /** points */
  remaining: number;
  resetAt: Date;
}

interface Bucket {
  level: number;
  /** `Date.now()` of the level */
  at: number;
}

/** Callers that are remembered; the one who asked longest ago is forgotten first. */
const MAX_BUCKETS = 10_000;
const MINUTE_MS = 60_000;

/**
 * A budget of points for each caller: a leaky bucket, which holds what may be spent in a minute and empties evenly in a
 * minute. What is spent fills it; what would not fit is refused.
 */
export class Budgets {
  readonly #capacity: number;
  readonly #buckets = new Map<string, Bucket>();

  /** `capacity`: points a minute */
  constructor(capacity: number) {
    this.#capacity = capacity;
  }

  /** Milliseconds until so many points fit; 0: now. Infinity: they never do. */
  waitFor(caller: string, points: number, now: number): number {
    if (points > this.#capacity) return Number.POSITIVE_INFINITY;
    const missing = this.#levelOf(caller, now) + points - this.#capacity;
    return missing <= 0 ? 0 : Math.ceil((missing * MINUTE_MS) / this.#capacity);
  }

  /** Takes points, which fit; less than none gives them back. */
  spend(caller: string, points: number, now: number): void {
    const level = Math.max(0, this.#levelOf(caller, now) + points);
    this.#buckets.delete(caller);
    if (level === 0) return;
    this.#buckets.set(caller, { level, at: now });
    for (const oldest of this.#buckets.keys()) {
      if (this.#buckets.size <= MAX_BUCKETS) return;
      this.#buckets.delete(oldest);
    }
  }

  left(caller: string, now: number): Left {
    const level = this.#levelOf(caller, now);
    const resetAt = new Date(now + Math.ceil((level * MINUTE_MS) / this.#capacity));
    return { remaining: Math.floor(this.#capacity - level), resetAt };
  }

  #levelOf(caller: string, now: number): number {
    const bucket = this.#buckets.get(caller);
    if (!bucket) return 0;
    return Math.max(0, bucket.level - ((now - bucket.at) * this.#capacity) / MINUTE_MS);
  }
}
