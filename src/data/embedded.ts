import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { realpath, rm } from 'node:fs/promises';
import { join as joinPath } from 'node:path';
import { isRoot } from './embedded-account.ts';
import { codeOf, EmbeddedError, explain } from './embedded-error.ts';
import type { FileLock } from './embedded-lock.ts';
import { exclusive, tryExclusive, tryShared } from './embedded-lock.ts';
import { findPostmaster, stopPostmaster } from './embedded-postmaster.ts';
import type { Layout, Running } from './embedded-start.ts';
import { adminUrlOf, begin, join, settle, verify } from './embedded-start.ts';
import { dataDirOf, exists, inspectData, openDir, pathsOf, readState } from './embedded-state.ts';

export { EmbeddedError } from './embedded-error.ts';

/*
 * Who stops the server: every process that uses it holds a shared lock on `<dir>/users.lock` for as long as it lives,
 * and the kernel ends that lock with the process. Starting, joining, leaving and dropping happen one at a time, under
 * `<dir>/start.lock`. Whoever leaves and can then lock `users.lock` alone was the last one, and stops the server. If
 * the last one is killed outright, the server stays, and the next start joins it and takes over stopping it.
 */

const TURN_MS = 150_000;

/** What to start. */
export interface EmbeddedOptions {
  /** Folder for everything of this server: the data is in `<dir>/pg18`, the log in `<dir>/postgres.log`. */
  dir: string;
  /** Insist on this port; without it a remembered one, or a free one below 30000, is used. */
  port?: number;
  /** Told in one line each about what takes time or is unusual. Default: nothing is told. */
  log?: (line: string) => void;
  /** Server settings over the built-in ones, such as `{ fsync: 'off' }`; ignored when a server already runs. */
  settings?: Record<string, string>;
  /** Folder in which all WAL is kept; ignored when a server already runs. Default: WAL is not kept. */
  archive?: string | null;
  /** Longest wait for a server begun here, in milliseconds. Default: a minute. Recovery from a backup takes longer. */
  readyWithinMs?: number;
}

/** A server in use by this process. */
export interface EmbeddedServer {
  /** Connects as the owner, a superuser, to the database `postgres`. Holds the password: do not log it. */
  adminUrl: string;
  host: '127.0.0.1';
  port: number;
  /** Such as "18.4". */
  version: string;
  /** Process id of the server's main process. */
  pid: number;
  dataDir: string;
  /** True when another process had started it, or one that was killed. */
  alreadyRunning: boolean;
  /** Leaves the server; the last one to leave stops it and waits for its end. Calling it again is harmless. */
  stop(mode?: 'fast' | 'immediate'): Promise<void>;
}

/** What a folder holds; `detail` is a sentence for people. */
export interface EmbeddedStatus {
  state: 'absent' | 'stopped' | 'running' | 'stale-pid' | 'broken';
  detail: string;
}

/**
 * Starts the PostgreSQL server of `options.dir`, or joins the one already running there, and waits until it answers.
 * The first call makes the data folder. Throws EmbeddedError, whose message says what is wrong and what to do.
 */
export async function startEmbedded(options: EmbeddedOptions): Promise<EmbeddedServer> {
  const log = options.log ?? (() => {});
  const dir = await openDir(options.dir);
  const turn = await exclusive(pathsOf(dir).startLock, TURN_MS);
  let user: FileLock | null = null;
  try {
    user = tryShared(pathsOf(dir).usersLock);
    if (!user) throw new EmbeddedError(`${pathsOf(dir).usersLock} is locked by another program: end it.`);
    const layout = await settle(dir, log);
    const joined = await join(layout);
    if (joined && options.port && joined.port !== options.port) {
      throw new EmbeddedError(
        `The database already runs on port ${joined.port}, used by another Argus process: stop that one first, or leave out port ${options.port}.`,
      );
    }
    const running = joined ?? (await begin(layout, options));
    return handle(layout, running, user, joined !== null);
  } catch (error) {
    user?.release();
    throw explain(error, 'start');
  } finally {
    turn.release();
  }
}

function handle(layout: Layout, running: Running, user: FileLock, alreadyRunning: boolean): EmbeddedServer {
  let stopping: Promise<void> | undefined;
  const onExit = () => signalIfLast(layout, running, user);
  process.once('exit', onExit);
  return {
    adminUrl: adminUrlOf(layout.state, running.port),
    host: '127.0.0.1',
    port: running.port,
    version: running.version,
    pid: running.pid,
    dataDir: layout.data,
    alreadyRunning,
    stop(mode = 'fast') {
      stopping ??= leave(layout, running, user, mode).finally(() => process.off('exit', onExit));
      return stopping;
    },
  };
}

