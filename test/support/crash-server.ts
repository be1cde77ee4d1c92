import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, mkdtemp, readFile, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import pg from 'pg';
import { dropEmbedded, type EmbeddedServer, startEmbedded } from '../../src/data/embedded.ts';

/** What can be killed: the server process, PostgreSQL's main process, one of its backends, both main processes. */
export const VICTIMS = ['server', 'postmaster', 'backend', 'both'] as const;
export type Victim = (typeof VICTIMS)[number];

/** `argus serve` with its embedded database, in processes of their own, to be killed and started again. */
export class CrashServer {
  readonly url: string;
  readonly ownerUrl: string;
  readonly #dir: string;
  readonly #port: number;
  readonly #database: EmbeddedServer;
  #child: ChildProcess | undefined;
  /** what the server printed */
  printed = '';

  private constructor(dir: string, port: number, database: EmbeddedServer) {
    this.#dir = dir;
    this.#port = port;
    this.#database = database;
    this.url = `http://127.0.0.1:${port}/graphql`;
    this.ownerUrl = database.adminUrl.replace(/\/postgres$/, '/argus');
  }

  /** Makes a folder with a database, and serves it. */
  static async start(): Promise<CrashServer> {
    const dir = await mkdtemp(join(tmpdir(), 'argus-crash-'));
    // The database's own account has to pass.
    await chmod(dir, 0o755);
    const server = new CrashServer(dir, await freePort(), await startEmbedded({ dir }));
    await server.#serve();
    return server;
  }

  /** A tenant; gives its key. */
  async tenant(slug: string): Promise<string> {
    const args = ['src/main.ts', 'tenant', 'create', slug, '--email', `owner@${slug}.example`];
    const { stdout } = await promisify(execFile)(process.execPath, args, { env: this.#environment() });
    const [key] = /argus_\S+/.exec(stdout) ?? [];
    if (key === undefined) throw new Error(`no key: ${stdout}`);
    return key;
  }

  async #serve(): Promise<void> {
    const child = spawn(process.execPath, ['src/main.ts', 'serve', '--no-demo'], {
      env: this.#environment(),
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    this.#child = child;
    const up = new Promise<void>((resolve, reject) => {
      const take = (chunk: Buffer) => {
        this.printed = (this.printed + chunk).slice(-20_000);
        if (chunk.includes('Argus is up')) resolve();
      };
      child.stdout.on('data', take);
      child.stderr.on('data', take);
      child.once('exit', (code, signal) => reject(new Error(`the server ended (${signal ?? code}): ${this.printed}`)));
    });
    await up;
  }

  #environment(): NodeJS.ProcessEnv {
    const { DATABASE_URL: _, ...inherited } = process.env;
    const own = { ARGUS_DIR: this.#dir, PORT: String(this.#port), HOST: '127.0.0.1', NODE_ENV: 'development' };
    return {
      ...inherited,
      ...own,
      LOG_LEVEL: 'warn',
      BUDGET_PER_KEY: '0',
      WEBHOOK_ALLOW_PRIVATE: 'true',
      NODE_COMPILE_CACHE: join(this.#dir, 'compiled'),
    };
  }

  /** Kills, and starts again at once what does not start again by itself. */
  async kill(victim: Victim): Promise<void> {
    if (victim === 'backend') return this.#killBackend();
    if (victim !== 'server') process.kill(await this.#postmaster(), 'SIGKILL');
    if (victim === 'postmaster') return;
    const child = this.#child;
    const ended = child && once(child.removeAllListeners('exit'), 'exit');
    child?.kill('SIGKILL');
    await ended;
    await this.#serve();
  }

  async #killBackend(): Promise<void> {
    const client = new pg.Client({ connectionString: this.ownerUrl });
    client.on('error', () => {});
    await client.connect();
    const { rows } = await client.query<{ pid: number }>(
      `SELECT pid FROM pg_stat_activity WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()
       ORDER BY state = 'idle', random() LIMIT 1`,
    );
    // All other backends are ended too then, this one among them.
    for (const { pid } of rows) process.kill(pid, 'SIGKILL');
    await client.end().catch(() => {});
  }

  async #postmaster(): Promise<number> {
    return Number((await readFile(join(this.#database.dataDir, 'postmaster.pid'), 'utf8')).split('\n')[0]);
  }

  /** Ends the server as an operator does; the database stays, to be looked at. */
  async stopServing(): Promise<void> {
    const child = this.#child;
    if (!child || child.exitCode !== null) return;
    const ended = once(child.removeAllListeners('exit'), 'exit');
    child.kill('SIGTERM');
    await ended;
  }

  async remove(): Promise<void> {
    this.#child?.removeAllListeners('exit').kill('SIGKILL');
    await this.#database.stop('immediate').catch(() => {});
    await dropEmbedded(this.#dir);
    await rm(this.#dir, { recursive: true, force: true });
  }
}

async function freePort(): Promise<number> {
  const probe = createServer().listen(0, '127.0.0.1');
  await once(probe, 'listening');
  const { port } = probe.address() as { port: number };
  probe.close();
  await once(probe, 'close');
  return port;
}
