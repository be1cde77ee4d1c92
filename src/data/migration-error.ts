import { DatabaseError } from 'pg';

/** A migration could not be made, applied or undone; the message says what is wrong and what to do about it. */
export class MigrationError extends Error {
  override name = 'MigrationError';
}

const OWNER_NEEDED =
  'Migrations run as the owner of the database: it needs CREATE on the schema public and, the first time, CREATEROLE. ' +
  'Without CREATEROLE let an administrator run once: CREATE ROLE argus_app NOLOGIN; CREATE ROLE argus_search NOLOGIN; ' +
  'GRANT argus_app, argus_search TO <owner>; GRANT CREATE ON SCHEMA public TO <owner> WITH GRANT OPTION;';

const ADVICE: Readonly<Record<string, string>> = {
  '42501': OWNER_NEEDED,
  '55P03': 'Another session held a lock on what is to be changed: end its transaction and try again.',
  '57014': 'The statement was cancelled.',
  '28P01': 'The password in the URL is not the right one.',
  '28000': 'The server does not accept this user from here: see its pg_hba.conf.',
  '3D000': 'Create the database first.',
  '0A000': 'If an extension is missing: install the contrib package of the server (pg_trgm and btree_gin).',
  '58P01': 'If an extension is missing: install the contrib package of the server (pg_trgm and btree_gin).',
};

const UNREACHABLE = new Set(['ECONNREFUSED', 'ENOENT', 'ENOTFOUND', 'EAI_AGAIN', 'EHOSTUNREACH', 'ETIMEDOUT']);
const NOBODY_THERE =
  '\nNo PostgreSQL answers there: start it, or correct host and port in DATABASE_OWNER_URL, else DATABASE_URL. ' +
  '"argus doctor" checks it.';

/** "line 12: CREATE TABLE …", from an error's position in the text, or nothing when the server gave none. */
function placeOf(error: DatabaseError, sql: string | undefined): string {
  if (sql === undefined || error.position === undefined) return '';
  const position = Number(error.position) - 1;
  // the server counts characters where JavaScript counts UTF-16 units
  const before = Array.from(sql).slice(0, position).join('');
  const line = before.split('\n').length;
  const text = sql.split('\n')[line - 1] ?? '';
  return ` at line ${line}: ${text.trim().slice(0, 160)}`;
}

/** Turns what the driver threw into a {@link MigrationError}; one that already is passes through unchanged. */
export function explainMigration(error: unknown, doing: string, sql?: string): MigrationError {
  if (error instanceof MigrationError) return error;
  if (error instanceof DatabaseError) {
    const advice = ADVICE[error.code ?? ''];
    const more = [error.detail, error.hint, error.where?.split('\n')[0], advice].filter((part) => part !== undefined);
    const message = `${doing} failed${placeOf(error, sql)}: ${error.message} (${error.code ?? 'no code'}).`;
    return new MigrationError([message, ...more].join('\n'), { cause: error });
  }
  // an address with several records fails with an AggregateError, whose own message is empty
  const inner = error instanceof AggregateError ? error.errors[0] : error;
  const reason = inner instanceof Error ? inner.message : String(inner);
  const advice = UNREACHABLE.has(String(Reflect.get(Object(inner), 'code'))) ? NOBODY_THERE : '';
  return new MigrationError(`${doing} failed: ${reason.trim().replace(/\.+$/, '').trim()}.${advice}`, { cause: error });
}
