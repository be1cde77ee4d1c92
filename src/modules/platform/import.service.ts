import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import type { ImportRun, Prisma } from '../../../generated/prisma/client.ts';
import type { Viewer } from '../../access/viewer.ts';
import { sessionConfig } from '../../data/connection.ts';
import { selectList } from '../../data/models.ts';
import { withReadScope } from '../../data/read-scope.ts';
import { storableText } from '../../data/storable-text.ts';
import { type WriteTx, withWrite } from '../../data/write.ts';
import { Conflict, DomainError } from '../../errors.ts';
import { newId } from '../../graphql/ids.ts';
import type { Services } from '../../services.ts';

/** A row of a file that was not taken, and where it stands. */
export interface Rejection {
  file: string;
  line: number;
  column: number | null;
  /** name of the column, the error's code, and what stood there, where these are known */
  field?: string | null;
  code?: string;
  value?: string | null;
  reason: string;
}

export interface ImportCounts {
  created: number;
  updated: number;
  unchanged: number;
  rejected: number;
  warned: number;
}

export interface ImportReport extends ImportCounts {
  rejections: Rejection[];
  warnings: Rejection[];
}

export const IMPORT_STATUSES = ['PENDING', 'RUNNING', 'COMPLETED', 'PARTIAL', 'FAILED'] as const;

/** A run to be: `id` is given when the run was announced beforehand. */
export interface NewRun {
  id?: string;
  kind: string;
  source: string;
  fileName: string;
  dryRun?: boolean;
  atomic?: boolean;
}

/** So many rejections and warnings are kept in the run's row; all are counted. */
const MAX_KEPT = 1_000;
const MAX_REASON = 1_000;
/** An announced run that has not begun after so long never will: its server was killed. */
const ANNOUNCED_MS = 60_000;

/**
 * Runs an import as one run in `import_logs`, one at a time for each tenant and kind. A run that its process left
 * behind (it was killed) is marked as failed: the lock that is free tells that nobody works on it.
 */
export async function asImportRun(
  services: Services,
  viewer: Viewer,
  run: NewRun,
  work: (report: ImportReport, runId: string) => Promise<{ mapping: Record<string, unknown> }>,
): Promise<ImportReport> {
  const report: ImportReport = {
    created: 0,
    updated: 0,
    unchanged: 0,
    rejected: 0,
    warned: 0,
    rejections: [],
    warnings: [],
  };
  const id = run.id ?? newId();
  const lock = await takeLock(services, viewer.tenantId, run);
  try {
    await begin(services, viewer, id, run);
    try {
      const done = await work(report, id);
      await finish(services, viewer, id, report.rejected > 0 ? 'PARTIAL' : 'COMPLETED', report, done.mapping);
    } catch (error) {
      await finish(services, viewer, id, 'FAILED', report, undefined, error);
      throw error;
    }
  } finally {
    await lock.end();
  }
  return report;
}

/** Notes something to say of a row that was taken all the same. */
export function noteWarning(report: ImportReport, warning: Rejection): void {
  report.warned++;
  if (report.warnings.length < MAX_KEPT) report.warnings.push(brief(warning));
}

/** Shows how far a run is. */
export async function showProgress(
  services: Services,
  viewer: Viewer,
  id: string,
  { rejections: _r, warnings: _w, ...counts }: ImportReport,
  total: number | null,
): Promise<void> {
  await withWrite(services.write, viewer, 'import.progress', (tx) =>
    tx.db.importRun.update({ where: { tenantId_id: { tenantId: tx.tenantId, id } }, data: { ...counts, total } }),
  );
}

/** Notes a rejected row in a report. */
export function reject(report: ImportReport, rejection: Rejection): void {
  report.rejected++;
  if (report.rejections.length < MAX_KEPT) report.rejections.push(brief(rejection));
}

/** A reason may name all columns of a row. */
function brief(row: Rejection): Rejection {
  return row.reason.length > MAX_REASON ? { ...row, reason: `${row.reason.slice(0, MAX_REASON)}…` } : row;
}

/** As JSON that PostgreSQL can hold: rows may hold U+0000 and half characters, and so may what is told of them. */
function storable<T>(value: T): T & Prisma.InputJsonValue {
  return JSON.parse(JSON.stringify(value), (_, inner) => (typeof inner === 'string' ? storableText(inner) : inner));
}

/** A connection that holds the lock for as long as it is open: a killed process lets go of it. */
async function takeLock(services: Services, tenantId: string, run: NewRun): Promise<pg.Client> {
  const client = new pg.Client(sessionConfig(services.databaseUrl, services.env));
  // Without a listener, a connection that breaks would end the process.
  client.on('error', (error) => services.log.warn({ err: error }, 'the lock of an import was lost'));
  await client.connect();
  const { rows } = await client.query<{ taken: boolean }>(
    'SELECT pg_try_advisory_lock(hashtext($1), hashtext($2)) AS taken',
    [`import ${run.kind}`, tenantId],
  );
  if (rows[0]?.taken) return client;
  await client.end();
  throw new Conflict(`another import of ${run.kind} into this tenant is running: wait for it, or stop it`);
}

