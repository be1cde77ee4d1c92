/** What may wait for a subscriber who does not read: past this nothing more is taken from his streams. */
export const MAX_WAITING_MESSAGES = 1_000;
export const MAX_WAITING_BYTES = 4 * 1024 * 1024;

/** Nothing was taken for too long while something waited. */
export class Stalled extends Error {
  /** whether the message of the call that failed is among what waits */
  readonly written: boolean;

  constructor(written: boolean) {
    super('nothing was taken for too long');
    this.name = 'Stalled';
    this.written = written;
  }
}

interface Waiting {
  resolve(): void;
  reject(error: Error): void;
}

/**
 * One connection's way out. What is sent waits until the operating system has taken it, so that whoever sends one message
 * after the other keeps pace with the reader.
 */
export class Outlet {
  readonly #write: (text: string, taken: () => void) => void;
  readonly #stallMs: number;
  readonly #written = new Set<Waiting>();
  readonly #roomless = new Set<Waiting>();
  #bytes = 0;
  #stalled = false;
  #closed = false;
  #timer: NodeJS.Timeout | undefined;

  /** `write` calls `taken` when the operating system has the text, or the connection is gone */
  constructor(write: (text: string, taken: () => void) => void, stallMs: number) {
    this.#write = write;
    this.#stallMs = stallMs;
  }

  /** Whether something waits to be taken. */
  get isWaiting(): boolean {
    return this.#written.size > 0;
  }

  /** Resolves when the text is taken, or the connection is gone. @throws Stalled */
  async send(text: string): Promise<void> {
    // What ends a stalled stream is little, and stands behind all that waits.
    while (!this.#hasRoom() && !this.#stalled && !this.#closed) await this.#wait(this.#roomless);
    if (this.#closed) return;
    const bytes = Buffer.byteLength(text);
    this.#bytes += bytes;
    let settle: Waiting | undefined;
    const taken = this.#wait(this.#written, (waiting) => {
      settle = waiting;
    });
    this.#write(text, () => {
      this.#bytes -= bytes;
      if (settle) this.#taken(settle);
    });
    await taken;
  }

  #hasRoom(): boolean {
    return this.#bytes < MAX_WAITING_BYTES && this.#written.size < MAX_WAITING_MESSAGES;
  }

  #wait(among: Set<Waiting>, begun?: (waiting: Waiting) => void): Promise<void> {
    return new Promise((resolve, reject) => {
      const waiting = { resolve, reject };
      among.add(waiting);
      begun?.(waiting);
      this.#timer ??= setTimeout(() => this.#stall(), this.#stallMs);
    });
  }

  #taken(waiting: Waiting): void {
    this.#stalled = false;
    this.#written.delete(waiting);
    waiting.resolve();
    for (const other of this.#roomless) other.resolve();
    this.#roomless.clear();
    clearTimeout(this.#timer);
    this.#timer = this.#written.size > 0 ? setTimeout(() => this.#stall(), this.#stallMs) : undefined;
  }

  #stall(): void {
    this.#timer = undefined;
    this.#stalled = true;
    for (const waiting of this.#written) waiting.reject(new Stalled(true));
    for (const waiting of this.#roomless) waiting.reject(new Stalled(false));
    this.#written.clear();
    this.#roomless.clear();
  }

  /** The connection is gone: whoever waits goes on. */
  close(): void {
    this.#closed = true;
    clearTimeout(this.#timer);
    for (const waiting of [...this.#written, ...this.#roomless]) waiting.resolve();
    this.#written.clear();
    this.#roomless.clear();
  }
}
