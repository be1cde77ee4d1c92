import type { PageArgs } from '../../data/list.ts';
import { eventList } from '../../events/event-list.ts';
import { insistOnReach, lastSeq, logBounds } from '../../events/log.ts';
import { type BatchResolve, batched, batchOf } from '../../execution/batch.ts';
import { builder } from '../../graphql/builder.ts';
import { listField, oneField } from '../../graphql/connection.ts';
import type { Context } from '../../graphql/context.ts';
import { entityOf } from '../../graphql/entity.ts';
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

const list = listField(eventList, Event);

builder.queryFields((t) => ({
  events: t.field({
    ...list,
    permission: 'event:read',
    description: 'The event log, oldest first: for those who poll. To go on from a known place, give `afterSeq`.',
    args: {
      ...list.args,
      afterSeq: t.arg({
        type: 'BigInt',
        description: 'events after this one; an error when some of them are no longer kept, or it is not there yet',
      }),
    },
    resolve: async (_, { afterSeq, ...args }, ctx) => list.resolve(_, await afterPlace(args, afterSeq, ctx), ctx),
    extensions: batched(async (_, { afterSeq, ...args }, ctx, rows) => {
      const from = await afterPlace(args, afterSeq as bigint | null | undefined, ctx);
      return (batchOf(list.extensions) as BatchResolve)(_, { ...from }, ctx, rows);
    }),
  }),
  lastEventSeq: t.field({
    type: 'BigInt',
    permission: 'event:read',
    description: 'Place of the last event: where a subscription that wants only what is new starts.',
    resolve: (_, _args, ctx) => lastSeq(ctx.services.read, ctx.scope.viewer),
  }),
}));

/** The page of the events after a place. @throws EventLogTruncated, EventSeqUnknown */
async function afterPlace(args: PageArgs, afterSeq: bigint | null | undefined, ctx: Context): Promise<PageArgs> {
  if (afterSeq === null || afterSeq === undefined) return args;
  insistOnReach(await logBounds(ctx.scope), BigInt(afterSeq));
  return { ...args, filter: { and: [{ seq: { gt: afterSeq } }, ...(args.filter ? [args.filter] : [])] } };
}
