import { execFile } from 'node:child_process';
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { PrismaPg } from '@prisma/adapter-pg';
import { bindMigrationAwareSqlAdapterFactory } from '@prisma/driver-adapter-utils';
import { explainMigration, MigrationError } from './migration-error.ts';
import { MIGRATIONS_DIR, readMigrations } from './migration-files.ts';

const run = promisify(execFile);

interface ModelFile {
  path: string;
  content: string;
}

type Models = { tag: 'empty' } | { tag: 'schemaDatamodel'; files: ModelFile[] };

/** What to make a migration from. */
export interface NewMigrationOptions {
  /** any PostgreSQL that answers: the engine wants a connection, and looks at no table of it */
  ownerUrl: string;
  /** words that say what changes: becomes the folder's name */
  name: string;
  /** the folder of migrations */
  dir?: string;
  /** the folder with the changed models */
  modelsDir?: string;
  /** the folder with the models as they were; without it, those committed last */
  beforeDir?: string;
}

const MODELS_DIR = fileURLToPath(new URL('../../prisma', import.meta.url));

const BY_HAND = `
-- By hand, where this migration adds tables or columns (see the ones before it):
--   tenant foreign keys, checks for every range and enumeration, NOT NULL of lists, generated columns, GIN indexes,
--   row-level security and grants: add the table to scripts/rls.ts and paste what it prints.
`;

async function modelsIn(dir: string): Promise<Models> {
  const entries = await readdir(dir, { recursive: true });
  const paths = entries.filter((path) => path.endsWith('.prisma')).sort();
  const read = async (path: string) => ({ path, content: await readFile(join(dir, path), 'utf8') });
  return datamodel(await Promise.all(paths.map(read)));
}

function datamodel(files: ModelFile[]): Models {
  return files.length === 0 ? { tag: 'empty' } : { tag: 'schemaDatamodel', files };
}

/** The models of the last commit; none when there is no commit yet. */
async function committedModels(dir: string): Promise<Models> {
  const git = async (...args: string[]) => (await run('git', ['-C', dir, ...args], { maxBuffer: 1 << 26 })).stdout;
  await git('rev-parse', '--git-dir').catch((error: unknown) => {
    throw new MigrationError(`${dir} is not in a git repository: say where the models were before.`, { cause: error });
  });
  const hasCommit = await git('rev-parse', '--verify', '--quiet', 'HEAD').then(
    () => true,
    () => false,
  );
  if (!hasCommit) return { tag: 'empty' };
  const listed = await git('ls-tree', '-r', '--name-only', '-z', 'HEAD', '--', '.');
  const paths = listed
    .split('\0')
    .filter((path) => path.endsWith('.prisma'))
    .sort();
  const read = async (path: string) => ({ path, content: await git('show', `HEAD:./${path}`) });
  return datamodel(await Promise.all(paths.map(read)));
}

/** Prisma's own schema engine as WebAssembly: the SQL that leads from one state of the models to another. */
async function diff(ownerUrl: string, from: Models, to: Models): Promise<string> {
  const { SchemaEngine } = await import('@prisma/schema-engine-wasm');
  const factory = bindMigrationAwareSqlAdapterFactory(
    new PrismaPg({ connectionString: ownerUrl, allowExitOnIdle: true }),
  );
  const datamodels =
    to.tag === 'empty' ? undefined : to.files.map(({ path, content }): [string, string] => [path, content]);
  const engine = await SchemaEngine.new({ datamodels }, () => undefined, factory);
  try {
    const filters = { externalTables: [], externalEnums: [] };
    const options = { from, to, script: true, shadowDatabaseUrl: null, exitCode: null, filters };
    return tidy((await engine.diff(options)).stdout ?? '');
  } finally {
    engine.free();
  }
}

function tidy(sql: string): string {
  // the schema exists, and asking for it again would need rights on the whole database
  const text = sql.replace(/-- CreateSchema\nCREATE SCHEMA IF NOT EXISTS "public";\n/, '').trim();
  return text === '-- This is an empty migration.' ? '' : text;
}

/**
 * Writes NNNN_name/migration.sql and down.sql from the difference between two states of the models, and answers with
 * the new folder. What models cannot say is left to be written by hand, as a comment in the file recalls.
 */
export async function newMigration(options: NewMigrationOptions): Promise<string> {
  const dir = resolve(options.dir ?? MIGRATIONS_DIR);
  const modelsDir = resolve(options.modelsDir ?? MODELS_DIR);
  const slug = options.name
    .trim()
    .toLowerCase()
    .replaceAll(/[\s-]+/g, '_');
  if (!/^[a-z][a-z0-9_]*$/.test(slug)) {
    throw new MigrationError(`"${options.name}" is no name for a migration: use words of letters and digits.`);
  }
  const before = options.beforeDir === undefined ? await committedModels(modelsDir) : await modelsIn(options.beforeDir);
  const after = await modelsIn(modelsDir);
  const [up, down] = await Promise.all([
    diff(options.ownerUrl, before, after),
    diff(options.ownerUrl, after, before),
  ]).catch((error: unknown) => {
    throw explainMigration(error, 'Comparing the models');
  });
  if (up === '') {
    const since = options.beforeDir === undefined ? 'the last commit' : options.beforeDir;
    throw new MigrationError(`The models say nothing new since ${since}: there is nothing to migrate.`);
  }
  const files = await readMigrations(dir);
  const number = Number(files.at(-1)?.name.slice(0, 4) ?? 0) + 1;
  const folder = join(dir, `${String(number).padStart(4, '0')}_${slug}`);
  await mkdir(folder);
  await writeFile(join(folder, 'migration.sql'), `${up}\n${BY_HAND}`);
  const undo = `-- Undoes ${folder.slice(dirname(folder).length + 1)}. What was added by hand is to be undone first.\n`;
  await writeFile(join(folder, 'down.sql'), `${undo}${down}\n`);
  return folder;
}
