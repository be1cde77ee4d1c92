import cluster from 'node:cluster';
import { fileURLToPath } from 'node:url';
import type { Command } from 'commander';
import { createApp } from '../app.ts';
import { demoKey } from '../demo/key.ts';
import { loadDemo } from '../demo/load.ts';
import type { Env } from '../env.ts';
import type { MetricsServer } from '../observe/metrics-server.ts';
import { serveHttp } from '../server/http.ts';
import { progressBar } from './progress.ts';
import { openRuntime, type Runtime } from './runtime.ts';
import { stopSignal } from './stop-signal.ts';
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
}

export function addServe(program: Command): void {
  program
    .command('serve')
    .description('Serve the API. Without DATABASE_URL: with an embedded PostgreSQL and demo data.')
    .option('-p, --port <port>', 'port to listen on (PORT)')
    .option('--host <host>', 'address to listen on (HOST)')
    .option('--workers <n>', 'processes that serve behind the port; 0: one for each core (WORKERS)')
    .option('--no-demo', 'do not load the demo tenant into the embedded database')
    .option('--migrate', 'apply pending migrations first; the embedded database always does')
    .action((options: ServeOptions) => (cluster.isWorker ? serveAsWorker(EXAMPLES) : serve(options)));
}

async function serve(options: ServeOptions): Promise<void> {
  const runtime = await openRuntime({ migrate: options.migrate, keep: true });
  const { log, server } = runtime;
  try {
    const { host, port, count } = whereToServe(options, runtime.env);
    const env = settingsOfOne(runtime.env, count);
    // The demo tells a story of the past, into which work at the present time would meddle.
    const app = await createApp({ databaseUrl: server.appUrl, env, log, jobs: false });
    try {
      const key = server.embedded && options.demo ? await prepareDemo(app.services) : null;
      app.startJobs();
      const workers =
        count === 1 ? null : await startWorkers({ count, databaseUrl: server.appUrl, env, host, port, log });
      const serving = workers ?? (await serveHttp(app, { host, port, examplesDir: EXAMPLES }));
      let metrics: MetricsServer | null = null;
      try {
        metrics = await serveOwnMetrics(app.services, workers?.now ?? null);
        announce(runtime, host, serving.port, count, key, metrics?.url);
        await Promise.race([stopSignal(), ...(workers ? [workers.lost] : [])]);
        log.info('stopping: running requests finish first');
      } finally {
        await metrics?.close();
        await serving.stop();
      }
    } finally {
      await app.close();
    }
  } finally {
    await server.stop();
  }
}

function whereToServe(options: ServeOptions, env: Env): { host: string; port: number; count: number } {
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
