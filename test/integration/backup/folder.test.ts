import { execFile } from 'node:child_process';
import { chmod, mkdtemp, open, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import pg from 'pg';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import type { Work } from '../../../src/backup/files.ts';
import { argusDatabase, backUpFolder } from '../../../src/backup/folder-backup.ts';
import type { Backup, FolderManifest } from '../../../src/backup/manifest.ts';
import { restoreFolder, sumsOf } from '../../../src/backup/restore-folder.ts';
import { findBackup, storeBackup } from '../../../src/backup/store.ts';
import { damagedFiles, differentTables } from '../../../src/backup/verify.ts';
import { dropEmbedded, type EmbeddedServer, startEmbedded } from '../../../src/data/embedded.ts';
import { migrateUp } from '../../../src/data/migrate.ts';
import { ensureDatabase } from '../../../src/database-server.ts';
import { loadEnv } from '../../../src/env.ts';

// Each test starts several servers.
vi.setConfig({ testTimeout: 120_000 });

const QUICK = { fsync: 'off', synchronous_commit: 'off', full_page_writes: 'off' };
const log = () => {};
let root = '';
let dir = '';
let backups = '';
let taken: Backup<FolderManifest>;
const handles: EmbeddedServer[] = [];

function work(): Work {
  return { signal: new AbortController().signal, onProgress: () => {} };
}

async function start(folder = dir): Promise<EmbeddedServer> {
  const archive = folder === dir ? join(backups, 'wal') : null;
  const server = await startEmbedded({ dir: folder, settings: QUICK, archive });
  handles.push(server);
  return server;
}

async function ask(server: EmbeddedServer, sql: string): Promise<unknown[]> {
  const client = new pg.Client({ connectionString: argusDatabase(server.adminUrl) });
  await client.connect();
  try {
    return (await client.query<unknown[]>({ text: sql, rowMode: 'array' })).rows.flat();
  } finally {
    await client.end();
  }
}

async function backUp(server: EmbeddedServer): Promise<Backup<FolderManifest>> {
  const url = argusDatabase(server.adminUrl);
  const { name, path, manifest } = await storeBackup(
    backups,
    async (target, name) => {
      const part = await backUpFolder(url, target, name, work());
      return { format: 1, version: 'test', bytes: 1, ...part };
    },
    false,
  );
  if (manifest.kind !== 'folder') throw new Error('a dump');
  return { name, path, manifest };
}

function restore(options: Partial<Parameters<typeof restoreFolder>[0]>) {
  return restoreFolder({ backup: taken, dir, at: null, timeline: null, continues: true, log, ...options }, work());
}

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'argus-backup-test-'));
  await chmod(root, 0o755);
  dir = join(root, 'main');
  backups = join(root, 'a b%f', "it's");
  const server = await start();
  await ensureDatabase(server.adminUrl);
  await migrateUp({ ownerUrl: argusDatabase(server.adminUrl) });
  await ask(server, `CREATE TABLE "no tes" (n serial, word text, noise bytea, amount numeric(20, 6), at timestamptz)`);
  await ask(
    server,
    `INSERT INTO "no tes" (word, noise, amount, at)
     SELECT 'début', sha256(g::text::bytea), g / 7.0, now() + g * interval '1 s' FROM generate_series(1, 20000) g`,
  );
});

afterEach(async () => {
  await Promise.all(handles.splice(0).map((server) => server.stop()));
});

afterAll(async () => {
  for (const name of await readdir(root)) await dropEmbedded(join(root, name)).catch(() => {});
  await rm(root, { recursive: true, force: true });
});

describe('a backup of the embedded database', () => {
  it('taken while others write is, restored into an empty folder, that of one moment in every table', async () => {
    const server = await start();
    const writer = new pg.Client({ connectionString: argusDatabase(server.adminUrl) });
    await writer.connect();
    let writing = true;
    const written = (async () => {
      for (; writing; await sleep(2)) await writer.query(`INSERT INTO "no tes" (word) VALUES ('late'), ('later')`);
    })();
    taken = await backUp(server);
    await ask(server, `INSERT INTO "no tes" (word) VALUES ('last')`);
    writing = false;
    await written;
    await writer.end();
    const { tables } = taken.manifest;
    expect(Object.keys(tables)).toEqual(expect.arrayContaining(['public."no tes"', 'public.tenants']));
    expect(Number(tables['public."no tes"']?.rows)).toBeGreaterThan(20_000);
    expect(await sumsOf(server.adminUrl)).not.toEqual(tables);

    const restored = await restore({ dir: join(root, 'copy'), continues: false });
    expect(restored).toEqual({ tables, setAside: null });
    const copy = await start(join(root, 'copy'));
    expect(await sumsOf(copy.adminUrl)).toEqual(tables);
    expect(await ask(copy, `INSERT INTO "no tes" (word) VALUES ('after') RETURNING word`)).toEqual(['after']);
  });

  it('is restored as a copy with the key, and told how to look at it, without alarm', async () => {
    const key = join(dir, 'encryption.key');
    await writeFile(key, 'dev-0:abc\n', { mode: 0o600 });
    const into = join(root, 'look here');
    const restoreInto = async () => {
      const args = ['src/main.ts', 'restore', taken.name, '--into', into];
      const env = {
        ...process.env,
        DATABASE_URL: '',
        ENCRYPTION_KEYS: '',
        ARGUS_DIR: dir,
        BACKUP_DIR: backups,
        PORT: '4000',
      };
      const { stdout, stderr } = await promisify(execFile)(process.execPath, args, { env });
      return stdout + stderr;
    };
    const text = await restoreInto();
    expect(text).toContain(`The encryption key of ${dir} was copied to ${join(into, 'encryption.key')}`);
    expect(await readFile(join(into, 'encryption.key'), 'utf8')).toBe('dev-0:abc\n');
    expect((await stat(join(into, 'encryption.key'))).mode & 0o777).toBe(0o600);
    expect(text).toContain(
      `  ARGUS_DIR='${into}' BACKUP_DIR='${join(into, 'backups')}' PORT=4001 npx argus serve --no-`,
    );
    expect(text).not.toMatch(/password|now on port/);
    await rm(key);
    await rm(join(into, 'encryption.key'));
    expect(await restoreInto()).toContain(`copy encryption.key of the time to ${join(into, 'encryption.key')}`);
  });

  it('is not restored over a database in use', async () => {
    const server = await start();
    await expect(restore({})).rejects.toThrow('in use by Argus');
    expect(await ask(server, 'SELECT 1')).toEqual([1]);
  });
});

