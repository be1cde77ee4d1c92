import { type ChildProcess, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { createServer } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Contender } from './contender.ts';
import type { BenchDatabase } from './database.ts';
import type { Request } from './scenario.ts';

/** Connections of each contender's pool, all its processes together, and of Argus's second one, for writes. */
export const POOL_SIZE = 20;
const START_MS = 60_000;

/** A contender that answers. */
export interface Running {
  contender: Contender;
  database: BenchDatabase;
  pid: number;
  port: number;
  headers: Readonly<Record<string, string>>;
  /** what its connections are called in pg_stat_activity */
  application: string;
  /** Asks once and gives what came, as text. */
  ask(request: Request): Promise<string>;
  stop(): Promise<void>;
}

const living = new Set<ChildProcess>();
// One that is left behind would go on reading the database of the next run.
process.once('exit', () => {
  for (const child of living) child.kill('SIGKILL');
});

/** Starts a contender and waits until it answers. Throws with the end of its output when it does not. */
export async function start(contender: Contender, database: BenchDatabase, nodeArgs: readonly string[] = []) {
  const port = await freePort();
  const application = `bench-${contender.name}`;
  const child = spawn(process.execPath, [...nodeArgs, ...contender.command], {
    env: environment(contender, database, port, application),
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  living.add(child);
  child.once('exit', () => living.delete(child));
  let output = '';
  const gather = (chunk: Buffer) => {
    output = (output + chunk.toString()).slice(-4_000);
  };
  child.stdout.on('data', gather);
  child.stderr.on('data', gather);
  const running: Running = {
    contender,
    database,
    pid: child.pid ?? 0,
    port,
    headers: {
      'content-type': 'application/json',
      ...(contender.dialect === 'argus' ? { authorization: `Bearer ${database.key}` } : {}),
    },
    application,
    ask: (request) => ask(running, request),
    stop: () => stop(child),
  };
  const deadline = performance.now() + START_MS;
  while (performance.now() < deadline && child.exitCode === null) {
    const answered = await fetch(`http://127.0.0.1:${port}/`).catch(() => null);
    if (answered) {
      await answered.arrayBuffer();
      return running;
    }
    await sleep(100);
  }
  await stop(child);
  throw new Error(`${contender.name} does not answer:\n${output}`);
}

function environment(contender: Contender, database: BenchDatabase, port: number, application: string) {
  const url = new URL(contender.role === 'app' ? database.appUrl : database.ownerUrl);
  url.searchParams.set('application_name', application);
  // Argus and PostGraphile set the tenant in each transaction; without row-level security only functions read it.
  if (contender.role === 'owner') url.searchParams.set('options', `-c app.tenant_id=${database.tenantId}`);
  return {
    PATH: process.env.PATH,
    NODE_ENV: 'production',
    GRAPHILE_ENV: 'production',
    PORT: String(port),
    HOST: '127.0.0.1',
    DATABASE_URL: url.href,
    DATABASE_OWNER_URL: database.ownerUrl,
    TENANT_ID: database.tenantId,
    DB_POOL_SIZE: String(Math.ceil(POOL_SIZE / contender.processes)),
    DB_POOL_OVERFLOW: '0',
    ENCRYPTION_KEYS: `bench:${randomBytes(32).toString('base64')}`,
    LOG_LEVEL: 'error',
    // More is asked in a minute than any budget gives.
    BUDGET_PER_KEY: '0',
    BUDGET_PER_TENANT: '0',
    ...contender.env,
  };
}

async function ask({ port, headers, contender }: Running, request: Request): Promise<string> {
  const response = await fetch(`http://127.0.0.1:${port}/graphql`, {
    method: 'POST',
    headers,
    body: JSON.stringify(request),
  });
  const text = await response.text();
  if (!response.ok || text.includes('"errors"')) {
    throw new Error(`${contender.name} answers ${response.status} to ${request.query}: ${text.slice(0, 600)}`);
  }
  return text;
}

async function stop(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = new Promise((resolve) => child.once('exit', resolve));
  child.kill('SIGTERM');
  const late = setTimeout(() => child.kill('SIGKILL'), 12_000);
  await ended;
  clearTimeout(late);
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer().once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      server.close(() => resolve(typeof address === 'object' && address ? address.port : 0));
    });
  });
}