async function leave(layout: Layout, running: Running, user: FileLock, mode: 'fast' | 'immediate'): Promise<void> {
  const paths = pathsOf(layout.dir);
  const turn = await exclusive(paths.startLock, TURN_MS);
  try {
    user.release();
    const last = tryExclusive(paths.usersLock);
    if (!last) {
      layout.log('the database stays up: another Argus process uses it');
      return;
    }
    try {
      await stopPostmaster(layout.data, layout.binaries.pgCtl, layout.account, mode);
      const { child } = running;
      // Its exit must be collected by its parent, or it stays listed as a dead process until this one ends.
      if (child && child.exitCode === null && child.signalCode === null) {
        // Nothing else may be left that keeps this process waiting.
        child.ref();
        await once(child, 'exit', { signal: AbortSignal.timeout(5_000) }).catch(() => {});
      }
    } finally {
      last.release();
    }
  } finally {
    turn.release();
  }
}

/** For a process that exits without `stop`: asks for a fast shutdown, which needs no waiting. */
function signalIfLast(layout: Layout, running: Running, user: FileLock): void {
  try {
    user.release();
    const turn = tryExclusive(pathsOf(layout.dir).startLock);
    const last = turn && tryExclusive(pathsOf(layout.dir).usersLock);
    const pidFile = readFileSync(joinPath(layout.data, 'postmaster.pid'), 'utf8');
    if (last && process.platform !== 'win32' && Number(pidFile.split('\n')[0]) === running.pid) {
      process.kill(running.pid, 'SIGINT');
    }
  } catch {
    // The server is gone, or the next start will find it running.
  }
}

/**
 * Does `work` with the folder's real path while no process uses the database of `dir`, and none can begin to; a server
 * that somebody left behind is stopped first. Throws EmbeddedError when another process, or a server this one has not
 * stopped, uses it.
 */
export async function whileUnused<T>(
  dir: string,
  options: { mode: 'fast' | 'immediate'; log: (line: string) => void },
  work: (home: string) => Promise<T>,
): Promise<T> {
  const home = await openDir(dir);
  const paths = pathsOf(home);
  const turn = await exclusive(paths.startLock, TURN_MS);
  let last: FileLock | null = null;
  try {
    last = tryExclusive(paths.usersLock);
    if (!last)
      throw new EmbeddedError(`The database in ${home} is in use by Argus: stop that process, then try again.`);
    if ((await findPostmaster(dataDirOf(home, await readState(home)))).kind === 'ours') {
      const layout = await settle(home, options.log);
      await stopPostmaster(layout.data, layout.binaries.pgCtl, layout.account, options.mode);
    }
    return await work(home);
  } finally {
    last?.release();
    turn.release();
  }
}

/**
 * Stops the server of `dir` and deletes its data, password and log for good; a folder without any is no error.
 * Throws EmbeddedError when another process, or a server this one has not stopped, still uses it.
 */
export async function dropEmbedded(dir: string, log: (line: string) => void = () => {}): Promise<void> {
  if (!(await exists(dir))) return;
  await whileUnused(dir, { mode: 'immediate', log }, async (home) => {
    const paths = pathsOf(home);
    const state = await readState(home);
    // A folder elsewhere is deleted only when it has the name such folders are given here.
    if (isRoot() && state?.place && state.home === home && /\/argus-[0-9a-f]{16}$/.test(state.place)) {
      await rm(state.place, { recursive: true, force: true });
    }
    const left = [dataDirOf(home, state), paths.state, paths.log, paths.oldLog];
    for (const path of left) await rm(path, { recursive: true, force: true });
  }).catch((error: unknown) => {
    throw explain(error, `delete the data of ${dir}`);
  });
}

/** Says what `dir` holds without changing anything; never throws. */
export async function embeddedStatus(dir: string): Promise<EmbeddedStatus> {
  try {
    return await statusOf(await realpath(dir));
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return { state: 'absent', detail: `${dir} does not exist` };
    return { state: 'broken', detail: explain(error, 'be examined').message };
  }
}

async function statusOf(dir: string): Promise<EmbeddedStatus> {
  const state = await readState(dir);
  const data = dataDirOf(dir, state);
  const folder = await inspectData(data);
  if (folder === 'absent') return { state: 'absent', detail: `there is no database in ${dir} yet` };
  if (folder === 'half') return { state: 'broken', detail: `${data} is incomplete: the next start sets it aside` };
  const found = await findPostmaster(data);
  if (found.kind === 'stale') {
    const owner = found.foreign ? 'is another program now' : 'is gone';
    return { state: 'stale-pid', detail: `process ${found.pid} of ${data} ${owner}: the next start recovers` };
  }
  if (!state) return { state: 'broken', detail: `the password file of ${data} is lost: the next start sets a new one` };
  if (found.kind === 'none') return { state: 'stopped', detail: `database in ${data}` };
  if (found.status !== 'ready') return { state: 'running', detail: `process ${found.pid} is ${found.status}` };
  const version = await verify(adminUrlOf(state, found.port), data);
  if (version === null) return { state: 'broken', detail: `the server on ${data} does not accept the kept password` };
  const where = `127.0.0.1:${found.port}, process ${found.pid}, data in ${data}`;
  return { state: 'running', detail: `PostgreSQL ${version} on ${where}` };
}
