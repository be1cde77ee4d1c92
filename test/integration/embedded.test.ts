import type { ChildProcess } from 'node:child_process';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import type { EmbeddedServer } from '../../src/data/embedded.ts';
import { dropEmbedded, EmbeddedError, embeddedStatus, startEmbedded } from '../../src/data/embedded.ts';
import { keepEmbedded } from '../../src/data/embedded-keep.ts';

const isRoot = process.getuid?.() === 0;
let root = '';
let dir = '';
const handles: EmbeddedServer[] = [];
const children: ChildProcess[] = [];

async function start(folder = dir, lines: string[] = []): Promise<EmbeddedServer> {
  const server = await startEmbedded({ dir: folder, log: (line) => lines.push(line) });
  handles.push(server);
  return server;
}

async function ask(url: string, sql: string): Promise<unknown[]> {
  const client = new pg.Client({ connectionString: url });
  client.on('error', () => {});
  await client.connect();
  try {
    const { rows } = await client.query<unknown[]>({ text: sql, rowMode: 'array' });
    return rows.flat();
  } finally {
    await client.end();
  }
}

/** Another process that starts the server, says "up <pid>", and then does as told by `then`. */
async function startElsewhere(then: string): Promise<{ child: ChildProcess; pid: number }> {
  const from = new URL('../../src/data/embedded.ts', import.meta.url).href;
  const code = `import { startEmbedded } from ${JSON.stringify(from)};
    const server = await startEmbedded({ dir: ${JSON.stringify(dir)} });
    console.log('up', server.pid); ${then}`;
  const child = spawn(process.execPath, ['--input-type=module', '-e', code], { stdio: ['pipe', 'pipe', 'inherit'] });
  children.push(child);
  const [chunk] = (await once(child.stdout, 'data')) as [Buffer];
  return { child, pid: Number(chunk.toString().split(' ')[1]) };
}

const FOREVER = 'setInterval(() => {}, 1000);';

async function stateWithin(wanted: string): Promise<string> {
  for (let attempt = 0; attempt < 200; attempt += 1) {
    const { state } = await embeddedStatus(dir);
    if (state === wanted) return state;
    await new Promise((resolve) => setTimeout(resolve, 25));
  }
  return (await embeddedStatus(dir)).state;
}

function kill(pid: number): void {
  process.kill(pid, 'SIGKILL');
}

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'argus-embedded-'));
  // The server's own account must be able to pass, except where a test says otherwise.
  await chmod(root, 0o755);
  dir = join(root, 'main');
});

// One failed test must not leave a server behind that makes the next ones fail.
afterEach(async () => {
  for (const child of children) child.kill('SIGKILL');
  await Promise.allSettled(handles.map((server) => server.stop('immediate')));
});

afterAll(async () => {
  for (const name of await readdir(root)) await dropEmbedded(join(root, name)).catch(() => {});
  await rm(root, { recursive: true, force: true });
});

