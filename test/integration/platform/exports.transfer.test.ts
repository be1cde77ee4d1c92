import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { ExportLimits } from '../../../src/server/export.ts';
import { type HttpServer, serveHttp } from '../../../src/server/http.ts';
import { type Answer, createTestApp, type Tenant, type TestApp } from '../../support/app.ts';
import { keyWith } from '../../support/isolation.ts';
import { addSource, asOwner, countOf, ingestBatch, range } from '../intel/records.ts';

let t: TestApp;
let a: Tenant;
let server: HttpServer;
const dir = mkdtempSync(join(tmpdir(), 'argus-export-'));
/** About 20 MB: more than the buffers of two sockets hold. */
const ROWS = 4_000;

const listen = (exports: Partial<ExportLimits> = {}) =>
  serveHttp(t.app, { host: '127.0.0.1', port: 0, examplesDir: 'examples/queries', exports });

beforeAll(async () => {
  // What breaks off on purpose is logged.
  t = await createTestApp({ env: { LOG_LEVEL: 'silent', IDLE_TX_TIMEOUT_MS: '500' } });
  a = await t.tenant('transfer');
  const sourceId = await addSource(t, a);
  await ingestBatch(
    t,
    a,
    range(100).map((i) => ({ sourceId, externalId: `e${i}`, text: `${i} ${'lorem ipsum '.repeat(400)}` })),
  );
  const [{ columns }] = await asOwner(
    t,
    `SELECT string_agg(attname, ',') AS columns FROM pg_attribute WHERE attrelid = 'content'::regclass
      AND attnum > 0 AND NOT attisdropped AND attgenerated = '' AND attname NOT IN ('id', 'external_id', 'dedupe_key')`,
  );
  await asOwner(
    t,
    `INSERT INTO content (id, external_id, dedupe_key, ${columns})
     SELECT gen_random_uuid(), external_id || '-' || g, dedupe_key || '-' || g, ${columns}
     FROM content, generate_series(2, ${ROWS / 100}) g`,
  );
  server = await listen();
});
afterAll(async () => {
  await server?.stop();
  await t?.close();
  rmSync(dir, { recursive: true, force: true });
});

interface Reader {
  socket: Socket;
  /** all that came, headers and chunk sizes too */
  received(): string;
  closed: Promise<unknown>;
}

/** A client that reads the first piece of an export and then stops until it is resumed. */
async function stalledReader(port = server.port, key = a.key): Promise<Reader> {
  const socket = connect(port, '127.0.0.1');
  let received = '';
  // A connection that the server gives up is reset.
  socket.on('error', () => {});
  const closed = once(socket, 'close');
  const started = new Promise<void>((resolve) => {
    socket.on('data', (chunk) => {
      if (received === '') socket.pause();
      received += chunk.toString('latin1');
      resolve();
    });
  });
  socket.write(
    `GET /export/contents.jsonl HTTP/1.1\r\nhost: x\r\nconnection: close\r\nauthorization: Bearer ${key}\r\n\r\n`,
  );
  await started;
  expect(received).toMatch(/^HTTP\/1\.1 200 /);
  await stalled();
  return { socket, received: () => received, closed };
}

const exported = ({ port }: HttpServer, headers: Record<string, string>, name = 'sources.csv') =>
  fetch(`http://127.0.0.1:${port}/export/${name}`, { headers });

/** A transfer that is whole ends with the last chunk, which is empty. */
const isWhole = (received: string) => received.endsWith('\r\n0\r\n\r\n');
const rowsIn = (received: string) => received.split('"analysisData":').length - 1;

/** Transactions that wait for their export to go on, and when each ran its last statement. */
function reading(): Promise<Answer[]> {
  return asOwner(
    t,
    `SELECT pid, query_start::text AS at FROM pg_stat_activity
     WHERE datname = current_database() AND state = 'active' AND wait_event = 'ClientRead'`,
  );
}

/** The transaction of an export that no longer goes on, once it is so. */
async function stalled(): Promise<Answer> {
  for (let before = ''; ; await sleep(100)) {
    const now = await reading();
    if (now.length === 1 && before === JSON.stringify(now)) return now[0];
    before = JSON.stringify(now);
  }
}

async function lastEntry(): Promise<Answer> {
  const { auditEntries } = await t.runOk(
    a.key,
    '{ auditEntries(first: 1, filter: { action: { eq: "export.run" } }) { nodes { resource metadata } } }',
  );
  return auditEntries.nodes[0]?.metadata;
}

