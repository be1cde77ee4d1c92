/**
 * Writes events as fast as it can while processes send them to webhooks, are killed at random (SIGKILL) and replaced, and
 * the receiver fails at random. In the end every event that fits must have arrived, once or more often, with a valid
 * signature, but for those that the receiver never takes: these must have been given up.
 * `npm run prove -- webhooks [events] [seed] [processes]`. Takes DATABASE_URL's server, or one of its own.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';
import type { TestProject } from 'vitest/node';
import { systemViewer } from '../../src/access/viewer.ts';
import { createServices } from '../../src/app.ts';
import { withReadScope } from '../../src/data/read-scope.ts';
import { withWrite } from '../../src/data/write.ts';
import { loadEnv } from '../../src/env.ts';
import { newId } from '../../src/graphql/ids.ts';
import { createLog } from '../../src/log.ts';
import { createTenant } from '../../src/modules/platform/tenant.service.ts';
import { urlRules } from '../../src/modules/webhooks/url-rules.ts';
import { createWebhook } from '../../src/modules/webhooks/webhook.service.ts';
import '../../src/schema.ts';
import setup, { databaseUrl } from '../support/global-setup.ts';
import { randomOf } from '../support/random.ts';
import { type Behaviour, isSigned, Receiver } from '../support/webhook-receiver.ts';

const [events = 5_000, seed = 1, processes = 3] = process.argv.slice(2).map(Number);
const WRITERS = 4;
/** One event in so many is written with others in its transaction, and one in so many is never taken. */
const TOGETHER = 5;
const NEVER = [17, 101, 203];
const OPTIONS = { schedule: { delays: [40, 80, 160, 320], jitter: 0.1 }, lookMs: 300, timeoutMs: 1_000, turnMs: 2_000 };
const BAD: readonly Behaviour[] = [500, 503, 404, 429, 'close', 'close', 'redirect', 'redirect', 'hang'];
const random = randomOf(seed);

const given: Record<string, unknown> = {};
const provide = (name: string, value: unknown) => {
  given[name] = value;
};
const tearDown = await setup({ provide } as unknown as TestProject);
const url = new URL(databaseUrl(String(given.adminUrl), String(given.template)));
if (given.appPassword) Object.assign(url, { username: 'argus_app', password: String(given.appPassword) });
const settings = {
  NODE_ENV: 'test',
  DB_POOL_SIZE: '4',
  DB_POOL_OVERFLOW: '4',
  ARGUS_DIR: '.argus/test',
  WEBHOOK_ALLOW_PRIVATE: 'true',
  LOG_LEVEL: 'fatal',
  DATABASE_URL: url.href,
};
const env = loadEnv(settings);
const log = createLog({ level: env.LOG_LEVEL, pretty: true });
const services = await createServices({ databaseUrl: url.href, env, log });
const { tenantId } = await createTenant(services, {
  slug: 'acme',
  name: 'acme',
  email: 'a@example.org',
  displayName: 'Owner',
});
const viewer = systemViewer(tenantId, 'prove');

// Three webhooks, one of which takes everything; the path tells which one a message is for.
const KINDS = [{}, { type: { startsWith: 'A' } }, { type: { in: ['B', 'C'] } }];
const FITS: readonly ((type: string) => boolean)[] = [
  () => true,
  (type) => type.startsWith('A'),
  (type) => type === 'B' || type === 'C',
];
const receivers = await Promise.all(
  KINDS.map(async (filter, i) => {
    const receiver = new Receiver();
    await receiver.open();
    const { value } = await withWrite(services.write, viewer, 'prove', (tx) =>
      createWebhook(tx, { keyRing: services.keyRing, rules: urlRules(env) }, { url: receiver.url, filter }),
    );
    const accepted = new Set<number>();
    receiver.behave = ({ body, earlier }) => {
      if (NEVER.includes(body.seq)) return 500;
      if (earlier < 3 && random() < 0.25) return BAD[Math.floor(random() * BAD.length)] ?? 500;
      accepted.add(body.seq);
      return 200;
    };
    return { receiver, accepted, secret: value.secret, id: value.webhook.id, fits: FITS[i] ?? (() => false) };
  }),
);

let kills = 0;
/** the last processes may finish */
let isCalm = false;
let isOver = false;
const children = new Set<ChildProcess>();

