import { currentPermissions } from '../../access/authenticate.ts';
import { planPage } from '../../data/list.ts';
import type { Row } from '../../data/models.ts';
import { eventList } from '../../events/event-list.ts';
import { eventStream, lastSeq } from '../../events/stream.ts';
import { builder } from '../../graphql/builder.ts';
import { listField, oneField } from '../../graphql/connection.ts';
import { entityOf } from '../../graphql/entity.ts';
import { filterInput } from '../../graphql/filter-inputs.ts';
import { requirePermission } from '../../graphql/permission-plugin.ts';
import { memberEntity } from './entities.ts';
import { Member } from './member.schema.ts';

export const Event = builder.prismaObject('Event', {
  description: 'A fact in the tenant’s log.',
  fields: (t) => ({
    seq: t.expose('seq', { type: 'BigInt', description: 'its place: without gaps, in the order of commits' }),
    type: t.exposeString('type', { description: 'such as CASE_OPENED' }),
    aggregateType: t.exposeString('aggregateType', { description: 'type of what changed' }),
    aggregateId: t.id({
      resolve: (event) => entityOf(event.aggregateType)?.encode(event.aggregateId) ?? event.aggregateId,
    }),
    aggregateVersion: t.exposeInt('aggregateVersion'),
    actor: t.field(oneField(memberEntity, Member, (event: { actorId: string | null }) => event.actorId)),
    occurredAt: t.expose('occurredAt', { type: 'DateTime' }),
    payload: t.expose('payload', { type: 'JSON' }),
  }),
});

builder.queryFields((t) => ({
  events: t.field({
    ...listField(eventList, Event),
    permission: 'event:read',
    description:
      'The event log, oldest first: for those who poll. To go on from a known place, filter by `seq: { gt: … }`.',
  }),
  lastEventSeq: t.field({
    type: 'BigInt',
    permission: 'event:read',
    description: 'Place of the last event: where a subscription that wants only what is new starts.',
    resolve: (_, _args, ctx) => lastSeq(ctx.services.read, ctx.scope.viewer),
  }),
}));

builder.subscriptionField('events', (t) =>
  t.field({
    type: Event,
    permission: 'event:read',
    description:
      'The log as it grows: everything after `afterSeq`, then what happens from now on, in order, without gap or double. Without `afterSeq`, only what happens from now on.',
    args: { afterSeq: t.arg({ type: 'BigInt' }), filter: t.arg({ type: filterInput(eventList) }) },
    subscribe: async (_, { afterSeq, filter }, ctx) => {
      const { services, viewer } = ctx;
      if (viewer === null) return requirePermission(ctx, 'event:read') as never;
      // A filter that does not fit is refused here, before the stream begins.
      planPage(eventList, { filter: filter ?? null }, ctx.now);
      return eventStream(services, viewer, {
        afterSeq: afterSeq ?? (await lastSeq(services.read, viewer)),
        filter: filter ?? null,
        check: async () => {
          const permissions = await currentPermissions(services.read, viewer);
          requirePermission({ ...ctx, viewer: { ...viewer, permissions } }, 'event:read');
        },
        signal: services.streams.signal,
      });
    },
    resolve: (event) => event as Row<'Event'>,
  }),
);
