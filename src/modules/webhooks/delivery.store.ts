import type { Prisma } from '../../../generated/prisma/client.ts';
import type { FilterInput } from '../../data/filter.ts';
import { insertRows } from '../../data/insert-rows.ts';
import { selectList } from '../../data/models.ts';
import type { ReadScope } from '../../data/read-scope.ts';
import type { WriteTx } from '../../data/write.ts';
import { eventCondition, readLog } from '../../events/log.ts';
import { newId } from '../../graphql/ids.ts';
import type { MessageEvent } from './message.ts';
import type { StoredSecrets } from './secret.ts';
import type { DeliveryKind, DeliveryStatus } from './values.ts';
import { disableWebhook, tell } from './webhook.service.ts';

/** A webhook as the relay works with it. */
export interface Endpoint extends StoredSecrets {
  url: string;
  filter: FilterInput;
  lastSeq: bigint;
  consecutiveDead: number;
  isEnabled: boolean;
  version: number;
  /** short name of the tenant */
  tenant: string;
}

/** A delivery to be tried. `event` is null when the log no longer holds it. */
export interface Due {
  id: string;
  attempts: number;
  eventType: string;
  event: MessageEvent | null;
}

/** What is to be done for a webhook, read from one snapshot. */
export interface Work {
  endpoint: Endpoint;
  due: Due[];
  /** there may be more that is due, or more in the log */
  more: boolean;
  /** a part of the log that fits and has no deliveries yet, and up to where the log was read */
  found: readonly MessageEvent[];
  lastSeq: bigint;
  /** up to here the log was cut off before it was read */
  skippedTo: bigint | null;
}

export async function readEndpoint(scope: ReadScope, id: string): Promise<Endpoint | undefined> {
  const [row] = await scope.query<Endpoint>({
    text: `/* Webhook.endpoint */ SELECT ${selectList('Webhook', 't')}, n.slug AS tenant
      FROM webhook_endpoints t JOIN tenants n ON n.id = t.tenant_id WHERE t.tenant_id = $1::uuid AND t.id = $2::uuid`,
    values: [scope.viewer.tenantId, id],
  });
  return row;
}

/** Reads what is to be done, up to `limit` of each kind; deliveries of `except` are under way. */
export async function readWork(
  scope: ReadScope,
  endpoint: Endpoint,
  options: { except: readonly string[]; limit: number; now: Date },
): Promise<Work> {
  const { limit, now } = options;
  const after = endpoint.lastSeq;
  const condition = eventCondition(endpoint.filter, now);
  const [due, page] = await Promise.all([
    readDue(scope, endpoint.id, options),
    readLog(scope, { after, condition, size: limit }),
  ]);
  const { removed } = page.bounds;
  return {
    endpoint,
    due,
    more: due.length === limit || page.more,
    found: page.events,
    lastSeq: page.upTo,
    skippedTo: removed > after ? removed : null,
  };
}

type DueRow = MessageEvent & { deliveryId: string; attempts: number; eventType: string; id: string | null };

async function readDue(
  scope: ReadScope,
  webhookId: string,
  { except, limit, now }: { except: readonly string[]; limit: number; now: Date },
): Promise<Due[]> {
  const rows = await scope.query<DueRow>({
    text: `/* WebhookDelivery.due */ SELECT d.id AS "deliveryId", d.attempts, d.event_type AS "eventType",
        ${selectList('Event', 'e')}
      FROM webhook_deliveries d LEFT JOIN event_store e ON e.tenant_id = d.tenant_id AND e.seq = d.seq
      WHERE d.tenant_id = $1::uuid AND d.webhook_id = $2::uuid AND d.next_attempt_at <= $3::timestamptz
        AND NOT d.id = ANY($4::uuid[])
      ORDER BY d.next_attempt_at, d.seq LIMIT $5::int`,
    values: [scope.viewer.tenantId, webhookId, now, except, limit],
  });
  return rows.map(({ deliveryId, attempts, eventType, ...event }) => {
    return { id: deliveryId, attempts, eventType, event: event.id === null ? null : event };
  });
}

/**
 * Notes that the log was read, and gives what was found a delivery each: together, so that nothing is missed and nothing
 * twice. Null when the webhook was changed meanwhile: what was read of it no longer counts.
 */
export async function enqueueFound(tx: WriteTx, work: Work): Promise<Due[] | null> {
  const { endpoint, found, lastSeq, skippedTo } = work;
  // In SQL: Prisma would set the time of the last change, which is for changes that people make.
  const count = await tx.db.$executeRawUnsafe(
    `/* Webhook.read */ UPDATE webhook_endpoints SET last_seq = $3::int8, skipped_to = coalesce($4::int8, skipped_to)
     WHERE tenant_id = $1::uuid AND id = $2::uuid AND last_seq = $5::int8 AND version = $6::int AND is_enabled`,
    tx.tenantId,
    endpoint.id,
    String(lastSeq),
    skippedTo === null ? null : String(skippedTo),
    String(endpoint.lastSeq),
    endpoint.version,
  );
  if (count === 0) return null;
  if (skippedTo !== null) {
    const webhook = await tx.db.webhook.findFirstOrThrow({ where: { tenantId: tx.tenantId, id: endpoint.id } });
    const gap = { fromSeq: Number(endpoint.lastSeq) + 1, toSeq: Number(skippedTo) };
    tell(tx, webhook, 'WEBHOOK_GAP', 'webhook.gap', gap);
  }
  return enqueue(tx, endpoint.id, 'EVENT', 0, found);
}

