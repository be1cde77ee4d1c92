import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import pg from 'pg';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createTestApp, type TestApp } from '../support/app.ts';

let t: TestApp;
const dir = mkdtempSync(join(tmpdir(), 'argus-import-'));
beforeAll(async () => {
  t = await createTestApp();
});
afterAll(async () => {
  await t?.close();
  rmSync(dir, { recursive: true, force: true });
});

function start(...args: string[]): ChildProcess {
  return spawn(process.execPath, ['src/main.ts', 'import', ...args], {
    env: {
      ...process.env,
      DATABASE_URL: t.database.appUrl,
      DATABASE_OWNER_URL: t.database.ownerUrl,
      ARGUS_DIR: dir,
      NODE_ENV: 'development',
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
}

/** Runs `argus import …` as a user does. */
async function run(...args: string[]): Promise<{ code: number; text: string }> {
  const child = start(...args);
  let text = '';
  child.stdout?.on('data', (chunk) => (text += chunk));
  child.stderr?.on('data', (chunk) => (text += chunk));
  const [code] = await once(child, 'close');
  return { code, text };
}

function file(name: string, content: string | Buffer): string {
  const path = join(dir, name);
  writeFileSync(path, content);
  return path;
}

/** The tenant's contents, detections and identifiers by what they say, without ids and times. */
async function story(tenantId: string): Promise<unknown[]> {
  const client = new pg.Client({ connectionString: t.database.ownerUrl });
  await client.connect();
  const { rows } = await client.query(
    `SELECT c.external_id, c.text_hash, c.risk_score, s.name,
       (SELECT array_agg(k.term || d.spans::text ORDER BY k.term) FROM detections d JOIN keywords k ON k.id = d.keyword_id WHERE d.content_id = c.id) AS found,
       (SELECT array_agg(i.type || i.value ORDER BY 1) FROM content_identifiers l JOIN identifiers i ON i.id = l.identifier_id WHERE l.content_id = c.id) AS told
     FROM content c JOIN sources s ON s.id = c.source_id WHERE c.tenant_id = $1 ORDER BY s.name, c.external_id`,
    [tenantId],
  );
  await client.end();
  return rows;
}

async function lastSeq(key: string): Promise<number> {
  return (await t.runOk(key, '{ lastEventSeq }')).lastEventSeq;
}

const rows = (count: number) =>
  Array.from({ length: count }, (_, i) =>
    JSON.stringify({
      id: `d${i}`,
      channel: `c${i % 7}`,
      text: `Offer ${i}: fentanyl, ask p${i}@example.com`,
      published: '2026-11-20T10:00:00Z',
    }),
  ).join('\n');

test('taking a file in again changes nothing: no row and no event', async () => {
  const { tenantId, key } = await t.tenant('again');
  const path = file('posts.jsonl.gz', gzipSync(rows(600)));
  const first = await run('content', path, '--tenant', 'again');
  expect(first).toMatchObject({
    code: 0,
    text: expect.stringContaining('600 created, 0 updated, 0 unchanged, 0 rejected'),
  });
  const [before, seq] = [await story(tenantId), await lastSeq(key)];
  expect(before).toHaveLength(600);
  const second = await run('content', path, '--tenant', 'again');
  expect(second.text).toContain('0 created, 0 updated, 600 unchanged, 0 rejected');
  expect([await story(tenantId), await lastSeq(key)]).toEqual([before, seq]);
});

test('what was killed in the middle and run again ends as what ran undisturbed', { timeout: 120_000 }, async () => {
  const [undisturbed, killed] = [await t.tenant('undisturbed'), await t.tenant('killed')];
  const path = file('many.jsonl', rows(2_000));
  const words = file('words.csv', 'term,category,weight\nfentanyl,SUBSTANCE,0.9\noffer,LOGISTICS,0.2\n');
  await run('content', path, '--tenant', 'undisturbed');
  await run('keywords', words, '--tenant', 'undisturbed');
  for (const args of [
    ['content', path],
    ['keywords', words],
  ]) {
    const child = start(...args, '--tenant', 'killed');
    // Killed once something is there, but before all is.
    await expect
      .poll(() => lastSeq(killed.key), { timeout: 20_000, interval: 20 })
      .toBeGreaterThan(args[0] === 'content' ? 300 : 2_250);
    child.kill('SIGKILL');
    await once(child, 'close');
    const again = await run(...args, '--tenant', 'killed');
    expect(again.code, again.text).toBe(0);
  }
  const end = await story(killed.tenantId);
  expect(end).toHaveLength(2_000);
  expect(end).toEqual(await story(undisturbed.tenantId));
  const { importRuns } = await t.runOk(killed.key, '{ importRuns { nodes { status } } }');
  expect(importRuns.nodes.map((one: { status: string }) => one.status).sort()).toEqual(
    ['COMPLETED', 'COMPLETED', 'FAILED', expect.any(String)].sort(),
  );
});

test('bad rows are told with their place, and the good ones are taken', async () => {
  await t.tenant('places');
  const path = file(
    'bad.csv',
    'term,weight,category\nalpha,0.5,SLANG\nbeta,7,SLANG\n,0.5,SLANG\na,0.5,SLANG\ngamma,0.5,SLANG,more\n',
  );
  const { code, text } = await run('keywords', path, '--tenant', 'places');
  expect(code).toBe(2);
  expect(text).toContain('1 created, 0 updated, 0 unchanged, 4 rejected');
  expect(text).toMatch(/line 3, column 2: weight "7" is not a number from 0 to 1/);
  expect(text).toMatch(/line 4, column 1: term is empty/);
  expect(text).toMatch(/line 5, column 1: term "a" is a single letter/);
  expect(text).toMatch(/line 6/);
});

test('a wrong tenant, file or column is refused before anything is taken in', async () => {
  const path = file('few.jsonl', rows(3));
  expect(await run('content', path, '--tenant', 'nobody')).toMatchObject({
    code: 1,
    text: expect.stringContaining('there is no tenant nobody'),
  });
  await t.tenant('somebody');
  expect((await run('content', join(dir, 'missing.jsonl'), '--tenant', 'somebody')).text).toContain(
    'there is no such file',
  );
  expect((await run('content', file('x.xlsx', 'x'), '--tenant', 'somebody')).text).toContain('unknown file type');
  expect((await run('content', path, '--tenant', 'somebody', '--map', 'text=body')).text).toContain(
    'there is no column body for text',
  );
});
