import type { ClientBase } from 'pg';

/** Rows of a table and the sum of their hashes, both as decimal text. */
export interface TableSum {
  rows: string;
  checksum: string;
}

export type TableSums = Record<string, TableSum>;

/**
 * Tables with data of their own, and their columns: extensions' and the system's tables are made anew by a restore, and
 * so are generated columns, which another version of PostgreSQL may compute otherwise.
 */
const TABLES = `SELECT format('%I.%I', n.nspname, c.relname) AS name,
    (SELECT string_agg(quote_ident(attname), ', ' ORDER BY attnum) FROM pg_attribute
      WHERE attrelid = c.oid AND attnum > 0 AND attgenerated = '' AND NOT attisdropped) AS columns
  FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
  WHERE c.relkind = 'r' AND c.relpersistence = 'p' AND n.nspname NOT IN ('pg_catalog', 'information_schema')
    AND NOT EXISTS (SELECT FROM pg_depend d
      WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.deptype = 'e')
  ORDER BY 1`;

/** What a value's text depends on, and what would end a long reading; row_security off fails instead of leaving out. */
const SESSION = `SET TimeZone = 'UTC'; SET DateStyle = 'ISO, MDY'; SET IntervalStyle = 'postgres';
  SET bytea_output = 'hex'; SET extra_float_digits = 1; SET row_security = off; SET client_min_messages = warning;
  SET statement_timeout = 0; SET idle_in_transaction_session_timeout = 0; SET lock_timeout = 0`;

/** Prepares a session to give the same texts on every server. */
export async function settleSession(client: ClientBase): Promise<void> {
  await client.query(SESSION);
}

/** Whether the session's role reads past row-level security: without that it cannot read all rows of any table. */
export async function seesAll(client: ClientBase): Promise<boolean> {
  const { rows } = await client.query<{ all: boolean }>(
    'SELECT rolsuper OR rolbypassrls AS all FROM pg_roles WHERE rolname = current_user',
  );
  return rows[0]?.all ?? false;
}

/** The tables, with names quoted where needed and `columns` as a list for SQL. */
export async function readTables(client: ClientBase): Promise<{ name: string; columns: string | null }[]> {
  return (await client.query<{ name: string; columns: string | null }>(TABLES)).rows;
}

/**
 * Rows and checksum of every table, as the session's transaction sees them. The checksum is the sum of the first 64
 * bits of each row's MD5: the same in any order of rows and on any version of PostgreSQL, and a row that is there twice
 * counts twice. It finds accidents; it is no protection against somebody who forges rows.
 */
export async function tableSums(
  client: ClientBase,
  onProgress: (done: number, total: number) => void = () => {},
): Promise<TableSums> {
  const tables = await readTables(client);
  const sums: TableSums = {};
  for (const [done, { columns, name }] of tables.entries()) {
    onProgress(done, tables.length);
    const { rows } = await client.query<TableSum>(
      `SELECT count(*)::text AS rows,
         coalesce(sum(('x' || left(md5(ROW(${columns ?? ''})::text), 16))::bit(64)::bigint), 0)::text AS checksum
       FROM ${name}`,
    );
    const [sum] = rows;
    if (sum) sums[name] = sum;
  }
  onProgress(tables.length, tables.length);
  return sums;
}

/** A sentence for each table that is not the same; none when all are. */
export function differences(expected: TableSums, found: TableSums): string[] {
  const names = [...new Set([...Object.keys(expected), ...Object.keys(found)])].sort();
  return names.flatMap((name) => {
    const [was, is] = [expected[name], found[name]];
    if (!was) return [`${name} is not in the backup's list`];
    if (!is) return [`${name} is missing`];
    if (was.rows !== is.rows) return [`${name} has ${is.rows} rows instead of ${was.rows}`];
    return was.checksum === is.checksum ? [] : [`${name} has other contents in its ${is.rows} rows`];
  });
}

/** Rows of all tables together. */
export function rowsOf(sums: TableSums): number {
  return Object.values(sums).reduce((sum, { rows }) => sum + Number(rows), 0);
}
