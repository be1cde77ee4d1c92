import { randomUUID } from 'node:crypto';
import { Client } from 'pg';
import { explainMigration, MigrationError } from './migration-error.ts';
import { MIGRATIONS_DIR, type MigrationFile, readDown, readMigrations } from './migration-files.ts';

// Prisma's own table, checksums and lock, so that its tools and this runner agree on what is applied. Not its engine:
// here a migration and its record are one transaction, there is a way back, and a semicolon may stand in a comment or
// a function's body (its WebAssembly build cuts scripts there).

/** One migration, as the disk and the database know it. */
export interface MigrationState {
  name: string;
  state: 'applied' | 'pending' | 'failed' | 'changed' | 'missing';
  appliedAt: Date | undefined;
}

/** Which database, and where the migrations are when they are not this server's own. */
export interface MigrateOptions {
  ownerUrl: string;
  dir?: string;
}

interface Row {
  migration_name: string;
  checksum: string;
  finished_at: Date | null;
}

/** The oldest PostgreSQL that the migrations run on: ON DELETE SET NULL (column) came with it. */
const OLDEST = 150_000;
/** The key of Prisma's lock. */
const LOCK = 72_707_369;

const TABLE = `CREATE TABLE IF NOT EXISTS public._prisma_migrations (
  id varchar(36) PRIMARY KEY NOT NULL,
  checksum varchar(64) NOT NULL,
  finished_at timestamptz,
  migration_name varchar(255) NOT NULL,
  logs text,
  rolled_back_at timestamptz,
  started_at timestamptz NOT NULL DEFAULT now(),
  applied_steps_count integer NOT NULL DEFAULT 0
)`;

const HISTORY = `SELECT migration_name, checksum, finished_at FROM public._prisma_migrations WHERE rolled_back_at IS NULL ORDER BY migration_name, started_at`;

async function connected<T>(ownerUrl: string, work: (client: Client) => Promise<T>): Promise<T> {
  const client = new Client({
    connectionString: ownerUrl,
    connectionTimeoutMillis: 10_000,
    application_name: 'argus migrate',
  });
  // a connection lost between two statements is reported by the next one
  client.on('error', () => undefined);
  try {
    await client.connect();
  } catch (error) {
    throw explainMigration(error, 'Connecting to the database');
  }
  try {
    return await work(client);
  } catch (error) {
    throw explainMigration(error, 'Migrating');
  } finally {
    await client.end();
  }
}

async function readHistory(client: Client): Promise<Row[]> {
  try {
    return (await client.query<Row>(HISTORY)).rows;
  } catch (error) {
    const missing = error instanceof Error && 'code' in error && error.code === '42P01';
    if (missing) return [];
    throw explainMigration(error, 'Reading the history of migrations');
  }
}

function stateOf(row: Row, file: MigrationFile | undefined): MigrationState['state'] {
  if (row.finished_at === null) return 'failed';
  if (file === undefined) return 'missing';
  return file.checksum === row.checksum ? 'applied' : 'changed';
}

function compare(files: readonly MigrationFile[], rows: readonly Row[]): MigrationState[] {
  const onDisk = new Map(files.map((file) => [file.name, file]));
  const recorded = rows.map((row) => ({
    name: row.migration_name,
    state: stateOf(row, onDisk.get(row.migration_name)),
    appliedAt: row.finished_at ?? undefined,
  }));
  const known = new Set(rows.map((row) => row.migration_name));
  const pending = files
    .filter((file) => !known.has(file.name))
    .map(({ name }) => ({ name, state: 'pending' as const, appliedAt: undefined }));
  return [...recorded, ...pending].sort((a, b) => (a.name < b.name ? -1 : 1));
}

function refuseBroken(states: readonly MigrationState[]): void {
  const bad = states.find(({ state }) => state === 'changed' || state === 'failed');
  if (bad?.state === 'changed') {
    throw new MigrationError(
      `The migration ${bad.name} was changed after it was applied. Restore its file, and put the change into a new one.`,
    );
  }
  if (bad !== undefined) {
    throw new MigrationError(
      `The migration ${bad.name} was begun by another tool and never finished. Repair the database by hand, then mark ` +
        'it in _prisma_migrations: set finished_at if it is complete, or rolled_back_at if nothing of it is left.',
    );
  }
}