async function expectBrokenOff(): Promise<void> {
  await expect.poll(reading, { timeout: 10_000 }).toEqual([]);
  await expect.poll(lastEntry).toMatchObject({ list: 'contents', complete: false });
  const { rows } = await lastEntry();
  expect(rows).toBeLessThan(ROWS);
  await asOwner(t, `DELETE FROM audit_logs WHERE action = 'export.run'`);
}

test('a client that stops reading stops the reading, and then gets the whole of one moment', async () => {
  const reader = await stalledReader();
  // The pool's limit for idle transactions is 500 ms here.
  const before = await stalled();
  await sleep(800);
  expect(await stalled()).toEqual(before);
  await asOwner(t, `UPDATE content SET title = 'changed since' WHERE tenant_id = $1`, [a.tenantId]);
  await asOwner(t, `DELETE FROM content WHERE external_id = 'e7-7'`);
  reader.socket.resume();
  await reader.closed;
  expect(isWhole(reader.received())).toBe(true);
  expect(rowsIn(reader.received())).toBe(ROWS);
  expect(reader.received()).not.toContain('changed since');
  expect(await lastEntry()).toMatchObject({ rows: ROWS, complete: true });
  expect(await countOf(t, a, 'content')).toBe(ROWS - 1);
});

test('a client that goes away ends the transaction', async () => {
  const reader = await stalledReader();
  reader.socket.destroy();
  await expectBrokenOff();
});

test('a client that takes nothing for too long, or all in all takes too long, is given up', async () => {
  for (const limits of [{ stallMs: 1_000 }, { totalMs: 1_500 }]) {
    const strict = await listen(limits);
    const reader = await stalledReader(strict.port);
    await expectBrokenOff();
    reader.socket.resume();
    await reader.closed;
    expect(isWhole(reader.received())).toBe(false);
    await strict.stop();
  }
});

test('a client that takes little at a time is given up, one that takes enough is not', async () => {
  const strict = await listen({ leastRate: 3_000_000, rateMs: 1_000 });
  const reader = await stalledReader(strict.port);
  const sips = setInterval(() => {
    reader.socket.once('data', () => reader.socket.pause()).resume();
  }, 100);
  await expectBrokenOff();
  clearInterval(sips);
  reader.socket.resume();
  await reader.closed;
  expect(isWhole(reader.received())).toBe(false);
  const whole = await exported(strict, { 'x-api-key': a.key }, 'contents.jsonl');
  expect((await whole.text()).split('\n').length).toBeGreaterThan(ROWS - 10);
  await asOwner(t, `DELETE FROM audit_logs WHERE action = 'export.run'`);
  await strict.stop();
});

test('slow clients of a tenant leave room for the others', async () => {
  const shared = await listen({ concurrent: 2 });
  const reader = await stalledReader(shared.port);
  const busy = await exported(shared, { 'x-api-key': a.key });
  expect([busy.status, await busy.text()]).toEqual([503, expect.stringContaining('of your organisation')]);
  expect((await exported(shared, { 'x-api-key': (await t.tenant('transfer-2')).key })).status).toBe(200);
  reader.socket.destroy();
  await expectBrokenOff();
  expect((await exported(shared, { 'x-api-key': a.key })).status).toBe(200);
  await shared.stop();
});

test('a connection to the database that breaks breaks the transfer', async () => {
  const reader = await stalledReader();
  const { pid } = await stalled();
  await asOwner(t, 'SELECT pg_terminate_backend($1)', [pid]);
  reader.socket.resume();
  await reader.closed;
  expect(isWhole(reader.received())).toBe(false);
  await expectBrokenOff();
});

test('a key that is revoked while an export runs ends it', async () => {
  const key = await keyWith(t, a, ['content:read']);
  const reader = await stalledReader(server.port, key);
  const { apiKeys } = await t.runOk(a.key, '{ apiKeys(first: 1) { nodes { id } } }');
  const { revokeApiKey } = await t.runOk(
    a.key,
    'mutation ($id: ID!) { revokeApiKey(input: { id: $id }) { userErrors { message } } }',
    { id: apiKeys.nodes[0].id },
  );
  expect(revokeApiKey.userErrors).toEqual([]);
  reader.socket.resume();
  await reader.closed;
  expect(isWhole(reader.received())).toBe(false);
  await expectBrokenOff();
});

