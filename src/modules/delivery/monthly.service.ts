import type { WriteTx } from '../../data/write.ts';
import { InvalidInput, NotFound } from '../../errors.ts';
import { projectGlobalId } from './global-ids.ts';
import { MONTHLY_SQL } from './monthly.sql.ts';

export const MAX_MONTHS = 120;
/** Months of a large tenant are computed from all of its bugs: longer than what a statement may take otherwise. */
export const MONTHLY_TIMEOUT_MS = 5 * 60_000;

export interface MonthlyRequest {
  /** any day of the first month, and of the last one */
  from: Date;
  to: Date;
  /** null: every project, and all together */
  projectId: string | null;
}

/** What became of the rows: one for each month and project that has something in it, and one for all projects. */
export interface MonthlyResult {
  months: number;
  created: number;
  updated: number;
  unchanged: number;
}

/**
 * Computes months (UTC) from the bugs as they are now, and stores those that are new or differ from what is stored. In
 * one statement for all months. InvalidInput for a range that is empty, too long or not yet begun; NotFound.
 */
export async function computeMonthlyMetrics(tx: WriteTx, request: MonthlyRequest): Promise<MonthlyResult> {
  const { projectId } = request;
  const [first, last] = [monthOf(request.from), monthOf(request.to)];
  const months = last - first + 1;
  if (months < 1) throw new InvalidInput('the range is empty: from must not be in a month after that of to', ['from']);
  if (months > MAX_MONTHS) throw new InvalidInput(`${months} months: ${MAX_MONTHS} at most`, ['to']);
  if (last > monthOf(tx.now)) throw new InvalidInput(`${dayText(last)} is a month that has not begun`, ['to']);
  const version = projectId ? await projectVersion(tx, projectId) : 1;
  await tx.db.$executeRawUnsafe(`SET LOCAL statement_timeout = ${MONTHLY_TIMEOUT_MS}`);
  await tx.db.$executeRawUnsafe(`SET LOCAL work_mem = '64MB'`);
  const [row] = await tx.db.$queryRawUnsafe<Omit<MonthlyResult, 'months'>[]>(
    MONTHLY_SQL,
    tx.tenantId,
    dayText(first),
    dayText(last),
    projectId,
    tx.now,
  );
  if (!row) throw new Error('an aggregate gives one row');
  const result = { months, ...row };
  if (row.created + row.updated > 0) tell(tx, result, { first, last, projectId, version });
  return result;
}

async function projectVersion(tx: WriteTx, id: string): Promise<number> {
  const where = { tenantId_id: { tenantId: tx.tenantId, id } };
  const found = await tx.db.project.findUnique({ where, select: { version: true } });
  if (!found) throw new NotFound('there is no such Project', ['projectId']);
  return found.version;
}

interface Computed {
  first: number;
  last: number;
  projectId: string | null;
  version: number;
}

function tell(tx: WriteTx, result: MonthlyResult, { first, last, projectId, version }: Computed): void {
  const told = { from: dayText(first), to: dayText(last), ...result };
  tx.emit({
    type: 'MONTHLY_METRICS_COMPUTED',
    aggregateType: projectId ? 'Project' : 'Tenant',
    aggregateId: projectId ?? tx.tenantId,
    aggregateVersion: version,
    payload: { projectId: projectId && projectGlobalId(projectId), ...told },
  });
  const resource = projectId ? { resource: 'Project', resourceId: projectId } : { resource: 'MonthlyMetric' };
  tx.audit({ action: 'metric.compute', ...resource, metadata: told });
}

/** Months since the year 0. */
function monthOf(at: Date): number {
  return at.getUTCFullYear() * 12 + at.getUTCMonth();
}

/** The first day of a month, as the database reads it. */
function dayText(month: number): string {
  const year = String(Math.floor(month / 12)).padStart(4, '0');
  return `${year}-${String((month % 12) + 1).padStart(2, '0')}-01`;
}
