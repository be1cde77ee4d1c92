import { readdir, rename, rm, stat, unlink, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { WAL_FOLDER } from '../data/embedded-archive.ts';
import { tryExclusive } from '../data/embedded-lock.ts';
import { exists, makeFolders } from '../data/embedded-state.ts';
import { BackupError } from './backup-error.ts';
import { flushDisk, makeFolder, syncFolder } from './files.ts';
import { type Backup, type FolderManifest, MANIFEST, type Manifest, readBackup } from './manifest.ts';

/** The folder that backups are kept in: their names, which are kept, and the archived WAL beside them. */

const NAME = /^argus-backup-\d{8}T\d{6}Z$/;
const PART = '.part';
const DAY_MS = 86_400_000;

/** What a backup taken at this moment is called. */
export function backupName(at: Date): string {
  return `argus-backup-${at.toISOString().slice(0, 19).replace(/[-:]/g, '')}Z`;
}

/** All backups of a folder, the newest first; `broken` tells of those that cannot be read. */
export async function listBackups(dir: string): Promise<{ backups: Backup[]; broken: string[] }> {
  const names = (await readdir(dir).catch(() => [])).filter((name) => NAME.test(name));
  const backups: Backup[] = [];
  const broken: string[] = [];
  for (const name of names.sort().reverse()) {
    try {
      backups.push(await readBackup(join(dir, name)));
    } catch (error) {
      broken.push(error instanceof Error ? error.message : String(error));
    }
  }
  return { backups, broken };
}

/**
 * The backup that a command names: a path, a name in `dir`, or `latest`, which is the newest one taken before `before`.
 * Throws BackupError when there is none.
 */
export async function findBackup(dir: string, given: string, before?: Date): Promise<Backup> {
  if (given === 'latest') {
    const { backups } = await listBackups(dir);
    const found = backups.find(({ manifest }) => !before || Date.parse(manifest.takenAt) <= before.getTime());
    if (found) return found;
    throw new BackupError(`${dir} holds no backup${before ? ` from before ${before.toISOString()}` : ''}.`);
  }
  for (const path of [given, join(dir, given)]) {
    if (await exists(join(path, MANIFEST))) return readBackup(resolve(path));
  }
  throw new BackupError(`There is no backup ${given}: "argus backup list" shows those of ${dir}.`);
}

/**
 * Makes a backup in `dir`: `fill` writes it under another name, and it has its own only when it is complete and, with
 * `flush`, on the disk.
 * Throws BackupError when another process makes one there.
 */
export async function storeBackup(
  dir: string,
  fill: (target: string, name: string) => Promise<Manifest>,
  flush = true,
): Promise<Backup> {
  await makeFolders(resolve(dir));
  const lock = tryExclusive(join(dir, 'backup.lock'));
  if (!lock) throw new BackupError(`Another process makes a backup in ${dir}: wait for its end.`);
  const name = backupName(new Date());
  const path = join(resolve(dir), name);
  const part = `${path}${PART}`;
  try {
    if (await exists(path)) throw new BackupError(`${path} was made this very second: try again.`);
    // Under the lock, nobody is at work on what has this ending.
    for (const left of await readdir(dir)) {
      if (left.endsWith(PART) && NAME.test(left.slice(0, -PART.length))) await rm(join(dir, left), { recursive: true });
    }
    await makeFolder(part, null);
    const manifest = await fill(part, name);
    await writeFile(join(part, MANIFEST), `${JSON.stringify(manifest, null, 1)}\n`, { mode: 0o600 });
    if (flush) await flushDisk(part);
    await rename(part, path);
    await syncFolder(dir);
    return { name, path, manifest };
  } finally {
    await rm(part, { recursive: true, force: true });
    lock.release();
  }
}

/**
 * Removes backups taken more than `days` ago, but never the newest, and the WAL that none of the kept ones needs.
 * Gives the names of the removed backups, and how many files of WAL went.
 */
export async function removeOld(dir: string, days: number, now: Date): Promise<{ backups: string[]; wal: number }> {
  const { backups } = await listBackups(dir);
  const old = backups.slice(1).filter(({ manifest }) => now.getTime() - Date.parse(manifest.takenAt) > days * DAY_MS);
  for (const { path } of old) {
    // Renamed first: what a killed removal leaves must not look like a backup.
    await rename(path, `${path}${PART}`);
    await rm(`${path}${PART}`, { recursive: true });
  }
  const needed = new Map<string, string>();
  for (const { manifest } of backups.filter((backup) => !old.includes(backup))) {
    // From newest to oldest: the last one said is the oldest that is kept of its system.
    if (manifest.kind === 'folder') needed.set(manifest.systemIdentifier, manifest.startSegment.slice(8));
  }
  let wal = 0;
  for (const [system, segment] of needed) wal += await removeWal(join(dir, WAL_FOLDER, system), segment);
  return { backups: old.map(({ name }) => name), wal };
}

/** Segments before `needed`, of whatever timeline; the histories of timelines are small and always kept. */
async function removeWal(folder: string, needed: string): Promise<number> {
  const names = await readdir(folder).catch(() => []);
  const old = names.filter(
    (name) => /^[0-9A-F]{24}(\.partial|\.[0-9A-F]{8}\.backup)?$/.test(name) && name.slice(8, 24) < needed,
  );
  for (const name of old) await unlink(join(folder, name));
  return old.length;
}

/** The archive of WAL that belongs to a backup, or null when none lies beside it. */
export async function walBeside(backup: Backup<FolderManifest>): Promise<string | null> {
  const folder = join(backup.path, '..', WAL_FOLDER, backup.manifest.systemIdentifier);
  return (await stat(folder).catch(() => null))?.isDirectory() ? folder : null;
}
