import { createHash } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { MigrationError } from './migration-error.ts';

/** A migration as it lies on disk. */
export interface MigrationFile {
  name: string;
  sql: string;
  /** what Prisma records: SHA-256 of the file, hex */
  checksum: string;
}

/** Where this server's own migrations are. */
export const MIGRATIONS_DIR = fileURLToPath(new URL('../../prisma/migrations', import.meta.url));

const NAME = /^\d{4}_[a-z0-9_]+$/;

/** SHA-256 of a migration's text, with line ends as they are in the repository: a checkout on Windows may change them. */
export function checksumOf(sql: string): string {
  return createHash('sha256').update(sql.replaceAll('\r\n', '\n')).digest('hex');
}

/** All migrations of a folder, in the order in which they apply. */
export async function readMigrations(dir: string): Promise<MigrationFile[]> {
  const entries = await readdir(dir, { withFileTypes: true }).catch((error: unknown) => {
    throw new MigrationError(`The folder of migrations ${dir} cannot be read.`, { cause: error });
  });
  const names = entries.filter((entry) => entry.isDirectory()).map((entry) => entry.name);
  const odd = names.find((name) => !NAME.test(name));
  if (odd !== undefined) {
    throw new MigrationError(`${join(dir, odd)} is not named as a migration: four digits, "_", lower-case words.`);
  }
  return await Promise.all(names.sort().map((name) => readMigration(dir, name)));
}

async function readMigration(dir: string, name: string): Promise<MigrationFile> {
  const sql = await readFile(join(dir, name, 'migration.sql'), 'utf8').catch((error: unknown) => {
    throw new MigrationError(`The migration ${name} has no readable migration.sql.`, { cause: error });
  });
  return { name, sql, checksum: checksumOf(sql) };
}

/** The SQL that undoes a migration. */
export async function readDown(dir: string, name: string): Promise<string> {
  return await readFile(join(dir, name, 'down.sql'), 'utf8').catch((error: unknown) => {
    throw new MigrationError(`The migration ${name} cannot be undone: ${join(dir, name, 'down.sql')} is missing.`, {
      cause: error,
    });
  });
}
