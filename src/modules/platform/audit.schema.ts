import { enumValue } from '../../data/enum-value.ts';
import { defineList } from '../../data/list.ts';
import { builder } from '../../graphql/builder.ts';
import { listField, oneField } from '../../graphql/connection.ts';
import { entityOf } from '../../graphql/entity.ts';
import { defineEnum } from '../../graphql/enums.ts';
import { idFilter } from '../../graphql/filter-inputs.ts';
import { Node } from '../../graphql/node.ts';
import { auditEntity, memberEntity } from './entities.ts';
import { Member } from './member.schema.ts';

const ACTOR_KINDS = ['MEMBER', 'API_KEY', 'SYSTEM'] as const;
const ActorKind = defineEnum('ActorKind', ACTOR_KINDS, 'What acted: a person, a program with a key, or Argus itself.');

const auditList = defineList('AuditEntry', {
  filters: {
    actorId: idFilter(memberEntity, 'actorId'),
    action: { kind: 'string', field: 'action' },
    resource: { kind: 'string', field: 'resource' },
    createdAt: { kind: 'date', field: 'createdAt' },
  },
  orders: { CREATED_AT: 'createdAt' },
  defaultOrder: 'CREATED_AT',
});

const AuditEntry = builder.prismaObject('AuditEntry', {
  description: 'Who did what, and from where.',
  interfaces: [Node],
  fields: (t) => ({
    id: t.id({ resolve: (entry) => auditEntity.encode(entry.id) }),
    actorKind: t.field({ type: ActorKind, resolve: (entry) => enumValue(ACTOR_KINDS, entry.actorKind) }),
    actor: t.field(oneField(memberEntity, Member, (entry: { actorId: string | null }) => entry.actorId)),
    action: t.exposeString('action', { description: 'such as `case.move`' }),
    resource: t.exposeString('resource', { nullable: true, description: 'type of what was changed' }),
    resourceId: t.id({
      nullable: true,
      resolve: ({ resource, resourceId }) =>
        resource && resourceId ? (entityOf(resource)?.encode(resourceId) ?? resourceId) : null,
    }),
    metadata: t.expose('metadata', { type: 'JSON' }),
    ipAddress: t.exposeString('ipAddress', { nullable: true }),
    userAgent: t.exposeString('userAgent', { nullable: true }),
    requestId: t.exposeString('requestId', { nullable: true }),
    createdAt: t.expose('createdAt', { type: 'DateTime' }),
  }),
});

builder.queryField('auditEntries', (t) =>
  t.field({
    ...listField(auditList, AuditEntry),
    permission: 'audit:read',
    description: 'The audit log, newest first.',
  }),
);
