import { chown, copyFile, readdir, realpath, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type EmbeddedServer, startEmbedded } from '../data/embedded.ts';
import type { Account } from '../data/embedded-account.ts';
import { insistOnAccess } from '../data/embedded-archive.ts';
import { settle } from '../data/embedded-start.ts';
import { type EmbeddedState, newState, openDir, writeState } from '../data/embedded-state.ts';
import { BackupError } from './backup-error.ts';
import { copyHashed, forEach, insistOnSpace, makeFolder, syncFolder, type Work } from './files.ts';
import { type Backup, DATA, type FolderManifest } from './manifest.ts';

/**
 * The moment to recover: that of the backup, the last one before a time, or the end of the WAL. The latter two need
 * the archive; `timeline` is one of its histories, without it the newest.
 */
export type Target = { to: 'backup' } | { to: 'end' | Date; wal: string; timeline: number | null };

/** What to recover and where. */
export interface RecoveryPlan {
  backup: Backup<FolderManifest>;
  /** A folder for a server of its own: it must be empty, and the server's account must be able to enter it. */
  dir: string;
  target: Target;
  /** The folder of WAL that was not archived yet, when there is one. */
  unarchived: string | null;
  /** The archive of WAL beside the backup, whose timelines must not be used again. */
  archive: string | null;
  /** Password of the server's owner. */
  password?: string;
  settings: Record<string, string>;
  log: (line: string) => void;
}

const SEGMENT = /^[0-9A-F]{24}$/;
const HISTORY = /^[0-9A-F]{8}\.history$/;
/** Recovery reads through all the WAL since the backup. */
const RECOVERY_LIMIT_MS = 24 * 3_600_000;
const ROOM = 128e6;

/**
 * Copies a backup into a folder, checking every file's hash, and starts a server there that recovers to the target and
 * then begins a timeline of its own. The server flushes all files before it recovers. Throws BackupError when the backup is damaged, the disk too full, or the target
 * cannot be reached.
 */
export async function recover(plan: RecoveryPlan, work: Work): Promise<EmbeddedServer> {
  const { backup, log, target } = plan;
  const home = await openDir(plan.dir);
  const state: EmbeddedState = { ...newState(home), ...(plan.password ? { password: plan.password } : {}) };
  const { account, data } = await settle(home, log);
  await insistOnSpace(home, backup.manifest.bytes + ROOM, 'the restored database');
  await copyBack(backup, data, account, work);
  if (target.to !== 'backup' && plan.unarchived) await takeUnarchived(plan.unarchived, data, account);
  await writeOwned(join(data, 'recovery.signal'), '', account);
  await writeState(home, state);
  const archive = plan.archive === null ? null : await realpath(plan.archive);
  if (archive !== null) await insistOnAccess(archive, account);
  try {
    const settings = { ...plan.settings, ...recoverySettings(backup, target, archive) };
    // It says that the password is new and the port too, as they are in every copy.
    return await startEmbedded({ dir: home, settings, readyWithinMs: RECOVERY_LIMIT_MS });
  } catch (error) {
    throw explainRecovery(error, target);
  }
}

async function copyBack(backup: Backup<FolderManifest>, data: string, account: Account, work: Work): Promise<void> {
  const { bytes, files, folders } = backup.manifest;
  await makeFolder(data, account);
  for (const folder of folders) await makeFolder(join(data, folder), account);
  let done = 0;
  await forEach(Object.entries(files), async ([path, expected]) => {
    const found = await copyHashed(
      join(backup.path, path),
      join(data, path.slice(DATA.length + 1)),
      account,
      work.signal,
    );
    if (found.sha256 !== expected.sha256)
      throw new BackupError(`${join(backup.path, path)} is damaged: its hash differs.`);
    done += found.bytes;
    work.onProgress(done, bytes);
  });
}

/** The last of the WAL is archived when its segment is full, or its server stops: until then it is only there. */
async function takeUnarchived(from: string, data: string, account: Account): Promise<void> {
  const present = new Set(await readdir(join(data, 'pg_wal')));
  for (const name of await readdir(from)) {
    if (present.has(name) || !(SEGMENT.test(name) || HISTORY.test(name))) continue;
    const path = join(data, 'pg_wal', name);
    await copyFile(join(from, name), path);
    if (account) await chown(path, account.uid, account.gid);
  }
}

async function writeOwned(path: string, text: string, account: Account): Promise<void> {
  await writeFile(path, text, { mode: 0o600 });
  if (account) await chown(path, account.uid, account.gid);
}

/**
 * The settings of https://www.postgresql.org/docs/18/runtime-config-wal.html#RUNTIME-CONFIG-WAL-RECOVERY-TARGET. The
 * archive is always asked, if only for the numbers of timelines that are taken: WAL of a timeline that was begun twice
 * could not be told apart.
 */
function recoverySettings(backup: Backup<FolderManifest>, target: Target, archive: string | null) {
  const wal = target.to === 'backup' ? archive : target.wal;
  const common = {
    hot_standby: 'off',
    recovery_target_action: 'promote',
    restore_command: wal === null ? 'false' : `cp ${quoteForShell(wal).replaceAll('%', '%%')}/%f "%p"`,
  };
  if (target.to === 'backup') {
    return { ...common, recovery_target_name: backup.manifest.restorePoint, recovery_target_timeline: 'current' };
  }
  return {
    ...common,
    recovery_target_timeline: target.timeline === null ? 'latest' : String(target.timeline),
    ...(target.to === 'end'
      ? {}
      : {
          // Zones by name, and so "Z", are not known yet when the server reads this.
          recovery_target_time: target.to.toISOString().replace('T', ' ').replace('Z', '+00'),
        }),
  };
}

function quoteForShell(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}

function explainRecovery(error: unknown, target: Target): unknown {
  const text = error instanceof Error ? error.message : '';
  if (/recovery ended before configured recovery target was reached/.test(text) && target.to instanceof Date) {
    return new BackupError(
      `The WAL ends before ${target.to.toISOString()}: nothing was written after that time, or its WAL is lost. "--at latest" restores to the end.`,
    );
  }
  return error;
}

/** Copies the histories of timelines that a recovered data folder knows, and the archive does not, into the archive. */
export async function archiveHistories(data: string, archive: string, account: Account): Promise<void> {
  const known = new Set(await readdir(archive));
  for (const name of await readdir(join(data, 'pg_wal'))) {
    if (!HISTORY.test(name) || known.has(name)) continue;
    await copyHashed(join(data, 'pg_wal', name), join(archive, name), account, new AbortController().signal);
  }
  await syncFolder(archive);
}
