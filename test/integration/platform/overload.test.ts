import { connect } from 'node:net';
import pg from 'pg';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { createTestApp, type Tenant, type TestApp } from '../../support/app.ts';
import { asOwner, countOf } from '../intel/records.ts';
import { post, type Served, serve } from './serving.ts';

const LIST = '{ cases { nodes { id title } } }';
const OPEN = 'mutation { openCase(input: { title: "x" }) { case { id } } }';

let t: TestApp;
let a: Tenant;
let short: Served;
let long: Served;
let owner: pg.Client;

/** Whatever reads or writes cases waits until `release`. */
const hold = () => owner.query('BEGIN; LOCK TABLE cases IN ACCESS EXCLUSIVE MODE');
const release = () => owner.query('COMMIT');
/** Statements that wait for the lock. */
const blocked = async () => {
  const waiting = `SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'`;
  return (await asOwner(t, waiting)).length;
};

async function start(env: Record<string, string>) {
  t = await createTestApp({ env: { LOG_LEVEL: 'silent', RESULT_CACHE_MB: '0', ...env } });
  a = await t.tenant('overload');
  short = await serve(t.app);
  long = await serve(t.app, { shortPath: false });
  owner = new pg.Client({ connectionString: t.database.ownerUrl });
  await owner.connect();
}

async function stop() {
  await owner?.end();
  await short?.stop();
  await long?.stop();
  await t?.close();
}

const WAYS = ['the short path', 'Yoga'] as const;
const urlOf = (way: string) => (way === 'Yoga' ? long.url : short.url);

describe('with room for two that run and two that wait', () => {
  beforeAll(() => start({ MAX_CONCURRENT: '2', MAX_QUEUED: '2' }));
  afterAll(stop);

  test.for(WAYS)(
    'the rest is refused at once, those inside are answered, and then all is as before: %s',
    async (way) => {
      await hold();
      const inside = Array.from({ length: 4 }, () => post(urlOf(way), a.key, LIST));
      await expect.poll(() => [t.app.endpoint.gate.running, t.app.endpoint.gate.waiting]).toEqual([2, 2]);
      for (const query of [LIST, OPEN, '{', '{ health { status } }']) {
        const { status, headers, body } = await post(urlOf(way), 'whoever', query);
        expect([status, headers.get('retry-after'), body.errors?.[0]?.extensions?.code]).toEqual([
          503,
          '1',
          'OVERLOADED',
        ]);
      }
      for (const path of ['/livez', '/readyz'])
        expect([path, (await fetch(urlOf(way).replace('/graphql', path))).status]).toEqual([path, 200]);
      await release();
      for (const { status, body } of await Promise.all(inside)) {
        expect([status, body.errors]).toEqual([200, undefined]);
      }
      expect([t.app.endpoint.gate.running, t.app.endpoint.gate.waiting]).toEqual([0, 0]);
      expect((await post(urlOf(way), a.key, LIST)).status).toBe(200);
    },
  );

  test('a burst: each is answered rightly or refused, refusals are quick, and the next request is served', async () => {
    await post(short.url, a.key, OPEN);
    const right = (await post(short.url, a.key, LIST)).body.data;
    const asked = await Promise.all(
      Array.from({ length: 300 }, async () => {
        const begun = performance.now();
        const { status, body } = await post(short.url, a.key, LIST);
        if (status === 200) expect(body.data).toEqual(right);
        return { status, ms: performance.now() - begun };
      }),
    );
    expect(new Set(asked.map(({ status }) => status))).toEqual(new Set([200, 503]));
    expect((await post(short.url, a.key, LIST)).body.data).toEqual(right);
  });

  test('while the process itself is late, nobody is let in', async () => {
    t.app.endpoint.gate.late = true;
    expect((await post(short.url, a.key, LIST)).status).toBe(503);
    await expect.poll(async () => (await post(short.url, a.key, LIST)).status).toBe(200);
  });
});

