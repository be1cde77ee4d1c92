import { readdir, stat, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type pg from 'pg';
import { BackupError } from './backup-error.ts';
import {
  copyHashed,
  type FileSum,
  forEach,
  insistOnSpace,
  isGone,
  makeFolder,
  readHashed,
  type Work,
} from './files.ts';
import { DATA } from './manifest.ts';

/** Files of a data folder with their size at the time of looking. */
interface Listing {
  folders: string[];
  files: { path: string; bytes: number }[];
  bytes: number;
}

/** What a base backup says of itself; `files` by path from the backup's folder. */
export interface BaseBackup {
  startLsn: string;
  startSegment: string;
  folders: string[];
  files: Record<string, FileSum>;
}

/** Kept beside what is estimated: WAL written meanwhile, and the manifest. */
const ROOM = 128e6;
/** Folders whose contents belong to the running server or are rebuilt at its start. */
const EMPTIED = new Set([
  'pg_wal',
  'pg_replslot',
  'pg_dynshmem',
  'pg_notify',
  'pg_serial',
  'pg_snapshots',
  'pg_stat_tmp',
  'pg_subtrans',
]);
const LEFT_OUT = /^(postmaster\.(pid|opts)|pgsql_tmp.*|pg_internal\.init.*|current_logfiles|.*\.tmp)$/;
const CONTROL = 'global/pg_control';
const SEGMENT = /^[0-9A-F]{24}$/;

/**
 * Copies the data folder of a running server, by the low-level interface for base backups
 * (https://www.postgresql.org/docs/18/continuous-archiving.html#BACKUP-LOWLEVEL-BASE-BACKUP), to `<target>/data`.
 * What is copied is consistent only with the WAL from `startLsn` on, which `copyWal` adds; the session's slot keeps it
 * until then. Throws BackupError when the disk has too little room.
 */
export async function baseBackup(
  client: pg.ClientBase,
  target: string,
  label: string,
  work: Work,
): Promise<BaseBackup> {
  const data = await dataFolder(client);
  const listed = await list(data);
  await insistOnSpace(dirname(target), listed.bytes + ROOM, 'a backup');
  await client.query("SELECT pg_create_physical_replication_slot('argus_backup_' || pg_backend_pid(), true, true)");
  await client.query('SELECT pg_backup_start($1, true)', [label]);
  // The server may have made files since, and before this moment they need not be copied.
  const { folders, files, bytes } = await list(data);
  const sums: Record<string, FileSum> = {};
  let done = 0;
  await makeFolder(join(target, DATA), null);
  for (const folder of folders) await makeFolder(join(target, DATA, folder), null);
  const copy = async ({ path, bytes: size }: { path: string; bytes: number }) => {
    const sum = await copyHashed(join(data, path), join(target, DATA, path), null, work.signal).catch(skipGone);
    if (sum) sums[`${DATA}/${path}`] = sum;
    done += size;
    work.onProgress(done, bytes);
  };
  // The control file is written at every checkpoint: copied last, it is never older than what it describes.
  await forEach(
    files.filter(({ path }) => path !== CONTROL),
    copy,
  );
  await forEach(
    files.filter(({ path }) => path === CONTROL),
    copy,
  );
  const { rows } = await client.query<{ labelfile: string; spcmapfile: string }>(
    'SELECT labelfile, spcmapfile FROM pg_backup_stop(false)',
  );
  const { labelfile = '', spcmapfile = '' } = rows[0] ?? {};
  if (spcmapfile.trim() !== '')
    throw new BackupError('The server has tablespaces, which are not backed up: use pg_dump.');
  await writeFile(join(target, DATA, 'backup_label'), labelfile, { mode: 0o600 });
  const [, startLsn, startSegment] = /^START WAL LOCATION: (\S+) \(file ([0-9A-F]{24})\)/m.exec(labelfile) ?? [];
  if (!startLsn || !startSegment) throw new BackupError(`The server's backup label has no start: ${labelfile}`);
  sums[`${DATA}/backup_label`] = await readHashed(join(target, DATA, 'backup_label'), work.signal);
  return { startLsn, startSegment, folders, files: sums };
}

/**
 * Adds the WAL from the backup's start to the segment `last`, which must be complete, and the histories of timelines.
 * Throws BackupError when a segment is missing.
 */
export async function copyWal(
  client: pg.ClientBase,
  target: string,
  range: { first: string; last: string },
  { signal }: Work,
): Promise<Record<string, FileSum>> {
  const folder = join(await dataFolder(client), 'pg_wal');
  const names = await readdir(folder);
  const segments = names.filter((name) => SEGMENT.test(name) && name >= range.first && name <= range.last);
  const expected = segmentNumber(range.last) - segmentNumber(range.first) + 1;
  if (segments.length !== expected) {
    throw new BackupError(
      `The server has only ${segments.length} of the ${expected} WAL segments from ${range.first}.`,
    );
  }
  const sums: Record<string, FileSum> = {};
  await forEach([...segments, ...names.filter((name) => name.endsWith('.history'))], async (name) => {
    const path = `${DATA}/pg_wal/${name}`;
    sums[path] = await copyHashed(join(folder, name), join(target, path), null, signal);
  });
  return sums;
}

/** The number of a segment among those of its timeline; segments have 16 MB here. */
function segmentNumber(name: string): number {
  return Number.parseInt(name.slice(8, 16), 16) * 256 + Number.parseInt(name.slice(16), 16);
}

async function dataFolder(client: pg.ClientBase): Promise<string> {
  const { rows } = await client.query<{ folder: string }>("SELECT current_setting('data_directory') AS folder");
  return rows[0]?.folder ?? '';
}

async function list(data: string): Promise<Listing> {
  const folders: string[] = [];
  const files: Listing['files'] = [];
  const walk = async (folder: string) => {
    for (const entry of await readdir(join(data, folder), { withFileTypes: true }).catch(noneIfGone)) {
      const path = folder === '' ? entry.name : `${folder}/${entry.name}`;
      if (LEFT_OUT.test(entry.name)) continue;
      if (entry.isDirectory()) {
        folders.push(path);
        if (!EMPTIED.has(path)) await walk(path);
      } else if (entry.isFile()) {
        const found = await stat(join(data, path)).catch(skipGone);
        if (found) files.push({ path, bytes: found.size });
      }
    }
  };
  await walk('');
  return { folders, files, bytes: files.reduce((sum, { bytes }) => sum + bytes, 0) };
}

/** A file that was deleted meanwhile is deleted by the WAL too. */
function skipGone(error: unknown): undefined {
  if (!isGone(error)) throw error;
}

function noneIfGone(error: unknown): [] {
  if (!isGone(error)) throw error;
  return [];
}
