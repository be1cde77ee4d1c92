import cluster, { type Worker } from 'node:cluster';
import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import { availableParallelism } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Env, poolShare } from '../env.ts';
import { budgetShare } from '../env-limits.ts';
import type { Log } from '../log.ts';

/** How long a worker may take to end, in milliseconds. */
const LATEST_END_MS = 20_000;
const MAX_WORKERS = 64;
const FIRST_WAIT_MS = 250;
const LAST_WAIT_MS = 10_000;
/** A worker that ends within this time of listening ended right after its start. */
const STEADY_MS = 10_000;
/** So many ends in a row right after a start, while nobody serves, and the server gives up. */
const MAX_FAILURES = 5;

/** The message that tells a worker to stop. */
export const STOP = 'stop';

/** The worker processes behind one port, for as long as the server runs. */
export interface Workers {
  port: number;
  /** those that serve; one that replaces another has its place, from 1 */
  now(): readonly { worker: Worker; place: number }[];
  /** rejects when one after another ended right after its start and none serves any more */
  lost: Promise<never>;
  /** lets every worker finish as it does at SIGTERM, and resolves when all have ended */
  stop(): Promise<void>;
}

/**
 * How many processes are to serve: `--workers`, else WORKERS, where 0 is one for each core that this process may use.
 * @throws Error when the option is not a whole number from 0 to 64
 */
export function workerCount(option: string | undefined, env: Pick<Env, 'WORKERS'>): number {
  if (option !== undefined && !(/^\d{1,2}$/.test(option) && Number(option) <= MAX_WORKERS))
    throw new Error(`--workers ${option}: a whole number from 0 to ${MAX_WORKERS} is allowed; 0 is one for each core`);
  const wanted = option === undefined ? env.WORKERS : Number(option);
  return wanted === 0 ? Math.min(availableParallelism(), MAX_WORKERS) : wanted;
}

/** What each process of several takes from the settings: its share of the pools and of the budgets. */
export function settingsOfOne(env: Env, count: number): Env {
  return count === 1 ? env : { ...env, ...poolShare(env, count), ...budgetShare(env, count) };
}

/**
 * Starts workers that share a listening socket, and replaces each that ends. They are this command run again: what it
 * knows of the database, the address and the pools reaches them through their environment.
 *
 * The start succeeds for all of them or not at all. Later a worker that ended after a while is replaced at once, and
 * one that ended right after its start after a wait that doubles from 0.25 s to 10 s.
 *
 * @param port 0 for a free one
 * @throws Error when a worker ends before it listens, as it does when the port is in use; it has told why itself
 */
export async function startWorkers(options: {
  count: number;
  databaseUrl: string;
  env: Env;
  host: string;
  port: number;
  log: Log;
}): Promise<Workers> {
  const { count, env, host, log } = options;
  const port = options.port === 0 ? await freePort(host) : options.port;
  const environment = {
    DATABASE_URL: options.databaseUrl,
    DB_POOL_SIZE: String(env.DB_POOL_SIZE),
    DB_POOL_OVERFLOW: String(env.DB_POOL_OVERFLOW),
    BUDGET_PER_KEY: String(env.BUDGET_PER_KEY),
    BUDGET_PER_TENANT: String(env.BUDGET_PER_TENANT),
    BUDGET_PER_ADDRESS: String(env.BUDGET_PER_ADDRESS),
    HOST: host,
    PORT: String(port),
  };
  cluster.setupPrimary({ args: ['serve'] });
  const lives = new Set<Life>();
  const stopping = new AbortController();
  const begin = (place: number) => beginLife(environment, place, lives, log);
  const nobodyServes = () => lives.values().every((life) => !life.listens);
  const lost = Promise.withResolvers<never>();
  // Nobody waits for it until the start is over.
  lost.promise.catch(() => {});
  const start = async (place: number) => {
    const life = begin(place);
    await life.listening;
    keep(life, { begin, nobodyServes, log, signal: stopping.signal }).catch(lost.reject);
  };
  const stop = async () => {
    stopping.abort();
    const left = [...lives];
    // One that has just ended takes no message, and needs none.
    for (const { worker } of left) worker.send(STOP, () => {});
    // Running requests get ten seconds; one that holds its event loop would keep all others from ending.
    const late = setTimeout(() => left.forEach(({ worker }) => void worker.process.kill('SIGKILL')), LATEST_END_MS);
    await Promise.all(left.map((life) => life.ended));
    clearTimeout(late);
  };
  try {
    // What keeps one from starting keeps all: the first one tells of it, once.
    await start(1);
    await Promise.all(Array.from({ length: count - 1 }, (_, i) => start(i + 2)));
  } catch (error) {
    await stop();
    throw error;
  }
  return { port, now: () => [...lives].filter(({ listens }) => listens), lost: lost.promise, stop };
}

