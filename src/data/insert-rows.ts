import { columnOf, type ModelName, tableOf } from './models.ts';
import { prepared } from './statement.ts';
import type { WriteTx } from './write.ts';

/**
 * The seq of an event of the transaction that writes it into a row: `before` the last one of them by so many. The database
 * knows it when the row is written, at the end of the transaction: see `WriteTx.atEnd`.
 */
export class EventSeq {
  readonly before: number;

  constructor(before: number) {
    this.before = before;
  }
}

/** Setting that holds the last seq of the transaction. */
export const EVENT_SEQ = `current_setting('app.event_seq')::int8`;

/** The protocol counts parameters in 16 bits. */
const MAX_PARAMETERS = 60_000;

/**
 * Inserts many rows of a model by as few statements as can be, before the next statement of the transaction: Prisma's
 * `createMany` makes a plan of every value, which takes ten times as long and hundreds of megabytes. All rows must have
 * the fields of the first; what is left out has the column's default. VALUES, since INSERT … SELECT does not pass
 * row-level security everywhere.
 */
export function insertRows(
  tx: Pick<WriteTx, 'later'>,
  model: ModelName,
  rows: readonly Readonly<Record<string, unknown>>[],
): void {
  const [first] = rows;
  if (!first) return;
  const columns = Object.keys(first).map((field) => columnOf(model, field));
  const perStatement = Math.max(1, Math.floor(MAX_PARAMETERS / columns.length));
  const names = columns.map(({ column }) => `"${column}"`).join(', ');
  for (let at = 0; at < rows.length; at += perStatement) {
    const part = rows.slice(at, at + perStatement);
    const places = part.map((values, row) => {
      const own = columns.map(({ field, pgType }, i) => {
        const place = `$${row * columns.length + i + 1}::${pgType}`;
        return values[field] instanceof EventSeq ? `${EVENT_SEQ} - ${place}` : place;
      });
      return `(${own.join(', ')})`;
    });
    const values = part.flatMap((row) => columns.map(({ field, pgType }) => toParameter(row[field], pgType)));
    const text = `/* ${model}.insert */ INSERT INTO "${tableOf(model).table}" (${names}) VALUES ${places.join(', ')}`;
    tx.later(prepared(text, ...values));
  }
}

/** A value as raw SQL takes it, before the cast to its column's type. */
export function toParameter(value: unknown, pgType: string): unknown {
  if (value === null || value === undefined) return null;
  if (value instanceof EventSeq) return value.before;
  if (pgType === 'jsonb') return JSON.stringify(value);
  // Times and decimals as texts: the cast reads them exactly.
  if (value instanceof Date) return value.toISOString();
  return typeof value === 'object' && 'toFixed' in value ? String(value) : value;
}
