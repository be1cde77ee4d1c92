import { systemViewer } from '../../access/viewer.ts';
import { withReadScope } from '../../data/read-scope.ts';
import { withWrite } from '../../data/write.ts';
import type { Services } from '../../services.ts';
import { claimLookup, completeLookup, failLookup, openSecrets, releaseLookup, requeueLost } from './osint.service.ts';

const LOOKUP_TIMEOUT_MS = 60_000;
/** A lookup that has run longer than this belongs to a process that is gone. */
const LOST_AFTER_MS = 5 * 60_000;

/** Runs a tenant's waiting lookups one after the other, until none is left or the signal says stop. */
export async function runLookups(services: Services, tenantId: string, signal: AbortSignal): Promise<number> {
  const viewer = systemViewer(tenantId, 'osint');
  const write = <R>(name: string, fn: Parameters<typeof withWrite<R>>[3]) =>
    withWrite(services.write, viewer, name, fn);
  await write('osint.requeue', (tx) => requeueLost(tx, new Date(Date.now() - LOST_AFTER_MS)));
  let done = 0;
  while (!signal.aborted) {
    const { value: job } = await write('osint.claim', claimLookup);
    if (!job) break;
    try {
      const parameters = openSecrets(job, services.keyRing).searchParameters as Record<string, unknown> | null;
      const limit = AbortSignal.any([signal, AbortSignal.timeout(LOOKUP_TIMEOUT_MS)]);
      const answer = await withReadScope(services.read, viewer, (scope) =>
        services.osintProvider.lookup({
          viewer,
          queryType: job.queryType,
          normalisedQuery: job.normalisedQuery,
          parameters: parameters ?? {},
          signal: limit,
          scope,
        }),
      );
      await write('osint.complete', (tx) => completeLookup(tx, job.id, answer, services.keyRing));
    } catch (error) {
      if (signal.aborted) {
        await write('osint.release', (tx) => releaseLookup(tx, job.id));
        break;
      }
      services.log.warn({ err: error, lookup: job.id }, 'a lookup failed');
      await write('osint.fail', (tx) => failLookup(tx, job.id, error instanceof Error ? error.message : String(error)));
    }
    done++;
  }
  return done;
}
