import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import { createClient as createSseClient } from 'graphql-sse';
import { createClient } from 'graphql-ws';
import pg from 'pg';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import WebSocket from 'ws';
import { type Answer, createTestApp, type Tenant, type TestApp } from '../../support/app.ts';
import { asOwner } from '../intel/records.ts';
import { isRunning, type LogLine, type ServeProcess, serveProcess } from './serve-process.ts';
import { post } from './serving.ts';

/** Each process takes a second or two to load; a busy machine takes longer. */
const LONG = { timeout: 90_000 };
const WITHIN = { timeout: 20_000 };

let t: TestApp;
let a: Tenant;
const started: ServeProcess[] = [];
beforeAll(async () => {
  t = await createTestApp();
  a = await t.tenant('several');
});
// A test that failed leaves no process behind.
afterEach(() => {
  for (const { child } of started) if (child.exitCode === null) child.kill('SIGKILL');
});
afterAll(() => t?.close());

function start(args: string[], env: Record<string, string> = {}): ServeProcess {
  const server = serveProcess(t, args, env);
  started.push(server);
  return server;
}

/** A server that has announced itself, with two workers. */
async function startTwo(args: string[], env: Record<string, string> = {}) {
  const server = start(args, env);
  const url = await server.url();
  // A log is written in the background: its lines may come after the announcement.
  await expect.poll(() => server.workers(), WITHIN).toHaveLength(2);
  return { server, url };
}

const OPEN = `mutation ($input: OpenCaseInput!) { openCase(input: $input) { eventSeq userErrors { message } } }`;

const ofCases = ({ statement }: LogLine) => /case/i.test(statement ?? '');

/** Runs an operation over a connection of its own, and tells which worker ran its statements about cases. */
async function ask(server: ServeProcess, query: string, variables: object = {}, key = a.key) {
  const before = server.log().length;
  const { body } = await post(await server.url(), key, query, variables, { connection: 'close' });
  expect(body.errors).toBeUndefined();
  const line = () => server.log().slice(before).find(ofCases);
  await expect.poll(line, WITHIN).toBeDefined();
  return { data: body.data as Answer, worker: line()?.worker };
}

const CASES = '{ cases(first: 1) { nodes { id } } }';
const openCase = async (server: ServeProcess, title: string) => {
  const { data, worker } = await ask(server, OPEN, { input: { title } });
  return { seq: Number(data.openCase.eventSeq), worker };
};

const EVENTS = 'subscription ($afterSeq: BigInt) { events(afterSeq: $afterSeq, heartbeatSeconds: 0) { seq } }';

/** Sequence numbers of a subscription as they come. */
function subscribe(way: 'ws' | 'sse', url: string, afterSeq: number): { seqs: number[]; ended: Promise<void> } {
  const authorization = `Bearer ${a.key}`;
  const client =
    way === 'sse'
      ? createSseClient({ url, headers: { authorization }, retryAttempts: 0 })
      : createClient({
          url: url.replace('http', 'ws'),
          webSocketImpl: WebSocket,
          connectionParams: { authorization },
          retryAttempts: 0,
        });
  const seqs: number[] = [];
  const { promise, resolve } = Promise.withResolvers<void>();
  client.subscribe<Answer>(
    { query: EVENTS, variables: { afterSeq } },
    { next: ({ data }) => seqs.push(Number(data.events.seq)), error: () => resolve(), complete: () => resolve() },
  );
  return { seqs, ended: promise };
}

/** A request that runs until its body is completed. */
function slowRequest(url: string): { finish(): void; closed: Promise<string> } {
  const { hostname, port } = new URL(url);
  const body = JSON.stringify({ query: '{ health { status } }' });
  const socket = connect(Number(port), hostname);
  socket.write(`POST /graphql HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: ${body.length}`);
  socket.write(`\r\n\r\n${body.slice(0, 9)}`);
  let answer = '';
  socket.on('data', (chunk) => (answer += chunk));
  socket.on('error', () => {});
  return { finish: () => socket.write(body.slice(9)), closed: once(socket, 'close').then(() => answer) };
}

