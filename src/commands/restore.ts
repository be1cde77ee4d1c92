import { chmodSync, constants, copyFileSync, existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { type Command, InvalidArgumentError } from 'commander';
import { KEY_FILE } from '../access/encryption.ts';
import { BackupError } from '../backup/backup-error.ts';
import { restoreDump } from '../backup/dump-restore.ts';
import type { Backup, DumpManifest, FolderManifest } from '../backup/manifest.ts';
import { restoreFolder } from '../backup/restore-folder.ts';
import { findBackup } from '../backup/store.ts';
import { rowsOf } from '../backup/table-sums.ts';
import { resolveInstant } from '../data/instant.ts';
import { openDatabaseServer } from '../database-server.ts';
import { type Env, env as readEnv } from '../env.ts';
import { positive } from './migrate.ts';
import { withWork } from './stop-signal.ts';

interface RestoreOptions {
  into?: string;
  at?: Date | 'end';
  timeline?: number;
}

const HELP = `
Examples:
  argus restore latest                              the newest backup of BACKUP_DIR
  argus restore latest --at 2026-11-21T10:00:00Z    all that was committed until then: needs BACKUP_WAL=true
  argus restore latest --at latest                  all that was archived, as after the loss of a disk
  argus restore argus-backup-20261121T020000Z --into /tmp/look
                                                    beside the present database, to look at; the output says how

The embedded database must not run. Its data folder is never overwritten: it is renamed, and the name is told.
A dump is restored into the empty database of DATABASE_OWNER_URL, else DATABASE_URL. Points in time of such a database
are the matter of its own server: argus restores the dump's moment only.`;

export function addRestore(program: Command): void {
  program
    .command('restore <backup>')
    .description('Restore a backup: a name in BACKUP_DIR, a path, or "latest".')
    .option('--into <folder>', 'which embedded database (ARGUS_DIR)')
    .option('--at <time>', 'a later moment: 2026-11-21T10:00:00Z, -PT10M from now, or "latest"', moment)
    .option('--timeline <n>', 'of which history, after an earlier restore; without it the newest', positive)
    .addHelpText('after', HELP)
    .action(async (given: string, options: RestoreOptions) => {
      const before = options.at instanceof Date ? options.at : undefined;
      const { manifest, ...backup } = await findBackup(readEnv().BACKUP_DIR, given, before);
      if (manifest.kind === 'dump') await intoDatabase({ ...backup, manifest }, options);
      else await intoFolder({ ...backup, manifest }, options);
    });
}

function moment(text: string): Date | 'end' {
  if (text === 'latest') return 'end';
  try {
    return resolveInstant(text, new Date(), []);
  } catch (error) {
    throw new InvalidArgumentError(error instanceof Error ? error.message : String(error));
  }
}

async function intoFolder(backup: Backup<FolderManifest>, options: RestoreOptions): Promise<void> {
  const env = readEnv();
  if (options.timeline !== undefined && options.at === undefined) {
    throw new BackupError('--timeline says in which history to look for --at: give both.');
  }
  if (options.into === undefined && env.DATABASE_URL !== null) {
    throw new BackupError(
      `${backup.name} is of an embedded database, and DATABASE_URL names another: unset it, or say --into <folder>.`,
    );
  }
  const { tables, setAside } = await withWork('restore', (work) =>
    restoreFolder(
      {
        backup,
        dir: options.into ?? env.ARGUS_DIR,
        at: options.at ?? null,
        timeline: options.timeline ?? null,
        continues: options.into === undefined,
        log: (line) => console.error(line),
      },
      work,
    ),
  );
  const what = options.at === undefined ? ', all as they were backed up' : '';
  console.log(`Restored: ${Object.keys(tables).length} tables with ${rowsOf(tables)} rows${what}.`);
  if (setAside) console.log(`The data that was there is kept in ${setAside}: delete it when all is well.`);
  for (const line of afterwards(env, options.into)) console.log(line);
}

/** What is left to do: the encryption key, which no backup holds, and for a copy how to look at it. */
function afterwards(env: Env, into: string | undefined): string[] {
  const dir = resolve(into ?? env.ARGUS_DIR);
  const file = join(dir, KEY_FILE);
  const isCopied = into !== undefined && copyKey(join(env.ARGUS_DIR, KEY_FILE), file);
  const key =
    env.ENCRYPTION_KEYS !== null
      ? 'Encryption keys are not part of a backup: protected columns need those of the time in ENCRYPTION_KEYS.'
      : isCopied
        ? `The encryption key of ${env.ARGUS_DIR} was copied to ${file}: protected columns of its backups can be read.`
        : existsSync(file)
          ? `${file} stays as it is: protected columns need the key of the time.`
          : `Encryption keys are not part of a backup: copy ${KEY_FILE} of the time to ${file}, or protected columns cannot be read.`;
  if (into === undefined) return [key];
  const settings = `ARGUS_DIR=${inShell(dir)} BACKUP_DIR=${inShell(join(dir, 'backups'))} PORT=${env.PORT + 1}`;
  return [
    key,
    'Look at the copy, without sending its webhooks once more, with a key of the time:',
    `  ${settings} npx argus serve --no-background --no-demo`,
  ];
}

/** Copies a key to where there is none. False when there is nothing to copy, or a key already. */
function copyKey(from: string, to: string): boolean {
  if (!existsSync(from) || existsSync(to)) return false;
  copyFileSync(from, to, constants.COPYFILE_EXCL);
  chmodSync(to, 0o600);
  return true;
}

function inShell(text: string): string {
  return /^[\w./-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`;
}

async function intoDatabase(backup: Backup<DumpManifest>, options: RestoreOptions): Promise<void> {
  if (options.at !== undefined || options.timeline !== undefined || options.into !== undefined) {
    throw new BackupError(
      `${backup.name} is a dump: it holds one moment, and goes into the database of DATABASE_OWNER_URL or DATABASE_URL.`,
    );
  }
  const env = readEnv();
  const server = await openDatabaseServer(env, (line) => console.error(line));
  try {
    const { tables } = backup.manifest;
    const wrong = await restoreDump(backup, server.ownerUrl, env);
    if (wrong && wrong.length > 0) {
      throw new BackupError(`The restored tables differ from the backup: ${wrong.join('; ')}.`);
    }
    const compared = wrong
      ? 'all as they were backed up'
      : 'not compared, since its owner does not see all rows: "argus backup verify" does that elsewhere';
    console.log(`Restored: ${Object.keys(tables).length} tables with ${rowsOf(tables)} rows, ${compared}.`);
  } finally {
    await server.stop();
  }
}
