import type { Bug } from '../../../generated/prisma/client.ts';
import type { WriteTx } from '../../data/write.ts';
import type { Figures } from './bug.figures.ts';
import type { clockColumns } from './sla.clock-columns.ts';

/** The derived columns of a bug. */
export type BugRow = ReturnType<typeof clockColumns> &
  Figures &
  Pick<Bug, 'id' | 'slaPolicyId' | 'slaRulesVersion' | 'slaTold' | 'resolvedAt' | 'version'>;

const WRITTEN = {
  slaCycle: 'int4',
  slaStartedAt: 'timestamptz',
  slaTargetMs: 'float8',
  slaRanMs: 'float8',
  slaRunningSince: 'timestamptz',
  slaPausedMs: 'float8',
  slaPausedAt: 'timestamptz',
  slaMediumRiskAt: 'timestamptz',
  slaHighRiskAt: 'timestamptz',
  slaDueAt: 'timestamptz',
  slaBreachedAt: 'timestamptz',
  slaMetAt: 'timestamptz',
  slaMissedAt: 'timestamptz',
  slaPolicyId: 'uuid',
  slaRulesVersion: 'int4',
  slaTold: 'int2',
  slaState: 'text',
  priorityScore: 'int4',
  revenueImpact: 'numeric',
  figuresAt: 'timestamptz',
  figuresArr: 'numeric',
  refreshAt: 'timestamptz',
  resolvedAt: 'timestamptz',
  version: 'int4',
} as const satisfies Partial<Record<keyof BugRow, string>>;

/** Writes what was derived of many bugs in one statement: each by itself would be a round trip each. */
export async function writeBugRows(tx: WriteTx, rows: readonly BugRow[]): Promise<void> {
  const fields = Object.keys(WRITTEN) as (keyof typeof WRITTEN)[];
  const column = (field: string) => field.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
  const casts = ['uuid', ...Object.values(WRITTEN)];
  const places = rows.map(
    (_, row) => `(${casts.map((cast, i) => `$${2 + row * casts.length + i}::${cast}`).join(', ')})`,
  );
  await tx.db.$executeRawUnsafe(
    `/* Bug.rows */ UPDATE bugs b SET ${fields.map((field) => `${column(field)} = v.${column(field)}`).join(', ')}
     FROM (VALUES ${places.join(', ')}) v (id, ${fields.map(column).join(', ')})
     WHERE b.tenant_id = $1::uuid AND b.id = v.id`,
    tx.tenantId,
    ...rows.flatMap((row) => [row.id, ...fields.map((field) => plain(row[field]))]),
  );
}

function plain(value: unknown): unknown {
  return typeof value === 'object' && value !== null && 'toFixed' in value ? String(value) : value;
}
