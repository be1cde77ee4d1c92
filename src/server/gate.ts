import { GraphQLError } from 'graphql';

/** What overloaded servers say over HTTP, and when to come again. */
export const OVERLOADED = {
  message: 'the server has more to do than it can: try again in a moment',
  retryAfter: '1',
} as const;

/** Lets so many work at once and so many wait for their turn, in order; the rest are refused at once. */
export class Gate {
  readonly #concurrent: number;
  readonly #queued: number;
  readonly #waiting: (() => void)[] = [];
  #running = 0;
  /** set while the process itself is late: nobody new is let in */
  late = false;

  constructor({ concurrent, queued }: { concurrent: number; queued: number }) {
    this.#concurrent = concurrent;
    this.#queued = queued;
  }

  /** Whether who comes now would be refused. */
  get isFull(): boolean {
    return this.late || (this.#running >= this.#concurrent && this.#waiting.length >= this.#queued);
  }

  get running(): number {
    return this.#running;
  }

  get waiting(): number {
    return this.#waiting.length;
  }

  /** Does the work in its turn. @throws GraphQLError with the code OVERLOADED when there is no room to wait */
  async run<T>(work: () => Promise<T>): Promise<T> {
    if (this.#running >= this.#concurrent) {
      if (this.#waiting.length >= this.#queued) throw overloaded();
      // Whoever leaves hands the turn on.
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    } else this.#running++;
    try {
      return await work();
    } finally {
      const next = this.#waiting.shift();
      if (next) next();
      else this.#running--;
    }
  }
}

function overloaded(): GraphQLError {
  const headers = { 'Retry-After': OVERLOADED.retryAfter };
  return new GraphQLError(OVERLOADED.message, {
    extensions: { code: 'OVERLOADED', http: { status: 503, headers } },
  });
}

export function isOverloaded(error: unknown): boolean {
  return error instanceof GraphQLError && error.extensions.code === 'OVERLOADED';
}
