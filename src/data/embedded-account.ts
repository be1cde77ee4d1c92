import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { chmod, lstat, mkdir, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, parse } from 'node:path';
import { EmbeddedError, USE_YOUR_OWN } from './embedded-error.ts';
import type { EmbeddedState } from './embedded-state.ts';
import { readState } from './embedded-state.ts';

/** The operating-system account the server runs as; null means "as whoever runs Argus". */
export type Account = { uid: number; gid: number; name: string } | null;

/** What a finished program left behind. `code` is null when it was ended by a signal or never began. */
export interface Outcome {
  code: number | null;
  output: string;
}

const ACCOUNT = 'argus-postgres';

/** Spawn options for one account: its ids, a folder it can be in, and none of the caller's PG* variables. */
export function spawnOptions(account: Account) {
  return {
    // Node takes signed 32-bit ids, and nobody is 4294967294 on some systems.
    ...(account ? { uid: account.uid | 0, gid: account.gid | 0 } : {}),
    cwd: parse(process.execPath).root,
    env: { PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin', LC_ALL: 'C', TZ: 'UTC' },
  };
}

/** Runs a program to its end and gathers what it wrote. Never rejects: a program that cannot begin has code null. */
export function run(program: string, args: string[], account: Account, input = '', timeout = 60_000): Promise<Outcome> {
  return new Promise((resolve) => {
    const child = spawn(program, args, { ...spawnOptions(account), stdio: 'pipe', timeout, windowsHide: true });
    let output = '';
    const gather = (chunk: Buffer) => {
      output = (output + chunk.toString('utf8')).slice(-20_000);
    };
    child.stdout.on('data', gather);
    child.stderr.on('data', gather);
    child.stdin.on('error', () => {});
    child.on('error', (error) => resolve({ code: null, output: error.message }));
    child.on('close', (code) => resolve({ code, output: output.trim() }));
    child.stdin.end(input);
  });
}

/** Whether Argus runs as root, which PostgreSQL refuses to do. */
export function isRoot(): boolean {
  return process.getuid?.() === 0;
}

async function lookUp(name: string): Promise<Account> {
  const [uid, gid] = await Promise.all([run('id', ['-u', name], null), run('id', ['-g', name], null)]);
  if (uid.code !== 0 || gid.code !== 0 || Number(uid.output) === 0) return null;
  return { uid: Number(uid.output) >>> 0, gid: Number(gid.output) >>> 0, name };
}

/**
 * The account to run the server as. Under root: the owner of existing data, else an account of its own (made when
 * `useradd` is there), else `postgres`, else `nobody`. An account of its own comes first because a shared one could
 * read whatever else runs under that name.
 */
export async function chooseAccount(data: string, log: (line: string) => void): Promise<Account> {
  if (!isRoot()) return null;
  const owner = await stat(data).catch(() => null);
  if (owner && owner.uid !== 0) return { uid: owner.uid, gid: owner.gid, name: String(owner.uid) };
  const own = await lookUp(ACCOUNT);
  if (own) return own;
  const args = ['--system', '--user-group', '--no-create-home', '--home-dir', '/nonexistent'];
  const made = await run('useradd', [...args, '--shell', '/usr/sbin/nologin', ACCOUNT], null);
  if (made.code === 0) log(`made the system account ${ACCOUNT}: PostgreSQL does not run as root`);
  for (const name of [ACCOUNT, 'postgres', 'nobody']) {
    const account = await lookUp(name);
    if (account) return account;
  }
  throw new EmbeddedError(
    `PostgreSQL does not run as root, and there is no other account: run Argus as another user, or add one with "useradd --system ${ACCOUNT}". ${USE_YOUR_OWN}`,
  );
}

/** Whether the account can enter a folder, asked of the system itself so that access lists count too. */
export async function canEnter(folder: string, account: Account): Promise<boolean> {
  if (!account) return true;
  return (await run('/bin/sh', ['-c', 'cd -- "$0"', folder], account)).code === 0;
}

/**
 * A folder outside of `dir` that the account can enter, the same one at every call.
 * Throws EmbeddedError when the machine has none.
 */
export async function makePlace(dir: string, account: Account): Promise<string> {
  const name = `argus-${createHash('sha256').update(dir).digest('hex').slice(0, 16)}`;
  for (const parent of ['/var/lib', '/var/tmp', tmpdir()]) {
    const place = join(parent, name);
    try {
      await mkdir(place, { mode: 0o755 }).catch(() => {});
      const found = await lstat(place);
      // Anyone may create names in a temporary folder: only one that root made, and nobody else can change, is safe.
      if (!found.isDirectory() || found.uid !== 0) continue;
      await chmod(place, 0o755);
      if (await canEnter(place, account)) return place;
    } catch {
      // The next parent may do.
    }
  }
  throw new EmbeddedError(
    `The folder ${dir} can only be entered by root, PostgreSQL does not run as root, and neither /var/lib nor a temporary folder can hold the data: move the project to a folder other users can enter. ${USE_YOUR_OWN}`,
  );
}

/** Whether `state` was copied along with its folder: its data then still belongs to the folder it came from. */
export async function isCopy(dir: string, state: EmbeddedState): Promise<boolean> {
  if (!state.place || state.home === dir) return false;
  const original = await readState(state.home).catch(() => null);
  return original?.place === state.place;
}
