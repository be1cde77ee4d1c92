// The stock way of Argus's own stack: Yoga, Pothos and plugin-prisma, whose t.relation plans an operation's loads in
// one Prisma query. Relations by join, statements named so that they are prepared once, schema caches on (Yoga's own).
// Not under graphql-jit: the plugin then loses its plan and loads row by row.
import { randomUUID } from 'node:crypto';
import SchemaBuilder from '@pothos/core';
import PrismaPlugin from '@pothos/plugin-prisma';
import { PrismaPg } from '@prisma/adapter-pg';
import { createYoga } from 'graphql-yoga';
import { getDatamodel, type default as PrismaTypes } from '../../generated/pothos.ts';
import { PrismaClient } from '../../generated/prisma/client.ts';
import { poolConfig, serve, settings } from '../serving.ts';

const { tenantId } = settings();
const names = new Map<string, string>();
const statementNameGenerator = ({ sql }: { sql: string }) => {
  const name = names.get(sql) ?? `s${names.size}`;
  names.set(sql, name);
  return name;
};
const prisma = new PrismaClient({ adapter: new PrismaPg(poolConfig(), { statementNameGenerator }) });

const builder = new SchemaBuilder<{ PrismaTypes: PrismaTypes }>({
  plugins: [PrismaPlugin],
  prisma: { client: prisma, dmmf: getDatamodel() },
});

const newest = [{ createdAt: 'desc' as const }, { id: 'desc' as const }];

const Member = builder.prismaObject('Member', {
  fields: (t) => ({ id: t.exposeID('id'), displayName: t.exposeString('displayName') }),
});
builder.prismaObject('BugHistory', {
  name: 'BugChange',
  fields: (t) => ({
    id: t.exposeID('id'),
    field: t.exposeString('field'),
    oldValue: t.exposeString('oldValue', { nullable: true }),
    newValue: t.exposeString('newValue', { nullable: true }),
    at: t.string({ resolve: ({ at }) => at.toISOString() }),
  }),
});
const Bug = builder.prismaObject('Bug', {
  fields: (t) => ({
    id: t.exposeID('id'),
    number: t.exposeInt('number'),
    title: t.exposeString('title'),
    description: t.exposeString('description', { nullable: true }),
    severity: t.exposeString('severity'),
    status: t.exposeString('status'),
    priorityScore: t.exposeInt('priorityScore'),
    slaState: t.exposeString('slaState'),
    createdAt: t.string({ resolve: ({ createdAt }) => createdAt.toISOString() }),
    project: t.relation('project'),
    assignee: t.relation('assignee', { nullable: true, type: Member }),
    history: t.relation('history', {
      args: { first: t.arg.int({ required: true }) },
      query: ({ first }) => ({ take: first, orderBy: [{ at: 'desc' }, { id: 'desc' }] }),
    }),
  }),
});
const Project = builder.prismaObject('Project', {
  fields: (t) => ({
    id: t.exposeID('id'),
    key: t.exposeString('key'),
    name: t.exposeString('name'),
    roiScore: t.exposeFloat('roiScore'),
    bugs: t.relation('bugs', {
      args: { first: t.arg.int({ required: true }) },
      query: ({ first }) => ({ take: first, orderBy: newest }),
    }),
  }),
});

const DayCount = builder.objectRef<{ start: Date; total: number }>('DayCount').implement({
  fields: (t) => ({
    start: t.string({ resolve: ({ start }) => start.toISOString() }),
    total: t.exposeInt('total'),
  }),
});
const SeverityCount = builder.objectRef<{ severity: string; count: number }>('SeverityCount').implement({
  fields: (t) => ({ severity: t.exposeString('severity'), count: t.exposeInt('count') }),
});
const StatusCount = builder.objectRef<{ status: string; count: number }>('StatusCount').implement({
  fields: (t) => ({ status: t.exposeString('status'), count: t.exposeInt('count') }),
});
const Statistics = builder.objectRef<object>('Statistics').implement({
  fields: (t) => ({
    severities: t.field({
      type: [SeverityCount],
      resolve: async () => {
        const groups = await prisma.bugTotal.groupBy({ by: ['severity'], where: { tenantId }, _sum: { count: true } });
        return groups.map(({ severity, _sum }) => ({ severity, count: _sum.count ?? 0 }));
      },
    }),
    statuses: t.field({
      type: [StatusCount],
      resolve: async () => {
        const groups = await prisma.bugTotal.groupBy({ by: ['status'], where: { tenantId }, _sum: { count: true } });
        return groups.map(({ status, _sum }) => ({ status, count: _sum.count ?? 0 }));
      },
    }),
  }),
});

