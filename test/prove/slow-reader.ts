/**
 * A reader that stops while events pass, and very many subscribers to whom little happens:
 * `npm run prove -- slow-reader [events] [subscribers] [tenants] [seconds]`.
 * Takes DATABASE_URL's server, or one of its own.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { withWrite } from '../../src/data/write.ts';
import { connectSse, connectWebSocket, type LogConnection } from '../support/log-subscriber.ts';
import { type ProveTenant, proveWorld } from '../support/prove-world.ts';
import { freePort, ServingProcess } from '../support/serving-process.ts';
import { percentile, SlowReader } from '../support/slow-reader.ts';

const [events = 10_000, subscribers = 2_000, tenants = 20, seconds = 20] = process.argv.slice(2).map(Number);
const PAYLOAD_BYTES = 5_000;
const EVENTS_A_SECOND = 50;
/** Events of one write, so that the writer is not what is measured. */
const EVENTS_A_WRITE = 5;
const MB = 2 ** 20;
/** What the process may grow by while somebody takes nothing: his queue, the end of the log, and what else it does. */
const MOST_GROWTH = 100 * MB;
/** From the beginning of the write to the subscriber. */
const MOST_P95_MS = 1_000;

const faults: string[] = [];
const show = (name: string, value: string | number) =>
  process.stdout.write(`${name.padEnd(48)}${String(value).padStart(12)}\n`);
const world = await proveWorld();
const server = new ServingProcess(await freePort(), world.urls);
try {
  await server.start();
  await stalled();
  // What a process has once taken it keeps: memory is asked of one that is fresh.
  await server.kill('SIGTERM');
  await server.start();
  await idle();
} finally {
  await server.kill('SIGTERM');
  await world.close();
}
for (const fault of faults) process.stdout.write(`FAULT ${fault}\n`);
if (faults.length > 0) process.exitCode = 1;

async function emit(tenant: ProveTenant, count: number, payload: Record<string, unknown>): Promise<number> {
  const { eventSeq } = await withWrite(world.app.services.write, tenant.system, 'prove', async (tx) => {
    for (let i = 0; i < count; i++)
      tx.emit({ type: 'PROVED', aggregateType: 'Case', aggregateId: tenant.tenantId, aggregateVersion: 1, payload });
  });
  return Number(eventSeq);
}

/** One stops reading; another goes on. */
async function stalled(): Promise<void> {
  const tenant = await world.tenant('stalled');
  const slow = new SlowReader(server.url, tenant.key, 0);
  const other = new SlowReader(server.url, tenant.key, 0);
  const fill = async (count: number) => {
    for (let n = 0; n < count; n += 100) last = await emit(tenant, 100, { filler: 'x'.repeat(PAYLOAD_BYTES) });
    await other.has(last);
  };
  let last = 0;
  // What a process takes to send so much to one who reads is not what is asked here.
  await fill(events / 4);
  await slow.has(last);
  slow.pause();
  const before = server.memory;
  let most = before;
  const watch = setInterval(() => {
    most = Math.max(most, server.memory);
  }, 50);
  await fill(events);
  // It takes half a minute until it is told.
  await sleep(35_000);
  clearInterval(watch);
  await slow.readToEnd();
  const rest = new SlowReader(server.url, tenant.key, slow.error?.lastSeq ?? 0);
  await rest.has(last - slow.seqs.length);
  show('events of 5 kB past a reader that stopped', events);
  show('server’s memory before, MB', (before / MB).toFixed(0));
  show('grown by, at most, MB', ((most - before) / MB).toFixed(0));
  show('messages the reader had when it read on', slow.seqs.length);
  show('how its stream had ended', slow.error?.code ?? 'closed');
  const gotAll = [...slow.seqs, ...rest.seqs];
  if (gotAll.length !== last || gotAll.some((seq, i) => seq !== i + 1))
    faults.push('the reader’s two parts are not the log');
  if (other.seqs.length !== last || other.seqs.some((seq, i) => seq !== i + 1))
    faults.push('the other reader has not the log');
  if (slow.error?.code !== 'SLOW_CONSUMER') faults.push('the reader was not told that it was slow');
  if (most - before > MOST_GROWTH) faults.push('the server grew too much');
  for (const one of [slow, other, rest]) one.close();
}

/** Many subscribers, half of each kind, of several tenants; events at an even pace, to one tenant after the other. */
async function idle(): Promise<void> {
  const all: ProveTenant[] = [];
  for (let i = 0; i < tenants; i++) all.push(await world.tenant(`idle-${i}`));
  const starts: number[] = [];
  for (const tenant of all) starts.push(await emit(tenant, 1, {}));
  await sleep(1_000);
  const before = server.memory;
  const sent = new Map<string, number>();
  const delays: number[] = [];
  const connections: LogConnection[] = [];
  let ended = 0;
  for (let i = 0; i < subscribers; i++) {
    const tenant = all[i % tenants];
    if (!tenant) continue;
    const connect = Math.floor(i / tenants) % 2 ? connectSse : connectWebSocket;
    const message = ({ seq, event }: { seq: number; event: unknown }) => {
      const at = event === null ? undefined : sent.get(`${tenant.tenantId} ${seq}`);
      if (at !== undefined) delays.push(performance.now() - at);
    };
    connections.push(connect(server.url, tenant.key, starts[i % tenants] ?? 0, { message, end: () => ended++ }));
    if (i % 50 === 49) await sleep(50);
  }
  await sleep(8_000);
  const each = (server.memory - before) / subscribers;
  const begun = performance.now();
  const writes = (EVENTS_A_SECOND / EVENTS_A_WRITE) * seconds;
  const count = writes * EVENTS_A_WRITE;
  for (let n = 0; n < writes; n++) {
    const due = begun + (n * 1_000 * EVENTS_A_WRITE) / EVENTS_A_SECOND;
    if (due > performance.now()) await sleep(due - performance.now());
    const tenant = all[n % tenants];
    if (!tenant) continue;
    // Of each tenant one write comes after the other, so that the places are known before.
    const first = (starts[n % tenants] ?? 0) + Math.floor(n / tenants) * EVENTS_A_WRITE + 1;
    for (let i = 0; i < EVENTS_A_WRITE; i++) sent.set(`${tenant.tenantId} ${first + i}`, performance.now());
    emit(tenant, EVENTS_A_WRITE, {}).catch((error: unknown) => faults.push(`a write failed: ${error}`));
  }
  const expected = Math.floor((count * subscribers) / tenants);
  for (let wait = 0; delays.length < expected && wait < 60; wait++) await sleep(500);
  show('subscribers', subscribers);
  show('memory each, kB', (each / 1024).toFixed(1));
  show(`deliveries, of ${count} events in ${seconds} s`, delays.length);
  show('from the write’s beginning to the subscriber, ms', percentile(delays, 0.5).toFixed(1));
  show('p95, ms', percentile(delays, 0.95).toFixed(1));
  if (ended > 0) faults.push(`${ended} of the idle subscriptions ended`);
  if (delays.length !== expected) faults.push(`only ${delays.length} of ${expected} deliveries`);
  if (percentile(delays, 0.95) > MOST_P95_MS) faults.push(`the p95 is above ${MOST_P95_MS} ms`);
  for (const connection of connections) connection.reset();
}
