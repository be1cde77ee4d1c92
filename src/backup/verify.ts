import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { dropEmbedded, type EmbeddedServer, startEmbedded } from '../data/embedded.ts';
import { ensureDatabase } from '../database-server.ts';
import type { Env } from '../env.ts';
import { restoreDump } from './dump-restore.ts';
import { forEach, readHashed, type Work } from './files.ts';
import { argusDatabase } from './folder-backup.ts';
import type { Backup, DumpManifest } from './manifest.ts';
import { recover } from './recover.ts';
import { sumsOf } from './restore-folder.ts';
import { differences } from './table-sums.ts';

/** The scratch server is thrown away: it need not survive a power cut. */
const SCRATCH = { fsync: 'off', synchronous_commit: 'off', full_page_writes: 'off' };
const SCRATCH_PLAN = {
  target: { to: 'backup' },
  unarchived: null,
  archive: null,
  settings: SCRATCH,
} as const;

/** A sentence for each file of a backup that is missing or damaged. */
export async function damagedFiles(backup: Backup, work: Work): Promise<string[]> {
  const damaged: string[] = [];
  let done = 0;
  await forEach(Object.entries(backup.manifest.files), async ([path, expected]) => {
    const found = await readHashed(join(backup.path, path), work.signal).catch((error: unknown) => {
      work.signal.throwIfAborted();
      damaged.push(`${path}: ${error instanceof Error ? error.message : String(error)}`);
    });
    if (found && found.sha256 !== expected.sha256) damaged.push(`${path} is damaged: its hash differs`);
    done += expected.bytes;
    work.onProgress(done, backup.manifest.bytes);
  });
  return damaged.sort();
}

/**
 * Restores a backup into a server of its own, in a temporary folder that is deleted afterwards, and gives a sentence
 * for each table that is not as it was. Throws BackupError when it cannot be restored at all.
 */
export async function differentTables(
  backup: Backup,
  env: Env,
  log: (line: string) => void,
  work: Work,
): Promise<string[]> {
  const dir = await mkdtemp(join(tmpdir(), 'argus-verify-'));
  let server: EmbeddedServer | null = null;
  try {
    await chmod(dir, 0o711);
    const { manifest } = backup;
    server =
      manifest.kind === 'folder'
        ? await recover({ ...SCRATCH_PLAN, backup: { ...backup, manifest }, dir, log }, work)
        : await restoreScratch({ ...backup, manifest }, dir, env, log);
    return differences(manifest.tables, await sumsOf(server.adminUrl));
  } finally {
    await server?.stop('immediate');
    await dropEmbedded(dir);
    await rm(dir, { recursive: true, force: true });
  }
}

async function restoreScratch(
  backup: Backup<DumpManifest>,
  dir: string,
  env: Env,
  log: (line: string) => void,
): Promise<EmbeddedServer> {
  const server = await startEmbedded({ dir, log, settings: SCRATCH });
  try {
    await ensureDatabase(server.adminUrl);
    await restoreDump(backup, argusDatabase(server.adminUrl), env);
    return server;
  } catch (error) {
    await server.stop('immediate');
    throw error;
  }
}
