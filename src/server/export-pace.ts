import type { ServerResponse } from 'node:http';

/** Looks at the clock so many times within the wait that is averaged over. */
const LOOKS = 60;

/**
 * Tells of a client that takes what it is sent too slowly. Only the time is counted in which it is waited for, so that a
 * server that is slow itself blames nobody.
 */
export class Pace {
  readonly #res: ServerResponse;
  readonly #timer: NodeJS.Timeout;
  #waiting = false;
  #waitedMs = 0;
  #takenBefore = 0;

  /** @param limits bytes a second, on the average of a wait of `rateMs` */
  constructor(res: ServerResponse, { leastRate, rateMs }: { leastRate: number; rateMs: number }, tooSlow: () => void) {
    this.#res = res;
    this.#takenBefore = this.#taken();
    const lookMs = rateMs / LOOKS;
    this.#timer = setInterval(() => {
      if (!this.#waiting) return;
      this.#waitedMs += lookMs;
      if (this.#waitedMs < rateMs) return;
      const taken = this.#taken();
      if (taken - this.#takenBefore < (leastRate * rateMs) / 1_000) tooSlow();
      this.#takenBefore = taken;
      this.#waitedMs = 0;
    }, lookMs);
  }

  /** The client is waited for until the promise is settled. */
  async during<T>(sent: Promise<T>): Promise<T> {
    this.#waiting = true;
    return sent.finally(() => {
      this.#waiting = false;
    });
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  /** Bytes that have left this process. */
  #taken(): number {
    const { socket } = this.#res;
    return socket ? socket.bytesWritten - socket.writableLength : this.#takenBefore;
  }
}
