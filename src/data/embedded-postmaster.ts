import type { ChildProcess } from 'node:child_process';
import { spawn } from 'node:child_process';
import { open, readFile, readlink, rename, rm, stat } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Account } from './embedded-account.ts';
import { run, spawnOptions } from './embedded-account.ts';
import { adviceFor, codeOf, EmbeddedError, explain } from './embedded-error.ts';
import { giveToOwnerOf, pathsOf } from './embedded-state.ts';

/** What `postmaster.pid` says, checked against the living processes. */
export type Found =
  | { kind: 'none' }
  /** Left behind: its process is gone (`foreign` false), or its id now belongs to another program. */
  | { kind: 'stale'; pid: number; foreign: boolean }
  | { kind: 'ours'; pid: number; port: number; status: string };

const LOG_LIMIT = 10 * 1024 * 1024;

/** Looks for a server running on `data`. Throws EmbeddedError when the folder cannot be read. */
export async function findPostmaster(data: string): Promise<Found> {
  let text: string;
  try {
    text = await readFile(join(data, 'postmaster.pid'), 'utf8');
  } catch (error) {
    if (codeOf(error) === 'ENOENT' || codeOf(error) === 'ENOTDIR') return { kind: 'none' };
    throw explain(error, `read the data folder ${data}`);
  }
  const lines = text.split('\n');
  const pid = Number(lines[0]);
  if (!Number.isInteger(pid) || pid <= 1 || !isAlive(pid)) return { kind: 'stale', pid, foreign: false };
  if (!(await isServerOf(pid, data))) return { kind: 'stale', pid, foreign: true };
  return { kind: 'ours', pid, port: Number(lines[3]) || 0, status: lines[7]?.trim() ?? 'starting' };
}

/** Whether a process with this id exists, of whatever user. */
export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return codeOf(error) === 'EPERM';
  }
}

async function isServerOf(pid: number, data: string): Promise<boolean> {
  if (process.platform === 'win32') return true;
  if (process.platform !== 'linux') {
    const { output } = await run('ps', ['-o', 'command=', '-p', String(pid)], null);
    return output.includes('postgres') && output.includes(data);
  }
  // A zombie has neither a folder nor arguments. The folder also finds a server whose data was moved while it ran.
  if ((await readlink(`/proc/${pid}/cwd`).catch(() => '')) === data) return true;
  const args = (await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')).split('\0');
  return (args[0] ?? '').includes('postgres') && args[args.indexOf('-D') + 1] === data;
}

/** Removes a pid file whose id another program took: PostgreSQL would refuse to start for as long as that one lives. */
export async function removeStalePid(data: string): Promise<void> {
  await rm(join(data, 'postmaster.pid'), { force: true }).catch((error: unknown) => {
    throw explain(error, `remove ${join(data, 'postmaster.pid')}`);
  });
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const probe = createServer();
    probe.once('error', () => resolve(false));
    probe.listen({ port, host: '127.0.0.1', exclusive: true }, () => probe.close(() => resolve(true)));
  });
}

/** The wanted port when free, else a free one. Throws EmbeddedError when `insist` is set and it is taken. */
export async function choosePort(wanted: number, insist: boolean): Promise<number> {
  if (wanted > 0 && (await isFree(wanted))) return wanted;
  if (insist) {
    throw new EmbeddedError(`Port ${wanted} is used by another program: end it, or choose another port or none.`);
  }
  for (let attempt = 0; attempt < 50; attempt += 1) {
    // Below the range systems lend to outgoing connections, so that a remembered port stays free.
    const port = 20_000 + Math.floor(Math.random() * 10_000);
    if (await isFree(port)) return port;
  }
  throw new EmbeddedError('No free port was found between 20000 and 29999 on 127.0.0.1.');
}

/** A server process just begun. `tail` reads what it has logged since. */
export interface Begun {
  child: ChildProcess;
  tail(): Promise<string>;
}

/** Begins a server on `data`, in a process group of its own, logging to `<dir>/postgres.log`. Does not wait for it. */
export async function beginPostmaster(dir: string, program: string, args: string[], account: Account): Promise<Begun> {
  const { log, oldLog } = pathsOf(dir);
  try {
    if (((await stat(log).catch(() => null))?.size ?? 0) > LOG_LIMIT) await rename(log, oldLog);
    const file = await open(log, 'a', 0o600);
    try {
      await giveToOwnerOf(dir, log);
      const from = (await file.stat()).size;
      const options = { ...spawnOptions(account), detached: true, windowsHide: true };
      const child = spawn(program, args, { ...options, stdio: ['ignore', file.fd, file.fd] });
      child.on('error', () => {});
      child.unref();
      return { child, tail: async () => (await readFile(log)).subarray(from).toString('utf8').trim().slice(-2000) };
    } finally {
      await file.close();
    }
  } catch (error) {
    throw explain(error, `start with the log ${log}`);
  }
}

/**
 * Waits until the server on `data` takes connections. Returns its process id and port, or null when it has ended.
 * Throws EmbeddedError with the end of the log after `timeoutMs`; the server is left to finish what it does (a long
 * recovery), and the next start waits for it again.
 */
export async function waitReady(
  data: string,
  timeoutMs: number,
  begun?: Begun,
): Promise<{ pid: number; port: number } | null> {
  const deadline = Date.now() + timeoutMs;
  for (;;) {
    if (begun && (begun.child.exitCode !== null || begun.child.signalCode !== null || !begun.child.pid)) return null;
    const found = await findPostmaster(data);
    if (found.kind === 'ours' && found.status === 'ready' && (!begun || begun.child.pid === found.pid)) return found;
    if (!begun && (found.kind !== 'ours' || found.status === 'stopping')) return null;
    if (Date.now() > deadline) {
      const tail = begun ? await begun.tail() : `see ${join(data, '..', 'postgres.log')}`;
      throw new EmbeddedError(
        `The embedded database was not ready after ${timeoutMs / 1000} s; it may be recovering: start again in a while. ${adviceFor(tail)}Its log ends: ${tail}`,
      );
    }
    await sleep(20);
  }
}

/** Waits until no server runs on `data`. Throws EmbeddedError after `timeoutMs`. */
export async function waitGone(data: string, timeoutMs: number): Promise<void> {
  const deadline = Date.now() + timeoutMs;
  while ((await findPostmaster(data)).kind === 'ours') {
    if (Date.now() > deadline) {
      throw new EmbeddedError(`The embedded database on ${data} did not stop within ${timeoutMs / 1000} s.`);
    }
    await sleep(50);
  }
}

/** Stops the server on `data` and waits for its end; no server is no error. Throws EmbeddedError when it stays. */
export async function stopPostmaster(data: string, pgCtl: string, account: Account, mode: 'fast' | 'immediate') {
  if ((await findPostmaster(data)).kind !== 'ours') return;
  const outcome = await run(pgCtl, ['stop', '-D', data, '-m', mode, '-w', '-t', '60', '-s'], account, '', 70_000);
  if (outcome.code !== 0 && (await findPostmaster(data)).kind === 'ours') {
    throw new EmbeddedError(`The embedded database on ${data} did not stop: ${outcome.output}`);
  }
}
