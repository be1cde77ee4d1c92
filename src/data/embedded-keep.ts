import { setTimeout as sleep } from 'node:timers/promises';
import { type EmbeddedOptions, type EmbeddedServer, startEmbedded } from './embedded.ts';
import { isAlive } from './embedded-postmaster.ts';

const LOOK_MS = 250;
const FIRST_WAIT_MS = 500;
const LAST_WAIT_MS = 30_000;
/** When a server ends that served for so long, waiting begins anew. */
const STEADY_MS = 3_000;

/**
 * Starts an embedded server as `startEmbedded` does, and starts it again on the same port whenever it has ended, be it
 * at once or after a wait that doubles from 0.5 s to 30 s while it cannot start, or ends within 3 s. That some other process uses it too
 * does no harm: only one of them starts it, and the others join. @throws EmbeddedError when the first start fails
 */
export async function keepEmbedded(options: EmbeddedOptions): Promise<EmbeddedServer> {
  const log = options.log ?? (() => {});
  const stopping = new AbortController();
  let server = await startEmbedded(options);
  const first = server;
  const keeping = (async () => {
    let [since, wait] = [performance.now(), 0];
    while (await pause(LOOK_MS, stopping.signal)) {
      if (isAlive(server.pid)) {
        if (performance.now() - since >= STEADY_MS) wait = 0;
        continue;
      }
      log(`the database has ended: it is started again${wait > 0 ? ` in ${wait / 1_000} s` : ''}`);
      if (!(await pause(wait, stopping.signal))) return;
      wait = Math.min(Math.max(wait * 2, FIRST_WAIT_MS), LAST_WAIT_MS);
      try {
        const next = await startEmbedded({ ...options, port: first.port });
        // Joined anew before it is left: it would be stopped by its last user.
        await server.stop();
        server = next;
        since = performance.now();
        log('the database is back');
      } catch (error) {
        log(error instanceof Error ? error.message : String(error));
      }
    }
  })();
  return {
    ...first,
    stop: async (mode) => {
      stopping.abort();
      await keeping;
      await server.stop(mode);
    },
  };
}

/** Waits; false when it was called off. */
async function pause(milliseconds: number, signal: AbortSignal): Promise<boolean> {
  await sleep(milliseconds, undefined, { signal, ref: false }).catch(() => {});
  return !signal.aborted;
}
