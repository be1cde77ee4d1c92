/** A stream as it is, with each step taken in a place, and told when it has ended, however that is. */
export function followed<T>(
  stream: AsyncIterable<T>,
  ended: () => void,
  inPlace: <R>(take: () => R) => R = (take) => take(),
): AsyncIterableIterator<T, void, undefined> {
  const steps = stream[Symbol.asyncIterator]();
  const step = async (take: () => Promise<IteratorResult<T>>) => {
    try {
      const taken = await inPlace(take);
      if (taken.done) ended();
      return taken;
    } catch (error) {
      ended();
      throw error;
    }
  };
  const outer: AsyncIterableIterator<T, void, undefined> = {
    next: () => step(() => steps.next()),
    return: () => {
      // A step that waits for the next event ends later.
      ended();
      return step(async () => (await steps.return?.()) ?? { done: true, value: undefined });
    },
    [Symbol.asyncIterator]: () => outer,
  };
  return outer;
}
