import pg from 'pg';
import type { Viewer } from '../../access/viewer.ts';
import { sessionConfig } from '../../data/connection.ts';
import { withWrite } from '../../data/write.ts';
import { Conflict } from '../../errors.ts';
import { newId } from '../../graphql/ids.ts';
import type { Services } from '../../services.ts';

/** A row of a file that was not taken, and where it stands. */
export interface Rejection {
  file: string;
  line: number;
  column: number | null;
  reason: string;
}

export interface ImportCounts {
  created: number;
  updated: number;
  unchanged: number;
  rejected: number;
}

export interface ImportReport extends ImportCounts {
  rejections: Rejection[];
}

/** So many rejections are kept in the run's row; all are counted. */
const MAX_KEPT = 1_000;

/**
 * Runs an import as one run in `import_logs`, one at a time for each tenant and kind. A run that its process left
 * behind (it was killed) is marked as failed: the lock that is free tells that nobody works on it.
 */
export async function asImportRun(
  services: Services,
  viewer: Viewer,
  run: { kind: string; source: string; fileName: string; databaseUrl: string },
  work: (report: ImportReport) => Promise<void>,
): Promise<ImportReport> {
  const lock = await takeLock(services, viewer.tenantId, run);
  const report: ImportReport = { created: 0, updated: 0, unchanged: 0, rejected: 0, rejections: [] };
  const id = newId();
  try {
    await begin(services, viewer, id, run);
    try {
      await work(report);
      await finish(services, viewer, id, 'COMPLETED', report);
    } catch (error) {
      await finish(services, viewer, id, 'FAILED', report);
      throw error;
    }
  } finally {
    await lock.end();
  }
  return report;
}

/** Notes a rejected row in a report. */
export function reject(report: ImportReport, rejection: Rejection): void {
  report.rejected++;
  if (report.rejections.length < MAX_KEPT) report.rejections.push(rejection);
}

/** A connection that holds the lock for as long as it is open: a killed process lets go of it. */
async function takeLock(
  services: Services,
  tenantId: string,
  run: { kind: string; databaseUrl: string },
): Promise<pg.Client> {
  const client = new pg.Client(sessionConfig(run.databaseUrl, services.env));
  await client.connect();
  const { rows } = await client.query<{ taken: boolean }>(
    'SELECT pg_try_advisory_lock(hashtext($1), hashtext($2)) AS taken',
    [`import ${run.kind}`, tenantId],
  );
  if (rows[0]?.taken) return client;
  await client.end();
  throw new Conflict(`another import of ${run.kind} into this tenant is running: wait for it, or stop it`);
}

async function begin(
  services: Services,
  viewer: Viewer,
  id: string,
  run: { kind: string; source: string; fileName: string },
): Promise<void> {
  await withWrite(services.write, viewer, 'import.begin', async (tx) => {
    await tx.db.importRun.updateMany({
      where: { tenantId: tx.tenantId, kind: run.kind, status: 'RUNNING' },
      data: { status: 'FAILED', finishedAt: tx.now, errors: [{ reason: 'its process ended before it was done' }] },
    });
    const { kind, source, fileName } = run;
    await tx.db.importRun.create({
      data: {
        tenantId: tx.tenantId,
        id,
        kind,
        source,
        fileName: fileName.slice(0, 500),
        status: 'RUNNING',
        startedById: viewer.memberId,
        createdAt: tx.now,
      },
    });
    tx.audit({ action: 'import.run', resource: 'ImportRun', resourceId: id, metadata: { kind } });
  });
}

async function finish(
  services: Services,
  viewer: Viewer,
  id: string,
  status: 'COMPLETED' | 'FAILED',
  report: ImportReport,
): Promise<void> {
  const { rejections, ...counts } = report;
  await withWrite(services.write, viewer, 'import.finish', async (tx) => {
    await tx.db.importRun.update({
      where: { tenantId_id: { tenantId: tx.tenantId, id } },
      data: { ...counts, status, finishedAt: tx.now, errors: rejections.map((rejection) => ({ ...rejection })) },
    });
  });
}
