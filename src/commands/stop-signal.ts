import type { Work } from '../backup/files.ts';
import type { Log } from '../log.ts';
import { progressBar } from './progress.ts';

/** Resolves at the first SIGINT or SIGTERM; a second one ends the process at once, with exit code 130. */
export function stopSignal(): Promise<void> {
  return new Promise((resolve) => {
    let stopping = false;
    const onSignal = () => {
      if (stopping) process.exit(130);
      stopping = true;
      resolve();
    };
    process.on('SIGINT', onSignal);
    process.on('SIGTERM', onSignal);
  });
}

/**
 * Ends the process with exit code 1 after so many seconds, unless what it gives is called before: a database that does
 * not answer would keep it for ever.
 */
export function endWithin(seconds: number, log: Log): () => void {
  const late = setTimeout(() => {
    log.error(`the end took more than ${seconds} s (STOP_TIMEOUT_S): what was still waited for is left`);
    process.exit(1);
  }, seconds * 1_000);
  return () => clearTimeout(late);
}

/** Runs work with a progress bar in bytes, and asks it to stop at the first SIGINT or SIGTERM. */
export async function withWork<T>(what: string, run: (work: Work) => Promise<T>): Promise<T> {
  const stop = new AbortController();
  const onSignal = () => stop.abort(new Error('stopped: nothing was changed'));
  const bar = progressBar(what);
  process.once('SIGINT', onSignal);
  process.once('SIGTERM', onSignal);
  try {
    return await run({ signal: stop.signal, onProgress: (done, total) => bar.update(done, total) });
  } finally {
    bar.stop();
    process.removeListener('SIGINT', onSignal);
    process.removeListener('SIGTERM', onSignal);
  }
}
