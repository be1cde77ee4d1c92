const EVERY_MS = 250;
/** A timer that comes later than this: what arrives waits longer than it is worth. */
const LATE_MS = 1_000;

/**
 * Tells four times a second whether the event loop is late: whether two rounds one after the other took more than a
 * second each. One long round among short ones is not. (`monitorEventLoopDelay` records nothing of a round in which it
 * was reset.)
 * @returns what ends it
 */
export function watchLoop(tell: (late: boolean) => void): () => void {
  let last = performance.now();
  let before = false;
  const timer = setInterval(() => {
    const now = performance.now();
    const long = now - last - EVERY_MS > LATE_MS;
    last = now;
    tell(long && before);
    before = long;
  }, EVERY_MS).unref();
  return () => clearInterval(timer);
}
