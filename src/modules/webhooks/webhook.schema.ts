import { enumValue } from '../../data/enum-value.ts';
import { loaderOf } from '../../data/loaders.ts';
import { logBounds } from '../../events/log.ts';
import { builder } from '../../graphql/builder.ts';
import { childListField, listField, oneField } from '../../graphql/connection.ts';
import type { Context } from '../../graphql/context.ts';
import { Node } from '../../graphql/node.ts';
import { deliveryEntity, webhookEntity } from './entities.ts';
import { DeliveryKind, DeliveryStatus, deliveryList, webhookList } from './lists.ts';
import { DELIVERY_KINDS, DELIVERY_STATUSES } from './values.ts';

export const Webhook = builder.prismaObject('Webhook', {
  description: 'An address that the events of this tenant are sent to.',
  interfaces: [Node],
  fields: (t) => ({
    id: t.id({ resolve: (row) => webhookEntity.encode(row.id) }),
    url: t.exposeString('url'),
    description: t.exposeString('description', { nullable: true }),
    filter: t.expose('filter', { type: 'JSON', description: 'as the list of events takes it; {}: every event' }),
    isEnabled: t.exposeBoolean('isEnabled'),
    disabledReason: t.exposeString('disabledReason', {
      nullable: true,
      description: 'why the server has switched it off',
    }),
    lastSeq: t.expose('lastSeq', { type: 'BigInt', description: 'the log is read up to here' }),
    lag: t.field({
      type: 'BigInt',
      description: 'events of the log that were not looked at yet',
      resolve: async ({ lastSeq }, _, ctx) => (await end(ctx)) - lastSeq,
    }),
    skippedTo: t.expose('skippedTo', {
      type: 'BigInt',
      nullable: true,
      description: 'events up to here were taken out of the log before they were sent',
    }),
    consecutiveDead: t.exposeInt('consecutiveDead', { description: 'deliveries given up in a row' }),
    previousSecretUntil: t.expose('previousSecretUntil', {
      type: 'DateTime',
      nullable: true,
      description: 'the secret before the last rotation signs too, until then',
    }),
    version: t.exposeInt('version'),
    createdAt: t.expose('createdAt', { type: 'DateTime' }),
    updatedAt: t.expose('updatedAt', { type: 'DateTime' }),
  }),
});

const END = Symbol('end of the log');

/** One statement for all webhooks of an operation. */
function end(ctx: Context): Promise<bigint> {
  return loaderOf(ctx, END, async (keys) => {
    const { last: seq } = await logBounds(ctx.scope);
    return keys.map(() => seq);
  }).load('');
}

export const WebhookDelivery = builder.prismaObject('WebhookDelivery', {
  description: 'An event on its way to a webhook, or there; or a test.',
  interfaces: [Node],
  fields: (t) => ({
    id: t.id({
      description: 'what the header X-Argus-Delivery says',
      resolve: (row) => deliveryEntity.encode(row.id),
    }),
    webhook: t.field(oneField(webhookEntity, Webhook, (row: { webhookId: string }) => row.webhookId)),
    kind: t.field({ type: DeliveryKind, resolve: (row) => enumValue(DELIVERY_KINDS, row.kind) }),
    seq: t.expose('seq', { type: 'BigInt', nullable: true, description: 'of the event; null: a test' }),
    eventType: t.exposeString('eventType'),
    status: t.field({ type: DeliveryStatus, resolve: (row) => enumValue(DELIVERY_STATUSES, row.status) }),
    attempts: t.exposeInt('attempts'),
    nextAttemptAt: t.expose('nextAttemptAt', { type: 'DateTime', nullable: true }),
    lastAttemptAt: t.expose('lastAttemptAt', { type: 'DateTime', nullable: true }),
    responseStatus: t.exposeInt('responseStatus', { nullable: true, description: 'null: there was no answer' }),
    latencyMs: t.exposeInt('latencyMs', { nullable: true, description: 'of the last attempt' }),
    error: t.exposeString('error', { nullable: true, description: 'why the last attempt does not count' }),
    responseText: t.exposeString('responseText', { nullable: true, description: 'first kilobyte of the answer' }),
    createdAt: t.expose('createdAt', { type: 'DateTime' }),
  }),
});

builder.prismaObjectFields('Webhook', (t) => ({
  deliveries: t.field({
    ...childListField(deliveryList, WebhookDelivery, 'webhookId', 'webhook:read'),
    description: 'What was sent to it, and is to be sent, newest first.',
  }),
}));

builder.queryFields((t) => ({
  webhooks: t.field({
    ...listField(webhookList, Webhook),
    permission: 'webhook:read',
    description: 'Addresses that events are sent to, newest first.',
  }),
  webhookDeliveries: t.field({
    ...listField(deliveryList, WebhookDelivery),
    permission: 'webhook:read',
    description: 'What was sent to webhooks, and is to be sent, newest first. What was delivered is kept for 30 days.',
  }),
}));
