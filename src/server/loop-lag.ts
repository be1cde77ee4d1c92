import { monitorEventLoopDelay } from 'node:perf_hooks';

const EVERY_MS = 1_000;
const RESOLUTION_MS = 20;
/** A round of the event loop that takes longer on average: what comes in waits longer than it is worth. */
const LATE_MS = 1_000;

/**
 * Tells once a second whether the event loop is late: whether its rounds took more than a second each. One long round
 * among short ones is not.
 * @returns what ends it
 */
export function watchLoop(tell: (late: boolean) => void): () => void {
  const delay = monitorEventLoopDelay({ resolution: RESOLUTION_MS });
  delay.enable();
  const timer = setInterval(() => {
    tell(delay.count > 0 && delay.mean / 1e6 > LATE_MS);
    delay.reset();
  }, EVERY_MS).unref();
  return () => {
    clearInterval(timer);
    delay.disable();
  };
}
