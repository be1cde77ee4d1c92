import { ROLES } from '../../access/permissions.ts';
import { enumValue } from '../../data/enum-value.ts';
import type { FilterInput } from '../../data/filter.ts';
import type { Row } from '../../data/models.ts';
import { withWrite } from '../../data/write.ts';
import { InvalidInput, NotFound } from '../../errors.ts';
import { eventList } from '../../events/event-list.ts';
import { eventCondition, lastThatFit } from '../../events/log.ts';
import { builder, type InputFields } from '../../graphql/builder.ts';
import { listField } from '../../graphql/connection.ts';
import { type Context, viewerOf } from '../../graphql/context.ts';
import { filterInput } from '../../graphql/filter-inputs.ts';
import { addMutation, EXPECTED_VERSION } from '../../graphql/mutation.ts';
import { Node } from '../../graphql/node.ts';
import { requirePermission } from '../../graphql/permission-plugin.ts';
import { memberEntity } from '../platform/entities.ts';
import { Event } from '../platform/event.schema.ts';
import { Member, MemberRole } from '../platform/member.schema.ts';
import { ruleEntity } from './entities.ts';
import { ruleList } from './lists.ts';
import { createRule, deleteRule, type RuleFields, updateRule } from './rule.service.ts';

const ROLE_NAMES = Object.keys(ROLES) as (keyof typeof ROLES)[];

export const NotificationRule = builder.prismaObject('NotificationRule', {
  description: 'Which events go into whose inbox.',
  interfaces: [Node],
  fields: (t) => ({
    id: t.id({ resolve: (rule) => ruleEntity.encode(rule.id) }),
    name: t.exposeString('name'),
    filter: t.expose('filter', { type: 'JSON', description: 'as the list of events takes it; {}: every event' }),
    members: t.field({
      type: [Member],
      permission: 'member:read',
      description: 'who is told, besides those with one of the roles',
      resolve: async ({ memberIds }, _, ctx) => {
        const members = await Promise.all(memberIds.map((id) => memberEntity.load(ctx, id)));
        return members.filter((member) => member !== null);
      },
    }),
    roles: t.field({
      type: [MemberRole],
      resolve: ({ roles }) => roles.map((role) => enumValue(ROLE_NAMES, role)),
    }),
    isEnabled: t.exposeBoolean('isEnabled'),
    lastSeq: t.expose('lastSeq', { type: 'BigInt', description: 'the log is read up to here' }),
    version: t.exposeInt('version'),
    createdAt: t.expose('createdAt', { type: 'DateTime' }),
    updatedAt: t.expose('updatedAt', { type: 'DateTime' }),
  }),
});

const MAX_TESTED = 1_000;

builder.queryFields((t) => ({
  notificationRules: t.field({
    ...listField(ruleList, NotificationRule),
    permission: 'notification:read',
    description: 'Rules that say which events go into whose inbox, newest first.',
  }),
  testNotificationRule: t.field({
    type: [Event],
    permission: 'event:read',
    description: 'Which of the last events a rule, or a filter, would have told, newest first.',
    args: {
      id: t.arg.id({ description: 'a rule' }),
      filter: t.arg({ type: filterInput(eventList), description: 'or a filter; all events without either' }),
      last: t.arg.int({ defaultValue: 100, description: `how many events are looked at, 1 to ${MAX_TESTED}` }),
    },
    resolve: (_, { id, filter, last }, ctx) => testRule(ctx, id ?? null, filter ?? null, last ?? 100),
  }),
}));

async function testRule(ctx: Context, id: string | null, filter: FilterInput | null, last: number) {
  if (last < 1 || last > MAX_TESTED)
    throw new InvalidInput(`${last} is out of range: 1 to ${MAX_TESTED} events`, ['last']);
  if (id !== null) requirePermission(ctx, ruleEntity.read);
  if (id !== null && filter !== null) throw new InvalidInput('give the id of a rule or a filter, not both', ['filter']);
  const wanted = filter ?? (id === null ? {} : await filterOf(ctx, id));
  return lastThatFit(ctx.scope, eventCondition(wanted, ctx.now), last);
}

async function filterOf(ctx: Context, id: string): Promise<FilterInput> {
  const rule: Row<'NotificationRule'> | null = await ruleEntity.load(ctx, ruleEntity.decode(id));
  if (!rule) throw new NotFound('there is no such NotificationRule', ['id']);
  return rule.filter as FilterInput;
}

const ruleFields = (t: InputFields) => ({
  filter: t.field({ type: filterInput(eventList), description: 'which events; all when left out' }),
  memberIds: t.idList({ description: 'who is told; you, when neither members nor roles are given' }),
  roles: t.field({ type: [MemberRole], description: 'everybody who has one of these is told' }),
  isEnabled: t.boolean(),
});

function toRule<I extends { memberIds?: readonly string[] | null }>(input: I): I & RuleFields {
  return { ...input, memberIds: input.memberIds?.map((id, i) => memberEntity.decode(id, ['memberIds', String(i)])) };
}

addMutation({
  name: 'createNotificationRule',
  permission: 'notification:write',
  description: 'Has events put into inboxes, as they happen. testNotificationRule tells beforehand what would fit.',
  input: builder.inputType('CreateNotificationRuleInput', {
    description: 'A new rule.',
    fields: (t) => ({ name: t.string({ required: true }), ...ruleFields(t) }),
  }),
  returns: { field: 'notificationRule', type: NotificationRule },
  run: (ctx, input) => {
    const rule = toRule(input);
    return withWrite(ctx.services.write, viewerOf(ctx), 'notificationRule.create', (tx) => createRule(tx, rule));
  },
});

addMutation({
  name: 'updateNotificationRule',
  permission: 'notification:write',
  description: 'Changes a rule. One that is switched on again tells what happens from then on.',
  input: builder.inputType('UpdateNotificationRuleInput', {
    description: 'Changes of a rule.',
    fields: (t) => ({
      id: t.id({ required: true }),
      expectedVersion: t.int({ description: EXPECTED_VERSION }),
      name: t.string(),
      ...ruleFields(t),
    }),
  }),
  returns: { field: 'notificationRule', type: NotificationRule },
  run: (ctx, input) => {
    const id = ruleEntity.decode(input.id);
    const change = toRule(input);
    return withWrite(ctx.services.write, viewerOf(ctx), 'notificationRule.update', (tx) =>
      updateRule(tx, { ...change, id }),
    );
  },
});

addMutation({
  name: 'deleteNotificationRule',
  permission: 'notification:write',
  description: 'Takes a rule away. What it has put into inboxes stays there.',
  input: builder.inputType('DeleteNotificationRuleInput', {
    description: 'Which rule to take away.',
    fields: (t) => ({ id: t.id({ required: true }), expectedVersion: t.int({ description: EXPECTED_VERSION }) }),
  }),
  returns: { field: 'notificationRule', type: NotificationRule },
  run: (ctx, input) => {
    const id = ruleEntity.decode(input.id);
    return withWrite(ctx.services.write, viewerOf(ctx), 'notificationRule.delete', (tx) =>
      deleteRule(tx, { ...input, id }),
    );
  },
});
