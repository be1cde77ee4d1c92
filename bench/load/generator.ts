// The load: a process of its own, so that its CPU does not count as the server's. Tasks come by IPC, one at a time.
import { Client, type Dispatcher } from 'undici';
import type { Measured, Message, Task } from './task.ts';

/** What an answer of no use says: errors, or no bug where one was made. */
const FAILED = /"errors"|"bug":null/;
/**
 * Answers are searched for errors one in so many times: searching all would cost more than receiving them. A prime, so
 * that each body's answer gets its turn.
 */
const LOOK_EVERY = 47;
const PROGRESS_MS = 1000;

class Run {
  readonly #task: Task;
  readonly #bodies: Buffer[];
  readonly #latencies: number[] = [];
  #next = 0;
  #measuring = false;
  #stopped = false;
  #bytes = 0;
  #errors = 0;
  #firstError: string | null = null;

  constructor(task: Task) {
    this.#task = task;
    this.#bodies = task.bodies.map((body) => Buffer.from(body));
  }

  async run(): Promise<Measured> {
    const { connections, port, warmMs, runMs } = this.#task;
    const clients = Array.from({ length: connections }, () => new Client(`http://127.0.0.1:${port}`));
    const loops = clients.map((client) => this.#loop(client));
    await pause(warmMs);
    tell({ type: 'begin' });
    this.#measuring = true;
    const start = performance.now();
    const progress = setInterval(() => tell({ type: 'progress', requests: this.#latencies.length }), PROGRESS_MS);
    await pause(runMs);
    this.#measuring = false;
    clearInterval(progress);
    const ms = performance.now() - start;
    tell({ type: 'over' });
    this.#stopped = true;
    await Promise.all(loops);
    await Promise.all(clients.map((client) => client.close()));
    return this.#result(ms);
  }

  async #loop(client: Client): Promise<void> {
    while (!this.#stopped) {
      const number = this.#next++;
      const start = performance.now();
      const { status, bytes, text } = await this.#send(client, number);
      if (!this.#measuring) continue;
      this.#latencies.push(performance.now() - start);
      this.#bytes += bytes;
      if (status === 200 && (text === null || !FAILED.test(text))) continue;
      this.#errors++;
      this.#firstError ??= `${status}: ${text?.slice(0, 300) ?? ''}`;
    }
  }

  #send(client: Client, number: number): Promise<{ status: number; bytes: number; text: string | null }> {
    const look = number % LOOK_EVERY === 0;
    const options: Dispatcher.DispatchOptions = {
      path: '/graphql',
      method: 'POST',
      headers: this.#task.headers,
      body: this.#bodies[number % this.#bodies.length] ?? null,
    };
    return new Promise((resolve) => {
      let status = 0;
      let bytes = 0;
      let text: string | null = null;
      client.dispatch(options, {
        onRequestStart() {},
        onResponseStart(_, code) {
          status = code;
        },
        onResponseData(_, chunk) {
          bytes += chunk.length;
          if (look || status !== 200) text = (text ?? '') + chunk.toString();
        },
        onResponseEnd: () => resolve({ status, bytes, text }),
        onResponseError: (_, error) => resolve({ status: 0, bytes, text: error.message }),
      });
    });
  }

  #result(ms: number): Measured {
    const sorted = Float64Array.from(this.#latencies).sort();
    const at = (share: number) => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0;
    return {
      requests: sorted.length,
      errors: this.#errors,
      firstError: this.#firstError,
      bytes: this.#bytes,
      ms,
      p50: at(0.5),
      p95: at(0.95),
      p99: at(0.99),
    };
  }
}

const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));
const tell = (message: Message) => process.send?.(message);

process.on('message', (task: Task) => {
  void new Run(task).run().then((measured) => tell({ type: 'end', measured }));
});
