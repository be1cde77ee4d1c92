import { join } from 'node:path';
import pg from 'pg';
import { startEmbedded } from './data/embedded.ts';
import { WAL_FOLDER } from './data/embedded-archive.ts';
import { keepEmbedded } from './data/embedded-keep.ts';
import type { Env } from './env.ts';

/** Where the database is: DATABASE_URL's server, or the embedded one that this process runs or shares. */
export interface DatabaseServer {
  /** what the application logs in with: argus_app itself where that is in our hands */
  appUrl: string;
  /** for migrations */
  ownerUrl: string;
  embedded: boolean;
  version: string | null;
  stop(): Promise<void>;
}

export const EMBEDDED_DATABASE = 'argus';

/** Finds or starts the database server. Nothing is migrated here. `keep`: one of our own that ends is started again. */
export async function openDatabaseServer(env: Env, log: (line: string) => void, keep = false): Promise<DatabaseServer> {
  if (env.DATABASE_URL !== null) {
    const ownerUrl = env.DATABASE_OWNER_URL ?? env.DATABASE_URL;
    return { appUrl: env.DATABASE_URL, ownerUrl, embedded: false, version: null, stop: async () => {} };
  }
  const archive = env.BACKUP_WAL ? join(env.BACKUP_DIR, WAL_FOLDER) : null;
  const server = await (keep ? keepEmbedded : startEmbedded)({ dir: env.ARGUS_DIR, log, archive });
  try {
    const owner = new URL(server.adminUrl);
    await ensureDatabase(server.adminUrl);
    owner.pathname = `/${EMBEDDED_DATABASE}`;
    const app = new URL(owner);
    app.username = 'argus_app';
    return {
      appUrl: app.toString(),
      ownerUrl: owner.toString(),
      embedded: true,
      version: server.version,
      stop: () => server.stop(),
    };
  } catch (error) {
    await server.stop();
    throw error;
  }
}

/** Creates the database of Argus on an embedded server that has none. */
export async function ensureDatabase(adminUrl: string): Promise<void> {
  const client = new pg.Client({ connectionString: adminUrl });
  await client.connect();
  try {
    const { rows } = await client.query('SELECT 1 FROM pg_database WHERE datname = $1', [EMBEDDED_DATABASE]);
    if (rows.length === 0) await client.query(`CREATE DATABASE ${EMBEDDED_DATABASE}`);
  } finally {
    await client.end();
  }
}

/**
 * Lets the server log in as argus_app on the embedded database, with the owner's password: a login of its own cannot
 * forget to give up the owner's rights. Elsewhere the administrator decides who logs in as what.
 */
export async function allowAppLogin(ownerUrl: string): Promise<void> {
  const client = new pg.Client({ connectionString: ownerUrl });
  await client.connect();
  try {
    const password = decodeURIComponent(new URL(ownerUrl).password);
    await client.query(`ALTER ROLE argus_app LOGIN PASSWORD ${client.escapeLiteral(password)}`);
  } finally {
    await client.end();
  }
}
