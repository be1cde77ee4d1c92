import { spawn } from 'node:child_process';
import { readdir, stat } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { connectionConfig } from '../data/connection.ts';
import { type Env, searchPath } from '../env.ts';
import { BackupError } from './backup-error.ts';

/** Programs of PostgreSQL's client packages, which Argus does not bring along. */

type Program = 'pg_dump' | 'pg_restore';

/** Where Debian's and Ubuntu's packages put each version. */
const DEBIAN = '/usr/lib/postgresql';

/**
 * The path of a program that is at least as new as `version` ("18.4"): in PG_BIN, else on PATH, else where Debian has
 * it. Throws BackupError that names the versions that were found.
 */
export async function findProgram(program: Program, version: string, env: Pick<Env, 'PG_BIN'>): Promise<string> {
  const found: string[] = [];
  for (const folder of env.PG_BIN === null ? await usualFolders() : [env.PG_BIN]) {
    const path = join(folder, program);
    if (!(await stat(path).catch(() => null))?.isFile()) continue;
    const { code, output } = await runProgram(path, ['--version'], {});
    const [, own] = / (\d+[.\w]*)/.exec(output) ?? [];
    if (code !== 0 || own === undefined) continue;
    if (Number.parseInt(own, 10) >= Number.parseInt(version, 10)) return path;
    found.push(`${path} is ${own}`);
  }
  throw new BackupError(
    `The server is PostgreSQL ${version}, which needs a ${program} ${Number.parseInt(version, 10)} or newer: ${
      found.length > 0 ? found.join(', ') : 'none was found'
    }. Install the client of that version, and set PG_BIN to the folder that it is in.`,
  );
}

async function usualFolders(): Promise<string[]> {
  const versions = (await readdir(DEBIAN).catch(() => [])).sort((a, b) => Number(b) - Number(a));
  return [...searchPath(), ...versions.map((version) => join(DEBIAN, version, 'bin'))];
}

/** Runs a program to its end; `onLine` gets each line of what it writes. Code null means that it could not run. */
export function runProgram(
  path: string,
  args: readonly string[],
  options: { env?: Record<string, string>; onLine?: (line: string) => void; signal?: AbortSignal },
): Promise<{ code: number | null; output: string }> {
  return new Promise((resolve) => {
    const env = { PATH: searchPath().join(':'), HOME: homedir(), LC_ALL: 'C', ...options.env };
    const child = spawn(path, args, { env, stdio: ['ignore', 'pipe', 'pipe'], signal: options.signal });
    let output = '';
    const gather = (chunk: Buffer) => {
      output = (output + chunk.toString('utf8')).slice(-8_000);
      for (const line of chunk.toString('utf8').split('\n')) options.onLine?.(line);
    };
    child.stdout.on('data', gather);
    child.stderr.on('data', gather);
    child.on('error', (error) => resolve({ code: null, output: error.message }));
    child.on('close', (code) => resolve({ code, output: output.trim() }));
  });
}

/** Variables of libpq for a URL: a password in an argument could be read by every user of the machine. */
export function libpqEnvironment(
  url: string,
  env: Pick<Env, 'NODE_ENV' | 'CONNECT_TIMEOUT_MS'>,
): Record<string, string> {
  const { host, port, user, password, database, ssl } = connectionConfig(url, {
    production: env.NODE_ENV === 'production',
  });
  const { searchParams } = new URL(url);
  const tls = { PGSSLROOTCERT: 'sslrootcert', PGSSLCERT: 'sslcert', PGSSLKEY: 'sslkey', PGOPTIONS: 'options' };
  const given = Object.entries(tls).map(([name, parameter]) => [name, searchParams.get(parameter)] as const);
  const all: readonly (readonly [string, string | null | undefined])[] = [
    ['PGHOST', host],
    ['PGPORT', String(port)],
    ['PGUSER', user],
    ['PGPASSWORD', password],
    ['PGDATABASE', database],
    ['PGSSLMODE', searchParams.get('sslmode') ?? (ssl === false ? 'disable' : 'require')],
    ['PGCONNECT_TIMEOUT', String(Math.max(2, Math.ceil(env.CONNECT_TIMEOUT_MS / 1000)))],
    ['PGAPPNAME', 'argus backup'],
    ...given,
  ];
  return Object.fromEntries(all.flatMap(([name, value]) => (value ? [[name, value]] : [])));
}
