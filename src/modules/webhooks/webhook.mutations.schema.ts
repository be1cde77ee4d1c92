import { withWrite } from '../../data/write.ts';
import { eventList } from '../../events/event-list.ts';
import { builder, type InputFields } from '../../graphql/builder.ts';
import { type Context, viewerOf } from '../../graphql/context.ts';
import { filterInput } from '../../graphql/filter-inputs.ts';
import { addMutation, EXPECTED_VERSION } from '../../graphql/mutation.ts';
import { type Replay, replayWebhook, retryDelivery, testWebhook } from './delivery.service.ts';
import { deliveryEntity, webhookEntity } from './entities.ts';
import { urlRules } from './url-rules.ts';
import { Webhook, WebhookDelivery } from './webhook.schema.ts';
import { createWebhook, deleteWebhook, rotateSecret, updateWebhook, type WithSecret } from './webhook.service.ts';

const depsOf = ({ services: { keyRing, env } }: Context) => ({ keyRing, rules: urlRules(env) });

const webhookFields = (t: InputFields) => ({
  description: t.string(),
  filter: t.field({ type: filterInput(eventList), description: 'which events; all when left out' }),
  isEnabled: t.boolean(),
});

const NewWebhook = builder.objectRef<WithSecret>('WebhookWithSecret').implement({
  description: 'A webhook whose secret was just made.',
  fields: (t) => ({
    webhook: t.field({ type: Webhook, resolve: ({ webhook }) => webhook }),
    secret: t.exposeString('secret', {
      description: 'what messages are signed with: keep it now, it is not shown again',
    }),
  }),
});

addMutation({
  name: 'createWebhook',
  permission: 'webhook:write',
  description: 'Has events sent to an address, as they happen.',
  input: builder.inputType('CreateWebhookInput', {
    description: 'A new webhook.',
    fields: (t) => ({
      url: t.string({ required: true }),
      fromSeq: t.field({ type: 'BigInt', description: 'first event to be sent; what comes from now on when left out' }),
      ...webhookFields(t),
    }),
  }),
  returns: { field: 'created', type: NewWebhook },
  run: (ctx, input) =>
    withWrite(ctx.services.write, viewerOf(ctx), 'webhook.create', (tx) => createWebhook(tx, depsOf(ctx), input)),
});

addMutation({
  name: 'updateWebhook',
  permission: 'webhook:write',
  description: 'Changes a webhook. One that is switched on again goes on where it stopped.',
  input: builder.inputType('UpdateWebhookInput', {
    description: 'Changes of a webhook.',
    fields: (t) => ({
      id: t.id({ required: true }),
      expectedVersion: t.int({ description: EXPECTED_VERSION }),
      url: t.string(),
      ...webhookFields(t),
    }),
  }),
  returns: { field: 'webhook', type: Webhook },
  run: (ctx, input) => {
    const id = webhookEntity.decode(input.id);
    return withWrite(ctx.services.write, viewerOf(ctx), 'webhook.update', (tx) =>
      updateWebhook(tx, depsOf(ctx), { ...input, id }),
    );
  },
});

const oneOf = (t: InputFields) => ({
  id: t.id({ required: true }),
  expectedVersion: t.int({ description: EXPECTED_VERSION }),
});

addMutation({
  name: 'deleteWebhook',
  permission: 'webhook:write',
  description: 'Takes a webhook away, with its deliveries.',
  input: builder.inputType('DeleteWebhookInput', { description: 'Which webhook to take away.', fields: oneOf }),
  returns: { field: 'webhook', type: Webhook },
  run: (ctx, input) => {
    const id = webhookEntity.decode(input.id);
    return withWrite(ctx.services.write, viewerOf(ctx), 'webhook.delete', (tx) => deleteWebhook(tx, { ...input, id }));
  },
});

addMutation({
  name: 'rotateWebhookSecret',
  permission: 'webhook:write',
  description: 'Gives a webhook a new secret. The one before signs beside it for 24 hours.',
  input: builder.inputType('RotateWebhookSecretInput', { description: 'Which webhook.', fields: oneOf }),
  returns: { field: 'rotated', type: NewWebhook },
  run: (ctx, input) => {
    const id = webhookEntity.decode(input.id);
    return withWrite(ctx.services.write, viewerOf(ctx), 'webhook.rotateSecret', (tx) =>
      rotateSecret(tx, depsOf(ctx), { ...input, id }),
    );
  },
});

addMutation({
  name: 'testWebhook',
  permission: 'webhook:write',
  description: 'Sends a message of the type WEBHOOK_TEST now, once, and gives what came of it.',
  input: builder.inputType('TestWebhookInput', {
    description: 'Which webhook to try.',
    fields: (t) => ({ id: t.id({ required: true }) }),
  }),
  returns: { field: 'delivery', type: WebhookDelivery },
  run: (ctx, input) => testWebhook(ctx.services, viewerOf(ctx), webhookEntity.decode(input.id)),
});

const ReplayType = builder.objectRef<Replay>('WebhookReplay').implement({
  description: 'A part of the log that is sent once more.',
  fields: (t) => ({
    webhook: t.field({ type: Webhook, resolve: ({ webhook }) => webhook }),
    count: t.exposeInt('count', { description: 'events that fit' }),
  }),
});

addMutation({
  name: 'replayWebhook',
  permission: 'webhook:write',
  description: 'Sends a part of the log once more: what fits the filter as it is now, 10,000 events at most.',
  input: builder.inputType('ReplayWebhookInput', {
    description: 'Which part of the log.',
    fields: (t) => ({
      id: t.id({ required: true }),
      fromSeq: t.field({ type: 'BigInt', required: true, description: 'the first event' }),
      toSeq: t.field({ type: 'BigInt', required: true, description: 'the last event' }),
    }),
  }),
  returns: { field: 'replay', type: ReplayType },
  run: (ctx, { id, fromSeq, toSeq }) =>
    replayWebhook(ctx.services, viewerOf(ctx), {
      id: webhookEntity.decode(id),
      fromSeq: BigInt(fromSeq),
      toSeq: BigInt(toSeq),
    }),
});

addMutation({
  name: 'retryWebhookDelivery',
  permission: 'webhook:write',
  description: 'Tries a delivery that failed again now, and if that fails too by the whole schedule.',
  input: builder.inputType('RetryWebhookDeliveryInput', {
    description: 'Which delivery.',
    fields: (t) => ({ id: t.id({ required: true }) }),
  }),
  returns: { field: 'delivery', type: WebhookDelivery },
  run: (ctx, input) => {
    const id = deliveryEntity.decode(input.id);
    return withWrite(ctx.services.write, viewerOf(ctx), 'webhook.retry', (tx) => retryDelivery(tx, id));
  },
});
