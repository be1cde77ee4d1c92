import { defineEntity } from '../../graphql/entity.ts';

export const webhookEntity = defineEntity('Webhook', {
  prefix: 'whk',
  read: 'webhook:read',
  omit: ['secret', 'previousSecret'],
});
export const deliveryEntity = defineEntity('WebhookDelivery', { prefix: 'whd', read: 'webhook:read' });
