import { defineList } from '../../data/list.ts';
import { ruleEntity } from './entities.ts';

export const ruleList = defineList('NotificationRule', {
  filters: { createdAt: { kind: 'date', field: 'createdAt' } },
  orders: { CREATED_AT: 'createdAt' },
  defaultOrder: 'CREATED_AT',
  omit: [...ruleEntity.omit],
});

/** A member's inbox, the newest first: an event is in it once. */
export const inboxList = defineList('Notification', {
  filters: {
    seq: { kind: 'bigint', field: 'seq' },
    readAt: { kind: 'date', field: 'readAt' },
  },
  orders: {},
  defaultOrder: 'seq',
  key: 'seq',
});
