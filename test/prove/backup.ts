/**
 * The demo, backed up while it is written to, and restored: into an empty folder, to a moment between two writes, and
 * with single bytes of the backup changed: `npm run prove -- backup [bytes] [seed]`. All by the commands themselves.
 * Then what archiving WAL costs.
 */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { chmod, mkdtemp, open, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import { argusDatabase } from '../../src/backup/folder-backup.ts';
import { type Backup, readBackup } from '../../src/backup/manifest.ts';
import { sumsOf } from '../../src/backup/restore-folder.ts';
import { differences, rowsOf } from '../../src/backup/table-sums.ts';
import { damagedFiles } from '../../src/backup/verify.ts';
import { dropEmbedded, type EmbeddedServer, startEmbedded } from '../../src/data/embedded.ts';
import { randomOf } from '../support/random.ts';

const MAIN = resolve(import.meta.dirname, '../../src/main.ts');
const bytes = Number(process.argv[2] ?? 25);
const seed = Number(process.argv[3] ?? 1);
const root = await mkdtemp(join(tmpdir(), 'argus-prove-'));
await chmod(root, 0o755);
const dir = join(root, 'main');
const backups = join(root, 'backups');
const archive = join(backups, 'wal');
const say = (line: string) => process.stdout.write(`${line}\n`);

async function argus(...args: string[]): Promise<{ code: number | null; output: string }> {
  const env = { PATH: process.env.PATH, ARGUS_DIR: dir, BACKUP_DIR: backups, BACKUP_WAL: 'true', LOG_LEVEL: 'warn' };
  const begun = performance.now();
  const child = spawn(process.execPath, [MAIN, ...args], { env, stdio: ['ignore', 'pipe', 'pipe'] });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => (output += chunk.toString()));
  const code = await new Promise<number | null>((done) => child.on('close', done));
  say(`argus ${args.join(' ')}: exit code ${code} after ${((performance.now() - begun) / 1_000).toFixed(1)} s`);
  return { code, output };
}

async function succeed(...args: string[]): Promise<string> {
  const { code, output } = await argus(...args);
  assert.equal(code, 0, output);
  return output;
}

async function withServer<T>(
  folder: string,
  work: (server: EmbeddedServer, client: pg.Client) => Promise<T>,
): Promise<T> {
  const server = await startEmbedded({ dir: folder, archive: folder === dir ? archive : null });
  const client = new pg.Client({ connectionString: argusDatabase(server.adminUrl) });
  await client.connect();
  try {
    return await work(server, client);
  } finally {
    await client.end();
    await server.stop();
  }
}

/** Takes a backup while rows of the demo are changed all the time. */
async function backUpUnderWrites(): Promise<Backup> {
  await withServer(dir, async (server, client) => {
    let writing = true;
    let writes = 0;
    const written = (async () => {
      for (; writing; writes += 1)
        await client.query(
          `UPDATE bugs SET title = title || '.' WHERE id IN (SELECT id FROM bugs ORDER BY random() LIMIT 5)`,
        );
    })();
    await succeed('backup');
    writing = false;
    await written;
    say(`  ${writes} writes meanwhile`);
    const { manifest } = await readBackup(await newest());
    assert.notDeepEqual(await sumsOf(server.adminUrl), manifest.tables, 'the database went on');
  });
  return readBackup(await newest());
}

async function newest(): Promise<string> {
  const [first = ''] = (await succeed('backup', 'list')).split(' ');
  return join(backups, first);
}

async function restoreElsewhere(backup: Backup): Promise<void> {
  const copy = join(root, 'copy');
  await succeed('restore', backup.name, '--into', copy);
  const found = await withServer(copy, (server) => sumsOf(server.adminUrl));
  assert.deepEqual(differences(backup.manifest.tables, found), []);
  const tables = Object.keys(found).length;
  say(`  ${tables} tables with ${rowsOf(found)} rows: rows and checksums are those of the backup's moment`);
}

