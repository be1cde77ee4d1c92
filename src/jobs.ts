import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import { systemViewer, type Viewer } from './access/viewer.ts';
import { tenantIds } from './data/before-tenant.ts';
import { deleteExpiredKeys } from './data/idempotency.ts';
import { withReadScope } from './data/read-scope.ts';
import { prepared } from './data/statement.ts';
import { withWrite } from './data/write.ts';
import { EVENT_COUNTER } from './events/event.ts';
import { startRetention } from './events/retention.ts';
import { keepDay } from './modules/delivery/daily.service.ts';
import { sweepSla } from './modules/delivery/sla.sweep.ts';
import { runLookups } from './modules/intel/osint.runner.ts';
import { sweepDictionary } from './modules/intel/sweep.ts';
import { fillInboxes } from './modules/notifications/inbox.job.ts';
import { failAbandoned } from './modules/platform/import.service.ts';
import { dropOldDeliveries, OLD_DELIVERIES } from './modules/webhooks/delivery.service.ts';
import { WebhookRelay } from './modules/webhooks/relay.ts';
import type { Services } from './services.ts';

const LOOK_MS = 60_000;
/** Between two looks, which are then for all that was written meanwhile. */
const GAP_MS = 50;
const FLUSH_MS = 10_000;
/** Statement counts older than this are dropped. */
const KEEP_STATEMENTS = '8 days';

/**
 * Background work of a server process: woken by the event log, and once a minute in case a wake-up was lost. Each kind
 * of work settles with other processes in the database who does it, so any number of processes may run this.
 */
export function startJobs(services: Services): { stop(): Promise<void> } {
  const stopping = new AbortController();
  const waiting = new Set<string>();
  const { tracing } = services.observer;
  let running: Promise<void> | null = null;

  const work = async () => {
    // Who is woken meanwhile has his turn in the next round.
    for (const tenantId of [...waiting]) {
      waiting.delete(tenantId);
      if (stopping.signal.aborted) return;
      // One kind of work that fails must not keep the others from being done.
      const attempt = (what: string, kind: () => Promise<unknown>) =>
        kind().catch((error: unknown) =>
          services.log.error(
            { err: error, tenantId, what },
            'background work failed; it is tried again within a minute',
          ),
        );
      const job = (what: string, kind: () => Promise<unknown>) =>
        attempt(what, () => (tracing ? tracing.within(`job ${what}`, { 'argus.tenant.id': tenantId }, kind) : kind()));
      await attempt('look', async () => {
        const viewer = systemViewer(tenantId, 'jobs');
        const { signal } = stopping;
        const { lookups, sweep, sla, day, imports, keys, inboxes, deliveries } = await pendingWork(services, viewer);
        if (inboxes) await job('inboxes', () => fillInboxes(services, viewer, signal));
        if (lookups) await job('lookups', () => runLookups(services, tenantId, signal));
        if (sweep) await job('dictionary', () => sweepDictionary(services, viewer, { signal }));
        if (sla) await job('sla', () => sweepSla(services, viewer, { signal }));
        if (day) await job('day', () => keepDay(services, viewer));
        if (keys) await job('keys', () => withWrite(services.write, viewer, 'keys.expire', deleteExpiredKeys));
        if (imports) await job('imports', () => failAbandoned(services, viewer));
        if (deliveries) await job('deliveries', () => dropOldDeliveries(services, viewer, signal));
      });
    }
  };
  const wake = (tenantIds: Iterable<string>) => {
    for (const id of tenantIds) waiting.add(id);
    const { signal } = stopping;
    running ??= work()
      .then(() => sleep(GAP_MS, undefined, { signal }).catch(() => {}))
      .finally(() => {
        running = null;
        if (waiting.size > 0 && !stopping.signal.aborted) wake([]);
      });
  };
  const lookAround = () =>
    void tenantIds(services.read).then(wake, (error: unknown) =>
      services.log.warn({ err: error }, 'cannot list the tenants'),
    );

  const off = services.bus.onAny((tenantId) => (tenantId ? wake([tenantId]) : lookAround()));
  const timer = setInterval(lookAround, LOOK_MS);
  const retention = startRetention(services, () => tenantIds(services.read));
  const flusher = setInterval(() => void flushStatements(services), FLUSH_MS);
  lookAround();
  // By itself: what is sent does not wait for a long sweep.
  const relay = new WebhookRelay(services);
  relay.start();
  return {
    stop: async () => {
      stopping.abort();
      const relayed = relay.stop();
      off();
      clearInterval(timer);
      clearInterval(flusher);
      await Promise.all([running, relayed, retention.stop()]);
      await flushStatements(services);
    },
  };
}

