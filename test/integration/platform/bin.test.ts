import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { copyFileSync, cpSync, existsSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';

/** A clone: what git holds of what the command reads. */
let clone = '';
beforeAll(() => {
  clone = mkdtempSync(join(tmpdir(), 'argus-clone-'));
  for (const name of ['bin', 'src', 'prisma', 'scripts']) cpSync(name, join(clone, name), { recursive: true });
  for (const name of ['package.json', 'package-lock.json', 'prisma.config.ts']) copyFileSync(name, join(clone, name));
});
afterAll(() => rmSync(clone, { recursive: true, force: true }));

/** The machine's own Node, older than the project's where there is one, without anything of npm's in the way. */
const OTHER = ['/usr/bin/node', '/usr/local/bin/node', process.execPath].find(existsSync) ?? process.execPath;

function begin(args: string[], node = OTHER): ChildProcess & { text: () => string } {
  const child = spawn(node, [join(clone, 'bin/argus.js'), ...args], {
    cwd: clone,
    env: { PATH: '/usr/bin:/bin', ARGUS_DIR: join(clone, '.argus'), PORT: '0' },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let text = '';
  child.stdout?.on('data', (chunk) => (text += chunk));
  child.stderr?.on('data', (chunk) => (text += chunk));
  return Object.assign(child, { text: () => text });
}

async function argus(...args: string[]): Promise<{ code: number; text: string }> {
  const child = begin(args);
  const [code] = await once(child, 'close');
  return { code, text: child.text() };
}

test('on a fresh clone it says in a line what to run, then works on the project’s own Node', async () => {
  const lines = [];
  for (const args of [['doctor'], ['migrate', 'up']]) lines.push(await argus(...args));
  for (const { code, text } of lines) {
    expect(text).toMatch(/^argus: the packages are not installed: run "npm ci && npm run generate" in [^\n]+\n$/);
    expect(code).toBe(1);
  }

  symlinkSync(join(process.cwd(), 'node_modules'), join(clone, 'node_modules'));
  const ungenerated = await argus('doctor');
  expect(ungenerated.text).toMatch(/^argus: the database client is not generated: run "npm run generate" in [^\n]+\n$/);
  expect(ungenerated.code).toBe(1);

  symlinkSync(join(process.cwd(), 'generated'), join(clone, 'generated'));
  const doctor = await argus('doctor');
  expect(doctor.text).toMatch(/^ ok {3}Node: 24\./);
  expect((await argus('no-such-command')).code).toBe(1);
}, 60_000);

test('a signal reaches the command also through another Node', async () => {
  // It takes connections and says nothing: the command waits.
  const silent = createServer().listen(0, '127.0.0.1');
  await once(silent, 'listening');
  const { port } = silent.address() as { port: number };
  const child = spawn(OTHER, [join(clone, 'bin/argus.js'), 'migrate', 'status'], {
    env: { PATH: '/usr/bin:/bin', DATABASE_URL: `postgresql://x@127.0.0.1:${port}/x` },
    stdio: 'ignore',
  });
  await once(silent, 'connection');
  child.kill('SIGTERM');
  const [code, signal] = await once(child, 'exit');
  expect(signal ?? code).toBe(OTHER === process.execPath ? 'SIGTERM' : 143);
  silent.close();
}, 60_000);
