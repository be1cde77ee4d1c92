import { type NewEvent, notificationFormat } from '../../src/events/event.ts';

/** The payload as PostgreSQL sends it, for events of which this is the last seq. */
export function notificationOf(
  tenantId: string,
  lastSeq: bigint,
  events: readonly Pick<NewEvent, 'aggregateType' | 'aggregateId'>[],
): string {
  const first = lastSeq - BigInt(events.length) + 1n;
  return notificationFormat(tenantId, events).replace('%1$s', String(first)).replace('%2$s', String(lastSeq));
}
