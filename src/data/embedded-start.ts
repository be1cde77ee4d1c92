import { realpath } from 'node:fs/promises';
import { totalmem } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import type { Account } from './embedded-account.ts';
import { canEnter, chooseAccount, isCopy, makePlace } from './embedded-account.ts';
import { archiveSettings } from './embedded-archive.ts';
import type { Binaries } from './embedded-binaries.ts';
import { prepareBinaries } from './embedded-binaries.ts';
import { ensureCluster, resetPassword } from './embedded-cluster.ts';
import { adviceFor, codeOf, EmbeddedError, explain, USE_YOUR_OWN } from './embedded-error.ts';
import type { Begun } from './embedded-postmaster.ts';
import {
  beginPostmaster,
  choosePort,
  findPostmaster,
  removeStalePid,
  stopPostmaster,
  waitGone,
  waitReady,
} from './embedded-postmaster.ts';
import type { EmbeddedState } from './embedded-state.ts';
import { dataDirOf, inspectData, newState, OWNER, readState, writeState } from './embedded-state.ts';

const START_TIMEOUT_MS = 60_000;
// After a kill -9 of the server its workers need a moment to notice, and hold its shared memory until then.
const WORKERS_GONE_MS = 20_000;

/** Everything decided before a server is looked for. `fresh`: there was no usable state, so no known password. */
export interface Layout {
  dir: string;
  data: string;
  state: EmbeddedState;
  fresh: boolean;
  account: Account;
  binaries: Binaries;
  log: (line: string) => void;
}

/** A server that has answered. `child` is set when this process began it. */
export interface Running {
  pid: number;
  port: number;
  version: string;
  child?: Begun['child'];
}

/** How a server is begun: see the options of `startEmbedded` that have these names. */
export interface BeginOptions {
  port?: number;
  settings?: Record<string, string>;
  archive?: string | null;
  readyWithinMs?: number;
}

/** The owner's address of the server on `port`. */
export function adminUrlOf(state: EmbeddedState, port: number): string {
  return `postgres://${OWNER}:${state.password}@127.0.0.1:${port}/postgres`;
}

/** Reads or makes the state of `dir` and decides account, data folder and programs. Throws EmbeddedError. */
export async function settle(dir: string, log: (line: string) => void): Promise<Layout> {
  let known = await readState(dir);
  if (known && (await isCopy(dir, known))) {
    log(`${dir} is a copy of ${known.home}, whose data lies elsewhere: starting with an empty database`);
    known = null;
  }
  const state: EmbeddedState = { ...(known ?? newState(dir)), home: dir };
  let account = await chooseAccount(dataDirOf(dir, state), log);
  if (!state.place && !(await canEnter(dir, account))) {
    if ((await inspectData(dataDirOf(dir, state))) !== 'absent') {
      throw new EmbeddedError(
        `The database in ${dir} runs as the account ${account?.name}, which can no longer enter that folder: let other users pass through it and the folders above it (chmod o+x).`,
      );
    }
    state.place = await makePlace(dir, account);
    state.note = `The account ${account?.name} cannot enter ${dir}, so the data is in ${state.place}.`;
    log(state.note);
    account = await chooseAccount(dataDirOf(dir, state), log);
  }
  const binaries = await prepareBinaries(account, async () => state.place ?? dir);
  return { dir, data: dataDirOf(dir, state), state, fresh: known === null, account, binaries, log };
}

/** Connects as the owner; returns the version, or null when the password is not accepted. Throws EmbeddedError. */
export async function verify(url: string, data: string): Promise<string | null> {
  const client = new pg.Client({ connectionString: url, connectionTimeoutMillis: 10_000 });
  client.on('error', () => {});
  try {
    await client.connect();
    const sql = `SELECT current_setting('server_version') AS version, current_setting('data_directory') AS data`;
    const row = (await client.query<{ version: string; data: string }>(sql)).rows[0];
    if (!row || (await realpath(row.data)) !== (await realpath(data))) {
      throw new EmbeddedError(`Another PostgreSQL server answers in place of the one on ${data}: start again.`);
    }
    return row.version;
  } catch (error) {
    if (codeOf(error) === '28P01') return null;
    throw explain(error, 'connect to its server');
  } finally {
    await client.end().catch(() => {});
  }
}

/**
 * Joins the server already running on the data folder. Returns null when there is none, after clearing away what
 * would keep one from starting; a server whose password is lost is stopped, and `fresh` is set.
 */
