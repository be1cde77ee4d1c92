import type { ROLES } from '../../access/permissions.ts';
import { enumValue } from '../../data/enum-value.ts';
import { defineList } from '../../data/list.ts';
import { builder } from '../../graphql/builder.ts';
import { listField } from '../../graphql/connection.ts';
import { defineEnum, enumFilter } from '../../graphql/enums.ts';
import { Node } from '../../graphql/node.ts';
import { memberEntity } from './entities.ts';
import { addEventSubscription } from './event-stream.schema.ts';

const ROLE_NAMES = [
  'OWNER',
  'ADMIN',
  'MANAGER',
  'CTO',
  'ANALYST',
  'ENGINEER',
  'SENIOR_ENGINEER',
  'QA_ENGINEER',
  'MEMBER',
  'VIEWER',
] as const satisfies (keyof typeof ROLES)[];
export const MemberRole = defineEnum('MemberRole', ROLE_NAMES, 'A bundle of permissions.');

export const memberList = defineList('Member', {
  filters: {
    role: enumFilter('MemberRole', ROLE_NAMES, 'role'),
    isActive: { kind: 'boolean', field: 'isActive' },
    displayName: { kind: 'string', field: 'displayName' },
    createdAt: { kind: 'date', field: 'createdAt' },
  },
  orders: { CREATED_AT: 'createdAt', DISPLAY_NAME: 'displayName' },
  defaultOrder: 'CREATED_AT',
});

export const Member = builder.prismaObject('Member', {
  description: 'A person in this tenant.',
  interfaces: [Node],
  fields: (t) => ({
    id: t.id({ resolve: (member) => memberEntity.encode(member.id) }),
    displayName: t.exposeString('displayName'),
    role: t.field({ type: MemberRole, resolve: (member) => enumValue(ROLE_NAMES, member.role) }),
    isActive: t.exposeBoolean('isActive'),
    version: t.exposeInt('version'),
    createdAt: t.expose('createdAt', { type: 'DateTime' }),
  }),
});

builder.queryField('members', (t) =>
  t.field({ ...listField(memberList, Member), permission: 'member:read', description: 'People of this tenant.' }),
);

addEventSubscription(memberList, Member, 'member:read');