interface Pending {
  lookups: boolean;
  sweep: boolean;
  /** bugs whose SLA, priority or revenue impact time has changed */
  sla: boolean;
  /** the portfolio's figures of today are not kept yet */
  day: boolean;
  /** imports that run, or whose process has ended */
  imports: boolean;
  /** idempotency keys that are past their time */
  keys: boolean;
  /** the log has grown since notification rules looked at it */
  inboxes: boolean;
  /** what was sent to webhooks long ago */
  deliveries: boolean;
}

const NOTHING: Pending = {
  lookups: false,
  sweep: false,
  sla: false,
  day: false,
  imports: false,
  keys: false,
  inboxes: false,
  deliveries: false,
};

/** One statement that tells whether there is anything to do: every write of a tenant asks it. */
async function pendingWork(services: Services, viewer: Viewer): Promise<Pending> {
  return withReadScope(services.read, viewer, async (scope) => {
    const text = `/* jobs.pending */ SELECT
          EXISTS (SELECT FROM osint_results WHERE tenant_id = $1::uuid AND status IN ('PENDING', 'RUNNING')) AS lookups,
          EXISTS (SELECT FROM dictionaries WHERE tenant_id = $1::uuid AND swept_version < version) AS sweep,
          EXISTS (SELECT FROM bugs WHERE tenant_id = $1::uuid AND refresh_at <= now()) AS sla,
          EXISTS (SELECT FROM projects WHERE tenant_id = $1::uuid) AND NOT EXISTS (SELECT FROM portfolio_metrics
            WHERE tenant_id = $1::uuid AND date = (now() AT TIME ZONE 'UTC')::date) AS day,
          EXISTS (SELECT FROM import_logs WHERE tenant_id = $1::uuid AND status IN ('PENDING', 'RUNNING')
            AND created_at < now() - interval '1 minute') AS imports,
          EXISTS (SELECT FROM idempotency_keys WHERE tenant_id = $1::uuid AND expires_at <= now()) AS keys,
          EXISTS (SELECT FROM notification_rules WHERE tenant_id = $1::uuid AND is_enabled AND last_seq <
            (SELECT value FROM counters WHERE tenant_id = $1::uuid AND name = '${EVENT_COUNTER}')) AS inboxes,
          EXISTS (SELECT FROM webhook_deliveries WHERE tenant_id = $1::uuid AND ${OLD_DELIVERIES}) AS deliveries`;
    // Planned each time it would cost more than all that a small write does.
    const [row] = await scope.query<Pending>(prepared(text, viewer.tenantId));
    return row ?? NOTHING;
  });
}

export async function flushStatements(services: Services): Promise<void> {
  const { statements } = services.read;
  try {
    await statements.flush(async (rows) => {
      const counts = pg.escapeLiteral(JSON.stringify(rows));
      // The pool is for reads. Several statements in one text are one transaction.
      await services.pool.query(
        `SET TRANSACTION ISOLATION LEVEL READ COMMITTED READ WRITE;
         INSERT INTO statement_log (minute, process_id, calls, total_ms, slow)
         SELECT minute, "processId", calls, "totalMs", slow FROM jsonb_to_recordset(${counts})
           AS r(minute timestamptz, "processId" uuid, calls int8, "totalMs" float8, slow int8)
         ON CONFLICT (minute, process_id) DO UPDATE SET calls = statement_log.calls + excluded.calls,
           total_ms = statement_log.total_ms + excluded.total_ms, slow = statement_log.slow + excluded.slow;
         DELETE FROM statement_log WHERE minute < now() - interval '${KEEP_STATEMENTS}'`,
      );
    });
  } catch (error) {
    services.log.warn({ err: error }, 'cannot write the statement log; its counts are kept');
  }
}
