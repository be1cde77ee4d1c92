import { type ChildProcess, fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { Running } from './contender-process.ts';
import type { Measured, Message, Task } from './load/task.ts';
import { cpuOf, forgetPeaks, memoryOf, treeOf } from './process-usage.ts';
import type { Sample } from './sample.ts';
import type { Request } from './scenario.ts';

/** What is told while a load runs: when what is measured begins and is over, and how many requests ended since. */
export interface Listener {
  onBegin?: () => void;
  onProgress?: (requests: number) => void;
  onOver?: () => void;
}

/** The process that makes the load. */
export class LoadGenerator {
  readonly #child: ChildProcess = fork(fileURLToPath(new URL('./load/generator.ts', import.meta.url)), {
    execArgv: [],
  });

  /** Runs a task, one at a time. Rejects when the process ends before it. */
  run(task: Task, { onBegin, onProgress, onOver }: Listener = {}): Promise<Measured> {
    return new Promise((resolve, reject) => {
      const ended = () => reject(new Error('the load generator ended'));
      const onMessage = (message: Message) => {
        if (message.type === 'begin') onBegin?.();
        else if (message.type === 'progress') onProgress?.(message.requests);
        else if (message.type === 'over') onOver?.();
        else {
          this.#child.off('message', onMessage).off('exit', ended);
          resolve(message.measured);
        }
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
  running: Running,
  requests: readonly Request[],
  stretch: Pick<Task, 'connections' | 'warmMs' | 'runMs'>,
): Promise<Sample> {
  const { pid, port, headers } = running;
  forgetPeaks(treeOf(pid));
  // Listed before and after the load: asking while it begins would take long. A backend that is new counts from nothing.
  const early = await backendsOf(running);
  const server = { begin: 0, over: 0 };
  const backends = { begin: new Map<number, number>(), over: new Map<number, number>() };
  const bodies = requests.map((request) => JSON.stringify(request));
  const measured = await load.run(
    { port, headers, bodies, ...stretch },
    {
      onBegin() {
        server.begin = sum(treeOf(pid).map(cpuOf));
        backends.begin = usedBy(early);
      },
      // Not when the last answer has come: what is under way now does not count among the requests.
      onOver() {
        server.over = sum(treeOf(pid).map(cpuOf));
        backends.over = usedBy(early);
      },
    },
  );
  if (measured.errors > 0 || measured.requests === 0) {
    throw new Error(`${running.contender.name}: ${measured.errors} errors under load: ${measured.firstError}`);
  }
  const used = (await backendsOf(running)).map(
    (backend) => (backends.over.get(backend) ?? cpuOf(backend)) - (backends.begin.get(backend) ?? 0),
  );
  return {
    ...measured,
    rate: (measured.requests / measured.ms) * 1000,
    serverCpu: (server.over - server.begin) / measured.requests,
    databaseCpu: sum(used) / measured.requests,
    size: measured.bytes / measured.requests,
    memory: memoryOf(treeOf(pid), 'VmHWM'),
  };
}

const usedBy = (pids: readonly number[]) => new Map(pids.map((pid) => [pid, cpuOf(pid)]));

/** Process ids of the database backends that serve a contender. */
export async function backendsOf({ application, database }: Running): Promise<number[]> {
  const { rows } = await database.owner.query<{ pid: number }>(
    'SELECT pid FROM pg_stat_activity WHERE application_name = $1',
    [application],
  );
  return rows.map(({ pid }) => pid);
}

const BATCHES = 3;
const BATCH = 4;

/**
 * Statements that the database runs for each request, BEGIN, SET and COMMIT among them. The median of some batches:
 * background work of an idle contender may fall into one.
 */
export async function countStatements(running: Running, request: Request): Promise<number> {
  const calls = async () => {
    // What follows an answer, such as COMMIT, is let finish.
    await new Promise((resolve) => setTimeout(resolve, 20));
    const { rows } = await running.database.owner.query<{ calls: string }>(
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
