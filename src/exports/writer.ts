import { once } from 'node:events';
import type { Writable } from 'node:stream';

/**
 * A function that writes to a stream no faster than its reader takes it. Its promise rejects when the stream fails or
 * closes, and with the signal's reason when that is aborted, also while it waits.
 */
export function writerTo(to: Writable, stop: AbortSignal): (text: string) => Promise<void> {
  const gone = new AbortController();
  const leave = () => gone.abort(new Error('the reader went away'));
  to.on('error', (error: NodeJS.ErrnoException) => (error.code === 'EPIPE' ? leave() : gone.abort(error)));
  to.on('close', leave);
  const signal = AbortSignal.any([stop, gone.signal]);
  return async (text) => {
    signal.throwIfAborted();
    if (to.write(text)) return;
    await once(to, 'drain', { signal }).catch((error: unknown) => {
      throw signal.aborted ? signal.reason : error;
    });
  };
}
