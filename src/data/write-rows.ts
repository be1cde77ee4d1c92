import { type ModelName, type Row, selectList, tableOf } from './models.ts';
import { filledUp, prepared } from './statement.ts';
import type { WriteTx } from './write.ts';

const texts = new Map<ModelName, string>();

function textOf(model: ModelName): string {
  let text = texts.get(model);
  if (!text) {
    text = `/* ${model}.ofWrite */ SELECT ${selectList(model, 't')} FROM "${tableOf(model).table}" t WHERE t.tenant_id = $1::uuid AND t.id = ANY($2::uuid[])`;
    texts.set(model, text);
  }
  return text;
}

/**
 * Rows of a model by their ids, as this transaction sees them; in the flight of what it has put off, without Prisma's plan
 * of each read. They are what lists give: a decimal is its text.
 */
export async function rowsById<M extends ModelName & ('Bug' | 'Project')>(
  tx: WriteTx,
  model: M,
  ids: Iterable<string>,
): Promise<Map<string, Row<M>>> {
  const rows = await tx.query<Row<M>>(prepared(textOf(model), tx.tenantId, filledUp([...new Set(ids)])));
  return new Map(rows.map((row) => [row.id, row]));
}
