import { type ChildProcess, fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type pg from 'pg';
import type { Running } from './contender-process.ts';
import type { Measured, Message, Task } from './load/generator.ts';
import { cpuOf, forgetPeaks, peakMemory, treeOf } from './process-usage.ts';
import type { Request } from './scenario.ts';

/** One contender under one load for one round. */
export interface Sample extends Measured {
  /** requests a second */
  rate: number;
  /** milliseconds of CPU of the contender's processes for each request */
  serverCpu: number;
  /** milliseconds of CPU of its database backends for each request */
  databaseCpu: number;
  /** bytes of a body, on average */
  size: number;
  /** bytes: the most that its processes held during this load, added up */
  memory: number;
}

/** The process that makes the load. */
export class LoadGenerator {
  readonly #child: ChildProcess = fork(fileURLToPath(new URL('./load/generator.ts', import.meta.url)), {
    execArgv: [],
  });

  /** Runs a task; `onBegin` is called when warming up ends. */
  run(task: Task, onBegin: () => void): Promise<Measured> {
    return new Promise((resolve, reject) => {
      const ended = () => reject(new Error('the load generator ended'));
      const onMessage = (message: Message) => {
        if (message.type === 'begin') return onBegin();
        this.#child.off('message', onMessage).off('exit', ended);
        resolve(message.measured);
      };
      this.#child.on('message', onMessage).once('exit', ended);
      this.#child.send(task);
    });
  }

  stop(): void {
    this.#child.kill();
  }
}

/** Loads a contender and measures it, its memory and its database backends. Throws when it answers errors. */
export async function measure(
  load: LoadGenerator,
  owner: pg.Client,
  running: Running,
  requests: readonly Request[],
  stretch: Pick<Task, 'connections' | 'warmMs' | 'runMs'>,
): Promise<Sample> {
  const { port, headers, application } = running;
  const processes = treeOf(running.pid);
  forgetPeaks(processes);
  let server = 0;
  // Backends that begin during the load count from nothing; idle ones are not closed within it.
  let backends = new Map<number, number>();
  const bodies = requests.map((request) => JSON.stringify(request));
  const begin = async () => {
    server = sum(processes.map(cpuOf));
    backends = new Map((await backendsOf(owner, application)).map((pid) => [pid, cpuOf(pid)]));
  };
  let begun: Promise<void> | undefined;
  const measured = await load.run({ port, headers, bodies, ...stretch }, () => {
    begun = begin();
  });
  const serverUsed = sum(treeOf(running.pid).map(cpuOf)) - server;
  await begun;
  const used = (await backendsOf(owner, application)).map((pid) => cpuOf(pid) - (backends.get(pid) ?? 0));
  if (measured.errors > 0 || measured.requests === 0) {
    throw new Error(`${running.contender.name}: ${measured.errors} errors under load: ${measured.firstError}`);
  }
  return {
    ...measured,
    rate: (measured.requests / measured.ms) * 1000,
    serverCpu: serverUsed / measured.requests,
    databaseCpu: sum(used) / measured.requests,
    size: measured.bytes / measured.requests,
    memory: peakMemory(treeOf(running.pid)),
  };
}

async function backendsOf(owner: pg.Client, application: string): Promise<number[]> {
  const { rows } = await owner.query<{ pid: number }>('SELECT pid FROM pg_stat_activity WHERE application_name = $1', [
    application,
  ]);
  return rows.map(({ pid }) => pid);
}

const BATCHES = 3;
const BATCH = 4;

/**
 * Statements that the database runs for each request, BEGIN, SET and COMMIT among them. The median of some batches:
 * background work of an idle contender may fall into one.
 */
export async function countStatements(owner: pg.Client, running: Running, request: Request): Promise<number> {
  const calls = async () => {
    // What follows an answer, such as COMMIT, is let finish.
    await new Promise((resolve) => setTimeout(resolve, 20));
    const { rows } = await owner.query<{ calls: string }>(
      `SELECT sum(calls) AS calls FROM pg_stat_statements WHERE query NOT LIKE '%pg_stat_statements%'`,
    );
    return Number(rows[0]?.calls ?? 0);
  };
  const counts: number[] = [];
  for (let batch = 0; batch < BATCHES; batch++) {
    const before = await calls();
    for (let i = 0; i < BATCH; i++) await running.ask(request);
    counts.push(((await calls()) - before) / BATCH);
  }
  return counts.sort((a, b) => a - b)[Math.floor(BATCHES / 2)] ?? 0;
}

const sum = (numbers: readonly number[]) => numbers.reduce((total, number) => total + number, 0);