/** What is to be applied: with `to`, up to that migration (its name, or its number alone). */
function pendingOf(files: readonly MigrationFile[], rows: readonly Row[], to: string | undefined): MigrationFile[] {
  const states = compare(files, rows);
  refuseBroken(states);
  const last =
    to === undefined ? files.length - 1 : files.findIndex(({ name }) => name === to || name.startsWith(`${to}_`));
  if (to !== undefined && last < 0) throw new MigrationError(`There is no migration ${to}.`);
  const open = new Set(states.filter(({ state }) => state === 'pending').map(({ name }) => name));
  const pending = files.slice(0, last + 1).filter(({ name }) => open.has(name));
  const missing = states.find(({ state }) => state === 'missing');
  // an older server beside a newer database may start, but must not build on what it does not know
  if (missing !== undefined && pending.length > 0) {
    throw new MigrationError(`The database has the migration ${missing.name}, which is not in this version of Argus.`);
  }
  return pending;
}

async function refuseOldServer(client: Client): Promise<void> {
  const { rows } = await client.query<{ number: number; version: string }>(
    "SELECT current_setting('server_version_num')::int AS number, current_setting('server_version') AS version",
  );
  const server = rows[0];
  if (server !== undefined && server.number < OLDEST) {
    throw new MigrationError(`The server is PostgreSQL ${server.version}; Argus needs 15 or newer.`);
  }
}

/** Waits for another process that migrates this database; ending the session gives the lock back. */
async function lock(client: Client): Promise<void> {
  try {
    await client.query("SET lock_timeout = '10min'");
    await client.query('SELECT pg_advisory_lock($1)', [LOCK]);
    // what a migration itself waits for must not queue up all traffic behind it
    await client.query("SET lock_timeout = '30s'; SET search_path = public; SET client_min_messages = warning");
  } catch (error) {
    throw explainMigration(error, 'Waiting for another process that migrates this database');
  }
}

/** Runs a script and its record in one transaction. */
async function inTransaction(
  client: Client,
  doing: string,
  sql: string,
  record: () => Promise<unknown>,
): Promise<void> {
  try {
    await client.query('BEGIN');
    await client.query(sql);
    await record();
    await client.query('COMMIT');
  } catch (error) {
    await client.query('ROLLBACK').catch(() => undefined); // the first error is the one to tell
    throw explainMigration(error, doing, sql);
  }
}

/**
 * Applies what is pending, each migration in a transaction of its own, and answers with the names of those applied.
 * Of two processes at once the second waits and then finds nothing to do.
 */
export async function migrateUp(
  options: MigrateOptions & { to?: string; log?: (message: string) => void },
): Promise<string[]> {
  const files = await readMigrations(options.dir ?? MIGRATIONS_DIR);
  return await connected(options.ownerUrl, async (client) => {
    if (pendingOf(files, await readHistory(client), options.to).length === 0) return [];
    await refuseOldServer(client);
    await lock(client);
    await client.query(TABLE).catch((error: unknown) => {
      throw explainMigration(error, 'Creating the history of migrations');
    });
    const pending = pendingOf(files, await readHistory(client), options.to);
    for (const { name, sql, checksum } of pending) {
      await inTransaction(client, `The migration ${name}`, sql, () =>
        client.query(
          `INSERT INTO public._prisma_migrations (id, checksum, migration_name, finished_at, applied_steps_count)
           VALUES ($1, $2, $3, clock_timestamp(), 1)`,
          [randomUUID(), checksum, name],
        ),
      );
      options.log?.(`applied ${name}`);
    }
    return pending.map(({ name }) => name);
  });
}

/** Undoes the last applied migrations, newest first, and answers with their names. Their data is gone. */
export async function migrateDown(
  options: MigrateOptions & { steps?: number; log?: (message: string) => void },
): Promise<string[]> {
  const dir = options.dir ?? MIGRATIONS_DIR;
  const files = await readMigrations(dir);
  return await connected(options.ownerUrl, async (client) => {
    await lock(client);
    const states = compare(files, await readHistory(client));
    refuseBroken(states.filter(({ state }) => state === 'failed'));
    const last = states.filter(({ state }) => state !== 'pending').reverse();
    const undone = last.slice(0, options.steps ?? 1).map(({ name }) => name);
    for (const name of undone) {
      await inTransaction(client, `Undoing the migration ${name}`, await readDown(dir, name), () =>
        client.query(
          `UPDATE public._prisma_migrations SET rolled_back_at = clock_timestamp()
           WHERE migration_name = $1 AND rolled_back_at IS NULL`,
          [name],
        ),
      );
      options.log?.(`undid ${name}`);
    }
    return undone;
  });
}

/** Every migration that the disk or the database knows, in order. */
export async function migrationStatus(options: MigrateOptions): Promise<MigrationState[]> {
  const files = await readMigrations(options.dir ?? MIGRATIONS_DIR);
  return await connected(options.ownerUrl, async (client) => compare(files, await readHistory(client)));
}
