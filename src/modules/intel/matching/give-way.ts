import { setImmediate as nextRound } from 'node:timers/promises';

/** How long steps may hold the event loop, in milliseconds; the last of them may take longer. */
const SLICE_MS = 10;

let last: Promise<unknown> = Promise.resolve();

/** A round of the event loop of one's own: however many wait, each round has one of them. */
function ownRound(): Promise<unknown> {
  last = last.then(() => nextRound());
  return last;
}

/**
 * Runs steps to their end without holding the event loop: after each 10 ms everything else that waits has its turn,
 * and others who run steps have theirs.
 */
export async function givingWay<R>(steps: Iterator<void, R>): Promise<R> {
  for (;;) {
    const until = performance.now() + SLICE_MS;
    do {
      const step = steps.next();
      if (step.done) return step.value;
    } while (performance.now() < until);
    await ownRound();
  }
}

/** Runs steps to their end at once. */
export function atOnce<R>(steps: Iterator<void, R>): R {
  for (;;) {
    const step = steps.next();
    if (step.done) return step.value;
  }
}
