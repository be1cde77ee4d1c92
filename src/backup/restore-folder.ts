import { mkdir, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { whileUnused } from '../data/embedded.ts';
import { chooseAccount } from '../data/embedded-account.ts';
import { systemIdentifier } from '../data/embedded-archive.ts';
import { settle } from '../data/embedded-start.ts';
import { exists, readState, writeState } from '../data/embedded-state.ts';
import { BackupError } from './backup-error.ts';
import { syncFolder, type Work } from './files.ts';
import { argusDatabase } from './folder-backup.ts';
import type { Backup, FolderManifest } from './manifest.ts';
import { connect } from './moment.ts';
import { archiveHistories, recover, type Target } from './recover.ts';
import { walBeside } from './store.ts';
import { differences, type TableSums, tableSums } from './table-sums.ts';

/** What a restore did: the rows that are there now, and where the data folder was put that stood in its place. */
export interface Restored {
  tables: TableSums;
  setAside: string | null;
}

/** Where to restore, and to which moment. */
export interface RestorePlan {
  backup: Backup<FolderManifest>;
  /** The folder of an embedded database, as ARGUS_DIR. */
  dir: string;
  /** Null: the moment of the backup. */
  at: Date | 'end' | null;
  timeline: number | null;
  /** Whether the restored database goes on with the archive beside the backup: only the one it comes from may. */
  continues: boolean;
  log: (line: string) => void;
}

/**
 * Restores a backup into the embedded database of a folder. All is copied, recovered and, for the backup's own moment,
 * compared beside the data folder first; then the two change places, and the old one is kept. Throws BackupError, or
 * EmbeddedError when the database is in use: then nothing was changed.
 */
export async function restoreFolder(plan: RestorePlan, work: Work): Promise<Restored> {
  const { backup, log } = plan;
  const archive = await walBeside(backup);
  const target = targetOf(plan, archive);
  return whileUnused(plan.dir, { mode: 'fast', log }, async (home) => {
    const { data, state } = await settle(home, log);
    const stamp = new Date().toISOString().slice(0, 19).replace(/[-:]/g, '');
    const dir = join(dirname(data), `restore-${stamp}Z`);
    await mkdir(dir, { mode: 0o711 });
    try {
      const unarchived =
        (await systemIdentifier(data)) === backup.manifest.systemIdentifier ? join(data, 'pg_wal') : null;
      const { password } = state;
      const recovery = { backup, dir, target, unarchived, archive, password, settings: {}, log };
      const { tables, recovered } = await recoverAndCount(recovery, work);
      const setAside = await changePlaces(recovered, data, stamp);
      if ((await readState(home)) === null) await writeState(home, state);
      if (archive !== null && plan.continues) await archiveHistories(data, archive, await chooseAccount(data, log));
      return { tables, setAside };
    } finally {
      await rm(dir, { recursive: true, force: true });
    }
  });
}

async function recoverAndCount(plan: Parameters<typeof recover>[0], work: Work) {
  const server = await recover(plan, work);
  try {
    const tables = await sumsOf(server.adminUrl);
    const wrong = plan.target.to === 'backup' ? differences(plan.backup.manifest.tables, tables) : [];
    if (wrong.length > 0)
      throw new BackupError(`The restored tables are not those of the backup: ${wrong.join('; ')}.`);
    return { tables, recovered: server.dataDir };
  } finally {
    await server.stop();
  }
}

/** Rows and checksums of the database of Argus on a server. */
export async function sumsOf(adminUrl: string): Promise<TableSums> {
  const client = await connect(argusDatabase(adminUrl));
  try {
    return await tableSums(client);
  } finally {
    await client.end();
  }
}

function targetOf({ at, backup, timeline }: RestorePlan, archive: string | null): Target {
  if (at === null) return { to: 'backup' };
  const { takenAt } = backup.manifest;
  if (at instanceof Date && at.getTime() < Date.parse(takenAt)) {
    throw new BackupError(`${backup.name} holds the moment ${takenAt}: for ${at.toISOString()} take an older backup.`);
  }
  if (archive === null) {
    throw new BackupError(
      `There is no archived WAL beside ${backup.path}: restore without --at, and set BACKUP_WAL=true for the next time.`,
    );
  }
  return { to: at, wal: archive, timeline };
}

async function changePlaces(recovered: string, data: string, stamp: string): Promise<string | null> {
  const old = (await exists(data)) ? `${data}.before-restore-${stamp}Z` : null;
  if (old) await rename(data, old);
  try {
    await rename(recovered, data);
    await syncFolder(dirname(data));
  } catch (error) {
    if (old) await rename(old, data);
    throw error;
  }
  return old;
}
