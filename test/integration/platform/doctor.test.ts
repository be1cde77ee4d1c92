import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';

/** Answers as a server of another folder does. */
const argus = createServer((_, response) => response.end('{"status":"ok"}'));
const other = createServer((_, response) => response.end('hello'));
const dir = mkdtempSync(join(tmpdir(), 'argus-doctor-'));
const portOf = (server: Server) => (server.address() as AddressInfo).port;

beforeAll(() => Promise.all([argus, other].map((server) => once(server.listen(0, '127.0.0.1'), 'listening'))));
afterAll(() => {
  argus.close();
  other.close();
  rmSync(dir, { recursive: true, force: true });
});

async function doctor(port: number, env: Record<string, string> = {}): Promise<string> {
  const child = spawn(process.execPath, ['src/main.ts', 'doctor'], {
    env: { ...process.env, DATABASE_URL: '', NODE_ENV: 'development', ARGUS_DIR: dir, PORT: String(port), ...env },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let text = '';
  child.stdout.on('data', (chunk) => (text += chunk));
  await once(child, 'close');
  return text;
}

test('doctor tells an Argus of another folder from its own, and from something else', { timeout: 60_000 }, async () => {
  const own = { DATABASE_URL: 'postgresql://argus@127.0.0.1:1/argus' };
  const [another, perhaps, else_] = await Promise.all([
    doctor(portOf(argus)),
    doctor(portOf(argus), own),
    doctor(portOf(other)),
  ]);
  expect(another).toContain(`FAIL  Port: another Argus server listens on ${portOf(argus)}`);
  expect(perhaps).toContain(` ok   Port: an Argus server listens on ${portOf(argus)}; if it is not yours`);
  expect(else_).toContain(`FAIL  Port: 127.0.0.1:${portOf(other)} cannot be used (EADDRINUSE)`);
});
