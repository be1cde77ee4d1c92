import type pg from 'pg';
import type { Table } from '../../src/data/models.ts';

/** The values that a CHECK allows a text column or the items of a list, in its order; null when there is none. */
export async function allowedValues(client: pg.Client, table: string, column: string): Promise<string[] | null> {
  const { rows } = await client.query<{ definition: string }>(
    `SELECT pg_get_constraintdef(k.oid) AS definition FROM pg_constraint k
     JOIN pg_attribute a ON a.attrelid = k.conrelid AND k.conkey = ARRAY[a.attnum]
     WHERE k.contype = 'c' AND k.conrelid = $1::regclass AND a.attname = $2`,
    [table, column],
  );
  const list = rows
    .map(({ definition }) => definition)
    .find((definition) => definition.includes(`${column} = ANY`) || definition.includes(`${column} <@ ARRAY`));
  return list ? [...list.matchAll(/'([^']*)'/g)].map(([, value]) => value ?? '') : null;
}

/** Columns of the catalogue: type by name, as a cast writes it. */
export async function columnsOf(client: pg.Client, table: string): Promise<Map<string, string>> {
  const { rows } = await client.query<{ name: string; type: string }>(
    `SELECT column_name AS name, udt_name AS type FROM information_schema.columns
     WHERE table_schema = 'public' AND table_name = $1`,
    [table],
  );
  return new Map(rows.map(({ name, type }) => [name, type.replace(/^_(.*)/, '$1[]')]));
}

const INT2 = 'int2 compares with int4 in the same index, and Prisma knows no smaller type';
/** Casts that are wider than their column, and why that is right. */
const WIDER: Readonly<Record<string, string>> = {
  'cases.priority_rank': INT2,
  'bugs.severity_rank': INT2,
  'bugs.sla_told': INT2,
};

/** Where a model's columns are not those of the catalogue. */
export function mismatches(table: Table, columns: ReadonlyMap<string, string>): string[] {
  return [...table.columns.values()].flatMap(({ column, pgType }) => {
    const type = columns.get(column);
    if (type === undefined) return [`${table.table}.${column} is not there`];
    return type === pgType || `${table.table}.${column}` in WIDER
      ? []
      : [`${table.table}.${column} is ${type}, not ${pgType}`];
  });
}
