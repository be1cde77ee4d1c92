import { chmod, chown, mkdir, open, realpath } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import type { Account } from './embedded-account.ts';
import { canEnter } from './embedded-account.ts';
import type { Binaries } from './embedded-binaries.ts';
import { codeOf, EmbeddedError, explain } from './embedded-error.ts';
import { makeFolders } from './embedded-state.ts';

/** Name of the folder of archived WAL, in the folder of backups. */
export const WAL_FOLDER = 'wal';
/** Most time that WAL waits for its segment to be full: what the loss of the disk costs at most, in seconds. */
const TIMEOUT_S = 300;

/** The number that tells this cluster's WAL from that of any other, or null where there is no data. */
export async function systemIdentifier(data: string): Promise<string | null> {
  const file = await open(join(data, 'global', 'pg_control')).catch(() => null);
  if (!file) return null;
  try {
    // The first field of ControlFileData (src/include/catalog/pg_control.h).
    const { buffer } = await file.read(Buffer.alloc(8), 0, 8, 0);
    return buffer.readBigUInt64LE().toString();
  } finally {
    await file.close();
  }
}

/**
 * Settings with which the server of `data` copies each segment of WAL to a folder in `archive`, made for its account
 * and named by its system: segments of two systems have the same names. PostgreSQL's own
 * module does it inside the server: it writes under another name, flushes, renames, and refuses to replace a segment
 * by different content (https://www.postgresql.org/docs/18/basic-archive.html).
 * Throws EmbeddedError when the folder cannot be used by the account.
 */
export async function archiveSettings(archive: string, data: string, account: Account, binaries: Binaries) {
  const folder = join(archive, (await systemIdentifier(data)) ?? '');
  if (!(await binaries.has('basic_archive'))) {
    throw new EmbeddedError('The embedded PostgreSQL of this platform has no basic_archive: set BACKUP_WAL=false.');
  }
  try {
    await makeFolders(dirname(resolve(folder)));
    await mkdir(folder, { mode: 0o700 }).catch((error: unknown) => {
      if (codeOf(error) !== 'EEXIST') throw error;
    });
    await chmod(folder, 0o700);
    if (account) await chown(folder, account.uid, account.gid);
  } catch (error) {
    throw explain(error, `use ${folder} for its WAL`);
  }
  const path = await realpath(folder);
  await insistOnAccess(path, account);
  return {
    archive_mode: 'on',
    archive_library: 'basic_archive',
    'basic_archive.archive_directory': path,
    archive_timeout: String(TIMEOUT_S),
  };
}

/** Throws EmbeddedError when the server's account cannot enter a folder of WAL. */
export async function insistOnAccess(folder: string, account: Account): Promise<void> {
  if (await canEnter(folder, account)) return;
  throw new EmbeddedError(
    `The server runs as the account ${account?.name}, which cannot enter ${folder}: let other users pass through the folders above it (chmod o+x), or set BACKUP_DIR to a folder elsewhere.`,
  );
}