builder.queryType({});
builder.queryFields((t) => ({
  bug: t.prismaField({
    type: Bug,
    nullable: true,
    args: { id: t.arg.id({ required: true }) },
    resolve: (query, _, { id }) =>
      prisma.bug.findUnique({ ...query, where: { tenantId_id: { tenantId, id: String(id) } } }),
  }),
  bugs: t.prismaField({
    type: [Bug],
    args: {
      first: t.arg.int({ required: true }),
      after: t.arg.id(),
      severity: t.arg.string(),
      status: t.arg.string(),
      slaState: t.arg.string(),
      isBlocker: t.arg.boolean(),
    },
    resolve: (query, _, { first, after, severity, status, slaState, isBlocker }) =>
      prisma.bug.findMany({
        ...query,
        where: {
          tenantId,
          severity: severity ?? undefined,
          status: status ?? undefined,
          slaState: slaState ?? undefined,
          isBlocker: isBlocker ?? undefined,
        },
        ...(after ? { cursor: { tenantId_id: { tenantId, id: String(after) } }, skip: 1 } : {}),
        orderBy: newest,
        take: first,
        relationLoadStrategy: 'join',
      }),
  }),
  projects: t.prismaField({
    type: [Project],
    args: { first: t.arg.int({ required: true }), status: t.arg.string({ required: true }) },
    resolve: (query, _, { first, status }) =>
      prisma.project.findMany({
        ...query,
        where: { tenantId, status },
        orderBy: newest,
        take: first,
        relationLoadStrategy: 'join',
      }),
  }),
}));
builder.queryFields((t) => ({
  topBugs: t.prismaField({
    type: [Bug],
    args: { first: t.arg.int({ required: true }) },
    resolve: (query, _, { first }) =>
      prisma.bug.findMany({
        ...query,
        where: { tenantId },
        orderBy: [{ priorityScore: 'desc' }, { id: 'desc' }],
        take: first,
      }),
  }),
  topProjects: t.prismaField({
    type: [Project],
    args: { first: t.arg.int({ required: true }) },
    resolve: (query, _, { first }) =>
      prisma.project.findMany({
        ...query,
        where: { tenantId },
        orderBy: [{ roiScore: 'desc' }, { id: 'desc' }],
        take: first,
      }),
  }),
  searchBugs: t.prismaField({
    type: [Bug],
    args: { query: t.arg.string({ required: true }) },
    resolve: async (query, _, args) => {
      // Prisma has no such search: its way is raw SQL for the ids and a typed query for the rows.
      const hits = await prisma.$queryRaw<{ id: string }[]>`
        SELECT id FROM search_bugs(${args.query}, NULL, NULL, 20) ORDER BY rank DESC, id DESC`;
      const ids = hits.map(({ id }) => id);
      const rows = await prisma.bug.findMany({ ...query, where: { tenantId, id: { in: ids } } });
      return rows.sort((a, b) => ids.indexOf(a.id) - ids.indexOf(b.id));
    },
  }),
  trends: t.field({
    type: [DayCount],
    args: { since: t.arg.string({ required: true }), until: t.arg.string({ required: true }) },
    resolve: (_, { since, until }) => prisma.$queryRaw<{ start: Date; total: number }[]>`
      SELECT start, total FROM bench_trend(${since}::timestamptz, ${until}::timestamptz)`,
  }),
  statistics: t.field({ type: Statistics, resolve: () => ({}) }),
}));

const BugPayload = builder.objectRef<{ id: string }>('BugPayload').implement({
  fields: (t) => ({
    bug: t.prismaField({
      type: Bug,
      resolve: (query, { id }) => prisma.bug.findUniqueOrThrow({ ...query, where: { tenantId_id: { tenantId, id } } }),
    }),
  }),
});

builder.mutationType({
  fields: (t) => ({
    createBug: t.field({
      type: BugPayload,
      args: {
        project: t.arg.id({ required: true }),
        title: t.arg.string({ required: true }),
        severity: t.arg.string({ required: true }),
      },
      resolve: async (_, { project, title, severity }) => {
        const projectId = String(project);
        return await prisma.$transaction(async (tx) => {
          const key = { tenantId, name: `bug:${projectId}` };
          const { value } = await tx.counter.upsert({
            where: { tenantId_name: key },
            create: { ...key, value: 1 },
            update: { value: { increment: 1 } },
          });
          const history = {
            create: { id: randomUUID(), field: 'status', newValue: 'PENDING', status: 'PENDING', at: new Date() },
          };
          const id = randomUUID();
          await tx.bug.create({ data: { tenantId, id, projectId, number: Number(value), title, severity, history } });
          return { id };
        });
      },
    }),
  }),
});

serve(createYoga({ schema: builder.toSchema(), logging: false, graphiql: false }));