export async function join(layout: Layout): Promise<Running | null> {
  const { account, binaries, data, log, state } = layout;
  const found = await findPostmaster(data);
  if (found.kind === 'stale' && found.foreign) {
    log(`process ${found.pid} in postmaster.pid is another program: removed that file`);
    await removeStalePid(data);
  }
  if (found.kind !== 'ours') return null;
  await inspectData(data);
  const ready = await waitReady(data, START_TIMEOUT_MS);
  if (!ready) {
    await waitGone(data, START_TIMEOUT_MS);
    return null;
  }
  let version: string | null = null;
  try {
    if (!layout.fresh) version = await verify(adminUrlOf(state, ready.port), data);
  } catch (error) {
    // A server that was killed a moment ago still has children that take a connection and drop it.
    if ((await findPostmaster(data)).kind === 'ours') throw error;
    return null;
  }
  if (version !== null) return { ...ready, version };
  layout.fresh = true;
  log('a server runs, but its password is lost: stopping it to set a new one');
  await stopPostmaster(data, binaries.pgCtl, account, 'fast');
  return null;
}

async function settingsOf(layout: Layout, port: number, extra: Record<string, string>): Promise<string[]> {
  const megabytes = Math.min(totalmem(), process.constrainedMemory() || Number.MAX_SAFE_INTEGER) / 2 ** 20;
  const preload = await layout.binaries.has('pg_stat_statements');
  if (!preload) layout.log('pg_stat_statements is not among the embedded modules: statements are not counted');
  const settings: Record<string, string | number> = {
    listen_addresses: '127.0.0.1',
    port,
    unix_socket_directories: '',
    shared_preload_libraries: preload ? 'pg_stat_statements' : '',
    shared_buffers: `${Math.max(16, Math.floor(Math.min(256, megabytes / 4)))}MB`,
    effective_cache_size: `${Math.max(64, Math.floor(megabytes / 2))}MB`,
    max_connections: 100,
    jit: 'off',
    random_page_cost: '1.1',
    track_io_timing: 'on',
    logging_collector: 'off',
    log_destination: 'stderr',
    log_timezone: 'UTC',
    timezone: 'UTC',
    ...extra,
  };
  // On the command line, not in a file: under root, a file in a folder of another account must not be written.
  return Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`]);
}

/**
 * Makes the cluster when there is none and starts a server on it. `port` 0 means the remembered or any free one.
 * Throws EmbeddedError with the end of the log.
 */
export async function begin(layout: Layout, options: BeginOptions): Promise<Running> {
  const { account, binaries, data, dir, log, state } = layout;
  const { port = 0, archive = null, readyWithinMs = START_TIMEOUT_MS } = options;
  await inspectData(data);
  await writeState(dir, state);
  const made = await ensureCluster({ data, binaries, account, password: state.password, log });
  if (!made && layout.fresh) await resetPassword({ data, binaries, account, password: state.password, log });
  const archiving = archive === null ? {} : await archiveSettings(archive, data, account, binaries);
  const giveUp = Date.now() + WORKERS_GONE_MS;
  let wanted = port || state.port;
  for (;;) {
    const chosen = await choosePort(wanted, port > 0);
    if (state.port > 0 && chosen !== state.port) log(`now on port ${chosen} instead of ${state.port}`);
    if (chosen !== state.port) {
      state.port = chosen;
      await writeState(dir, state);
    }
    const settings = await settingsOf(layout, chosen, { ...archiving, ...options.settings });
    const begun = await beginPostmaster(dir, binaries.postgres, ['-D', data, ...settings], account);
    const ready = await waitReady(data, readyWithinMs, begun);
    if (ready) {
      const version = await verify(adminUrlOf(state, ready.port), data);
      if (version !== null) return { ...ready, version, child: begun.child };
      await stopPostmaster(data, binaries.pgCtl, account, 'fast');
      await resetPassword({ data, binaries, account, password: state.password, log });
      wanted = chosen;
      continue;
    }
    const tail = await begun.tail();
    const again = /Address already in use|pre-existing shared memory|lock file "postmaster.pid"/i.test(tail);
    if (!again || Date.now() > giveUp) {
      throw new EmbeddedError(
        `The embedded database did not start. ${adviceFor(tail)}Its log ends: ${tail || '(nothing was logged)'} ${USE_YOUR_OWN}`,
      );
    }
    if (/Address already in use/i.test(tail)) wanted = port;
    else await sleep(250);
  }
}