describe('a moment between two writes', () => {
  const words = `SELECT word FROM "no tes" WHERE word IN ('first', 'second', 'third') ORDER BY n`;

  it('is restored with the first of them alone; the data that was there is kept', async () => {
    const server = await start();
    await ask(server, `INSERT INTO "no tes" (word) VALUES ('first')`);
    await sleep(5);
    const at = new Date();
    await sleep(5);
    await ask(server, `INSERT INTO "no tes" (word) VALUES ('second')`);
    await server.stop();

    const { setAside } = await restore({ at });
    expect(setAside).toContain('pg18.before-restore-');
    expect(await readFile(join(setAside ?? '', 'PG_VERSION'), 'utf8')).toBe('18\n');
    const again = await start();
    expect(again.adminUrl).toBe(server.adminUrl);
    expect(await ask(again, words)).toEqual(['first']);
    await ask(again, `INSERT INTO "no tes" (word) VALUES ('third')`);
  });

  it('begins a history of its own, beside which the old one can still be restored', async () => {
    await restore({ at: 'end' });
    const newest = await start();
    expect(await ask(newest, words)).toEqual(['first', 'third']);
    await newest.stop();
    await restore({ at: 'end', timeline: 1 });
    const old = await start();
    expect(await ask(old, words)).toEqual(['first', 'second']);
    const names = await readdir(join(backups, 'wal', taken.manifest.systemIdentifier));
    expect(names.filter((name) => name.endsWith('.history')).length).toBeGreaterThanOrEqual(3);
    expect(await ask(old, 'SELECT failed_count::int FROM pg_stat_archiver')).toEqual([0]);
  });

  it('must be after the backup, before the end of the WAL, and needs the archive', async () => {
    const before = new Date(Date.parse(taken.manifest.takenAt) - 1_000);
    await expect(restore({ at: before })).rejects.toThrow('take an older backup');
    await expect(restore({ at: new Date(Date.now() + 3_600_000) })).rejects.toThrow('The WAL ends before');
    const { takenAt } = taken.manifest;
    const moved = { ...taken, path: join(root, 'elsewhere', taken.name) };
    await expect(restore({ at: new Date(Date.parse(takenAt) + 1), backup: moved })).rejects.toThrow('no archived WAL');
    await expect(findBackup(backups, 'latest', before)).rejects.toThrow('no backup from before');
    const server = await start();
    expect(await ask(server, words)).toEqual(['first', 'second']);
  });
});

describe('damage', () => {
  it('of one byte is named, and such a backup is not restored', async () => {
    const path = 'data/base/1/1259';
    const file = await open(join(taken.path, path), 'r+');
    const byte = Buffer.alloc(1);
    await file.read(byte, 0, 1, 5_000);
    await file.write(Buffer.of((byte[0] ?? 0) ^ 1), 0, 1, 5_000);
    expect(await damagedFiles(taken, work())).toEqual([`${path} is damaged: its hash differs`]);
    await expect(restore({})).rejects.toThrow(`${path} is damaged`);
    await file.write(byte, 0, 1, 5_000);
    await file.close();
    expect(await damagedFiles(taken, work())).toEqual([]);
    expect((await readdir(dir)).filter((name) => name.startsWith('restore-'))).toEqual([]);
  });

  it('of rows is told by table, and by these tables alone', async () => {
    const { tables } = taken.manifest;
    const changed = {
      ...tables,
      'public.tenants': { rows: '7', checksum: '0' },
      'public."no tes"': { rows: tables['public."no tes"']?.rows ?? '', checksum: '1' },
    };
    const backup = { ...taken, manifest: { ...taken.manifest, tables: changed } };
    expect(await differentTables(backup, loadEnv({}), log, work())).toEqual([
      expect.stringMatching(/^public."no tes" has other contents in its \d+ rows$/),
      'public.tenants has 0 rows instead of 7',
    ]);
    await expect(restore({ backup })).rejects.toThrow('public.tenants has 0 rows instead of 7');
  });

  it('of the manifest is told', async () => {
    const path = join(taken.path, 'manifest.json');
    const whole = await readFile(path);
    await writeFile(path, whole.subarray(0, 5_000));
    await expect(findBackup(backups, taken.name)).rejects.toThrow('manifest.json is damaged');
    await writeFile(path, whole);
    expect((await findBackup(backups, 'latest')).name).toBe(taken.name);
  });
});
