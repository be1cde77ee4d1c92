import { readFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { z } from 'zod';
import { BackupError } from './backup-error.ts';

/** What `manifest.json` says of a backup: with it the backup can be listed, checked and restored. */

const file = z.object({ bytes: z.number(), sha256: z.string() });
/** Of a file or folder in the backup; a manifest from elsewhere must not lead out of it. */
const path = z.string().refine((text) => !text.startsWith('/') && !text.split('/').includes('..'), 'leads out');
const table = z.object({ rows: z.string(), checksum: z.string() });

const common = {
  format: z.literal(1),
  /** Of Argus. */
  version: z.string(),
  /** Of the server, such as "18.4". */
  postgres: z.string(),
  /** ISO 8601: when it began, and the moment whose data it holds. */
  startedAt: z.string(),
  takenAt: z.string(),
  bytes: z.number(),
  /** By path from the backup's folder, with `/`. */
  files: z.record(path, file),
  /** By name: what `tableSums` says of the moment `takenAt`. */
  tables: z.record(z.string(), table),
};

const folderManifest = z.object({
  ...common,
  kind: z.literal('folder'),
  systemIdentifier: z.string(),
  startLsn: z.string(),
  stopLsn: z.string(),
  /** The oldest segment of WAL that a restore needs. */
  startSegment: z.string(),
  /** Name of the moment `takenAt` in the WAL. */
  restorePoint: z.string(),
  /** Every folder of the data folder, the empty ones among them. */
  folders: z.array(path),
});

const dumpManifest = z.object({
  ...common,
  kind: z.literal('dump'),
  /** Functions that belong to argus_search, which a restore without owners would give to who restores. */
  searchFunctions: z.array(z.string()),
});

const manifest = z.discriminatedUnion('kind', [folderManifest, dumpManifest]);

export type FolderManifest = z.output<typeof folderManifest>;
export type DumpManifest = z.output<typeof dumpManifest>;
export type Manifest = FolderManifest | DumpManifest;

/** A backup that is complete: its folder, and what its manifest says. */
export interface Backup<M extends Manifest = Manifest> {
  name: string;
  path: string;
  manifest: M;
}

export const MANIFEST = 'manifest.json';
/** Where the data folder's copy, or the dump, is in a backup. */
export const DATA = 'data';
export const DUMP = 'database.dump';

/** Reads the manifest of the backup in `path`. Throws BackupError when that is no backup, or not a whole one. */
export async function readBackup(path: string): Promise<Backup> {
  const text = await readFile(join(path, MANIFEST), 'utf8').catch((error: unknown) => {
    throw new BackupError(`${path} is no backup: ${error instanceof Error ? error.message : String(error)}`);
  });
  const parsed = manifest.safeParse(parseJson(text));
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    throw new BackupError(`${join(path, MANIFEST)} is damaged: ${issue?.path.join('.')} ${issue?.message}`);
  }
  return { name: basename(path), path, manifest: parsed.data };
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
