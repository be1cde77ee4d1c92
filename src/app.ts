import type { GraphQLSchema } from 'graphql';
import { ephemeralKeyRing, parseKeyRing } from './access/encryption.ts';
import { Rights } from './access/rights.ts';
import { SignInThrottle } from './access/sign-in-throttle.ts';
import { systemViewer } from './access/viewer.ts';
import { sessionConfig } from './data/connection.ts';
import { openDatabase } from './data/database.ts';
import { StatementLog } from './data/statement-log.ts';
import { Turns } from './data/turns.ts';
import type { Env } from './env.ts';
import { EventBus } from './events/bus.ts';
import { LogTails } from './events/tail.ts';
import { startJobs } from './jobs.ts';
import type { Log } from './log.ts';
import { MatcherCache } from './modules/intel/matcher-cache.ts';
import { localProvider } from './modules/intel/osint.local-provider.ts';
import type { OsintProvider } from './modules/intel/osint.provider.ts';
import { Counts } from './observe/counts.ts';
import { createMetrics } from './observe/metrics.ts';
import { Observer } from './observe/observer.ts';
import { createTracing } from './observe/tracing.ts';
import { schema } from './schema.ts';
import { makeContext, NO_TENANT } from './server/context.ts';
import { createGraphQL, type GraphQLEndpoint } from './server/graphql.ts';
import { CONTEXT } from './server/use-admission.ts';
import type { Services } from './services.ts';

export interface App {
  schema: GraphQLSchema;
  services: Services;
  endpoint: GraphQLEndpoint;
  /** runs `{ __typename }` through the whole pipeline */
  selfTest(): Promise<boolean>;
  /** begins with the background work, where `jobs: false` put it off */
  startJobs(): void;
  /** ends every subscription of this process */
  stopStreams(): void;
  close(): Promise<void>;
}

export interface AppOptions {
  databaseUrl: string;
  env: Env;
  log: Log;
  osintProvider?: OsintProvider;
  /** background work: the sweep of the dictionary, lookups, statistics. Off for commands that do one thing. */
  jobs?: boolean;
}

/** Everything that a database needs to be worked on, without the GraphQL side: what commands use. */
export async function createServices({
  databaseUrl,
  env,
  log,
  osintProvider,
}: AppOptions): Promise<Services & { close(): Promise<void> }> {
  const statements = new StatementLog(env.SLOW_STATEMENT_MS, log);
  const database = await openDatabase(databaseUrl, env, statements);
  const bus = new EventBus(sessionConfig(databaseUrl, env), log);
  await bus.start();
  const streams = new AbortController();
  const read = { pool: database.pool, setRole: database.setRole, statements };
  const rights = new Rights(read, bus);
  const counts = new Counts();
  const pools = { read: database.pool, write: database.writes };
  const metrics = env.METRICS_PORT === null ? null : await createMetrics({ pools, bus, statements, counts });
  const tracing = env.TRACES > 0 ? await createTracing(env, log) : null;
  if (tracing) statements.observer = tracing.statement;
  const services: Services = {
    env,
    databaseUrl,
    log,
    prisma: database.prisma,
    pool: database.pool,
    read,
    write: {
      prisma: database.prisma,
      setRole: database.setRole,
      statements,
      committed: (tenantId, seq) => bus.committed(tenantId, seq),
      tracing,
    },
    turns: new Turns(),
    bus,
    rights,
    tails: new LogTails({ read, bus, rights, log }),
    keyRing: env.ENCRYPTION_KEYS ? parseKeyRing(env.ENCRYPTION_KEYS) : ephemeralKeyRing(env.ARGUS_DIR),
    signIns: new SignInThrottle(),
    matchers: new MatcherCache(),
    osintProvider: osintProvider ?? localProvider,
    observer: new Observer(env, log, metrics, tracing),
    counts,
    streams,
    background: new Set(),
    startedAt: new Date(),
  };
  return {
    ...services,
    close: async () => {
      streams.abort();
      await Promise.all(services.background);
      rights.close();
      await bus.close();
      await database.close();
      metrics?.close();
      await tracing?.close();
    },
  };
}

/** The server without a port: what `argus serve` listens with and what every test calls. */
export async function createApp(options: AppOptions): Promise<App> {
  const services = await createServices(options);
  const endpoint = createGraphQL(schema, services);
  let jobs: ReturnType<typeof startJobs> | null = null;
  const begin = () => {
    jobs ??= startJobs(services);
  };
  if (options.jobs ?? true) begin();
  return {
    schema,
    services,
    endpoint,
    selfTest: async () => {
      // As the server itself: who is nobody may be allowed less, or nothing for now.
      const system = systemViewer(NO_TENANT, 'self-test');
      const given = { [CONTEXT]: makeContext(services, system, null, system.request) };
      const response = await endpoint.yoga.fetch('http://localhost/graphql?query={__typename}', {}, given as never);
      return response.ok;
    },
    startJobs: begin,
    stopStreams: () => services.streams.abort(),
    close: async () => {
      services.streams.abort();
      await jobs?.stop();
      endpoint.authenticator.close();
      await services.close();
    },
  };
}
