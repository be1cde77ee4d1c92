import type { WriteTx } from '../../data/write.ts';

/** The tenant's dictionary, locked against changes of keywords (but not against other readers) until the commit. */
export async function lockDictionary(tx: WriteTx): Promise<{ version: number }> {
  const [row] = await select(tx, 'FOR SHARE');
  if (row) return row;
  await tx.db.dictionary.createMany({ data: [{ tenantId: tx.tenantId }], skipDuplicates: true });
  const [made] = await select(tx, 'FOR SHARE');
  return made ?? { version: 0 };
}

/** The next version of the dictionary: whoever changes keywords takes it first, and so waits for running ingests. */
export async function nextDictionaryVersion(tx: WriteTx): Promise<number> {
  const { version } = await tx.db.dictionary.upsert({
    where: { tenantId: tx.tenantId },
    create: { tenantId: tx.tenantId, version: 1 },
    update: { version: { increment: 1 } },
    select: { version: true },
  });
  return version;
}

function select(tx: WriteTx, lock: string): Promise<{ version: number }[]> {
  return tx.db.$queryRawUnsafe(`SELECT version FROM dictionaries WHERE tenant_id = $1::uuid ${lock}`, tx.tenantId);
}
