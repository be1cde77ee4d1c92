import { DatabaseSync } from 'node:sqlite';
import { setTimeout as sleep } from 'node:timers/promises';
import { EmbeddedError, explain } from './embedded-error.ts';

/*
 * Locks between processes. Node offers no flock(), and a file of process ids is wrong after a kill -9, after a reused
 * id, and across containers. SQLite's file locks are the kernel's own: they end with the process, however it ends.
 * Nothing is ever written to these files.
 */

/** A held lock; releasing twice is harmless. */
export interface FileLock {
  release(): void;
}

const SQLITE_BUSY = 5;

// A collected connection would drop its lock, so whoever holds one stays reachable from here.
const held = new Set<DatabaseSync>();

function take(path: string, begin: string): FileLock | null {
  let db: DatabaseSync | undefined;
  try {
    db = new DatabaseSync(path, { timeout: 0 });
    db.exec(begin);
  } catch (error) {
    db?.close();
    const code = error instanceof Error && 'errcode' in error ? Number(error.errcode) & 0xff : 0;
    if (code === SQLITE_BUSY) return null;
    throw explain(error, `lock ${path} (it must be writable by this user)`);
  }
  const open = db;
  held.add(open);
  return {
    release() {
      if (held.delete(open)) open.close();
    },
  };
}

/** Takes `path` for this holder alone, or returns null at once when anyone else holds it in any way. */
export function tryExclusive(path: string): FileLock | null {
  return take(path, 'BEGIN EXCLUSIVE');
}

/** Takes `path` together with any number of other sharers, or returns null when someone holds it alone. */
export function tryShared(path: string): FileLock | null {
  return take(path, 'BEGIN; SELECT count(*) FROM sqlite_master');
}

/** Waits up to `timeoutMs` to hold `path` alone. Throws EmbeddedError when that time has passed. */
export async function exclusive(path: string, timeoutMs: number): Promise<FileLock> {
  const deadline = Date.now() + timeoutMs;
  for (;;) {
    const lock = tryExclusive(path);
    if (lock) return lock;
    if (Date.now() > deadline) {
      throw new EmbeddedError(
        `Another Argus process has been starting or stopping this database for ${timeoutMs / 1000} s (${path}): wait for it or end it, then try again.`,
      );
    }
    await sleep(40);
  }
}
