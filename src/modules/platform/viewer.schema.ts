import { PERMISSIONS } from '../../access/permissions.ts';
import type { Viewer as ViewerShape } from '../../access/viewer.ts';
import type { Row } from '../../data/models.ts';
import { selectList } from '../../data/models.ts';
import { SqlBuilder } from '../../data/statement.ts';
import { builder } from '../../graphql/builder.ts';
import { oneField } from '../../graphql/connection.ts';
import { memberEntity } from './entities.ts';
import { Member } from './member.schema.ts';

const Tenant = builder.prismaObject('Tenant', {
  description: 'The organisation that everything you see belongs to.',
  fields: (t) => ({
    slug: t.exposeString('slug', { description: 'its short name, as in `argus import --tenant demo`' }),
    name: t.exposeString('name'),
    domain: t.exposeString('domain', { nullable: true }),
    settings: t.expose('settings', { type: 'JSON' }),
    createdAt: t.expose('createdAt', { type: 'DateTime' }),
  }),
});

const Permission = builder.objectRef<{ name: string; description: string; granted: boolean }>('Permission').implement({
  description: 'Something that one may be allowed to do.',
  fields: (t) => ({
    name: t.exposeString('name'),
    description: t.exposeString('description'),
    granted: t.exposeBoolean('granted', { description: 'whether you have it' }),
  }),
});

const Viewer = builder.objectRef<ViewerShape>('Viewer').implement({
  description: 'Who is asking, as told by the API key or the session.',
  fields: (t) => ({
    kind: t.exposeString('kind', { description: 'MEMBER (a session) or API_KEY' }),
    member: t.field(oneField(memberEntity, Member, (viewer: ViewerShape) => viewer.memberId)),
    tenant: t.field({
      type: Tenant,
      nullable: true,
      permission: 'tenant:read',
      resolve: async (viewer, _, ctx) => {
        const sql = new SqlBuilder().raw(`SELECT ${selectList('Tenant', 't')} FROM tenants t WHERE t.id = `);
        const [row] = await ctx.scope.query<Row<'Tenant'>>(sql.param(viewer.tenantId, 'uuid').build('Tenant.viewer'));
        return row ?? null;
      },
    }),
    permissions: t.field({
      type: [Permission],
      description: 'Every permission there is, and whether you have it.',
      resolve: (viewer) =>
        Object.entries(PERMISSIONS).map(([name, description]) => ({
          name,
          description,
          granted: viewer.permissions.has(name as keyof typeof PERMISSIONS),
        })),
    }),
  }),
});

builder.queryField('viewer', (t) =>
  t.field({
    type: Viewer,
    nullable: true,
    permission: 'public',
    description: 'Who you are to this server; null without a key or session.',
    resolve: (_, _args, ctx) => ctx.viewer,
  }),
);
