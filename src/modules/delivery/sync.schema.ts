import type { ReadScope } from '../../data/read-scope.ts';
import { builder } from '../../graphql/builder.ts';
import { oneField } from '../../graphql/connection.ts';
import { importEntity } from '../platform/entities.ts';
import { ImportRun } from '../platform/import.schema.ts';

/** How far a source has been read. */
interface SyncStatus {
  source: string;
  watermark: Date | null;
  lastSuccessAt: Date | null;
  lastError: string | null;
  isInterrupted: boolean;
  isRunning: boolean;
  lastRunId: string | null;
  updatedAt: Date;
}

/** Repositories that were read from: an organisation has hundreds. */
const MAX_SOURCES = 1_000;

const SQL = `/* sync.status */ SELECT s.source, s.watermark, s.last_success_at AS "lastSuccessAt", s.last_error AS "lastError",
    s.cursor IS NOT NULL AS "isInterrupted", s.last_run_id AS "lastRunId", s.updated_at AS "updatedAt",
    EXISTS (SELECT FROM import_logs l WHERE l.tenant_id = s.tenant_id AND l.kind = 'github-issues'
      AND l.status = 'RUNNING' AND 'github:' || l.file_name = s.source) AS "isRunning"
  FROM sync_states s WHERE s.tenant_id = $1::uuid ORDER BY s.source LIMIT ${MAX_SOURCES}`;

function syncStatus(scope: ReadScope): Promise<SyncStatus[]> {
  return scope.query<SyncStatus>({ name: 'delivery_sync_status', text: SQL, values: [scope.viewer.tenantId] });
}

const SyncStatusType = builder.objectRef<SyncStatus>('SyncStatus').implement({
  description: 'How far a source outside has been read.',
  fields: (t) => ({
    source: t.exposeString('source', { description: 'github:owner/name' }),
    watermark: t.expose('watermark', {
      type: 'DateTime',
      nullable: true,
      description: 'the next reading asks for what changed since; null: for everything',
    }),
    lastSuccessAt: t.expose('lastSuccessAt', { type: 'DateTime', nullable: true }),
    lastError: t.exposeString('lastError', { nullable: true, description: 'of the last reading; null: it succeeded' }),
    isInterrupted: t.exposeBoolean('isInterrupted', {
      description: 'the last reading did not get to the end: the next one goes on there',
    }),
    isRunning: t.exposeBoolean('isRunning'),
    lastRun: t.field(oneField(importEntity, ImportRun, (row: SyncStatus) => row.lastRunId)),
    updatedAt: t.expose('updatedAt', { type: 'DateTime' }),
  }),
});

builder.queryField('syncStatus', (t) =>
  t.field({
    type: [SyncStatusType],
    permission: 'import:read',
    description: 'The sources that are read by and by, and when each was last read; 1,000 at most.',
    resolve: (_, _args, ctx) => syncStatus(ctx.scope),
  }),
);
