import type { Webhook, WebhookDelivery } from '../../../generated/prisma/client.ts';
import type { Viewer } from '../../access/viewer.ts';
import type { FilterInput } from '../../data/filter.ts';
import { withReadScope } from '../../data/read-scope.ts';
import { type WriteTx, type Written, withWrite } from '../../data/write.ts';
import { Conflict, InvalidInput, NotFound } from '../../errors.ts';
import { eventCondition, readLog } from '../../events/log.ts';
import { newId } from '../../graphql/ids.ts';
import type { Services } from '../../services.ts';
import { type Endpoint, enqueue, readEndpoint } from './delivery.store.ts';
import { bodyOf, headersOf, TEST_TYPE } from './message.ts';
import { openSecrets } from './secret.ts';
import { post } from './sender.ts';
import { urlRules } from './url-rules.ts';
import { tell } from './webhook.service.ts';

/** For everything about one request, in milliseconds. */
export const TIMEOUT_MS = 5_000;
/** Events that one replay may send again. */
const MAX_REPLAYED = 10_000;

type DeliveryServices = Pick<Services, 'read' | 'write' | 'env' | 'keyRing'>;

async function endpointOf(services: DeliveryServices, viewer: Viewer, id: string): Promise<Endpoint> {
  const endpoint = await withReadScope(services.read, viewer, (scope) => readEndpoint(scope, id));
  if (!endpoint) throw new NotFound('there is no such Webhook', ['id']);
  return endpoint;
}

/** Sends a test now, once, also to a webhook that is switched off, and gives what came of it. */
export async function testWebhook(
  services: DeliveryServices,
  viewer: Viewer,
  webhookId: string,
): Promise<Written<WebhookDelivery>> {
  const endpoint = await endpointOf(services, viewer, webhookId);
  const id = newId();
  const at = new Date();
  const event = { id, seq: 0n, type: TEST_TYPE, aggregateType: 'Webhook', aggregateId: webhookId };
  const body = bodyOf({ ...event, aggregateVersion: endpoint.version, occurredAt: at, payload: {} }, endpoint.tenant);
  const secrets = openSecrets(services.keyRing, endpoint, at);
  const headers = headersOf({ deliveryId: id, type: TEST_TYPE, secrets, body }, at);
  const { guard } = urlRules(services.env);
  const reply = await post(endpoint.url, headers, body, { guard, timeoutMs: TIMEOUT_MS });
  return withWrite(services.write, viewer, 'webhook.test', async (tx) => {
    tx.audit({ action: 'webhook.test', resource: 'Webhook', resourceId: webhookId });
    return tx.db.webhookDelivery.create({
      data: {
        tenantId: tx.tenantId,
        id,
        webhookId,
        kind: 'TEST',
        eventType: TEST_TYPE,
        status: reply.error === null ? 'DELIVERED' : 'DEAD',
        attempts: 1,
        lastAttemptAt: at,
        responseStatus: reply.status,
        latencyMs: reply.latencyMs,
        error: reply.error,
        responseText: reply.text,
        createdAt: at,
      },
    });
  });
}

/** A part of the log that is sent again. */
export interface Replay {
  webhook: Webhook;
  /** events that fit the filter */
  count: number;
}

/** Sends the events from one place in the log to another that fit the webhook's filter now once more, as new deliveries. */
export async function replayWebhook(
  services: DeliveryServices,
  viewer: Viewer,
  { id, fromSeq, toSeq }: { id: string; fromSeq: bigint; toSeq: bigint },
): Promise<Written<Replay>> {
  if (fromSeq < 1n || toSeq < fromSeq) throw new InvalidInput('a part of the log: 1 ≤ fromSeq ≤ toSeq', ['fromSeq']);
  const { filter } = await endpointOf(services, viewer, id);
  const page = await withReadScope(services.read, viewer, (scope) => {
    const condition = eventCondition(filter as FilterInput, new Date());
    return readLog(scope, { after: fromSeq - 1n, upTo: toSeq, condition, size: MAX_REPLAYED });
  });
  if (page.more) {
    const last = page.events.at(-1)?.seq;
    throw new InvalidInput(`more than ${MAX_REPLAYED} events fit: replay up to ${last} first, then the rest`, [
      'toSeq',
    ]);
  }
  return withWrite(services.write, viewer, 'webhook.replay', async (tx) => {
    await tx.lock('Webhook', id);
    const where = { tenantId_id: { tenantId: tx.tenantId, id } };
    const webhook = await tx.db.webhook.update({ where, data: { replays: { increment: 1 } } });
    await enqueue(tx, id, 'REPLAY', webhook.replays, page.events);
    const payload = { fromSeq: Number(fromSeq), toSeq: Number(toSeq), count: page.events.length };
    tell(tx, webhook, 'WEBHOOK_REPLAYED', 'webhook.replay', payload);
    return { webhook, count: page.events.length };
  });
}

/** Tries a delivery again now, and if that fails by the whole schedule. */
export async function retryDelivery(tx: WriteTx, id: string): Promise<WebhookDelivery> {
  const where = { tenantId_id: { tenantId: tx.tenantId, id } };
  const before = await tx.db.webhookDelivery.findUnique({ where, include: { webhook: true } });
  if (!before) throw new NotFound('there is no such WebhookDelivery', ['id']);
  if (before.status === 'DELIVERED') throw new Conflict('it was delivered: replayWebhook sends it once more', ['id']);
  if (before.kind === 'TEST') throw new Conflict('it is a test: testWebhook makes another', ['id']);
  const delivery = await tx.db.webhookDelivery.update({
    where,
    data: { status: 'PENDING', attempts: 0, nextAttemptAt: tx.now },
  });
  tell(tx, before.webhook, 'WEBHOOK_DELIVERY_RETRIED', 'webhook.retry', { seq: Number(delivery.seq) });
  return delivery;
}

/** What was delivered is kept so long. */
const KEPT = "interval '30 days'";
const BATCH = 1_000;
export const OLD_DELIVERIES = `status = 'DELIVERED' AND created_at < now() - ${KEPT}`;

/** Takes away what was delivered long ago. Any number of processes may do so. */
export async function dropOldDeliveries(
  services: Pick<Services, 'write'>,
  viewer: Viewer,
  signal: AbortSignal,
): Promise<void> {
  while (!signal.aborted) {
    const { value: count } = await withWrite(services.write, viewer, 'webhook.retention', (tx) =>
      tx.db.$executeRawUnsafe(
        `/* WebhookDelivery.drop */ DELETE FROM webhook_deliveries WHERE tenant_id = $1::uuid AND id IN (
           SELECT id FROM webhook_deliveries WHERE tenant_id = $1::uuid AND ${OLD_DELIVERIES}
           ORDER BY created_at, id LIMIT ${BATCH} FOR UPDATE SKIP LOCKED)`,
        tx.tenantId,
      ),
    );
    if (count < BATCH) return;
  }
}
