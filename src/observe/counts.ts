/** What is counted of this process as plain numbers, whether or not anybody asks for metrics. */
export class Counts {
  /** keys and sessions that were shown and are not good */
  credentialsRefused = 0;
  /** attempts to sign in that failed */
  signInsRefused = 0;
  readonly #streams = new Map<string, number>();

  /** Notes that a stream of a kind (`events`, `webhook`) has begun; call what it gives when it ends. */
  streamBegan(kind: string): () => void {
    this.#streams.set(kind, (this.#streams.get(kind) ?? 0) + 1);
    let open = true;
    return () => {
      if (open) this.#streams.set(kind, (this.#streams.get(kind) ?? 0) - 1);
      open = false;
    };
  }

  /** Streams that are open, by kind. */
  get streams(): ReadonlyMap<string, number> {
    return this.#streams;
  }
}
