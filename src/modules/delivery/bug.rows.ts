import type { Bug, Project } from '../../../generated/prisma/client.ts';
import { toParameter } from '../../data/insert-rows.ts';
import { columnOf } from '../../data/models.ts';
import type { WriteTx } from '../../data/write.ts';
import type { Figures } from './bug.figures.ts';
import type { clockColumns } from './sla.clock-columns.ts';
import type { ImportSource } from './values.ts';

/** The derived columns of a bug. */
export type BugRow = ReturnType<typeof clockColumns> &
  Figures &
  Pick<Bug, 'id' | 'slaPolicyId' | 'slaRulesVersion' | 'slaTold' | 'resolvedAt' | 'version'>;

const WRITTEN = [
  'slaCycle',
  'slaStartedAt',
  'slaTargetMs',
  'slaRanMs',
  'slaRunningSince',
  'slaPausedMs',
  'slaPausedAt',
  'slaMediumRiskAt',
  'slaHighRiskAt',
  'slaDueAt',
  'slaBreachedAt',
  'slaMetAt',
  'slaMissedAt',
  'slaPolicyId',
  'slaRulesVersion',
  'slaTold',
  'slaState',
  'priorityScore',
  'revenueImpact',
  'figuresAt',
  'figuresArr',
  'refreshAt',
  'resolvedAt',
  'version',
] as const satisfies readonly (keyof BugRow)[];

/** Bugs that came from another tracker before, by their ids there; locked, in the one order in which all do. */
export async function lockImported(
  tx: WriteTx,
  source: ImportSource,
  externalIds: readonly string[],
): Promise<(Bug & { project: Project; labels: { name: string }[] })[]> {
  const locked = await tx.db.$queryRawUnsafe<{ id: string }[]>(
    `/* Bug.known */ SELECT id FROM bugs WHERE tenant_id = $1::uuid AND source = $2::text AND external_id = ANY($3::text[])
     ORDER BY id FOR NO KEY UPDATE`,
    tx.tenantId,
    source,
    externalIds,
  );
  if (locked.length === 0) return [];
  return tx.db.bug.findMany({
    where: { tenantId: tx.tenantId, id: { in: locked.map(({ id }) => id) } },
    include: { project: true, labels: { select: { name: true } } },
    orderBy: { id: 'asc' },
  });
}

/** Writes what was derived of many bugs in one statement: each by itself would be a round trip each. */
export async function writeBugRows(tx: WriteTx, rows: readonly BugRow[]): Promise<void> {
  const columns = ['id' as const, ...WRITTEN].map((field) => columnOf('Bug', field));
  const places = rows.map(
    (_, row) => `(${columns.map(({ pgType }, i) => `$${2 + row * columns.length + i}::${pgType}`).join(', ')})`,
  );
  const names = columns.map(({ column }) => column);
  await tx.db.$executeRawUnsafe(
    `/* Bug.rows */ UPDATE bugs b SET ${names
      .slice(1)
      .map((name) => `${name} = v.${name}`)
      .join(', ')}
     FROM (VALUES ${places.join(', ')}) v (${names.join(', ')})
     WHERE b.tenant_id = $1::uuid AND b.id = v.id`,
    tx.tenantId,
    ...rows.flatMap((row) =>
      ['id' as const, ...WRITTEN].map((field, i) => toParameter(row[field], columns[i]?.pgType ?? '')),
    ),
  );
}
