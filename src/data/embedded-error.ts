/** A failure of the embedded database whose message says what is wrong and what to do about it. */
export class EmbeddedError extends Error {
  override name = 'EmbeddedError';
}

/** The sentence that closes every message on a machine that cannot run the embedded server. */
export const USE_YOUR_OWN = 'Or set DATABASE_URL to a PostgreSQL 18 server of your own.';

const ADVICE: Record<string, string> = {
  EACCES: 'Permission is missing: run Argus as the user that owns this folder, or choose a folder it may write.',
  EPERM: 'Permission is missing: run Argus as the user that owns this folder, or choose a folder it may write.',
  EROFS: 'The file system is read-only: choose a folder on a writable one.',
  ENOTDIR: 'A part of this path is a file, not a folder: choose another folder.',
  EEXIST: 'A file stands where a folder is needed: move it away or choose another folder.',
  ENOENT: 'The file system refuses to create it (as /proc and /sys do): choose another folder.',
  ENOSPC: 'The disk is full: free some space (300 MB are enough to start).',
  EDQUOT: 'The disk quota is used up: free some space (300 MB are enough to start).',
};

/** The system's code of a failed call ("EACCES"), or the empty string. */
export function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : '';
}

/** Turns a failed system call into an {@link EmbeddedError}; an EmbeddedError passes through unchanged. */
export function explain(error: unknown, doing: string): EmbeddedError {
  if (error instanceof EmbeddedError) return error;
  const advice = ADVICE[codeOf(error)] ?? '';
  const reason = error instanceof Error ? error.message : String(error);
  return new EmbeddedError(`The embedded database could not ${doing}: ${reason}. ${advice} ${USE_YOUR_OWN}`, {
    cause: error,
  });
}

/** Advice drawn from what `initdb` or `postgres` wrote, or the empty string when nothing known is in it. */
export function adviceFor(output: string): string {
  if (/No space left on device/i.test(output)) return `${ADVICE.ENOSPC} `;
  if (/Read-only file system/i.test(output)) return `${ADVICE.EROFS} `;
  if (/Permission denied|Operation not permitted/i.test(output)) return `${ADVICE.EACCES} `;
  if (/user does not exist/i.test(output)) return 'The current user has no entry in /etc/passwd: add one. ';
  if (/Cannot allocate memory|could not map anonymous shared memory/i.test(output)) {
    return 'There is too little free memory: the server wants about 400 MB. ';
  }
  return '';
}
