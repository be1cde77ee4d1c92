import type { Row } from '../../data/models.ts';
import { entityOf } from '../../graphql/entity.ts';
import { encodeId } from '../../graphql/ids.ts';
import { VERSION } from '../../version.ts';
import { deliveryEntity } from './entities.ts';
import { signatureOf } from './secret.ts';

/** What a message tells of an event. */
export type MessageEvent = Pick<
  Row<'Event'>,
  'id' | 'seq' | 'type' | 'aggregateType' | 'aggregateId' | 'aggregateVersion' | 'occurredAt' | 'payload'
>;

export const TEST_TYPE = 'WEBHOOK_TEST';

/** The id under which receivers know an event; events have no type of their own in the API. */
const eventGlobalId = (uuid: string): string => encodeId('evt', uuid);

/** The body of a message. An event has the same body at every attempt. */
export function bodyOf(event: MessageEvent, tenant: string): string {
  const { aggregateType, aggregateId } = event;
  return JSON.stringify({
    id: eventGlobalId(event.id),
    // Numbers of events are far below 2^53.
    seq: Number(event.seq),
    type: event.type,
    tenant,
    aggregateType,
    aggregateId: entityOf(aggregateType)?.encode(aggregateId) ?? aggregateId,
    aggregateVersion: event.aggregateVersion,
    occurredAt: event.occurredAt.toISOString(),
    payload: event.payload,
  });
}

/** The headers of one attempt; `deliveryId` is the row's UUID, and the same at every attempt. */
export function headersOf(
  { deliveryId, type, secrets, body }: { deliveryId: string; type: string; secrets: readonly string[]; body: string },
  at: Date,
): Record<string, string> {
  return {
    'content-type': 'application/json',
    'user-agent': `Argus/${VERSION}`,
    'x-argus-delivery': deliveryEntity.encode(deliveryId),
    'x-argus-event': type,
    'x-argus-signature': signatureOf(secrets, body, at),
  };
}