/** Marks runs as failed whose process has ended: the lock of their kind is free. */
export async function failAbandoned(services: Services, viewer: Viewer): Promise<void> {
  const where = { status: { in: ['PENDING', 'RUNNING'] }, createdAt: { lt: new Date(Date.now() - ANNOUNCED_MS) } };
  const { value: runs } = await withWrite(services.write, viewer, 'import.look', (tx) =>
    tx.db.importRun.findMany({ where: { ...where, tenantId: tx.tenantId }, select: { kind: true } }),
  );
  for (const kind of new Set(runs.map((run) => run.kind))) {
    const lock = await takeLock(services, viewer.tenantId, { kind, source: '', fileName: '' }).catch(
      (error: unknown) => {
        if (error instanceof Conflict) return null;
        throw error;
      },
    );
    if (lock === null) continue;
    try {
      await withWrite(services.write, viewer, 'import.abandoned', (tx) =>
        tx.db.importRun.updateMany({
          where: { ...where, tenantId: tx.tenantId, kind },
          data: { status: 'FAILED', finishedAt: tx.now, errors: [{ reason: 'its process ended before it was done' }] },
        }),
      );
    } finally {
      await lock.end();
    }
  }
}

/** Throws Conflict when an import of that kind is running, so that who would start one is told at once. */
export async function insistOnNone(services: Services, viewer: Viewer, run: NewRun): Promise<void> {
  const lock = await takeLock(services, viewer.tenantId, run);
  await lock.end();
}

const WATCH_MS = 500;

/** A run whenever it has changed, until it is done; `check` throws when the viewer may no longer see it. */
export async function* watchRun(
  services: Services,
  viewer: Viewer,
  id: string,
  check: () => Promise<void>,
): AsyncGenerator<ImportRun, void, undefined> {
  let last = '';
  while (!services.streams.signal.aborted) {
    const [run] = await withReadScope(services.read, viewer, (scope) =>
      scope.query<ImportRun>({
        text: `/* ImportRun.watch */ SELECT ${selectList('ImportRun', 't')} FROM import_logs t WHERE t.tenant_id = $1::uuid AND t.id = $2::uuid`,
        values: [viewer.tenantId, id],
      }),
    );
    if (!run) return;
    const now = JSON.stringify([run.status, run.created, run.updated, run.unchanged, run.rejected, run.total]);
    if (now !== last) {
      await check();
      yield run;
    }
    last = now;
    if (run.finishedAt) return;
    await sleep(WATCH_MS);
  }
}

/** Announces a run that begins in a moment, so that its progress can be watched from the start. */
export async function announceRun(tx: WriteTx, run: NewRun): Promise<ImportRun> {
  return tx.db.importRun.create({ data: runRow(tx, run.id ?? newId(), run, 'PENDING') });
}

function runRow(tx: WriteTx, id: string, run: NewRun, status: string): Prisma.ImportRunUncheckedCreateInput {
  const { kind, source, fileName, dryRun, atomic } = run;
  return {
    tenantId: tx.tenantId,
    id,
    kind,
    source,
    fileName: fileName.slice(0, 500),
    status,
    isDryRun: dryRun ?? false,
    isAtomic: atomic ?? false,
    startedById: tx.viewer.memberId,
    createdAt: tx.now,
  };
}

/** Marks a run as failed that never began, or that could not say so itself. */
export async function failRun(services: Services, viewer: Viewer, id: string, error: unknown): Promise<void> {
  await withWrite(services.write, viewer, 'import.fail', (tx) =>
    tx.db.importRun.updateMany({
      where: { tenantId: tx.tenantId, id, status: { in: ['PENDING', 'RUNNING'] } },
      data: { status: 'FAILED', finishedAt: tx.now, errors: storable([reasonOf(error)]) },
    }),
  );
}

/** A caller may read the reason of what is expected; of anything else only that it happened. */
function reasonOf(error: unknown): Prisma.InputJsonObject {
  if (error instanceof DomainError) return { reason: error.message, code: error.code };
  return { reason: 'the import broke off: the log of the server tells why' };
}

async function begin(services: Services, viewer: Viewer, id: string, run: NewRun): Promise<void> {
  await withWrite(services.write, viewer, 'import.begin', async (tx) => {
    const { tenantId } = tx;
    await tx.db.importRun.updateMany({
      where: {
        tenantId,
        kind: run.kind,
        id: { not: id },
        OR: [
          { status: 'RUNNING' },
          { status: 'PENDING', createdAt: { lt: new Date(tx.now.getTime() - ANNOUNCED_MS) } },
        ],
      },
      data: { status: 'FAILED', finishedAt: tx.now, errors: [{ reason: 'its process ended before it was done' }] },
    });
    const create = runRow(tx, id, run, 'RUNNING');
    await tx.db.importRun.upsert({
      where: { tenantId_id: { tenantId, id } },
      create,
      update: { status: 'RUNNING' },
    });
    tx.audit({ action: 'import.run', resource: 'ImportRun', resourceId: id, metadata: { kind: run.kind } });
  });
}

async function finish(
  services: Services,
  viewer: Viewer,
  id: string,
  status: 'COMPLETED' | 'PARTIAL' | 'FAILED',
  report: ImportReport,
  mapping: Record<string, unknown> = {},
  error?: unknown,
): Promise<void> {
  const { rejections, warnings, ...counts } = report;
  const errors: unknown[] = error === undefined ? rejections : [...rejections, reasonOf(error)];
  const { created, updated, unchanged, rejected } = counts;
  await withWrite(services.write, viewer, 'import.finish', async (tx) => {
    await tx.db.importRun.update({
      where: { tenantId_id: { tenantId: tx.tenantId, id } },
      data: {
        ...counts,
        status,
        total: status === 'FAILED' ? null : created + updated + unchanged + rejected,
        finishedAt: tx.now,
        errors: storable(errors),
        warnings: storable(warnings),
        mapping: storable(mapping),
      },
    });
  });
}
