import { randomBytes } from 'node:crypto';
import { chmod, chown, lstat, mkdir, open, readFile, realpath, rename, rm, stat, writeFile } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { codeOf, EmbeddedError, explain } from './embedded-error.ts';

/** What `<dir>/embedded.json` remembers between starts. */
export interface EmbeddedState {
  /** The owner role's password: 192 random bits, base64url. */
  password: string;
  /** The port of the last start, 0 when none was chosen yet. */
  port: number;
  /** The folder this state was written for: tells a moved folder from a copied one. */
  home: string;
  /** Where data and binaries really are, when `home` cannot be entered by the account the server runs as. */
  place?: string;
  note?: string;
}

export const OWNER = 'argus_owner';
export const MAJOR = '18';

/** The files of one embedded database folder. */
export function pathsOf(dir: string) {
  return {
    state: join(dir, 'embedded.json'),
    startLock: join(dir, 'start.lock'),
    usersLock: join(dir, 'users.lock'),
    log: join(dir, 'postgres.log'),
    oldLog: join(dir, 'postgres.log.old'),
  };
}

/** The data folder of a state: in its place when it has one, else in `dir`. */
export function dataDirOf(dir: string, state: Pick<EmbeddedState, 'place'> | null): string {
  return join(state?.place ?? dir, `pg${MAJOR}`);
}

/** Creates `dir` and its lock files when missing and returns its real path. Throws EmbeddedError when it cannot be made or written. */
export async function openDir(dir: string): Promise<string> {
  try {
    await makeFolders(resolve(dir));
    const home = await realpath(dir);
    const { startLock, usersLock } = pathsOf(home);
    for (const path of [startLock, usersLock]) {
      await (await open(path, 'a', 0o600)).close();
      await giveToOwnerOf(home, path);
    }
    return home;
  } catch (error) {
    throw explain(error, `use the folder ${dir}`);
  }
}

/**
 * Makes a folder and those above it where they are missing; others may pass through them, not look into them.
 * Not mkdir's own `recursive`, which never returns where the system answers ENOENT for good, as /proc does.
 */
export async function makeFolders(path: string): Promise<void> {
  if (await exists(path)) return;
  if (dirname(path) !== path) await makeFolders(dirname(path));
  await mkdir(path).catch(async (error: unknown) => {
    if (!(codeOf(error) === 'EEXIST' && (await stat(path)).isDirectory())) throw error;
  });
  // Under root the server runs as another account, which must be able to pass through a folder made here.
  if (process.getuid?.() === 0) await chmod(path, 0o711);
}

/** Reads the state; null when there is none or when it is damaged (a lost password can be set anew). */
export async function readState(dir: string): Promise<EmbeddedState | null> {
  let text: string;
  try {
    text = await readFile(pathsOf(dir).state, 'utf8');
  } catch (error) {
    if (codeOf(error) === 'ENOENT' || codeOf(error) === 'ENOTDIR') return null;
    throw explain(error, `read ${pathsOf(dir).state}`);
  }
  const raw = parseObject(text);
  if (!raw || typeof raw.password !== 'string' || !/^[\w-]{20,}$/.test(raw.password)) return null;
  return {
    password: raw.password,
    port: typeof raw.port === 'number' && Number.isInteger(raw.port) ? raw.port : 0,
    home: typeof raw.home === 'string' ? raw.home : dir,
    ...(typeof raw.place === 'string' ? { place: raw.place } : {}),
    ...(typeof raw.note === 'string' ? { note: raw.note } : {}),
  };
}

function parseObject(text: string): Record<string, unknown> | null {
  try {
    const value: unknown = JSON.parse(text);
    // A parsed JSON object has string keys and unknown values: exactly this type.
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : null;
  } catch {
    return null;
  }
}

/** A state for a folder that has none yet. */
export function newState(dir: string): EmbeddedState {
  return { password: randomBytes(24).toString('base64url'), port: 0, home: dir };
}

/** Replaces the state in one step, readable by its owner only. */
export async function writeState(dir: string, state: EmbeddedState): Promise<void> {
  const path = pathsOf(dir).state;
  const fresh = `${path}.new`;
  try {
    await rm(fresh, { force: true });
    await writeFile(fresh, `${JSON.stringify(state, null, 2)}\n`, { mode: 0o600, flush: true });
    await giveToOwnerOf(dir, fresh);
    await rename(fresh, path);
  } catch (error) {
    throw explain(error, `write ${path}`);
  }
}

/** Under root, gives `path` to whoever owns `dir`: a start as root must not lock the folder's owner out later. */
export async function giveToOwnerOf(dir: string, path: string): Promise<void> {
  if (process.getuid?.() !== 0) return;
  const owner = await stat(dir);
  if (owner.uid !== 0) await chown(path, owner.uid, owner.gid);
}

/** True when the path exists, whatever it is; throws EmbeddedError when that cannot be seen. */
export async function exists(path: string): Promise<boolean> {
  try {
    await lstat(path);
    return true;
  } catch (error) {
    if (codeOf(error) === 'ENOENT' || codeOf(error) === 'ENOTDIR') return false;
    throw explain(error, `look at ${path}`);
  }
}

/** The state of a data folder: absent, complete, or left half-made. Throws EmbeddedError when of another version. */
export async function inspectData(data: string): Promise<'absent' | 'complete' | 'half'> {
  if (!(await exists(data))) return 'absent';
  let version: string;
  try {
    version = (await readFile(join(data, 'PG_VERSION'), 'utf8')).trim();
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return 'half';
    throw explain(error, `read the data folder ${data}`);
  }
  if (version !== '' && version !== MAJOR) {
    throw new EmbeddedError(
      `The data folder ${data} was made by PostgreSQL ${version.slice(0, 20)}, and this is PostgreSQL ${MAJOR}: move it away to start empty, or run it with its own version and set DATABASE_URL.`,
    );
  }
  return version !== '' && (await exists(join(data, 'global', 'pg_control'))) ? 'complete' : 'half';
}
