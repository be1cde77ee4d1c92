import { chmod, chown, mkdir, readdir, rename, rm, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Account, Outcome } from './embedded-account.ts';
import { run } from './embedded-account.ts';
import type { Binaries } from './embedded-binaries.ts';
import { adviceFor, EmbeddedError, explain, USE_YOUR_OWN } from './embedded-error.ts';
import { inspectData, OWNER } from './embedded-state.ts';

/** Where a cluster is to be made and by whom. `password` is the owner role's. */
export interface ClusterPlan {
  data: string;
  binaries: Binaries;
  account: Account;
  password: string;
  log: (line: string) => void;
}

/**
 * Makes sure a complete data folder stands at `plan.data`. It is made beside its place and renamed, so an interrupted
 * making leaves nothing that looks whole. Returns true when it made one.
 * Throws EmbeddedError: other version, disk full, missing permission, initdb failed.
 */
export async function ensureCluster(plan: ClusterPlan): Promise<boolean> {
  const { data, log } = plan;
  const found = await inspectData(data);
  if (found === 'complete') return false;
  try {
    await removeRemnants(data);
    if (found === 'half') {
      const aside = `${data}.broken-${Date.now()}`;
      await rename(data, aside);
      log(`the data folder was incomplete: kept as ${aside}, making a new one`);
    }
    log(`making the database in ${data}`);
    const fresh = `${data}.init-${process.pid}`;
    await initialise(plan, fresh);
    await rename(fresh, data);
  } catch (error) {
    await removeRemnants(data).catch(() => {});
    throw explain(error, `make the data folder ${data}`);
  }
  return true;
}

async function removeRemnants(data: string): Promise<void> {
  const parent = dirname(data);
  for (const name of await readdir(parent)) {
    if (name.startsWith(`${basename(data)}.init-`)) await rm(join(parent, name), { recursive: true, force: true });
  }
}

async function initialise(plan: ClusterPlan, folder: string): Promise<void> {
  const { account, binaries, password } = plan;
  const passwordFile = `${folder}.pw`;
  await writeFile(passwordFile, `${password}\n`, { mode: 0o600, flag: 'wx' });
  if (account) await chown(passwordFile, account.uid, account.gid);
  const common = ['-D', folder, '-U', OWNER, `--pwfile=${passwordFile}`, '--auth=scram-sha-256', '--encoding=UTF8'];
  // The built-in provider sorts alike on every system; the C library's LC_CTYPE still decides what pg_trgm and text
  // search take for a letter, so it must be a UTF-8 one. Not every system has C.UTF-8.
  const builtin = ['--locale-provider=builtin', '--builtin-locale=C.UTF-8', '--lc-messages=C', '--data-checksums'];
  const locales = [['--locale=C.UTF-8'], ['--locale=C', '--lc-ctype=en_US.UTF-8'], ['--locale=C', '--lc-ctype=UTF-8']];
  let outcome: Outcome = { code: null, output: '' };
  try {
    for (const locale of locales) {
      await rm(folder, { recursive: true, force: true });
      await mkdir(folder);
      await chmod(folder, 0o700);
      if (account) await chown(folder, account.uid, account.gid);
      outcome = await run(binaries.initdb, [...common, ...builtin, ...locale], account, '', 180_000);
      if (outcome.code === 0 || !/invalid locale/i.test(outcome.output)) break;
    }
  } finally {
    await rm(passwordFile, { force: true });
  }
  if (outcome.code !== 0) {
    throw new EmbeddedError(
      `The embedded database could not be made in ${dirname(folder)}. ${adviceFor(outcome.output)}initdb said: ${outcome.output.slice(-1500)} ${USE_YOUR_OWN}`,
    );
  }
}

/**
 * Gives the owner role a new password in a data folder no server runs on: for when `embedded.json` was lost.
 * Throws EmbeddedError when the server's single-user mode fails.
 */
export async function resetPassword(plan: ClusterPlan): Promise<void> {
  const { account, binaries, data, password } = plan;
  const login = `ALTER ROLE ${OWNER} WITH SUPERUSER LOGIN`;
  // Single-user mode takes one statement a line; the password is base64url, so it needs no quoting.
  const statement = `${login} PASSWORD '${password}'\n`;
  const args = ['--single', '-D', data, '-c', 'shared_preload_libraries=', '-c', 'log_min_error_statement=panic'];
  let outcome = await run(binaries.postgres, [...args, 'postgres'], account, statement);
  // The workers of a server killed a moment ago still hold its memory.
  for (let attempt = 0; attempt < 40 && outcome.output.includes('pre-existing shared memory'); attempt += 1) {
    await sleep(250);
    outcome = await run(binaries.postgres, [...args, 'postgres'], account, statement);
  }
  if (outcome.code !== 0 || outcome.output.includes('ERROR:')) {
    throw new EmbeddedError(
      `The password of the database in ${data} is lost, and it could not be set anew: ${outcome.output.slice(-1500)}`,
    );
  }
  plan.log('the password file was lost: set a new password, the data is kept');
}
