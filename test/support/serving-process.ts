import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';

/** A free port of this machine, which a server that is restarted can have again. */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as { port: number };
  server.close();
  await once(server, 'close');
  return port;
}

/** `argus serve` in a process of its own, which can be killed and started again on the same port. */
export class ServingProcess {
  readonly port: number;
  readonly #env: Record<string, string>;
  #child: ChildProcess | undefined;
  #text = '';

  /** `urls`: of the database, as the application and as the owner */
  constructor(port: number, urls: { appUrl: string; ownerUrl: string }, env: Record<string, string> = {}) {
    this.port = port;
    this.#env = {
      NODE_ENV: 'test',
      DATABASE_URL: urls.appUrl,
      DATABASE_OWNER_URL: urls.ownerUrl,
      ARGUS_DIR: '.argus/test',
      LOG_LEVEL: 'error',
      DB_POOL_SIZE: '4',
      DB_POOL_OVERFLOW: '8',
      NODE_COMPILE_CACHE: '.argus/test/compile-cache',
      ...env,
    };
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}/graphql`;
  }

  /** what it printed: its log, when something is wrong */
  get text(): string {
    return this.#text;
  }

  /** Starts it, and waits until it serves. @throws Error with what it printed when it ends instead */
  async start(): Promise<void> {
    const child = spawn(process.execPath, ['src/main.ts', 'serve', '--port', String(this.port)], {
      env: { ...process.env, ...this.#env },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    this.#child = child;
    for (const stream of [child.stdout, child.stderr]) stream?.on('data', (chunk) => (this.#text += chunk));
    while (!(await this.#serves())) {
      if (child.exitCode !== null) throw new Error(`the server ended: ${this.#text}`);
      await sleep(50);
    }
  }

  #serves(): Promise<boolean> {
    return fetch(`http://127.0.0.1:${this.port}/livez`).then(
      ({ ok }) => ok,
      () => false,
    );
  }

  /** Ends it as a crash would, or with another signal, and waits until it is gone. */
  async kill(signal: NodeJS.Signals = 'SIGKILL'): Promise<void> {
    const child = this.#child;
    if (!child || child.exitCode !== null || child.signalCode !== null) return;
    child.kill(signal);
    await once(child, 'exit');
  }

  /** Resident memory in bytes. */
  get memory(): number {
    const status = readFileSync(`/proc/${this.#child?.pid}/status`, 'utf8');
    return Number(/^VmRSS:\s+(\d+)/m.exec(status)?.[1]) * 1024;
  }
}