const allProcesses = (server: ServeProcess) => [...server.workers(), server.child.pid ?? 0];

test('two workers serve one port, one that is killed is replaced, and SIGTERM lets all finish', LONG, async () => {
  const { server, url } = await startTwo([], { WORKERS: '2', METRICS_PORT: '0' });
  const [victim = 0, other = 0] = server.workers();
  expect(server.text().match(/Argus is up, served by 2 workers/g)).toHaveLength(1);

  const { lastEventSeq: begin } = await t.runOk(a.key, '{ lastEventSeq }');
  const streams = [subscribe('ws', url, begin), subscribe('sse', url, begin)];
  const writers = new Set();
  let seq = 0;
  for (const title of ['one', 'two', 'three', 'four']) {
    const written = await openCase(server, title);
    writers.add(written.worker);
    seq = written.seq;
  }
  expect(writers).toEqual(new Set([victim, other]));
  const all = Array.from({ length: seq - begin }, (_, i) => Number(begin) + i + 1);
  for (const { seqs } of streams) await expect.poll(() => seqs, WITHIN).toEqual(all);

  const served = async () => {
    const text = await fetch(/Metrics +(http:\S+)/.exec(server.text())?.[1] ?? '').then((response) => response.text());
    return [...text.matchAll(/^argus_listen_connected\{worker="(\d)"\} 1$/gm)].map(([, worker]) => worker);
  };
  expect(await served()).toEqual(['0', '1', '2']);
  process.kill(victim, 'SIGKILL');
  await expect.poll(() => server.workers().filter((pid) => pid !== victim), WITHIN).toHaveLength(2);
  expect((await served()).sort()).toEqual(['0', '1', '2']);
  const ending = { worker: victim, code: null, signal: 'SIGKILL' };
  expect(server.log().find(({ msg }) => msg.startsWith('a worker ended'))).toMatchObject(ending);
  const readers = new Set();
  for (let i = 0; i < 4; i++) readers.add((await ask(server, CASES)).worker);
  expect(readers).toEqual(new Set(server.workers()));
  expect(readers).toContain(other);
  // From the middle of the log, on whichever worker: the new one too.
  const resumed = (['ws', 'sse', 'ws', 'sse'] as const).map((way) => subscribe(way, url, seq - 1));
  for (const { seqs } of resumed) await expect.poll(() => seqs, WITHIN).toEqual([seq]);

  const running = slowRequest(url);
  await ask(server, CASES);
  server.child.kill('SIGTERM');
  await Promise.all(resumed.map(({ ended }) => ended));
  await expect.poll(() => fetch(url).catch(() => null), WITHIN).toBeNull();
  expect(server.child.exitCode).toBeNull();
  running.finish();
  expect(await running.closed).toMatch(/^HTTP\/1.1 200 .*"HEALTHY"/s);
  expect(await server.ended).toEqual([0, null]);
  expect([victim, ...allProcesses(server)].filter(isRunning)).toEqual([]);

  const jobs = server.log().filter(({ statement }) => statement?.includes('jobs.pending'));
  expect(jobs.length).toBeGreaterThan(0);
  expect(jobs.filter(({ worker }) => worker !== undefined)).toEqual([]);
  // The 24-hour figures have the statements of every process that ended in order, and maybe some of the one killed.
  const [{ count }] = await asOwner(t, 'SELECT count(DISTINCT process_id)::int AS count FROM statement_log');
  expect(count).toBeGreaterThanOrEqual(3);
});

