import { chmod, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { dropEmbedded } from '../../src/data/embedded.ts';
import { keepEmbedded } from '../../src/data/embedded-keep.ts';

let dir = '';
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'argus-keep-'));
  // The server's own account must be able to pass.
  await chmod(dir, 0o755);
});
afterAll(async () => {
  await dropEmbedded(dir);
  await rm(dir, { recursive: true, force: true });
});

test('a database that is kept is waited for longer only while it ends again and again', async () => {
  const lines: string[] = [];
  const server = await keepEmbedded({ dir, log: (line) => lines.push(line) });
  const beginning = (words: string) => lines.filter((line) => line.startsWith(words));
  try {
    for (const [times, milliseconds] of [0, 0, 3_600, 0].entries()) {
      await sleep(milliseconds);
      process.kill(Number((await readFile(join(dir, 'pg18', 'postmaster.pid'), 'utf8')).split('\n')[0]), 'SIGKILL');
      await expect.poll(() => beginning('the database is back').length, { timeout: 20_000 }).toBe(times + 1);
    }
  } finally {
    await server.stop();
  }
  const waits = beginning('the database has ended').map((line) => / in (\S+) s$/.exec(line)?.[1] ?? '0');
  expect(waits).toEqual(['0', '0.5', '0', '0.5']);
}, 60_000);