/** Gives events a delivery each. */
export async function enqueue(
  tx: WriteTx,
  webhookId: string,
  kind: DeliveryKind,
  replay: number,
  events: readonly MessageEvent[],
): Promise<Due[]> {
  const due = events.map((event) => ({ id: newId(), attempts: 0, eventType: event.type, event }));
  const rows = due.map(({ id, event }) => ({
    tenantId: tx.tenantId,
    id,
    webhookId,
    kind,
    seq: event.seq,
    eventType: event.type,
    replay,
    status: 'PENDING',
    nextAttemptAt: tx.now,
    createdAt: tx.now,
  }));
  insertRows(tx, 'WebhookDelivery', rows);
  return due;
}

/** What came of one attempt. */
export interface Result {
  id: string;
  /** with this one */
  attempts: number;
  status: DeliveryStatus;
  nextAttemptAt: Date | null;
  at: Date;
  responseStatus: number | null;
  latencyMs: number;
  error: string | null;
  responseText: string | null;
}

/** The receiver says that it is gone for good. */
export const GONE = 410;
/** Deliveries given up in a row after which a webhook is switched off. */
const MAX_DEAD = 5;

/** How the receiver does: deliveries given up in a row, and whether it still gets any. */
export type Health = Pick<Endpoint, 'consecutiveDead' | 'isEnabled'>;

/**
 * Notes what came of attempts, in the order in which they ended, with one statement. A webhook whose deliveries are
 * given up one after the other is switched off.
 */
export async function recordResults(tx: WriteTx, endpoint: Endpoint, results: readonly Result[]): Promise<Health> {
  const rows: Prisma.InputJsonObject[] = results.map((result) => ({
    ...result,
    nextAttemptAt: result.nextAttemptAt?.toISOString() ?? null,
    at: result.at.toISOString(),
  }));
  // A delivery that was noted otherwise since, by a process that took over or by a person, stays as it is.
  await tx.db.$executeRawUnsafe(
    `/* WebhookDelivery.results */ UPDATE webhook_deliveries d SET attempts = r.attempts, status = r.status,
       next_attempt_at = r."nextAttemptAt", last_attempt_at = r.at, response_status = r."responseStatus",
       latency_ms = r."latencyMs", error = r.error, response_text = r."responseText"
     FROM jsonb_to_recordset($2::jsonb) AS r(id uuid, attempts int, status text, "nextAttemptAt" timestamptz,
       at timestamptz, "responseStatus" int, "latencyMs" int, error text, "responseText" text)
     WHERE d.tenant_id = $1::uuid AND d.id = r.id AND d.attempts = r.attempts - 1 AND d.next_attempt_at IS NOT NULL`,
    tx.tenantId,
    JSON.stringify(rows),
  );
  const isOver = ({ status }: Result) => status === 'DEAD' || (status === 'DELIVERED' && endpoint.consecutiveDead > 0);
  return results.some(isOver) ? judge(tx, endpoint.id, results) : endpoint;
}

/** Counts what was given up in a row, and switches the webhook off when that is too much. */
async function judge(tx: WriteTx, id: string, results: readonly Result[]): Promise<Health> {
  const [row] = await tx.db.$queryRawUnsafe<{ dead: number; isEnabled: boolean }[]>(
    `/* Webhook.judge */ SELECT consecutive_dead AS dead, is_enabled AS "isEnabled" FROM webhook_endpoints
     WHERE tenant_id = $1::uuid AND id = $2::uuid FOR NO KEY UPDATE`,
    tx.tenantId,
    id,
  );
  if (!row) return { consecutiveDead: 0, isEnabled: false };
  let { dead } = row;
  let reason: string | null = null;
  for (const { status, responseStatus, error } of results) {
    if (status === 'DELIVERED') dead = 0;
    if (status === 'DEAD') dead++;
    if (dead >= MAX_DEAD) reason ??= `${dead} deliveries in a row were given up; the last one: ${error ?? 'unknown'}`;
    if (responseStatus === GONE) reason = `the receiver answered ${GONE}: it is gone`;
  }
  await tx.db.$executeRawUnsafe(
    '/* Webhook.dead */ UPDATE webhook_endpoints SET consecutive_dead = $3::int WHERE tenant_id = $1::uuid AND id = $2::uuid',
    tx.tenantId,
    id,
    dead,
  );
  if (reason !== null && row.isEnabled) await disableWebhook(tx, id, reason);
  return { consecutiveDead: dead, isEnabled: row.isEnabled && reason === null };
}
