import type { Viewer } from '../../access/viewer.ts';
import type { Condition } from '../../data/filter.ts';
import { countStatement, type PageArgs, type PagePlan, pageStatement, planPage, toPage } from '../../data/list.ts';
import { byId } from '../../data/loaders.ts';
import type { Row } from '../../data/models.ts';
import { withWrite } from '../../data/write.ts';
import { builder } from '../../graphql/builder.ts';
import { boundedTotal, connectionType, oneField, pageArgs, TotalCount } from '../../graphql/connection.ts';
import { type Context, viewerOf } from '../../graphql/context.ts';
import { addMutation } from '../../graphql/mutation.ts';
import { Event } from '../platform/event.schema.ts';
import { ruleEntity } from './entities.ts';
import { inboxList } from './lists.ts';
import { markRead } from './notification.service.ts';
import { NotificationRule } from './rule.schema.ts';
import { hiddenTypes } from './visibility.ts';

const loadEvent = byId('Event');

const Notification = builder.prismaObject('Notification', {
  description: 'An event in somebody’s inbox; within it, the event’s `seq` tells which.',
  fields: (t) => ({
    seq: t.expose('seq', { type: 'BigInt', description: 'of the event' }),
    title: t.exposeString('title', { description: 'name of the rule, or what the server has to say' }),
    eventType: t.exposeString('eventType'),
    aggregateType: t.exposeString('aggregateType'),
    event: t.field({
      type: Event,
      nullable: true,
      // Who may not read events has an empty inbox.
      description: 'null when it is no longer in the log',
      resolve: ({ eventId }, _, ctx) => loadEvent(ctx, eventId),
    }),
    rule: t.field(oneField(ruleEntity, NotificationRule, (row: { ruleId: string | null }) => row.ruleId)),
    readAt: t.expose('readAt', { type: 'DateTime', nullable: true, description: 'null: unread' }),
    createdAt: t.expose('createdAt', { type: 'DateTime' }),
  }),
});

builder.queryFields((t) => ({
  inbox: t.field({
    type: connectionType(inboxList, Notification),
    args: pageArgs(inboxList),
    permission: 'notification:read',
    description: 'Events that rules have put into your inbox, newest first, as far as you may read them now.',
    resolve: async (_, args, ctx) => {
      const plan = inboxPlan(ctx, args);
      const rows = await ctx.scope.query<Row<'Notification'>>(pageStatement(plan, ctx.scope.viewer.tenantId));
      return { page: toPage(plan, rows) };
    },
  }),
  unreadCount: t.field({
    type: TotalCount,
    permission: 'notification:read',
    description: 'How many notifications in your inbox are unread; counted up to 10,000.',
    resolve: async (_, _args, ctx) => {
      const plan = inboxPlan(ctx, { filter: { readAt: { null: true } } });
      const [row] = await ctx.scope.query<{ count: number }>(countStatement(plan, ctx.scope.viewer.tenantId, false));
      return boundedTotal(row?.count ?? 0, false);
    },
  }),
}));

/** A page of the viewer's own inbox: without what the viewer may not read now, whatever was allowed when it came. */
function inboxPlan(ctx: Context, args: PageArgs): PagePlan<'Notification'> {
  const plan = planPage(inboxList, args, ctx);
  const parts = [ownAndReadable(viewerOf(ctx)), ...(plan.condition ? [plan.condition] : [])];
  return { ...plan, condition: { op: 'and', parts } };
}

function ownAndReadable({ memberId, permissions }: Viewer): Condition {
  // Who is no member, as the server itself, has nothing in the inbox; who may not read events sees nothing of it.
  if (!memberId || !permissions.has('event:read')) return { op: 'or', parts: [] };
  const mine: Condition = { op: 'eq', field: { kind: 'id', field: 'memberId' }, value: memberId };
  const type = { kind: 'string', field: 'aggregateType' } as const;
  return { op: 'and', parts: [mine, { op: 'nin', field: type, value: hiddenTypes(permissions) }] };
}

const Marked = builder.objectRef<{ count: number }>('MarkedNotifications').implement({
  description: 'What was marked as read.',
  fields: (t) => ({ count: t.exposeInt('count', { description: 'notifications that were unread before' }) }),
});

addMutation({
  name: 'markNotificationsRead',
  permission: 'notification:read',
  description: 'Marks notifications in your inbox as read.',
  input: builder.inputType('MarkNotificationsReadInput', {
    description: 'Which notifications.',
    fields: (t) => ({
      upToSeq: t.field({ type: 'BigInt', description: 'those of this event and of earlier ones' }),
      seqs: t.field({ type: ['BigInt'], description: 'those of these events' }),
    }),
  }),
  returns: { field: 'marked', type: Marked },
  run: (ctx, input) => withWrite(ctx.services.write, viewerOf(ctx), 'notification.read', (tx) => markRead(tx, input)),
});
