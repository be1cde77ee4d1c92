import { fileURLToPath } from 'node:url';
import type { Command } from 'commander';
import { createApp } from '../app.ts';
import { demoKey } from '../demo/key.ts';
import { loadDemo } from '../demo/load.ts';
import { serveHttp } from '../server/http.ts';
import { progressBar } from './progress.ts';
import { openRuntime, type Runtime } from './runtime.ts';

const EXAMPLES = fileURLToPath(new URL('../../examples/queries', import.meta.url));

interface ServeOptions {
  port?: string;
  host?: string;
  demo: boolean;
  migrate?: boolean;
}

export function addServe(program: Command): void {
  program
    .command('serve')
    .description('Serve the API. Without DATABASE_URL: with an embedded PostgreSQL and demo data.')
    .option('-p, --port <port>', 'port to listen on (PORT)')
    .option('--host <host>', 'address to listen on (HOST)')
    .option('--no-demo', 'do not load the demo tenant into the embedded database')
    .option('--migrate', 'apply pending migrations first; the embedded database always does')
    .action(serve);
}

async function serve(options: ServeOptions): Promise<void> {
  const runtime = await openRuntime({ migrate: options.migrate });
  const { env, log, server } = runtime;
  try {
    // The demo tells a story of the past, into which work at the present time would meddle.
    const app = await createApp({ databaseUrl: server.appUrl, env, log, jobs: false });
    try {
      const key = server.embedded && options.demo ? await prepareDemo(app.services) : null;
      app.startJobs();
      const port = options.port === undefined ? env.PORT : Number(options.port);
      if (!Number.isInteger(port) || port < 0 || port > 65_535)
        throw new Error(`--port ${options.port}: a port is a number from 0 to 65535`);
      const host = options.host ?? env.HOST;
      const http = await serveHttp(app, { host, port, examplesDir: EXAMPLES });
      announce(runtime, host, http.port, key);
      await stopSignal();
      log.info('stopping: running requests finish first');
      await http.stop();
    } finally {
      await app.close();
    }
  } finally {
    await server.stop();
  }
}

async function prepareDemo(services: Parameters<typeof loadDemo>[0]): Promise<string> {
  const bar = progressBar('demo data');
  const { tenantId } = await loadDemo(services, { onProgress: (done, total) => bar.update(done, total) });
  bar.stop();
  return demoKey(services, tenantId);
}

function announce({ env, server }: Runtime, host: string, port: number, key: string | null): void {
  const reachable = ['0.0.0.0', '::'].includes(host) ? 'localhost' : host;
  const base = `http://${reachable.includes(':') ? `[${reachable}]` : reachable}:${port}`;
  const lines = [`\n  Argus is up${server.version ? ` on PostgreSQL ${server.version}` : ''}.\n`];
  if (env.GRAPHIQL) lines.push(`  GraphiQL   ${base}/graphiql${key ? `#key=${key}` : ''}`);
  lines.push(`  API        ${base}/graphql   (HTTP, SSE, WebSocket)`);
  if (key) lines.push(`  Key        ${key}   (tenant demo, everything allowed)`);
  else lines.push('  Key        make one: npx argus key create --tenant <name> --name <what for>');
  lines.push('', '  Ctrl-C stops.\n');
  process.stdout.write(`${lines.join('\n')}\n`);
}

/** Resolves at the first SIGINT or SIGTERM; a second one ends the process at once. */
function stopSignal(): Promise<void> {
  return new Promise((resolve) => {
    let stopping = false;
    const onSignal = () => {
      if (stopping) process.exit(130);
      stopping = true;
      resolve();
    };
    process.on('SIGINT', onSignal);
    process.on('SIGTERM', onSignal);
  });
}
