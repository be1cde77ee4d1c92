import { toParameter } from './insert-rows.ts';
import { columnOf, type ModelName, tableOf } from './models.ts';
import { prepared } from './statement.ts';
import type { WriteTx } from './write.ts';

/**
 * Changes a row of a model before the next statement of the transaction. Only what is named is written; what is undefined
 * is as if it was not. The row is one that this transaction has locked.
 */
export function updateRow(
  tx: Pick<WriteTx, 'later' | 'tenantId'>,
  model: ModelName,
  id: string,
  changes: Readonly<Record<string, unknown>>,
): void {
  const given = Object.entries(changes).filter(([, value]) => value !== undefined);
  if (given.length === 0) return;
  const columns = given.map(([field]) => columnOf(model, field));
  const sets = columns.map(({ column, pgType }, i) => `"${column}" = $${i + 3}::${pgType}`);
  tx.later(
    prepared(
      `/* ${model}.update */ UPDATE "${tableOf(model).table}" SET ${sets.join(', ')} WHERE tenant_id = $1::uuid AND id = $2::uuid`,
      tx.tenantId,
      id,
      ...given.map(([, value], i) => toParameter(value, columns[i]?.pgType ?? '')),
    ),
  );
}
