import type { Webhook } from '../../../generated/prisma/client.ts';
import type { KeyRing } from '../../access/encryption.ts';
import type { FilterInput } from '../../data/filter.ts';
import { cutText } from '../../data/storable-text.ts';
import type { WriteTx } from '../../data/write.ts';
import { Conflict, Forbidden, InvalidInput } from '../../errors.ts';
import { eventCondition, storedFilter } from '../../events/log.ts';
import { newId } from '../../graphql/ids.ts';
import { notifyHolders } from '../notifications/notification.service.ts';
import { webhookEntity } from './entities.ts';
import { newSecret, sealSecret } from './secret.ts';
import { checkUrl, type UrlRules } from './url-rules.ts';

export interface WebhookFields {
  url?: string | null;
  description?: string | null;
  filter?: FilterInput | null;
  isEnabled?: boolean | null;
}

/** A webhook and its secret, which is shown this once. */
export interface WithSecret {
  webhook: Webhook;
  secret: string;
}

/** What changes of webhooks need of the server. */
export interface WebhookDeps {
  keyRing: KeyRing;
  rules: UrlRules;
}

const MAX_WEBHOOKS = 50;
const MAX_DESCRIPTION = 500;
const MAX_REASON = 500;
/** How long the secret before a rotation stays good beside the new one. */
const PREVIOUS_SECRET_MS = 24 * 3_600_000;

/** Sets up a webhook, which gets what happens from now on, or from `fromSeq` on. */
export async function createWebhook(
  tx: WriteTx,
  { keyRing, rules }: WebhookDeps,
  input: WebhookFields & { url: string; fromSeq?: bigint | null },
): Promise<WithSecret> {
  checkReader(tx);
  const fields = checkFields(tx, rules, input);
  // The counter's lock keeps others from creating one meanwhile: the limit holds, and the place in the log is exact.
  const end = await tx.lockLog();
  const { fromSeq } = input;
  if (fromSeq !== undefined && fromSeq !== null && (fromSeq < 1n || fromSeq > end + 1n))
    throw new InvalidInput(`the log goes from 1 to ${end}: from 1 to ${end + 1n}`, ['fromSeq']);
  if ((await tx.db.webhook.count({ where: { tenantId: tx.tenantId } })) >= MAX_WEBHOOKS)
    throw new Conflict(`there are ${MAX_WEBHOOKS} webhooks already, which is as many as there may be`);
  const id = newId();
  const secret = newSecret();
  const webhook = await tx.db.webhook.create({
    data: {
      ...fields,
      url: fields.url ?? '',
      tenantId: tx.tenantId,
      id,
      secret: sealSecret(keyRing, secret, tx.tenantId, id),
      lastSeq: fromSeq ? fromSeq - 1n : end,
      createdAt: tx.now,
    },
  });
  tell(tx, webhook, 'WEBHOOK_CREATED', 'webhook.create');
  return { webhook, secret };
}

/** A webhook passes on events: who may not read them may not set one up. */
function checkReader(tx: WriteTx): void {
  if (!tx.viewer.permissions.has('event:read')) throw new Forbidden('a webhook passes events on: you need event:read');
}

function checkFields(tx: WriteTx, rules: UrlRules, input: WebhookFields) {
  const { url, description, filter, isEnabled } = input;
  const about = description?.trim();
  if (about !== undefined && about.length > MAX_DESCRIPTION)
    throw new InvalidInput(`a description has at most ${MAX_DESCRIPTION} characters`, ['description']);
  if (filter) eventCondition(filter, tx.now);
  return {
    ...(typeof url === 'string' ? { url: checkUrl(url, rules) } : {}),
    ...(description === undefined ? {} : { description: about || null }),
    ...(filter === undefined ? {} : { filter: storedFilter(filter ?? {}) }),
    ...(typeof isEnabled === 'boolean' ? { isEnabled } : {}),
  };
}

/** Changes a webhook. One that is switched on again goes on where it stopped, with what was waiting. */
export async function updateWebhook(
  tx: WriteTx,
  { rules }: Pick<WebhookDeps, 'rules'>,
  { id, expectedVersion, ...input }: WebhookFields & { id: string; expectedVersion?: number | null },
): Promise<Webhook> {
  checkReader(tx);
  const version = (await tx.lock('Webhook', id, expectedVersion)) + 1;
  const fields = checkFields(tx, rules, input);
  const data = { ...fields, ...(fields.isEnabled ? { disabledReason: null, consecutiveDead: 0 } : {}), version };
  const webhook = await tx.db.webhook.update({ where: keyOf(tx, id), data });
  return tell(tx, webhook, 'WEBHOOK_UPDATED', 'webhook.update', { isEnabled: webhook.isEnabled });
}

const keyOf = (tx: WriteTx, id: string) => ({ tenantId_id: { tenantId: tx.tenantId, id } });

/** Takes a webhook away, with its deliveries. */
export async function deleteWebhook(
  tx: WriteTx,
  { id, expectedVersion }: { id: string; expectedVersion?: number | null },
): Promise<Webhook> {
  const version = (await tx.lock('Webhook', id, expectedVersion)) + 1;
  const webhook = await tx.db.webhook.delete({ where: keyOf(tx, id) });
  return tell(tx, { ...webhook, version }, 'WEBHOOK_DELETED', 'webhook.delete');
}

/** Gives a webhook a new secret. The one before signs beside it for 24 hours. */
export async function rotateSecret(
  tx: WriteTx,
  { keyRing }: Pick<WebhookDeps, 'keyRing'>,
  { id, expectedVersion }: { id: string; expectedVersion?: number | null },
): Promise<WithSecret> {
  const version = (await tx.lock('Webhook', id, expectedVersion)) + 1;
  const before = await tx.db.webhook.findUniqueOrThrow({ where: keyOf(tx, id) });
  const secret = newSecret();
  const webhook = await tx.db.webhook.update({
    where: keyOf(tx, id),
    data: {
      secret: sealSecret(keyRing, secret, tx.tenantId, id),
      previousSecret: before.secret,
      previousSecretUntil: new Date(tx.now.getTime() + PREVIOUS_SECRET_MS),
      version,
    },
  });
  tell(tx, webhook, 'WEBHOOK_SECRET_ROTATED', 'webhook.rotateSecret');
  return { webhook, secret };
}

/** Switches a webhook off because of its receiver, and tells those who may switch it on again. */
export async function disableWebhook(tx: WriteTx, id: string, reason: string): Promise<void> {
  const version = (await tx.lock('Webhook', id)) + 1;
  const disabledReason = cutText(reason, MAX_REASON);
  const data = { isEnabled: false, disabledReason, version };
  const webhook = await tx.db.webhook.update({ where: keyOf(tx, id), data });
  tell(tx, webhook, 'WEBHOOK_DISABLED', 'webhook.disable', { reason: disabledReason });
  tx.atEnd(() => notifyHolders(tx, 'webhook:write', id, 'A webhook was switched off'));
}

/** Tells of a webhook. Its URL is not told: it may hold what only those may see who may see webhooks. */
export function tell(
  tx: WriteTx,
  webhook: Webhook,
  type: string,
  action: string,
  payload: Record<string, unknown> = {},
): Webhook {
  tx.audit({ action, resource: 'Webhook', resourceId: webhook.id });
  tx.emit({
    type,
    aggregateType: 'Webhook',
    aggregateId: webhook.id,
    aggregateVersion: webhook.version,
    payload: { id: webhookEntity.encode(webhook.id), description: webhook.description, ...payload },
  });
  return webhook;
}
