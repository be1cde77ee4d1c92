import type { Prisma } from '../../generated/prisma/client.ts';
import { columnOf, type ModelName, tableOf } from './models.ts';

/** The protocol counts parameters in 16 bits. */
const MAX_PARAMETERS = 60_000;

/**
 * Inserts many rows of a model by as few statements as can be: Prisma's `createMany` makes a plan of every value, which
 * takes ten times as long and hundreds of megabytes. All rows must have the fields of the first; what is left out has
 * the column's default. VALUES, since INSERT … SELECT does not pass row-level security everywhere.
 */
export async function insertRows(
  db: Prisma.TransactionClient,
  model: ModelName,
  rows: readonly Readonly<Record<string, unknown>>[],
): Promise<void> {
  const [first] = rows;
  if (!first) return;
  const columns = Object.keys(first).map((field) => columnOf(model, field));
  const perStatement = Math.max(1, Math.floor(MAX_PARAMETERS / columns.length));
  const names = columns.map(({ column }) => `"${column}"`).join(', ');
  for (let at = 0; at < rows.length; at += perStatement) {
    const part = rows.slice(at, at + perStatement);
    const places = part.map(
      (_, row) => `(${columns.map(({ pgType }, i) => `$${row * columns.length + i + 1}::${pgType}`).join(', ')})`,
    );
    const values = part.flatMap((row) => columns.map(({ field, pgType }) => toParameter(row[field], pgType)));
    await db.$executeRawUnsafe(
      `/* ${model}.insert */ INSERT INTO "${tableOf(model).table}" (${names}) VALUES ${places.join(', ')}`,
      ...values,
    );
  }
}

/** A value as raw SQL takes it, before the cast to its column's type. */
export function toParameter(value: unknown, pgType: string): unknown {
  if (value === null || value === undefined) return null;
  if (pgType === 'jsonb') return JSON.stringify(value);
  // Times and decimals as texts: the cast reads them exactly.
  if (value instanceof Date) return value.toISOString();
  return typeof value === 'object' && 'toFixed' in value ? String(value) : value;
}