async function restoreBetweenWrites(): Promise<void> {
  const insert = (client: pg.Client, slug: string) =>
    client.query(`INSERT INTO tenants (id, slug, name) VALUES (gen_random_uuid(), $1, $1)`, [slug]);
  const { at, wanted } = await withServer(dir, async (server, client) => {
    await insert(client, 'first');
    const sums = await sumsOf(server.adminUrl);
    await sleep(2);
    const moment = new Date();
    await sleep(2);
    await insert(client, 'second');
    return { at: moment, wanted: sums };
  });
  await succeed('restore', 'latest', '--at', at.toISOString());
  await withServer(dir, async (server, client) => {
    const { rows } = await client.query(`SELECT slug FROM tenants WHERE slug IN ('first', 'second')`);
    assert.deepEqual(rows, [{ slug: 'first' }]);
    assert.deepEqual(await sumsOf(server.adminUrl), wanted);
  });
  say('  the first write is there and the second is not; all tables are as they were between them');
}

async function changeBytes(backup: Backup): Promise<void> {
  const random = randomOf(seed);
  const files = Object.entries(backup.manifest.files).filter(([, file]) => file.bytes > 0);
  const work = { signal: new AbortController().signal, onProgress: () => {} };
  for (let time = 0; time < bytes; time += 1) {
    const [path, file] = files[Math.floor(random() * files.length)] ?? ['', { bytes: 0 }];
    const position = Math.floor(random() * file.bytes);
    const handle = await open(join(backup.path, path), 'r+');
    const byte = Buffer.alloc(1);
    await handle.read(byte, 0, 1, position);
    await handle.write(Buffer.of((byte[0] ?? 0) ^ (1 << Math.floor(random() * 8))), 0, 1, position);
    assert.deepEqual(await damagedFiles(backup, work), [`${path} is damaged: its hash differs`]);
    if (time === 0) {
      const { code, output } = await argus('backup', 'verify', 'latest');
      assert.equal(code, 1);
      assert.match(output, new RegExp(`${path} is damaged`));
    }
    await handle.write(byte, 0, 1, position);
    await handle.close();
  }
  say(`${bytes} single bits changed, one at a time, each told with its file`);
}

/** Seconds for inserting a million rows, about 110 MB of WAL. */
async function insertTime(kept: string | null, name: string): Promise<number> {
  const folder = join(root, name);
  const server = await startEmbedded({ dir: folder, archive: kept });
  const client = new pg.Client({ connectionString: server.adminUrl });
  await client.connect();
  await client.query('CREATE TABLE filled (n int, word text)');
  const begun = performance.now();
  for (let batch = 0; batch < 100; batch += 1) {
    await client.query(`INSERT INTO filled SELECT g, md5(g::text) FROM generate_series(1, 10000) g`);
  }
  const seconds = (performance.now() - begun) / 1_000;
  const { rows } = await client.query<{ archived: string; failed: string; wal: string }>(
    `SELECT archived_count AS archived, failed_count AS failed, pg_size_pretty(pg_current_wal_lsn() - '0/0'::pg_lsn) AS wal
     FROM pg_stat_archiver`,
  );
  say(`  ${seconds.toFixed(2)} s, ${JSON.stringify(rows[0])}`);
  await client.end();
  await server.stop();
  await dropEmbedded(folder);
  return seconds;
}

try {
  await succeed('seed');
  const backup = await backUpUnderWrites();
  say(await succeed('backup', 'verify', 'latest'));
  await restoreElsewhere(backup);
  await restoreBetweenWrites();
  await changeBytes(backup);
  say(await readFile(join(backup.path, 'data', 'backup_label'), 'utf8'));
  for (const round of [1, 2, 3]) {
    say(`a million rows, round ${round}: without and with archived WAL`);
    await insertTime(null, `plain-${round}`);
    await insertTime(join(root, `wal-${round}`), `kept-${round}`);
  }
} finally {
  for (const name of ['main', 'copy']) await dropEmbedded(join(root, name)).catch(() => {});
  await rm(root, { recursive: true, force: true });
}
