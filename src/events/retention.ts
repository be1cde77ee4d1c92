import { systemViewer, type Viewer } from '../access/viewer.ts';
import { type WriteDeps, withWrite } from '../data/write.ts';
import type { Services } from '../services.ts';
import { EVENT_COUNTER } from './event.ts';
import { REMOVED_COUNTER } from './log.ts';

const LOOK_MS = 60 * 60_000;
/** Events that are removed in one transaction. */
const BATCH = 1_000;

/**
 * Removes the oldest events of a tenant, those from before `before`, never the newest one, and remembers up to where.
 * Gives how many there were, `batch` at most.
 */
export async function removeOldEvents(
  deps: WriteDeps,
  viewer: Viewer,
  before: Date,
  batch: number = BATCH,
): Promise<number> {
  const { value } = await withWrite(deps, viewer, 'retention', async ({ db, tenantId }) => {
    // As far as all are old: what is kept is one piece.
    const [old] = await db.$queryRawUnsafe<{ seq: bigint | null }[]>(
      `SELECT max(seq) AS seq FROM (
         SELECT seq, bool_and(occurred_at < $2::timestamptz) OVER (ORDER BY seq) AS is_old FROM (
           SELECT seq, occurred_at FROM event_store WHERE tenant_id = $1::uuid
             AND seq < (SELECT value FROM counters WHERE tenant_id = $1::uuid AND name = '${EVENT_COUNTER}')
           ORDER BY seq LIMIT $3) first) marked WHERE is_old`,
      tenantId,
      before,
      batch,
    );
    if (!old?.seq) return 0;
    // Its row is locked from here on: another process waits, and finds nothing left to remove.
    await db.$executeRawUnsafe(
      `INSERT INTO counters (tenant_id, name, value) VALUES ($1::uuid, '${REMOVED_COUNTER}', $2)
       ON CONFLICT (tenant_id, name) DO UPDATE SET value = greatest(counters.value, excluded.value)`,
      tenantId,
      old.seq,
    );
    const count = await db.$executeRawUnsafe(
      'DELETE FROM event_store WHERE tenant_id = $1::uuid AND seq <= $2',
      tenantId,
      old.seq,
    );
    return count;
  });
  return value;
}

/** Removes what is older than the setting says, of every tenant, at once and then once an hour. */
export function startRetention(services: Services, tenantIds: () => Promise<string[]>): { stop(): Promise<void> } {
  const days = services.env.EVENT_RETENTION_DAYS;
  const stopping = new AbortController();
  const sweep = async () => {
    for (const tenantId of await tenantIds()) {
      const viewer = systemViewer(tenantId, 'retention');
      const before = new Date(Date.now() - days * 86_400_000);
      let count = BATCH;
      while (count === BATCH && !stopping.signal.aborted) count = await removeOldEvents(services.write, viewer, before);
    }
  };
  let running: Promise<void> = Promise.resolve();
  const look = () => {
    running = running
      .then(sweep)
      .catch((error: unknown) =>
        services.log.error({ err: error }, 'old events could not be removed; tried again within an hour'),
      );
  };
  if (days === 0) return { stop: async () => {} };
  look();
  const timer = setInterval(look, LOOK_MS);
  return {
    stop: async () => {
      stopping.abort();
      clearInterval(timer);
      await running;
    },
  };
}
