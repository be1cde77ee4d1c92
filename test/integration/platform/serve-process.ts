import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { expect } from 'vitest';
import type { TestApp } from '../../support/app.ts';

/** One line of the server's log; `worker` is the process that wrote it, undefined for the first one. */
export interface LogLine {
  msg: string;
  worker?: number;
  statement?: string;
  code?: number | null;
  signal?: string | null;
  waitMs?: number;
}

/** `argus serve` as a user runs it, in processes of its own. */
export interface ServeProcess {
  child: ChildProcess;
  /** once it has announced itself */
  url(): Promise<string>;
  log(): LogLine[];
  /** everything that was printed */
  text(): string;
  /** process ids of the workers that listen */
  workers(): number[];
  /** exit code and signal */
  ended: Promise<[number | null, NodeJS.Signals | null]>;
}

/** Runs `argus serve` over a test's database; every statement is logged, which tells the worker that ran it. */
export function serveProcess(t: TestApp, args: string[], env: Record<string, string> = {}): ServeProcess {
  const child = spawn(process.execPath, ['src/main.ts', 'serve', ...args], {
    env: {
      ...process.env,
      // The tests tell processes apart by the statements that they log.
      RESULT_CACHE_MB: '0',
      NODE_ENV: 'test',
      DATABASE_URL: t.database.appUrl,
      DATABASE_OWNER_URL: t.database.ownerUrl,
      ARGUS_DIR: '.argus/test',
      PORT: '0',
      LOG_LEVEL: 'info',
      SLOW_STATEMENT_MS: '0',
      DB_POOL_SIZE: '2',
      // A process starts in half the time.
      NODE_COMPILE_CACHE: '.argus/test/compile-cache',
      ...env,
    },
    stdio: ['ignore', 'pipe', 'pipe'],
    // A process group of its own, to which a signal can be sent as a terminal does at Ctrl-C.
    detached: true,
  });
  let text = '';
  child.stdout?.on('data', (chunk) => (text += chunk));
  child.stderr?.on('data', (chunk) => (text += chunk));
  const ended = once(child, 'close') as ServeProcess['ended'];
  const log = () =>
    text
      .slice(0, text.lastIndexOf('\n') + 1)
      .split('\n')
      .flatMap((line) => (line.startsWith('{') ? [JSON.parse(line) as LogLine] : []));
  return {
    child,
    ended,
    log,
    text: () => text,
    url: async () => {
      const found = () => /API +(http:\S+)/.exec(text)?.[1] ?? '';
      const announced = async () => {
        while (found() === '') await new Promise((resolve) => setTimeout(resolve, 20));
      };
      await Promise.race([announced(), ended.then(() => expect.fail(`the server ended: ${text}`))]);
      return found();
    },
    workers: () => {
      const left = new Set<number>();
      for (const { msg, worker } of log()) {
        if (worker === undefined) continue;
        if (msg === 'a worker listens') left.add(worker);
        if (msg.startsWith('a worker ended')) left.delete(worker);
      }
      return [...left];
    },
  };
}

/** Whether a process with this id runs. */
export function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}
