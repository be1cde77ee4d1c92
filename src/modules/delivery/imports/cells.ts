import { type ColumnMap, guessColumns } from '../../../data/columns.ts';
import { storableText } from '../../../data/storable-text.ts';
import { InvalidInput } from '../../../errors.ts';

export type Row = Readonly<Record<string, unknown>>;

const MAX_DEPTH = 100;
const MAX_LIST = 100_000;

/**
 * Which columns hold what: what is given, then guesses by name. Throws InvalidInput for a given column that the row does
 * not have, and when one of the `required` fields has no column.
 */
export function columnsOf<F extends string>(
  known: Readonly<Record<F, readonly string[]>>,
  row: Row,
  given: ColumnMap<F>,
  required: readonly NoInfer<F>[],
): ColumnMap<F> {
  const columns = Object.keys(row);
  for (const [field, column] of Object.entries(given)) {
    if (!columns.includes(String(column)))
      throw new InvalidInput(`there is no column ${column} for ${field}: the row has ${columns.join(', ')}`);
  }
  const map = guessColumns(known, columns, given);
  for (const field of required) {
    if (map[field] === undefined) {
      throw new InvalidInput(
        `no column for ${field}: the row has ${columns.join(', ')}. If one of them is it, say so: with --map ${field}=<column>, or in the mapping, { "columns": { "${field}": "<column>" } }`,
      );
    }
  }
  return map;
}

/** The trimmed text of a cell, null when there is none. Throws InvalidInput for a list or an object, and over `max`. */
export function cellText(row: Row, column: string | undefined, max: number): string | null {
  const value = column === undefined ? null : row[column];
  if (value === null || value === undefined) return null;
  if (typeof value === 'object')
    throw new InvalidInput('is a list or an object where a text is expected', [column ?? '']);
  const text = storableText(String(value)).trim();
  if (text.length > max) throw new InvalidInput(`has ${text.length} characters: ${max} at most`, [column ?? '']);
  return text === '' ? null : text;
}

/**
 * The items of a cell: of a JSON list (texts, or objects by their `name`), or of a text with `,`, `;`, `|` or line
 * breaks between. Blanks do not part items, since names hold them. Repeated and empty ones are left out. Throws
 * InvalidInput for an object, and for a list of anything else.
 */
export function cellList(row: Row, column: string | undefined): string[] {
  const value = column === undefined ? null : row[column];
  const items: unknown[] = Array.isArray(value) ? value : (cellText(row, column, MAX_LIST)?.split(/[,;|\r\n]/) ?? []);
  const texts = items.map((item) => {
    const name = typeof item === 'object' && item !== null && 'name' in item ? item.name : item;
    if (typeof name === 'object' && name !== null)
      throw new InvalidInput('holds something that is neither a text nor an object with a name', [column ?? '']);
    return storableText(String(name ?? '')).trim();
  });
  return [...new Set(texts.filter((text) => text !== ''))];
}

/** A value of a file as it can stand in a JSON column. Throws InvalidInput when it is nested too deeply. */
export function storableJson(value: unknown, column: string, depth = 0): unknown {
  if (depth > MAX_DEPTH) throw new InvalidInput(`is nested deeper than ${MAX_DEPTH} levels`, [column]);
  if (typeof value === 'string') return storableText(value);
  if (Array.isArray(value)) return value.map((item) => storableJson(item, column, depth + 1));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, item]) => [storableText(key), storableJson(item, column, depth + 1)]),
  );
}