/** A process that sends, until it is killed; then another one. */
async function keepSending(): Promise<void> {
  while (!isOver) {
    const child = spawn(process.execPath, ['test/support/relay-process.ts'], {
      // A process starts in half the time.
      env: {
        ...process.env,
        NODE_COMPILE_CACHE: '.argus/test/compile-cache',
        ...settings,
        RELAY_OPTIONS: JSON.stringify(OPTIONS),
      },
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    children.add(child);
    const ended = new Promise((done) => child.once('exit', done));
    await Promise.race([new Promise((done) => child.stdout?.once('data', done)), ended]);
    await Promise.race([ended, sleep(1_000 + random() * 5_000)]);
    if (!isCalm && !isOver) {
      child.kill('SIGKILL');
      kills++;
    }
    await ended;
    children.delete(child);
  }
}

const TYPES = ['A1', 'A2', 'B', 'C', 'D'];

async function write(): Promise<void> {
  const count = random() < 1 / TOGETHER ? 1 + Math.floor(random() * 20) : 1;
  await withWrite(services.write, viewer, 'prove', async (tx) => {
    for (let i = 0; i < count; i++) {
      const type = TYPES[Math.floor(random() * TYPES.length)] ?? 'D';
      const aggregateId = newId();
      tx.emit({ type, aggregateType: 'Thing', aggregateId, aggregateVersion: 1, payload: { text: 'é'.repeat(20) } });
    }
  });
}

const query = <T extends object>(text: string) =>
  withReadScope(services.read, viewer, (scope) => scope.query<T>({ text, values: [] }));

interface Standing {
  end: bigint;
  behind: number;
  pending: number;
}

/** How far the webhooks are; `behind` counts those that have not read the log to its end. */
async function standing(): Promise<Standing> {
  const [row] = await query<Standing>(
    `SELECT c.value AS end, (SELECT count(*)::int FROM webhook_endpoints WHERE last_seq < c.value) AS behind,
       (SELECT count(*)::int FROM webhook_deliveries WHERE status = 'PENDING') AS pending
     FROM counters c WHERE name = 'event'`,
  );
  return row ?? { end: 0n, behind: 0, pending: 0 };
}

const begun = performance.now();
const senders = Array.from({ length: processes }, keepSending);
let end = 0n;
while (end < BigInt(events)) {
  await Promise.all(Array.from({ length: WRITERS * 5 }, write));
  ({ end } = await standing());
}
const written = performance.now();
setTimeout(() => {
  isCalm = true;
}, 10_000).unref();
for (let now = await standing(); now.behind > 0 || now.pending > 0; now = await standing()) {
  if (performance.now() - written > 600_000) break;
  await sleep(200);
}
const seconds = (performance.now() - begun) / 1_000;
isOver = true;
for (const child of children) child.kill('SIGKILL');
await Promise.all(senders);

const faults: string[] = [];
const logged = await query<{ seq: bigint; type: string }>('SELECT seq, type FROM event_store ORDER BY seq');
const rows = await query<{ id: string; status: string; seq: bigint }>(
  'SELECT webhook_id AS id, status, seq FROM webhook_deliveries',
);
const first = await query<{ seq: bigint }>(`SELECT min(seq) AS seq FROM event_store WHERE type = 'WEBHOOK_CREATED'`);
let requests = 0;
let doubled = 0;
for (const [i, { receiver, accepted, secret, id, fits }] of receivers.entries()) {
  const start = Number(first[0]?.seq) + i;
  const wanted = logged.filter(({ seq, type }) => Number(seq) >= start && fits(type)).map(({ seq }) => Number(seq));
  const dead = wanted.filter((seq) => NEVER.includes(seq));
  const own = rows.filter((row) => row.id === id);
  const of = (status: string) => own.filter((row) => row.status === status).map(({ seq }) => Number(seq));
  const expected = new Set(wanted.filter((seq) => !NEVER.includes(seq)));
  requests += receiver.received.length;
  const taken = receiver.received.filter(({ body }) => accepted.has(body.seq)).length;
  doubled += taken - accepted.size;
  const missing = [...expected].filter((seq) => !accepted.has(seq));
  const other = [...accepted].filter((seq) => !expected.has(seq));
  if (missing.length > 0) faults.push(`webhook ${i}: ${missing.length} events never arrived: ${missing.slice(0, 9)}`);
  if (other.length > 0) faults.push(`webhook ${i}: ${other.length} events do not fit: ${other.slice(0, 9)}`);
  if (String(of('DEAD').sort()) !== String(dead.sort()))
    faults.push(`webhook ${i}: given up: ${of('DEAD')}, not ${dead}`);
  if (own.length !== wanted.length) faults.push(`webhook ${i}: ${own.length} deliveries of ${wanted.length} events`);
  const unsigned = receiver.received.filter((one) => !isSigned(secret, one));
  if (unsigned.length > 0) faults.push(`webhook ${i}: ${unsigned.length} messages without a valid signature`);
  await receiver.close();
}
await services.close();
await tearDown();
process.stdout.write(
  `${end} events in ${((written - begun) / 1_000).toFixed(1)} s, all settled after ${seconds.toFixed(1)} s; ` +
    `${rows.length} deliveries by ${requests} requests, ${doubled} of them again after failures and kills; ${kills} kills\n`,
);
for (const fault of faults.slice(0, 20)) process.stdout.write(`${fault}\n`);
process.stdout.write(`${faults.length} faults\n`);
process.exitCode = faults.length > 0 ? 1 : 0;
