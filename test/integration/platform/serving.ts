import { type App, createApp } from '../../../src/app.ts';
import { loadEnv } from '../../../src/env.ts';
import { createLog } from '../../../src/log.ts';
import { serveHttp } from '../../../src/server/http.ts';
import type { StreamTiming } from '../../../src/server/stream-limits.ts';
import type { GraphQLResponse, TestApp } from '../../support/app.ts';

export interface Served {
  port: number;
  url: string;
  wsUrl: string;
  stop(): Promise<void>;
}

/** Serves an app on a free port of this machine. */
export async function serve(
  app: App,
  options: { shortPath?: boolean; silenceMs?: number; timing?: Partial<StreamTiming> } = {},
): Promise<Served> {
  const server = await serveHttp(app, { host: '127.0.0.1', port: 0, examplesDir: 'examples/queries', ...options });
  const base = `127.0.0.1:${server.port}`;
  return { port: server.port, url: `http://${base}/graphql`, wsUrl: `ws://${base}/graphql`, stop: () => server.stop() };
}

/** Another server process over the same database: nothing but the database is shared with the first. */
export async function anotherApp(t: TestApp, env: Record<string, string> = {}): Promise<App> {
  const settings = loadEnv({
    NODE_ENV: 'test',
    DB_POOL_SIZE: '4',
    LOG_LEVEL: 'silent',
    ARGUS_DIR: '.argus/test',
    DATABASE_URL: t.database.appUrl,
    ...env,
  });
  const log = createLog({ level: settings.LOG_LEVEL, pretty: false });
  return createApp({ databaseUrl: t.database.appUrl, env: settings, log, jobs: false });
}

/** One operation over a real connection. */
export async function post(
  url: string,
  key: string | null,
  query: string,
  variables: object = {},
  headers: Record<string, string> = {},
): Promise<{ status: number; body: GraphQLResponse; headers: Headers }> {
  const response = await fetch(url, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      ...(key ? { authorization: `Bearer ${key}` } : {}),
      ...headers,
    },
    body: JSON.stringify({ query, variables }),
  });
  return { status: response.status, body: (await response.json()) as GraphQLResponse, headers: response.headers };
}

/** One operation on an app without a port, with the status that it would have. */
export async function ask(
  app: App,
  key: string,
  query: string,
  variables: object = {},
): Promise<{ status: number; body: GraphQLResponse }> {
  const response = await app.endpoint.yoga.fetch('http://localhost/graphql', {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: `Bearer ${key}` },
    body: JSON.stringify({ query, variables }),
  });
  return { status: response.status, body: (await response.json()) as GraphQLResponse };
}
