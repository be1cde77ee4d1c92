import { defineList } from '../data/list.ts';

/** What the log can be filtered by: the same for the list, for pollers and for subscriptions. */
export const eventList = defineList('Event', {
  filters: {
    seq: { kind: 'bigint', field: 'seq' },
    type: { kind: 'string', field: 'type' },
    aggregateType: { kind: 'string', field: 'aggregateType' },
    occurredAt: { kind: 'date', field: 'occurredAt' },
  },
  orders: { SEQ: 'seq' },
  defaultOrder: 'SEQ',
  direction: 'ASC',
  key: 'seq',
});
