import { defineList } from '../../data/list.ts';
import { builder } from '../../graphql/builder.ts';
import { listField, oneField } from '../../graphql/connection.ts';
import { Node } from '../../graphql/node.ts';
import { importEntity, memberEntity } from './entities.ts';
import { Member } from './member.schema.ts';

const importList = defineList('ImportRun', {
  filters: {
    kind: { kind: 'string', field: 'kind' },
    status: { kind: 'string', field: 'status' },
    createdAt: { kind: 'date', field: 'createdAt' },
  },
  orders: { CREATED_AT: 'createdAt' },
  defaultOrder: 'CREATED_AT',
});

const ImportRun = builder.prismaObject('ImportRun', {
  description: 'One import: what was read and what became of it.',
  interfaces: [Node],
  fields: (t) => ({
    id: t.id({ resolve: (run) => importEntity.encode(run.id) }),
    kind: t.exposeString('kind', { description: 'content, keywords …' }),
    source: t.exposeString('source', { description: 'jsonl, csv …' }),
    fileName: t.exposeString('fileName', { nullable: true }),
    status: t.exposeString('status', { description: 'RUNNING, COMPLETED, FAILED' }),
    created: t.exposeInt('created'),
    updated: t.exposeInt('updated'),
    unchanged: t.exposeInt('unchanged'),
    rejected: t.exposeInt('rejected'),
    errors: t.expose('errors', { type: 'JSON', description: 'the first 1,000 rejected rows: line, column, reason' }),
    startedBy: t.field(oneField(memberEntity, Member, (run: { startedById: string | null }) => run.startedById)),
    createdAt: t.expose('createdAt', { type: 'DateTime' }),
    finishedAt: t.expose('finishedAt', { type: 'DateTime', nullable: true }),
  }),
});

builder.queryField('importRuns', (t) =>
  t.field({ ...listField(importList, ImportRun), permission: 'import:read', description: 'Imports, newest first.' }),
);
