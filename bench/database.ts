import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import pg from 'pg';
import { dropEmbedded, startEmbedded } from '../src/data/embedded.ts';

/** The database of one run: a fresh copy of the data set, so that every run starts from the same rows. */
export interface BenchDatabase {
  /** bound by row-level security */
  appUrl: string;
  ownerUrl: string;
  /** connected as the owner */
  owner: pg.Client;
  version: string;
  tenantId: string;
  /** an API key of the tenant */
  key: string;
  stop(): Promise<void>;
}

/** How many rows a data set has. */
export interface DataSize {
  name: string;
  projects: number;
  bugs: number;
  /** history rows of each bug */
  history: number;
}

export const SMALL: DataSize = { name: 'small', projects: 200, bugs: 10_000, history: 3 };
export const LARGE: DataSize = { name: 'large', projects: 10_000, bugs: 1_000_000, history: 1 };

const ROOT = fileURLToPath(new URL('.', import.meta.url));
const LOADED = 'argus';
const COPY = 'bench';

/** Starts the server, loads the data set once, and copies it for this run. */
export async function openDatabase(size: DataSize, log: (line: string) => void): Promise<BenchDatabase> {
  const dir = join(ROOT, '.data', size.name);
  const stateFile = join(dir, 'bench.json');
  const madeFrom = await fingerprint();
  await mkdir(dir, { recursive: true });
  const loaded = await stateOf(stateFile);
  // A load that was interrupted, or made by other migrations, is begun again.
  let key = loaded?.madeFrom === madeFrom ? loaded.key : null;
  if (key === null) await dropEmbedded(dir, log);
  const server = await startEmbedded({ dir, log, settings: { max_connections: '300' } });
  let admin: pg.Client | undefined;
  try {
    if (key === null) {
      key = await load(dir, size, log);
      await writeFile(stateFile, JSON.stringify({ key, madeFrom } satisfies State));
    }
    admin = await claim(server.adminUrl, dir);
    await copy(admin);
    const ownerUrl = withDatabase(server.adminUrl, COPY);
    const owner = new pg.Client({ connectionString: ownerUrl, application_name: 'bench' });
    await owner.connect();
    const { rows } = await owner.query<{ id: string }>(`SELECT id FROM tenants WHERE slug = 'bench'`);
    if (!rows[0]) throw new Error(`the data set in ${dir} has no tenant: delete that folder`);
    await owner.query('CREATE EXTENSION IF NOT EXISTS pg_stat_statements');
    await owner.query(await readFile(join(ROOT, 'objects.sql'), 'utf8'));
    const appUrl = new URL(ownerUrl);
    appUrl.username = 'argus_app';
    const stop = async () => {
      await owner.end();
      await admin?.end();
      await server.stop();
    };
    return { appUrl: appUrl.href, ownerUrl, owner, version: server.version, tenantId: rows[0].id, key, stop };
  } catch (error) {
    await admin?.end();
    await server.stop();
    throw error;
  }
}

/** What is kept beside a data set once it is loaded. */
interface State {
  key: string;
  madeFrom: string;
}

async function stateOf(path: string): Promise<State | null> {
  const text = await readFile(path, 'utf8').catch(() => null);
  // The file is this module's own.
  return text === null ? null : (JSON.parse(text) as State);
}

/** A hash of what a data set is made from: the migrations and the generator. */
async function fingerprint(): Promise<string> {
  const migrations = join(ROOT, '../prisma/migrations');
  const files = (await readdir(migrations, { recursive: true })).filter((name) => name.endsWith('.sql')).sort();
  const hash = createHash('sha256');
  for (const path of [...files.map((name) => join(migrations, name)), join(ROOT, 'generate-bugs.ts')]) {
    hash.update(await readFile(path));
  }
  return hash.digest('hex');
}

function withDatabase(url: string, database: string): string {
  const changed = new URL(url);
  changed.pathname = `/${database}`;
  return changed.href;
}

/** Migrates an empty database, fills it and gives the tenant's key, which is the last line that the generator prints. */
async function load(dir: string, size: DataSize, log: (line: string) => void): Promise<string> {
  log(`loading ${size.bugs} bugs in ${size.projects} projects`);
  const counts = ['--bugs', size.bugs, '--projects', size.projects, '--history', size.history].map(String);
  const args = [join(ROOT, 'generate-bugs.ts'), '--tenant', 'bench', ...counts];
  const child = spawn(process.execPath, args, {
    env: { ...process.env, ARGUS_DIR: dir, NODE_ENV: 'development', DATABASE_URL: '', LOG_LEVEL: 'error' },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let output = '';
  child.stdout.on('data', (chunk: Buffer) => {
    output += chunk.toString();
  });
  const code = await new Promise((resolve) => child.once('close', resolve));
  if (code !== 0) throw new Error(`loading the data set failed: ${output}`);
  return output.trim().split('\n').at(-1) ?? '';
}

/** A connection that holds the folder for one run at a time: another one would take its copy away. */
async function claim(adminUrl: string, dir: string): Promise<pg.Client> {
  const admin = new pg.Client({ connectionString: adminUrl, application_name: 'bench' });
  await admin.connect();
  const { rows } = await admin.query<{ free: boolean }>('SELECT pg_try_advisory_lock(1) AS free');
  if (rows[0]?.free) return admin;
  await admin.end();
  throw new Error(`another benchmark runs on ${dir}: let it end first`);
}

async function copy(admin: pg.Client): Promise<void> {
  await admin.query(`DROP DATABASE IF EXISTS ${COPY} WITH (FORCE)`);
  await admin.query(`CREATE DATABASE ${COPY} TEMPLATE ${LOADED} STRATEGY file_copy`);
}
