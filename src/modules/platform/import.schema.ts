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

export const ImportRun = builder.prismaObject('ImportRun', {
  description: 'One import: what was read and what became of it.',
  interfaces: [Node],
  fields: (t) => ({
    id: t.id({ resolve: (run) => importEntity.encode(run.id) }),
    kind: t.exposeString('kind', { description: 'content, keywords …' }),
    source: t.exposeString('source', { description: 'jsonl, csv …' }),
    fileName: t.exposeString('fileName', { nullable: true }),
    status: t.exposeString('status', {
      description: 'PENDING, RUNNING, COMPLETED, PARTIAL (rows were refused), FAILED',
    }),
    isDryRun: t.exposeBoolean('isDryRun', { description: 'nothing was written: the counts tell what would have been' }),
    isAtomic: t.exposeBoolean('isAtomic', { description: 'all rows or none' }),
    total: t.exposeInt('total', { nullable: true, description: 'rows to be read, estimated while it runs' }),
    created: t.exposeInt('created'),
    updated: t.exposeInt('updated'),
    unchanged: t.exposeInt('unchanged'),
    rejected: t.exposeInt('rejected'),
    warned: t.exposeInt('warned', { description: 'things to say of rows that were taken' }),
    errors: t.expose('errors', {
      type: 'JSON',
      description: 'the first 1,000 rejected rows: file, line, column, field, code, value, reason',
    }),
    warnings: t.expose('warnings', { type: 'JSON', description: 'the first 1,000, of the same form' }),
    mapping: t.expose('mapping', { type: 'JSON', description: 'which columns and words were taken for what' }),
    startedBy: t.field(oneField(memberEntity, Member, (run: { startedById: string | null }) => run.startedById)),
    createdAt: t.expose('createdAt', { type: 'DateTime' }),
    finishedAt: t.expose('finishedAt', { type: 'DateTime', nullable: true }),
  }),
});

builder.queryField('importRuns', (t) =>
  t.field({ ...listField(importList, ImportRun), permission: 'import:read', description: 'Imports, newest first.' }),
);
