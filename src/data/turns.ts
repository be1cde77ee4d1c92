/** Work under the same name runs one after the other, in the order of arrival. */
export class Turns {
  readonly #last = new Map<string, Promise<unknown>>();

  /** Runs `work` when all that came before it under this name has ended, however it did. */
  async take<R>(name: string, work: () => Promise<R>): Promise<R> {
    const mine = this.#last.get(name)?.then(work, work) ?? work();
    this.#last.set(name, mine);
    try {
      return await mine;
    } finally {
      if (this.#last.get(name) === mine) this.#last.delete(name);
    }
  }
}
