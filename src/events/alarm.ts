/** A flag that a waiter sleeps on: rung before the wait, the wait ends at once. */
export class Alarm {
  #rung = false;
  #wake: (() => void) | undefined;
  readonly #signal: AbortSignal;
  readonly #onAbort = () => this.ring();

  /** Rings also when `signal` is aborted. */
  constructor(signal: AbortSignal) {
    this.#signal = signal;
    signal.addEventListener('abort', this.#onAbort, { once: true });
  }

  /** The signal may outlive its waiters by far. */
  dispose(): void {
    this.#signal.removeEventListener('abort', this.#onAbort);
  }

  reset(): void {
    this.#rung = this.#signal.aborted;
  }

  ring(): void {
    this.#rung = true;
    this.#wake?.();
  }

  /** Resolves when it is rung, at the latest after so many milliseconds. */
  wait(milliseconds: number): Promise<void> {
    if (this.#rung) return Promise.resolve();
    return new Promise((resolve) => {
      const timer = setTimeout(() => this.#wake?.(), milliseconds);
      this.#wake = () => {
        clearTimeout(timer);
        this.#wake = undefined;
        resolve();
      };
    });
  }
}

/**
 * A generator that ends at once when it is returned, also while it waits: `make` gets a signal that is aborted then, or
 * when `outer` is.
 */
export function endedBySignal<T>(
  outer: AbortSignal,
  make: (signal: AbortSignal) => AsyncGenerator<T, void, undefined>,
): AsyncGenerator<T, void, undefined> {
  const end = new AbortController();
  const onAbort = () => end.abort();
  if (outer.aborted) end.abort();
  else outer.addEventListener('abort', onAbort, { once: true });
  const inner = make(end.signal);
  const finish = () => {
    outer.removeEventListener('abort', onAbort);
    end.abort();
  };
  const settled = (result: IteratorResult<T, void>) => {
    if (result.done) finish();
    return result;
  };
  const failed = (error: unknown) => {
    finish();
    throw error;
  };
  return {
    next: () => inner.next().then(settled, failed),
    return: () => {
      finish();
      return inner.return();
    },
    throw: (error: unknown) => {
      finish();
      return inner.throw(error);
    },
    [Symbol.asyncIterator]() {
      return this;
    },
    async [Symbol.asyncDispose]() {
      await this.return();
    },
  };
}
