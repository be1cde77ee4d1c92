import type { Source } from '../../../generated/prisma/client.ts';
import type { WriteTx } from '../../data/write.ts';
import { Conflict, InvalidInput } from '../../errors.ts';
import { newId } from '../../graphql/ids.ts';
import { sourceGlobalId } from './global-ids.ts';
import type { Reliability } from './scoring.ts';
import type { SOURCE_KINDS } from './values.ts';

export interface SourceInput {
  name: string;
  kind: (typeof SOURCE_KINDS)[number];
  externalRef: string;
  description?: string | null;
  reliability?: Reliability | null;
  country?: string | null;
}

export interface SourceChange {
  id: string;
  expectedVersion?: number | null;
  name?: string | null;
  description?: string | null;
  reliability?: Reliability | null;
  country?: string | null;
  isActive?: boolean | null;
}

const MAX_NAME = 200;

function check(input: { name?: string | null; country?: string | null }): void {
  if (input.name !== undefined && input.name !== null && (input.name.trim() === '' || input.name.length > MAX_NAME)) {
    throw new InvalidInput(`a name has 1 to ${MAX_NAME} characters`, ['name']);
  }
  if (input.country && !/^[A-Z]{2}$/.test(input.country)) {
    throw new InvalidInput(`${JSON.stringify(input.country)} is not an ISO 3166 country code like DE`, ['country']);
  }
}

/** Creates a source; Conflict when there is one of this kind and reference. */
export async function createSource(tx: WriteTx, input: SourceInput): Promise<Source> {
  check(input);
  if (input.externalRef.trim() === '')
    throw new InvalidInput('what identifies the source at its platform is missing', ['externalRef']);
  const [made] = await ensureSources(tx, [input]);
  if (!made?.created) throw new Conflict('there is a source of this kind with this externalRef', ['externalRef']);
  return tx.db.source.findUniqueOrThrow({ where: { tenantId_id: { tenantId: tx.tenantId, id: made.id } } });
}

/** Ids of sources by kind and reference, those that are new being created. In the order of the inputs. */
export async function ensureSources(
  tx: WriteTx,
  inputs: readonly SourceInput[],
): Promise<{ id: string; created: boolean }[]> {
  if (inputs.length === 0) return [];
  const rows = await tx.db.source.createManyAndReturn({
    data: inputs.map((input) => ({
      tenantId: tx.tenantId,
      id: newId(),
      name: input.name.trim(),
      kind: input.kind,
      externalRef: input.externalRef.trim(),
      description: input.description ?? null,
      reliability: input.reliability ?? 'C',
      country: input.country ?? null,
      createdAt: tx.now,
      updatedAt: tx.now,
    })),
    skipDuplicates: true,
  });
  for (const row of rows) {
    const payload = { id: sourceGlobalId(row.id), name: row.name, kind: row.kind };
    tx.emit({ type: 'SOURCE_CREATED', aggregateType: 'Source', aggregateId: row.id, aggregateVersion: 1, payload });
  }
  if (rows.length > 0) tx.audit({ action: 'source.create', resource: 'Source', metadata: { created: rows.length } });
  const made = new Set(rows.map((row) => row.id));
  const found = await tx.db.source.findMany({
    where: {
      tenantId: tx.tenantId,
      OR: inputs.map(({ kind, externalRef }) => ({ kind, externalRef: externalRef.trim() })),
    },
    select: { id: true, kind: true, externalRef: true },
  });
  const ids = new Map(found.map((row) => [`${row.kind}/${row.externalRef}`, row.id]));
  return inputs.map((input) => {
    const id = ids.get(`${input.kind}/${input.externalRef.trim()}`) ?? '';
    return { id, created: made.has(id) };
  });
}

/** Changes a source. A new reliability weighs for content that comes in from now on. */
export async function updateSource(tx: WriteTx, change: SourceChange): Promise<Source> {
  check(change);
  const version = (await tx.lock('Source', change.id, change.expectedVersion)) + 1;
  const row = await tx.db.source.update({
    where: { tenantId_id: { tenantId: tx.tenantId, id: change.id } },
    data: {
      name: change.name?.trim() ?? undefined,
      description: change.description,
      reliability: change.reliability ?? undefined,
      country: change.country,
      isActive: change.isActive ?? undefined,
      version,
    },
  });
  tx.emit({
    type: 'SOURCE_UPDATED',
    aggregateType: 'Source',
    aggregateId: row.id,
    aggregateVersion: version,
    payload: { id: sourceGlobalId(row.id) },
  });
  tx.audit({ action: 'source.update', resource: 'Source', resourceId: row.id });
  return row;
}