describe('an embedded server', () => {
  test('first start: the promised server, reachable with its password only', async () => {
    expect(await embeddedStatus(dir)).toMatchObject({ state: 'absent' });
    const server = await start();
    expect(server).toMatchObject({ host: '127.0.0.1', alreadyRunning: false, dataDir: join(dir, 'pg18') });
    expect(server.version).toMatch(/^18\./);
    const settings = ['listen_addresses', 'unix_socket_directories', 'data_checksums', 'server_encoding', 'jit'];
    const rows = await ask(
      server.adminUrl,
      `SELECT ${settings.map((name) => `current_setting('${name}')`).join(', ')}`,
    );
    expect(rows).toEqual(['127.0.0.1', '', 'on', 'UTF8', 'off']);
    expect(await ask(server.adminUrl, 'SELECT DISTINCT auth_method FROM pg_hba_file_rules')).toEqual(['scram-sha-256']);
    const wrong = server.adminUrl.replace(/:[^:@]+@/, ':wrong@');
    await expect(ask(wrong, 'SELECT 1')).rejects.toMatchObject({ code: '28P01' });
    expect((await stat(join(dir, 'embedded.json'))).mode & 0o777).toBe(0o600);
    for (const name of ['pg_trgm', 'btree_gin']) await ask(server.adminUrl, `CREATE EXTENSION ${name}`);
    expect(await ask(server.adminUrl, `SELECT cardinality(show_trgm('Привет')), lower('ÄЖ')`)).toEqual([7, 'äж']);
    await ask(server.adminUrl, 'CREATE TABLE kept AS SELECT 42 AS n');
    expect(await embeddedStatus(dir)).toMatchObject({ state: 'running' });
    await server.stop();
    await server.stop();
    expect(await embeddedStatus(dir)).toMatchObject({ state: 'stopped' });
  });

  test('second start: same port, same data, under a second', async () => {
    const before = performance.now();
    const server = await start();
    expect(performance.now() - before).toBeLessThan(1000);
    expect(server.port).toBe(handles[0]?.port);
    expect(await ask(server.adminUrl, 'SELECT n FROM kept')).toEqual([42]);
    await server.stop();
  });

  test('starts at the same moment share one server, and the last to leave stops it', async () => {
    const servers = await Promise.all([start(), start(), start()]);
    expect(new Set(servers.map((server) => server.pid)).size).toBe(1);
    expect(servers.filter((server) => !server.alreadyRunning)).toHaveLength(1);
    await expect(dropEmbedded(dir)).rejects.toThrow(/in use/);
    await servers[0]?.stop();
    await servers[1]?.stop();
    expect(await embeddedStatus(dir)).toMatchObject({ state: 'running' });
    await servers[2]?.stop();
    expect(await embeddedStatus(dir)).toMatchObject({ state: 'stopped' });
  });

  test('with another process in it, it stays until that one has left too', async () => {
    const other = await startElsewhere('process.stdin.once("data", () => server.stop().then(() => process.exit()));');
    const server = await start();
    expect(server).toMatchObject({ alreadyRunning: true, pid: other.pid });
    await server.stop();
    expect(await embeddedStatus(dir)).toMatchObject({ state: 'running' });
    other.child.stdin?.write('stop');
    await once(other.child, 'exit');
    expect(await embeddedStatus(dir)).toMatchObject({ state: 'stopped' });
  });

  test('a process that exits without stopping it takes it down', async () => {
    const { child } = await startElsewhere('process.exit(0)');
    if (child.exitCode === null) await once(child, 'exit');
    expect(await stateWithin('stopped')).toBe('stopped');
  });
});

