import { createHash } from 'node:crypto';
import { chmod, chown, mkdir, open, rm, statfs } from 'node:fs/promises';
import { type Account, run } from '../data/embedded-account.ts';
import { codeOf } from '../data/embedded-error.ts';
import { BackupError } from './backup-error.ts';

/** Size and SHA-256 in hex of a file. */
export interface FileSum {
  bytes: number;
  sha256: string;
}

/** How far a job is, in bytes, and whether it is to stop. */
export interface Work {
  onProgress: (done: number, total: number) => void;
  signal: AbortSignal;
}

const CHUNK = 1 << 20;
/** Files at a time: enough to hide the wait for the disk to confirm each. */
const PARALLEL = 8;

/** Reads a file to its end, piece by piece, and gives its size and hash. */
export async function readHashed(
  path: string,
  signal: AbortSignal,
  each: (piece: Buffer) => Promise<unknown> = async () => {},
): Promise<FileSum> {
  const file = await open(path, 'r');
  try {
    const hash = createHash('sha256');
    const { size } = await file.stat();
    const buffer = Buffer.allocUnsafe(Math.min(CHUNK, size + 1));
    let bytes = 0;
    for (;;) {
      signal.throwIfAborted();
      const { bytesRead } = await file.read(buffer);
      if (bytesRead === 0) return { bytes, sha256: hash.digest('hex') };
      const piece = buffer.subarray(0, bytesRead);
      hash.update(piece);
      bytes += bytesRead;
      await each(piece);
    }
  } finally {
    await file.close();
  }
}

/** Copies a file for `account` to read alone, and gives the size and hash of what was written. */
export async function copyHashed(from: string, to: string, account: Account, signal: AbortSignal): Promise<FileSum> {
  const target = await open(to, 'wx', 0o600);
  try {
    const sum = await readHashed(from, signal, (piece) => target.writeFile(piece));
    if (account) await target.chown(account.uid, account.gid);
    return sum;
  } catch (error) {
    await rm(to, { force: true });
    throw error;
  } finally {
    await target.close();
  }
}

/** Makes a folder that only its account may enter. */
export async function makeFolder(path: string, account: Account): Promise<void> {
  await mkdir(path, { recursive: true });
  await chmod(path, 0o700);
  if (account) await chown(path, account.uid, account.gid);
}

/** Flushes everything on the disk of a folder: with thousands of small files, ten times as fast as each by itself. */
export async function flushDisk(folder: string): Promise<void> {
  const { code, output } = await run('sync', process.platform === 'linux' ? ['-f', folder] : [], null, '', 600_000);
  if (code !== 0) throw new BackupError(`What was written to ${folder} could not be flushed to the disk: ${output}`);
}

/** Flushes a folder's list of names. */
export async function syncFolder(path: string): Promise<void> {
  const folder = await open(path, 'r');
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}

/** Does something with each item, some at a time, and stops at the first failure. */
export async function forEach<T>(items: readonly T[], work: (item: T) => Promise<void>): Promise<void> {
  const rest = items.values();
  let failed = false;
  const worker = async () => {
    for (const item of rest) {
      if (failed) return;
      await work(item).catch((error: unknown) => {
        failed = true;
        throw error;
      });
    }
  };
  const ended = await Promise.allSettled(Array.from({ length: PARALLEL }, worker));
  for (const one of ended) if (one.status === 'rejected') throw one.reason;
}

/** Throws BackupError when the disk of `folder` has less than `bytes` free. */
export async function insistOnSpace(folder: string, bytes: number, what: string): Promise<void> {
  const { bavail, bsize } = await statfs(folder);
  const free = bavail * bsize;
  if (free >= bytes) return;
  throw new BackupError(
    `${folder} has ${megabytes(free)} free, and ${what} takes about ${megabytes(bytes)}: free some space, or choose a folder on another disk.`,
  );
}

/** A size for people. */
export function megabytes(bytes: number): string {
  return `${(bytes / 1e6).toFixed(bytes < 1e7 ? 1 : 0)} MB`;
}

/** Whether a failed call says that the file is not there. */
export function isGone(error: unknown): boolean {
  return codeOf(error) === 'ENOENT';
}