describe('a query that takes too long, or that nobody waits for', () => {
  beforeAll(() => start({ EXECUTION_TIMEOUT_MS: '1500' }));
  afterAll(stop);
  afterEach(() => release().catch(() => {}));

  const free = () => t.app.services.pool.totalCount - t.app.services.pool.idleCount;

  test.for(WAYS)('is stopped with TIMEOUT, in the database too: %s', async (way) => {
    await hold();
    const { status, body } = await post(urlOf(way), a.key, LIST);
    expect([status, body.errors?.[0]?.extensions, body.errors?.[0]?.message]).toEqual([
      504,
      { code: 'TIMEOUT' },
      'this took more than 1.5 s and was stopped: ask for less, or filter more',
    ]);
    expect(body.extensions?.cost.requested).toBe(51);
    await expect.poll(blocked).toBe(0);
    await expect.poll(free).toBe(0);
    await release();
    expect((await post(urlOf(way), a.key, LIST)).status).toBe(200);
  });

  /** Sends a request and goes away when it waits in the database. */
  async function leave(way: string, query: string) {
    const socket = connect(Number(new URL(urlOf(way)).port), '127.0.0.1');
    const body = JSON.stringify({ query });
    const head = [
      'POST /graphql HTTP/1.1',
      'host: x',
      'content-type: application/json',
      `authorization: Bearer ${a.key}`,
    ];
    socket.write(`${head.join('\r\n')}\r\ncontent-length: ${body.length}\r\n\r\n${body}`);
    await expect.poll(blocked).toBe(1);
    socket.destroy();
  }

  test.for(WAYS)('is cancelled when its client has gone; a change is not: %s', async (way) => {
    await hold();
    await leave(way, LIST);
    await expect.poll(blocked, { timeout: 3_000 }).toBe(0);
    await expect.poll(free).toBe(0);
    await release();
    const before = await countOf(t, a, 'cases');
    await hold();
    await leave(way, OPEN);
    await new Promise((resolve) => setTimeout(resolve, 1_600));
    expect(await blocked()).toBe(1);
    await release();
    await expect.poll(() => countOf(t, a, 'cases')).toBe(before + 1);
  });
});

describe('a statement that takes too long', () => {
  beforeAll(() => start({ STATEMENT_TIMEOUT_MS: '200' }));
  afterAll(stop);

  test.for(WAYS)('is told as TIMEOUT: %s', async (way) => {
    await hold();
    for (let i = 0; i < 3; i++) {
      const { body } = await post(urlOf(way), a.key, LIST);
      expect(body.errors?.map(({ extensions }) => extensions?.code)).toEqual(['TIMEOUT']);
    }
    const change = await post(urlOf(way), a.key, OPEN);
    expect(change.body.errors?.map(({ extensions }) => extensions?.code)).toEqual(['TIMEOUT']);
    await release();
  });

  test('a client that takes nothing of its answer is let go', async () => {
    const served = await serve(t.app, { silenceMs: 400 });
    const open = (i: number) =>
      `m${i}: openCase(input: { title: "large", description: "${'x'.repeat(9_000)}" }) { case { id } }`;
    const [first, ...others] = Array.from({ length: 20 }, (_, i) => open(i));
    for (let i = 0; i < 5; i++) await post(short.url, a.key, `mutation { ${first} ${others.join(' ')} }`);
    const query = '{ cases(first: 100) { nodes { description } } }';
    const body = JSON.stringify({ query });
    const head = [
      'POST /graphql HTTP/1.1',
      'host: x',
      'content-type: application/json',
      `authorization: Bearer ${a.key}`,
    ];
    const request = `${head.join('\r\n')}\r\ncontent-length: ${body.length}\r\n\r\n${body}`;
    const socket = connect(served.port, '127.0.0.1');
    let received = 0;
    const closed = new Promise<void>((resolve) => socket.once('close', () => resolve()));
    socket.on('error', () => {});
    socket.on('data', (piece) => {
      received += piece.length;
    });
    socket.pause();
    // More than the buffers of two sockets hold.
    const times = 60;
    for (let i = 0; i < times; i++) socket.write(request);
    await new Promise((resolve) => setTimeout(resolve, 3_000));
    socket.resume();
    await closed;
    expect(received).toBeGreaterThan(900_000);
    expect(received).toBeLessThan(times * 900_000);
    await served.stop();
  });
});