test('Ctrl-C reaches every process and counts once; the second one ends all at once', LONG, async () => {
  const { server, url } = await startTwo(['--workers', '2', '--port', '0']);
  const running = [slowRequest(url), slowRequest(url)];
  for (const _ of running) await ask(server, CASES);
  const ctrlC = () => process.kill(-(server.child.pid ?? 0), 'SIGINT');
  ctrlC();
  await expect.poll(() => server.text(), WITHIN).toContain('stopping: running requests finish first');
  await expect.poll(() => fetch(url).catch(() => null), WITHIN).toBeNull();
  expect(allProcesses(server).filter(isRunning)).toHaveLength(3);
  ctrlC();
  expect(await server.ended).toEqual([130, null]);
  await expect.poll(() => allProcesses(server).filter(isRunning), WITHIN).toEqual([]);
  expect(await Promise.all(running.map(({ closed }) => closed))).toEqual(['', '']);
});

test('workers end by themselves when the first process is killed, and the port is free', LONG, async () => {
  const { server, url } = await startTwo(['--workers', '2']);
  server.child.kill('SIGKILL');
  await expect.poll(() => server.workers().filter(isRunning), WITHIN).toEqual([]);
  const again = createServer().listen(Number(new URL(url).port), '127.0.0.1');
  await once(again, 'listening');
  again.close();
});

test('a port in use ends the start before anything else', LONG, async () => {
  const taken = createServer().listen(0, '127.0.0.1');
  await once(taken, 'listening');
  const { port } = taken.address() as { port: number };
  // A database that is not there would be noticed too.
  const nowhere = 'postgresql://argus@127.0.0.1:1/argus';
  const server = start(['--workers', '3', '--port', String(port)], {
    DATABASE_URL: nowhere,
    DATABASE_OWNER_URL: nowhere,
  });
  expect(await server.ended).toEqual([1, null]);
  expect(server.text()).toMatch(new RegExp(`^argus: port ${port} is in use: [^\n]+\n$`));
  taken.close();
});

test('--no-background looks for no work', LONG, async () => {
  const work = ({ statement }: LogLine) => /jobs\.pending|webhooks\.look/.test(statement ?? '');
  const [quiet, usual] = [start(['--no-background']), start([])];
  await expect.poll(() => usual.log().filter(work).length, WITHIN).toBeGreaterThan(1);
  // What comes wakes those who wait for it.
  await openCase(quiet, 'quiet');
  await openCase(usual, 'usual');
  expect(quiet.text()).toContain('no background work');
  expect(quiet.log().filter(work)).toEqual([]);
  for (const { child } of [quiet, usual]) child.kill('SIGTERM');
  expect([await quiet.ended, await usual.ended]).toEqual([
    [0, null],
    [0, null],
  ]);
});

test('SIGTERM while workers start ends them in order', LONG, async () => {
  const server = start(['--workers', '2']);
  await expect.poll(() => server.text(), WITHIN).toContain('a worker listens');
  server.child.kill('SIGTERM');
  expect(await server.ended).toEqual([0, null]);
  expect(server.text()).not.toContain('could not start');
  expect(server.workers().filter(isRunning)).toEqual([]);
});

/** Lets the test's database take new connections, or not; those that are open stay. */
async function allowConnections(allowed: boolean): Promise<void> {
  const url = new URL(t.database.ownerUrl);
  const name = url.pathname.slice(1);
  url.pathname = '/postgres';
  const admin = new pg.Client({ connectionString: url.toString() });
  await admin.connect();
  await admin.query(`ALTER DATABASE "${name}" ALLOW_CONNECTIONS ${allowed}`);
  await admin.end();
}

test('workers that can no longer start are tried with growing waits, then the server ends', LONG, async () => {
  const { server } = await startTwo(['--workers', '2']);
  const workers = server.workers();
  await allowConnections(false);
  try {
    for (const pid of workers) process.kill(pid, 'SIGKILL');
    expect(await server.ended).toEqual([1, null]);
  } finally {
    await allowConnections(true);
  }
  expect(server.text()).toContain('no worker serves any more: one ended right after its start 5 times in a row');
  // None for one that had served for a while.
  const waits = server.log().flatMap(({ waitMs }) => waitMs || []);
  expect(new Set(waits)).toEqual(new Set([250, 500, 1_000, 2_000]));
});
