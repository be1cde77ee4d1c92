import cluster from 'node:cluster';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { fileURLToPath } from 'node:url';
import type { Command } from 'commander';
import { createApp } from '../app.ts';
import { demoKey } from '../demo/key.ts';
import { loadDemo } from '../demo/load.ts';
import { type Env, env as readEnv } from '../env.ts';
import type { MetricsServer } from '../observe/metrics-server.ts';
import { listen, serveHttp } from '../server/http.ts';
import { progressBar } from './progress.ts';
import { openRuntime, type Runtime } from './runtime.ts';
import { endWithin, stopSignal } from './stop-signal.ts';
import { serveAsWorker } from './worker.ts';
import { serveOwnMetrics } from './worker-metrics.ts';
import { settingsOfOne, startWorkers, workerCount } from './workers.ts';

const EXAMPLES = fileURLToPath(new URL('../../examples/queries', import.meta.url));

interface ServeOptions {
  port?: string;
  host?: string;
  workers?: string;
  demo: boolean;
  migrate?: boolean;
  background: boolean;
}

export function addServe(program: Command): void {
  program
    .command('serve')
    .description('Serve the API. Without DATABASE_URL: with an embedded PostgreSQL and demo data.')
    .option('-p, --port <port>', 'port to listen on (PORT)')
    .option('--host <host>', 'address to listen on (HOST)')
    .option('--workers <n>', 'processes that serve behind the port; 0: one for each core (WORKERS)')
    .option('--no-demo', 'do not load the demo tenant into the embedded database')
    .option('--no-background', 'no webhooks, no notifications, no jobs by the clock: to look at a restored copy')
    .option('--migrate', 'apply pending migrations first; the embedded database always does')
    .action((options: ServeOptions) => (cluster.isWorker ? serveAsWorker(EXAMPLES) : serve(options)));
}

/** Serves until a signal comes. One that comes during the start ends that in order: what was begun is stopped. */
async function serve(options: ServeOptions): Promise<void> {
  const stopping = new AbortController();
  const { signal } = stopping;
  // Before anything is begun that has to be ended.
  void stopSignal().then(() => stopping.abort());
  try {
    const env = readEnv();
    const place = whereToServe(options, env);
    await refuseTakenPort(place);
    const runtime = await openRuntime({ migrate: options.migrate, keep: true });
    try {
      signal.throwIfAborted();
      await serveApp(runtime, options, place, signal);
    } finally {
      await runtime.server.stop();
    }
  } catch (error) {
    if (error !== signal.reason) throw error;
  }
}

async function serveApp(runtime: Runtime, options: ServeOptions, place: Place, signal: AbortSignal): Promise<void> {
  const { log, server } = runtime;
  const env = settingsOfOne(runtime.env, place.count);
  // The demo tells a story of the past, into which work at the present time would meddle.
  const app = await createApp({ databaseUrl: server.appUrl, env, log, jobs: false });
  let inTime = () => {};
  // Workers end by themselves, a moment before.
  const latest = env.STOP_TIMEOUT_S + (place.count === 1 ? 0 : 1);
  signal.addEventListener('abort', () => {
    inTime = endWithin(latest, log);
  });
  const stopLoading = () => app.stopStreams();
  signal.addEventListener('abort', stopLoading);
  try {
    const key = server.embedded && options.demo ? await unlessStopped(signal, prepareDemo(app.services)) : null;
    signal.throwIfAborted();
    signal.removeEventListener('abort', stopLoading);
    if (options.background) app.startJobs();
    else log.warn('no background work: no webhooks, no notifications, no jobs by the clock');
    const { count, ...listen } = place;
    const workers =
      count === 1
        ? null
        : await unlessStopped(signal, startWorkers({ count, databaseUrl: server.appUrl, env, log, ...listen }));
    const serving = workers ?? (await serveHttp(app, { ...listen, examplesDir: EXAMPLES }));
    let metrics: MetricsServer | null = null;
    try {
      metrics = await serveOwnMetrics(app.services, workers?.now ?? null);
      announce(runtime, place.host, serving.port, count, key, metrics?.url);
      await Promise.race([aborted(signal), ...(workers ? [workers.lost] : [])]);
      log.info('stopping: running requests finish first');
    } finally {
      await metrics?.close();
      await serving.stop();
    }
  } finally {
    await app.close();
    inTime();
  }
}

/** A part of the start. One that fails because the signal ends it fails with the signal's reason. */
async function unlessStopped<T>(signal: AbortSignal, part: Promise<T>): Promise<T> {
  return part.catch((error: unknown) => {
    signal.throwIfAborted();
    throw error;
  });
}

async function aborted(signal: AbortSignal): Promise<void> {
  if (!signal.aborted) await once(signal, 'abort');
}

/** Before the database and the demo, which take half a minute at a first start. @throws Error when the port is taken */
async function refuseTakenPort(place: Place): Promise<void> {
  if (place.port === 0) return;
  const probe = createServer();
  await listen(probe, place);
  probe.close();
  await once(probe, 'close');
}

interface Place {
  host: string;
  port: number;
  count: number;
}

function whereToServe(options: ServeOptions, env: Env): Place {
  const port = options.port === undefined ? env.PORT : Number(options.port);
  if (!Number.isInteger(port) || port < 0 || port > 65_535)
    throw new Error(`--port ${options.port}: a port is a number from 0 to 65535`);
  return { host: options.host ?? env.HOST, port, count: workerCount(options.workers, env) };
}

async function prepareDemo(services: Parameters<typeof loadDemo>[0]): Promise<string> {
  const bar = progressBar('demo data');
  const { tenantId } = await loadDemo(services, { onProgress: (done, total) => bar.update(done, total) });
  bar.stop();
  return demoKey(services, tenantId);
}

function announce(
  { env, server }: Runtime,
  host: string,
  port: number,
  count: number,
  key: string | null,
  metrics: string | undefined,
): void {
  const reachable = ['0.0.0.0', '::'].includes(host) ? 'localhost' : host;
  const base = `http://${reachable.includes(':') ? `[${reachable}]` : reachable}:${port}`;
  const database = server.version ? ` on PostgreSQL ${server.version}` : '';
  const lines = [`\n  Argus is up${database}${count > 1 ? `, served by ${count} workers` : ''}.\n`];
  if (env.GRAPHIQL) lines.push(`  GraphiQL   ${base}/graphiql${key ? `#key=${key}` : ''}`);
  lines.push(`  API        ${base}/graphql   (HTTP, SSE, WebSocket)`);
  if (metrics) lines.push(`  Metrics    ${metrics}`);
  if (key) lines.push(`  Key        ${key}   (tenant demo, everything allowed)`);
  else lines.push('  Key        make one: npx argus key create --tenant <name> --name <what for>');
  lines.push('', '  Ctrl-C stops.\n');
  process.stdout.write(`${lines.join('\n')}\n`);
}
