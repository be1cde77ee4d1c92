import { DatabaseError } from 'pg';
import { createServices } from '../app.ts';
import { migrateUp, migrationStatus } from '../data/migrate.ts';
import { allowAppLogin, type DatabaseServer, openDatabaseServer } from '../database-server.ts';
import { type Env, env as readEnv } from '../env.ts';
import { createLog, type Log } from '../log.ts';
import type { Services } from '../services.ts';

const INSUFFICIENT_PRIVILEGE = '42501';

/** What every command starts from. */
export interface Runtime {
  env: Env;
  log: Log;
  server: DatabaseServer;
}

/**
 * Reads the settings and finds or starts the database; migrates it where it is ours, else insists that it is. `keep`: one
 * of our own is started again when it ends.
 */
export async function openRuntime(
  options: { migrate?: boolean; quiet?: boolean; keep?: boolean } = {},
): Promise<Runtime> {
  const env = readEnv();
  const log = createLog({ level: env.LOG_LEVEL, pretty: env.NODE_ENV === 'development' });
  const tell = (line: string) => (options.quiet ? log.debug(line) : log.info(line));
  const server = await openDatabaseServer(env, tell, options.keep);
  try {
    if (server.embedded || options.migrate) {
      const applied = await migrateUp({ ownerUrl: server.ownerUrl });
      if (applied.length > 0) log.info({ migrations: applied }, 'the database is up to date');
      if (server.embedded) await allowAppLogin(server.ownerUrl);
    } else await insistOnMigrations(server.ownerUrl, log);
    return { env, log, server };
  } catch (error) {
    await server.stop();
    throw error;
  }
}

async function insistOnMigrations(ownerUrl: string, log: Log): Promise<void> {
  const states = await migrationStatus({ ownerUrl }).catch((error: unknown) => {
    const { cause } = error as { cause?: unknown };
    if (!(cause instanceof DatabaseError) || cause.code !== INSUFFICIENT_PRIVILEGE) throw error;
    // A server that has not been given the owner's URL may well be one that is not to have it.
    log.warn('whether the database is up to date cannot be seen without DATABASE_OWNER_URL');
    return [];
  });
  const open = states.filter(({ state }) => state !== 'applied').map(({ name, state }) => `${name} (${state})`);
  if (open.length > 0)
    throw new Error(`the database is not up to date: ${open.join(', ')}. Run "argus migrate up" first.`);
}

/** Runs a command's work with services, and closes everything whatever happens. */
export async function withServices<T>(work: (services: Services, runtime: Runtime) => Promise<T>): Promise<T> {
  const runtime = await openRuntime({ quiet: true });
  try {
    const { env, log, server } = runtime;
    const services = await createServices({ databaseUrl: server.appUrl, env, log });
    const stop = () => services.streams.abort();
    process.once('SIGINT', stop);
    process.once('SIGTERM', stop);
    try {
      return await work(services, runtime);
    } finally {
      process.removeListener('SIGINT', stop);
      process.removeListener('SIGTERM', stop);
      await services.close();
    }
  } finally {
    await runtime.server.stop();
  }
}

/** An error as the command line shows it: what is wrong and what to do, and the stack only when it is a bug. */
export function explain(error: unknown): string {
  if (!(error instanceof Error)) return `argus: ${String(error)}`;
  const isBug = error instanceof TypeError || error instanceof ReferenceError;
  return `argus: ${isBug ? (error.stack ?? error.message) : error.message}`;
}
