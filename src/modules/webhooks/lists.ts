import { defineList } from '../../data/list.ts';
import { defineEnum, enumFilter } from '../../graphql/enums.ts';
import { idFilter } from '../../graphql/filter-inputs.ts';
import { webhookEntity } from './entities.ts';
import { DELIVERY_KINDS, DELIVERY_STATUSES } from './values.ts';

const created = { kind: 'date', field: 'createdAt' } as const;

export const DeliveryKind = defineEnum(
  'WebhookDeliveryKind',
  DELIVERY_KINDS,
  'Why something is sent: an event of the log, one that was asked for again, or a test.',
);
export const DeliveryStatus = defineEnum(
  'WebhookDeliveryStatus',
  DELIVERY_STATUSES,
  'PENDING: to be tried, or tried again; DEAD: given up.',
);

export const webhookList = defineList('Webhook', {
  filters: { createdAt: created },
  orders: { CREATED_AT: 'createdAt' },
  defaultOrder: 'CREATED_AT',
  omit: [...webhookEntity.omit],
});

export const deliveryList = defineList('WebhookDelivery', {
  filters: {
    webhookId: idFilter(webhookEntity, 'webhookId'),
    status: enumFilter('WebhookDeliveryStatus', DELIVERY_STATUSES, 'status'),
    seq: { kind: 'bigint', field: 'seq' },
    createdAt: created,
  },
  orders: { CREATED_AT: 'createdAt' },
  defaultOrder: 'CREATED_AT',
});
