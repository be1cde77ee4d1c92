/** How much is kept: entries, and bytes of their texts. */
export interface Bounds {
  count: number;
  bytes: number;
}

/** Parsed, a token takes some 490 bytes and its text perhaps two: this many bytes of text are 130 MB at the worst. */
export const DOCUMENT_BOUNDS: Bounds = { count: 1_000, bytes: 512 * 1024 };

/** Values by text, within bounds: the least recently used leave first, and a text that is too long is not kept. */
export class BoundedTexts<T> {
  readonly #most: Bounds;
  readonly #kept = new Map<string, T>();
  #bytes = 0;

  constructor(most: Bounds = DOCUMENT_BOUNDS) {
    this.#most = most;
  }

  get size(): Bounds {
    return { count: this.#kept.size, bytes: this.#bytes };
  }

  get(text: string): T | undefined {
    const found = this.#kept.get(text);
    if (found === undefined) return undefined;
    this.#kept.delete(text);
    this.#kept.set(text, found);
    return found;
  }

  set(text: string, value: T): void {
    const bytes = Buffer.byteLength(text);
    if (bytes > this.#most.bytes) return;
    if (!this.#kept.has(text)) this.#bytes += bytes;
    this.#kept.set(text, value);
    for (const oldest of this.#kept.keys()) {
      if (this.#kept.size <= this.#most.count && this.#bytes <= this.#most.bytes) return;
      this.#kept.delete(oldest);
      this.#bytes -= Buffer.byteLength(oldest);
    }
  }
}
