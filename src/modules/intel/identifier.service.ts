import type { Prisma } from '../../../generated/prisma/client.ts';
import type { WriteTx } from '../../data/write.ts';
import { newId } from '../../graphql/ids.ts';
import type { FoundIdentifier } from './analysis.ts';

/** Ids of identifiers by `type:value`, those that are new being created. */
export async function ensureIdentifiers(
  tx: WriteTx,
  wanted: readonly { type: string; value: string }[],
): Promise<Map<string, string>> {
  const unique = new Map(wanted.map(({ type, value }) => [`${type}:${value}`, { type, value }]));
  if (unique.size === 0) return new Map();
  const rows = [...unique.values()].map(({ type, value }) => ({
    tenantId: tx.tenantId,
    id: newId(),
    type,
    value,
    createdAt: tx.now,
    updatedAt: tx.now,
  }));
  await tx.db.identifier.createMany({ data: rows, skipDuplicates: true });
  const ids = new Map<string, string>();
  for (const [type, group] of Map.groupBy(rows, (row) => row.type)) {
    const found = await tx.db.identifier.findMany({
      where: { tenantId: tx.tenantId, type, value: { in: group.map((row) => row.value) } },
      select: { id: true, value: true },
    });
    for (const { id, value } of found) ids.set(`${type}:${value}`, id);
  }
  return ids;
}

/** Links identifiers to the contents they were found in. */
export async function storeIdentifiers(
  tx: WriteTx,
  contents: readonly { contentId: string; identifiers: readonly FoundIdentifier[] }[],
): Promise<void> {
  const ids = await ensureIdentifiers(
    tx,
    contents.flatMap(({ identifiers }) => identifiers),
  );
  const links = contents.flatMap(({ contentId, identifiers }) =>
    identifiers.flatMap(({ type, value, raw, spans }) => {
      const identifierId = ids.get(`${type}:${value}`);
      if (!identifierId) return [];
      return [
        {
          tenantId: tx.tenantId,
          contentId,
          identifierId,
          raw,
          spans: spans as unknown as Prisma.InputJsonArray,
          createdAt: tx.now,
        },
      ];
    }),
  );
  if (links.length > 0) await tx.db.contentIdentifier.createMany({ data: links, skipDuplicates: true });
}
