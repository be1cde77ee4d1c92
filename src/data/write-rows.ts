import { byIdStatements } from './loaders.ts';
import { type ModelName, type Row, selectList } from './models.ts';
import type { WriteTx } from './write.ts';

const statements = new Map<ModelName, ReturnType<typeof byIdStatements>>();

/**
 * Rows of a model by their ids, as this transaction sees them; in the flight of what it has put off, without Prisma's plan
 * of each read. They are what lists give: a decimal is its text.
 */
export async function rowsById<M extends ModelName & ('Bug' | 'Project')>(
  tx: WriteTx,
  model: M,
  ids: Iterable<string>,
): Promise<Map<string, Row<M>>> {
  let statement = statements.get(model);
  if (!statement) {
    statement = byIdStatements(model, selectList(model, 't'));
    statements.set(model, statement);
  }
  const rows = await tx.query<Row<M>>(statement(tx.tenantId, [...new Set(ids)]));
  return new Map(rows.map((row) => [row.id, row]));
}
