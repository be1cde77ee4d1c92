import { EventEmitter } from 'node:events';
import type { DestinationStream } from 'pino';
import { systemViewer, type Viewer } from '../../src/access/viewer.ts';
import { type App, createApp } from '../../src/app.ts';
import { loadEnv } from '../../src/env.ts';
import { createLog } from '../../src/log.ts';
import { createTenant, type NewTenant } from '../../src/modules/platform/tenant.service.ts';
import type { CostReport } from '../../src/server/meter.ts';
import { createTestDatabase, type TestDatabase } from './database.ts';

/** An answer whose shape the test's own query tells: typing each one would repeat the query. */
// biome-ignore lint/suspicious/noExplicitAny: see above
export type Answer = any;

export interface GraphQLResponse<T = Answer> {
  data?: T | null;
  errors?: { message: string; path?: (string | number)[]; extensions?: Record<string, unknown> }[];
  extensions?: { cost: CostReport };
}

export interface Tenant extends NewTenant {
  system: Viewer;
}

/** A whole Argus over a database of its own, without a port. */
export interface TestApp {
  app: App;
  database: TestDatabase;
  /** a tenant with an owner and a key that may do everything */
  tenant(slug: string): Promise<Tenant>;
  /** runs an operation as the holder of a key and gives the answer as it came */
  run<T = Answer>(
    key: string | null,
    query: string,
    variables?: Record<string, unknown>,
  ): Promise<GraphQLResponse<T> & { statements: number }>;
  /** runs an operation that must succeed; the failure shows the operation and the errors */
  runOk<T = Answer>(key: string | null, query: string, variables?: Record<string, unknown>): Promise<T>;
  close(): Promise<void>;
}

interface TestAppOptions {
  jobs?: boolean;
  env?: Record<string, string>;
  lines?: DestinationStream;
}

export async function createTestApp(options: TestAppOptions = {}): Promise<TestApp> {
  return testAppOn(await createTestDatabase(), options);
}

/** The same over a database that is there; it is dropped in the end. */
export async function testAppOn(database: TestDatabase, options: TestAppOptions = {}): Promise<TestApp> {
  const env = loadEnv({
    NODE_ENV: 'test',
    DB_POOL_SIZE: '4',
    DB_POOL_OVERFLOW: '4',
    ARGUS_DIR: '.argus/test',
    LOG_LEVEL: 'error',
    // Tests ask more in a minute than people do; those of the budgets set their own.
    BUDGET_PER_KEY: '0',
    BUDGET_PER_TENANT: '0',
    BUDGET_PER_ADDRESS: '0',
    DATABASE_URL: database.appUrl,
    ...options.env,
  });
  const { lines } = options;
  const log = createLog({ level: env.LOG_LEVEL, pretty: !lines, destination: lines });
  const app = await createApp({ databaseUrl: database.appUrl, env, log, jobs: options.jobs ?? false });
  const run: TestApp['run'] = async (key, query, variables) => {
    // The statements of an operation are told in a header that goes to the HTTP response, not to the fetched one.
    const setHeader = (_: string, value: string) => (timing.value = value);
    const timing = Object.assign(new EventEmitter(), { headersSent: false, value: '', setHeader });
    const request = {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...(key ? { authorization: `Bearer ${key}` } : {}) },
      body: JSON.stringify({ query, variables }),
    };
    const response = await app.endpoint.yoga.fetch('http://localhost/graphql', request, { res: timing } as never);
    const body = (await response.json()) as GraphQLResponse<never>;
    return { ...body, statements: Number(/desc="(\d+)/.exec(timing.value)?.[1] ?? 0) };
  };
  return {
    app,
    database,
    tenant: async (slug) => {
      const made = await createTenant(app.services, {
        slug,
        name: `Tenant ${slug}`,
        email: `owner@${slug}.example`,
        displayName: 'Owner',
      });
      return { ...made, system: systemViewer(made.tenantId, 'test') };
    },
    run,
    runOk: async <T>(key: string | null, query: string, variables?: Record<string, unknown>) => {
      const { data, errors } = await run<T>(key, query, variables);
      if (errors || !data)
        throw new Error(`${query}\n${JSON.stringify(variables)}\n${JSON.stringify(errors, null, 2)}`);
      return data;
    },
    close: async () => {
      await app.close();
      await database.drop();
    },
  };
}
