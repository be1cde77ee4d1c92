import { setTimeout as sleep } from 'node:timers/promises';
import { connectSse, connectWebSocket, LogSubscriber } from './log-subscriber.ts';
import { randomOf } from './random.ts';
import { freePort, ServingProcess } from './serving-process.ts';

export interface ExactlyOnceOptions {
  urls: { appUrl: string; ownerUrl: string };
  /** API keys, among which the subscribers are divided */
  keys: readonly string[];
  subscribers: number;
  kills: number;
  /** of the kills, those of a server process */
  serverKills: number;
  /** the writer stops after so many events at the latest */
  events: number;
  seed: number;
  /** milliseconds between two kills, on average */
  everyMs: number;
  /** `type aggregateId` of every event of the log, in its order */
  readLog: () => Promise<string[]>;
}

export interface ExactlyOnceResult {
  events: number;
  deliveries: number;
  kills: { clients: number; sockets: number; servers: number };
  seconds: number;
  /** none, or something was lost, doubled or out of order */
  faults: string[];
}

/**
 * Subscribers over both transports on two server processes, a writer that does not pause, and kills of clients, sockets
 * and servers at random. Each subscriber goes on from its last event: what it got has to be the log.
 */
export async function exactlyOnce(options: ExactlyOnceOptions): Promise<ExactlyOnceResult> {
  const begun = performance.now();
  const servers = await Promise.all([0, 1].map(async () => new ServingProcess(await freePort(), options.urls)));
  await Promise.all(servers.map((server) => server.start()));
  const urls = servers.map(({ url }) => url);
  const subscribers = Array.from({ length: options.subscribers }, (_, i) => {
    const key = options.keys[i % options.keys.length] ?? '';
    return new LogSubscriber(i % 2 ? connectSse : connectWebSocket, urls, key);
  });
  try {
    for (const subscriber of subscribers) subscriber.start();
    const writing = { on: true, events: 0 };
    const writers = Array.from({ length: WRITERS }, () => write(urls, options, writing));
    const kills = await killAtRandom(options, servers, subscribers);
    writing.on = false;
    await Promise.all(writers);
    const log = await options.readLog();
    await caughtUp(subscribers, log.length);
    const faults = subscribers.flatMap((subscriber, i) => faultsOf(subscriber, log).map((text) => `${i}: ${text}`));
    const deliveries = subscribers.reduce((sum, { received }) => sum + received.length, 0);
    return { events: log.length, deliveries, kills, seconds: (performance.now() - begun) / 1_000, faults };
  } finally {
    for (const subscriber of subscribers) subscriber.stop();
    await Promise.all(servers.map((server) => server.kill('SIGKILL')));
  }
}

/** Who write at the same time. */
const WRITERS = 4;

/** Changes one after the other without a pause, through whichever server answers. */
async function write(
  urls: readonly string[],
  { keys, events }: ExactlyOnceOptions,
  writing: { on: boolean; events: number },
) {
  const headers = { 'content-type': 'application/json', authorization: `Bearer ${keys[0]}` };
  const body = JSON.stringify({ query: 'mutation { openCase(input: { title: "x" }) { eventSeq } }' });
  for (let turn = 0; writing.on && writing.events < events; turn++) {
    const url = urls[turn % urls.length] ?? '';
    const answer = await fetch(url, { method: 'POST', headers, body }).then(
      (response) => response.json(),
      () => null,
    );
    const seq = (answer as { data?: { openCase: { eventSeq: number } } } | null)?.data?.openCase.eventSeq;
    if (seq === undefined) await sleep(20);
    else writing.events++;
  }
}

async function killAtRandom(options: ExactlyOnceOptions, servers: ServingProcess[], subscribers: LogSubscriber[]) {
  const next = randomOf(options.seed);
  const kills = { clients: 0, sockets: 0, servers: 0 };
  const every = Math.floor(options.kills / Math.max(1, options.serverKills));
  let restarting: Promise<void> = Promise.resolve();
  for (let n = 1; n <= options.kills; n++) {
    await sleep(next() * 2 * options.everyMs);
    if (n % every === 0 && kills.servers < options.serverKills) {
      // The other one is up again before this one goes: subscribers have somewhere to go.
      await restarting;
      const server = servers[kills.servers++ % servers.length];
      await server?.kill();
      restarting = server?.start() ?? restarting;
      continue;
    }
    const subscriber = subscribers[Math.floor(next() * subscribers.length)];
    if (next() < 0.5) {
      kills.clients++;
      subscriber?.crash();
    } else {
      kills.sockets++;
      subscriber?.breakOff();
    }
  }
  await restarting;
  return kills;
}

/** Waits until all have the last event, or nobody gets anything any more. */
async function caughtUp(subscribers: readonly LogSubscriber[], last: number): Promise<void> {
  const total = () => subscribers.reduce((sum, one) => sum + one.received.length, 0);
  let before = -1;
  for (let idle = 0; idle < 40; idle = total() === before ? idle + 1 : 0) {
    if (subscribers.every((one) => one.last >= last)) return;
    before = total();
    await sleep(500);
  }
}

function faultsOf({ received, faults }: LogSubscriber, log: readonly string[]): string[] {
  const wrong = received.findIndex(({ seq, what }, i) => seq !== i + 1 || what !== log[i]);
  const missing = received.length === log.length ? [] : [`has ${received.length} events of ${log.length}`];
  return [
    ...faults,
    ...missing,
    ...(wrong < 0 ? [] : [`at ${wrong + 1} it has ${JSON.stringify(received[wrong])}, not ${log[wrong]}`]),
  ];
}