/** One worker process, from its fork to its end. */
interface Life {
  worker: Worker;
  place: number;
  listens: boolean;
  /** rejects when it ends before */
  listening: Promise<void>;
  ended: Promise<Ending>;
}

interface Ending {
  code: number | null;
  signal: string | null;
  /** how long it listened; null when it never did */
  servedMs: number | null;
}

function beginLife(environment: Record<string, string>, place: number, lives: Set<Life>, log: Log): Life {
  const worker = cluster.fork(environment);
  const { pid } = worker.process;
  let since: number | null = null;
  const ended = new Promise<Ending>((resolve) => {
    const end = (code: number | null, signal: string | null) => {
      lives.delete(life);
      resolve({ code, signal, servedMs: since === null ? null : Math.round(performance.now() - since) });
    };
    worker.once('exit', end);
    // Without a process there is no exit; a message that could not be sent is followed by one.
    worker.on('error', (error) => {
      log.error({ err: error, worker: pid }, 'a worker cannot be started or reached');
      if (pid === undefined) end(null, null);
    });
  });
  const listening = new Promise<void>((resolve, reject) => {
    worker.once('listening', () => {
      since = performance.now();
      life.listens = true;
      log.info({ worker: pid }, 'a worker listens');
      resolve();
    });
    void ended.then((ending) => reject(new Error(`a worker could not start: it ended ${inWords(ending)}`)));
  });
  // A replacement's failure is told by its end.
  listening.catch(() => {});
  const life: Life = { worker, place, listens: false, listening, ended };
  lives.add(life);
  return life;
}

/** Replaces a worker whenever it ends, until the signal says stop. Throws when it gives up. */
async function keep(
  first: Life,
  options: { begin: (place: number) => Life; nobodyServes: () => boolean; log: Log; signal: AbortSignal },
): Promise<void> {
  const { begin, nobodyServes, log, signal } = options;
  let life = first;
  for (let failures = 0; ; ) {
    const ending = await life.ended;
    if (signal.aborted) return;
    failures = (ending.servedMs ?? 0) >= STEADY_MS ? 0 : failures + 1;
    if (failures >= MAX_FAILURES && nobodyServes())
      throw new Error(
        `no worker serves any more: one ended right after its start ${failures} times in a row, at last ${inWords(ending)}`,
      );
    const waitMs = failures === 0 ? 0 : Math.min(FIRST_WAIT_MS * 2 ** (failures - 1), LAST_WAIT_MS);
    const level = ending.code === 0 ? 'info' : 'error';
    log[level]({ worker: life.worker.process.pid, ...ending, waitMs }, 'a worker ended: another takes its place');
    await sleep(waitMs, undefined, { signal }).catch(() => {});
    if (signal.aborted) return;
    life = begin(life.place);
  }
}

function inWords({ code, signal }: Ending): string {
  return signal ? `by ${signal}` : `with exit code ${code ?? 'unknown'}`;
}

/**
 * A port that is free now. Were each worker to listen on 0, those that replace workers which all ended at once would
 * listen on another port than the one announced.
 */
async function freePort(host: string): Promise<number> {
  const probe = createServer().listen(0, host);
  await once(probe, 'listening');
  const { port } = probe.address() as AddressInfo;
  probe.close();
  await once(probe, 'close');
  return port;
}