test('so many run at a time; the next is told when to come again', async () => {
  const narrow = await listen({ concurrent: 1 });
  const reader = await stalledReader(narrow.port);
  const ask = (headers: Record<string, string>) => exported(narrow, headers);
  const busy = await ask({ authorization: `Bearer ${a.key}` });
  expect([busy.status, busy.headers.get('retry-after')]).toEqual([503, '10']);
  expect(((await busy.json()) as Answer).errors[0]).toMatchObject({ extensions: { code: 'OVERLOADED' } });
  expect((await ask({})).status).toBe(401);
  reader.socket.destroy();
  await expectBrokenOff();
  const free = await ask({ 'x-api-key': a.key });
  expect([free.status, (await free.text()).split('\r\n').length]).toEqual([200, 3]);
  await narrow.stop();
});

test('a server that stops waits for the export that it breaks off to be noted', { timeout: 40_000 }, async () => {
  const stopping = await listen();
  const reader = await stalledReader(stopping.port);
  await stopping.stop();
  expect(await lastEntry()).toMatchObject({ complete: false });
  reader.socket.destroy();
  await expectBrokenOff();
});

/** Runs `argus export …` as a user does. */
async function argus(...args: string[]): Promise<{ code: number; out: string; err: string }> {
  const child = spawn(process.execPath, ['src/main.ts', 'export', ...args, '--tenant', 'transfer'], {
    env: {
      ...process.env,
      DATABASE_URL: t.database.appUrl,
      DATABASE_OWNER_URL: t.database.ownerUrl,
      ARGUS_DIR: dir,
      NODE_ENV: 'development',
    },
  });
  let out = '';
  let err = '';
  child.stdout.on('data', (chunk) => (out += chunk));
  child.stderr.on('data', (chunk) => (err += chunk));
  const [code] = await once(child, 'close');
  return { code, out, err };
}

test('the command writes to standard output what the server sends, and files under their name when complete', async () => {
  const filter = JSON.stringify({ externalId: { startsWith: 'e1' } });
  const order = JSON.stringify({ field: 'POSTED_AT', direction: 'ASC' });
  const query = new URLSearchParams({ filter, orderBy: order, fields: 'externalId,riskScore' });
  const response = await fetch(`http://127.0.0.1:${server.port}/export/contents.csv?${query}`, {
    headers: { authorization: `Bearer ${a.key}` },
  });
  const sent = await response.text();
  expect(sent.split('\r\n').length).toBeGreaterThan(400);
  const options = ['--filter', filter, '--order-by', order, '--fields', 'externalId,riskScore'];
  expect(await argus('contents', ...options)).toEqual({ code: 0, out: sent, err: '' });
  const output = join(dir, 'out.csv');
  writeFileSync(output, 'older');
  const filed = await argus('contents', ...options, '--output', output);
  expect(filed).toMatchObject({ code: 0, out: '' });
  expect(filed.err).toMatch(/out\.csv: \d+ rows in/);
  expect(readFileSync(output, 'utf8')).toBe(sent);
  expect((await lastEntry()).complete).toBe(true);
});

test('the command refuses what the server refuses', async () => {
  const unknown = await argus('nothing');
  expect(unknown).toMatchObject({ code: 1, out: '' });
  expect(unknown.err).toMatch(/no list "nothing": there are apiKeys, auditEntries/);
  const filter = await argus('contents', '--filter', '{"riskLevel":{"eq":"HIHG"}}');
  expect(filter).toMatchObject({ code: 1, out: '' });
  expect(filter.err).toMatch(/"HIHG" does not exist/);
  expect((await argus('--help')).out).toMatch(/\n {2}sources: country, createdAt, /);
});

test('an error in the middle breaks the transfer off and leaves no file', async () => {
  await asOwner(t, 'ALTER TABLE content DROP CONSTRAINT content_status_check');
  await asOwner(t, `UPDATE content SET status = 'BROKEN' WHERE id = (SELECT min(id::text)::uuid FROM content)`);
  const response = await exported(server, { authorization: `Bearer ${a.key}` }, 'contents.jsonl');
  expect(response.status).toBe(200);
  await expect(response.text()).rejects.toThrow();
  await expectBrokenOff();
  const before = readdirSync(dir);
  const failed = await argus('contents', '--output', join(dir, 'broken.csv'));
  expect(failed).toMatchObject({ code: 1, out: '' });
  expect(failed.err).toMatch(/BROKEN/);
  expect(readdirSync(dir)).toEqual(before);
});