describe('recovery', () => {
  test('after kill -9 of the server, what was committed is there', async () => {
    const first = await start();
    await ask(first.adminUrl, 'INSERT INTO kept VALUES (43)');
    kill(first.pid);
    const second = await start();
    expect(second).toMatchObject({ alreadyRunning: false });
    expect(await ask(second.adminUrl, 'SELECT n FROM kept ORDER BY n')).toEqual([42, 43]);
    await first.stop();
    expect(await embeddedStatus(dir)).toMatchObject({ state: 'running' });
    await second.stop();
    expect(await embeddedStatus(dir)).toMatchObject({ state: 'stopped' });
  });

  test('a kept one is back on its port whenever it was killed, and stops when its last user leaves', async () => {
    const lines: string[] = [];
    const log = (line: string) => lines.push(line);
    const [first, second] = [await keepEmbedded({ dir, log }), await keepEmbedded({ dir, log })];
    handles.push(first, second);
    for (const times of [1, 2]) {
      kill(Number((await readFile(join(dir, 'pg18', 'postmaster.pid'), 'utf8')).split('\n')[0]));
      const back = () => lines.filter((line) => line === 'the database is back').length;
      await expect.poll(back, { timeout: 20_000 }).toBe(2 * times);
      expect(await ask(first.adminUrl, 'SELECT n FROM kept ORDER BY n')).toEqual([42, 43]);
    }
    await first.stop();
    expect(await embeddedStatus(dir)).toMatchObject({ state: 'running' });
    await second.stop();
    expect(await embeddedStatus(dir)).toMatchObject({ state: 'stopped' });
  });

  test('after kill -9 of the process that started it, the next one takes the server over', async () => {
    const { child, pid } = await startElsewhere(FOREVER);
    child.kill('SIGKILL');
    await once(child, 'exit');
    expect(await embeddedStatus(dir)).toMatchObject({ state: 'running' });
    const server = await start();
    expect(server).toMatchObject({ alreadyRunning: true, pid });
    await server.stop();
    expect(await embeddedStatus(dir)).toMatchObject({ state: 'stopped' });
  });

  test('after kill -9 of both, a left pid file is no obstacle', async () => {
    const { child, pid } = await startElsewhere(FOREVER);
    child.kill('SIGKILL');
    kill(pid);
    expect(await stateWithin('stale-pid')).toBe('stale-pid');
    await (await start()).stop();
  });

  test('a pid file that names a living process of someone else', async () => {
    const other = spawn(process.execPath, ['-e', FOREVER]);
    children.push(other);
    await writeFile(join(dir, 'pg18', 'postmaster.pid'), `${other.pid}\n${dir}/pg18\n1\n5432\n\n127.0.0.1\n\nready\n`);
    expect(await embeddedStatus(dir)).toMatchObject({ state: 'stale-pid' });
    const lines: string[] = [];
    const server = await start(dir, lines);
    expect(server.alreadyRunning).toBe(false);
    expect(lines.join()).toContain('another program');
    expect(other.exitCode).toBeNull();
    await server.stop();
  });

  test('its port taken: another one, remembered; a demanded one: a clear error', async () => {
    const { port } = JSON.parse(await readFile(join(dir, 'embedded.json'), 'utf8')) as { port: number };
    const squatter = createServer().listen(port, '127.0.0.1');
    await once(squatter, 'listening');
    await expect(startEmbedded({ dir, port })).rejects.toThrow(`Port ${port} is used by another program`);
    const server = await start();
    expect(server.port).not.toBe(port);
    await server.stop();
    squatter.close();
    const again = await start();
    expect(again.port).toBe(server.port);
    await again.stop();
  });

  test.each(['lost', 'damaged'])('its password file %s: a new password, the same data', async (how) => {
    const path = join(dir, 'embedded.json');
    if (how === 'lost') await rm(path);
    else await writeFile(path, '{"password": "');
    const lines: string[] = [];
    const server = await start(dir, lines);
    expect(lines.join()).toContain('new password');
    expect(await ask(server.adminUrl, 'SELECT n FROM kept ORDER BY n')).toEqual([42, 43]);
    await server.stop();
  });

  test('its password file lost while it runs without a user', async () => {
    const { child } = await startElsewhere(FOREVER);
    child.kill('SIGKILL');
    await once(child, 'exit');
    await rm(join(dir, 'embedded.json'));
    const server = await start();
    expect(await ask(server.adminUrl, 'SELECT count(*)::int FROM kept')).toEqual([2]);
    await server.stop();
  });

  test('a half-made data folder is set aside and made anew', async () => {
    const half = join(root, 'half');
    await mkdir(join(half, 'pg18', 'base'), { recursive: true });
    await writeFile(join(half, 'pg18', 'PG_VERSION'), '18\n');
    await mkdir(join(half, 'pg18.init-99'));
    expect(await embeddedStatus(half)).toMatchObject({ state: 'broken' });
    const server = await start(half);
    expect(await ask(server.adminUrl, 'SELECT 1')).toEqual([1]);
    await server.stop();
    const names = await readdir(half);
    expect(names).not.toContain('pg18.init-99');
    expect(names.filter((name) => name.startsWith('pg18.broken-'))).toHaveLength(1);
    await dropEmbedded(half);
    expect(await embeddedStatus(half)).toMatchObject({ state: 'absent' });
  });
});

describe('folders it cannot use', () => {
  test('data of another version', async () => {
    const old = join(root, 'old');
    await mkdir(join(old, 'pg18'), { recursive: true });
    await writeFile(join(old, 'pg18', 'PG_VERSION'), '17\n');
    await expect(startEmbedded({ dir: old })).rejects.toThrow(/made by PostgreSQL 17.*move it away/s);
    expect(await embeddedStatus(old)).toMatchObject({ state: 'broken' });
  });

  test.each(['under a file', 'read-only'])('%s', async (kind) => {
    const file = join(root, 'a-file');
    await writeFile(file, '');
    const folder = kind === 'under a file' ? join(file, 'db') : '/proc/argus';
    const failure = await startEmbedded({ dir: folder }).catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(EmbeddedError);
    expect(String(failure)).toMatch(/could not use the folder.*choose another folder.*DATABASE_URL/s);
  });

  test.runIf(isRoot)('one that only root can enter: the data goes elsewhere, and can be dropped', async () => {
    const closed = join(root, 'closed');
    await mkdir(closed, { mode: 0o700 });
    const folder = join(closed, 'db');
    const lines: string[] = [];
    const server = await start(folder, lines);
    expect(lines.join()).toContain('cannot enter');
    expect(server.dataDir.startsWith(folder)).toBe(false);
    await server.stop();
    const again = await start(folder);
    expect(again.dataDir).toBe(server.dataDir);
    await again.stop();
    await dropEmbedded(folder);
    await expect(stat(server.dataDir)).rejects.toMatchObject({ code: 'ENOENT' });
  });
});
