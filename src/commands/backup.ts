import { join } from 'node:path';
import type { Command } from 'commander';
import { BackupError } from '../backup/backup-error.ts';
import { backUpDump } from '../backup/dump.ts';
import { megabytes } from '../backup/files.ts';
import { backUpFolder } from '../backup/folder-backup.ts';
import type { Manifest } from '../backup/manifest.ts';
import { findBackup, listBackups, removeOld, storeBackup } from '../backup/store.ts';
import { rowsOf } from '../backup/table-sums.ts';
import { damagedFiles, differentTables } from '../backup/verify.ts';
import { embeddedStatus } from '../data/embedded.ts';
import { openDatabaseServer } from '../database-server.ts';
import { type Env, env as readEnv } from '../env.ts';
import { positive } from './migrate.ts';
import { withWork } from './stop-signal.ts';

interface BackupOptions {
  to?: string;
  keepDays?: number;
}

const HELP = `
Examples:
  argus backup                          into BACKUP_DIR, and removes what is older than BACKUP_RETENTION_DAYS
  argus backup --to /mnt/disk           into another folder, with a retention of its own
  argus backup verify latest            restores the newest one into a scratch server and compares every table
  argus restore latest                  puts it back; see "argus restore --help"

Of the embedded database a backup is a copy of its data folder, made while it runs; of others, a pg_dump.
Encryption keys are not in it: keep them apart, without them protected columns cannot be read.
Exit code 0: the backup is complete, or verified. 1: it is not, and the message says why.`;

export function addBackup(program: Command): void {
  const backup = program
    .command('backup')
    .description('Back the database up, list backups, or prove that one can be restored.')
    .option('--to <folder>', 'where to (BACKUP_DIR)')
    .option('--keep-days <n>', 'remove backups older than this, never the newest (BACKUP_RETENTION_DAYS)', positive)
    .addHelpText('after', HELP)
    .action((options: BackupOptions) => takeBackup(options, program.version() ?? ''));
  backup
    .command('list')
    .description('show the backups of a folder, the newest first')
    .action(() => showBackups(backup.opts<BackupOptions>().to ?? readEnv().BACKUP_DIR));
  backup
    .command('verify <backup>')
    .description('restore a backup (a name, a path, or "latest") into a scratch server and compare all tables')
    .action((given: string) => verifyBackup(backup.opts<BackupOptions>().to ?? readEnv().BACKUP_DIR, given));
}

async function takeBackup(options: BackupOptions, version: string): Promise<void> {
  const env = readEnv();
  const dir = options.to ?? env.BACKUP_DIR;
  const days = options.keepDays ?? env.BACKUP_RETENTION_DAYS;
  const begun = performance.now();
  const { name, path, manifest } = await storeBackup(dir, async (target, name): Promise<Manifest> => {
    const part = await fill(env, target, name);
    const bytes = Object.values(part.files).reduce((sum, file) => sum + file.bytes, 0);
    return { format: 1, version, bytes, ...part };
  });
  const seconds = ((performance.now() - begun) / 1_000).toFixed(1);
  const tables = `${Object.keys(manifest.tables).length} tables with ${rowsOf(manifest.tables)} rows`;
  console.log(`${path}: ${tables}, ${megabytes(manifest.bytes)} in ${seconds} s, as of ${manifest.takenAt}`);
  const removed = await removeOld(dir, days, new Date());
  for (const old of removed.backups) console.log(`removed ${old}: older than ${days} days`);
  if (removed.wal > 0) console.log(`removed ${removed.wal} files of WAL that no kept backup needs`);
  if (manifest.kind === 'folder' && !env.BACKUP_WAL)
    console.log('Only this moment can be restored: with BACKUP_WAL=true, every later one too.');
  const keys = env.ENCRYPTION_KEYS === null ? join(env.ARGUS_DIR, 'encryption.key') : 'ENCRYPTION_KEYS';
  console.log(
    `Keep ${keys} too, apart from the backup: it is not in it, and protected columns cannot be read without.`,
  );
  console.log(`Prove it: argus backup verify ${name}`);
}

async function fill(env: Env, target: string, name: string) {
  if (env.DATABASE_URL !== null) {
    const url = env.BACKUP_DATABASE_URL ?? env.DATABASE_OWNER_URL ?? env.DATABASE_URL;
    return withWork('tables', (work) => backUpDump(url, target, env, work));
  }
  const { state, detail } = await embeddedStatus(env.ARGUS_DIR);
  if (state === 'absent') throw new BackupError(`There is nothing to back up: ${detail}. Or set DATABASE_URL.`);
  const server = await openDatabaseServer(env, (line) => console.error(line));
  try {
    return await withWork('backup', (work) => backUpFolder(server.ownerUrl, target, name, work));
  } finally {
    await server.stop();
  }
}

async function showBackups(dir: string): Promise<void> {
  const { backups, broken } = await listBackups(dir);
  for (const { name, manifest } of backups) {
    const { bytes, kind, postgres, tables, takenAt } = manifest;
    const size = megabytes(bytes).padStart(10);
    console.log(`${name}  ${takenAt}  ${kind.padEnd(6)} ${size}  ${rowsOf(tables)} rows  PostgreSQL ${postgres}`);
  }
  for (const problem of broken) console.log(`broken: ${problem}`);
  if (backups.length + broken.length === 0) console.log(`${dir} holds no backup`);
  if (broken.length > 0) process.exitCode = 1;
}

async function verifyBackup(dir: string, given: string): Promise<void> {
  const env = readEnv();
  const backup = await findBackup(dir, given);
  const damaged = await withWork('files', (work) => damagedFiles(backup, work));
  const wrong =
    damaged.length > 0 ? damaged : await withWork('restore', (work) => differentTables(backup, env, () => {}, work));
  for (const problem of wrong) console.error(problem);
  if (wrong.length > 0) {
    process.exitCode = 1;
    console.error(`${backup.name} is not what was backed up: do not rely on it.`);
    return;
  }
  const { files, tables } = backup.manifest;
  const compared = `${Object.keys(tables).length} tables with ${rowsOf(tables)} rows`;
  console.log(`${backup.name}: ${Object.keys(files).length} files whole; restored, ${compared} are the same`);
}
