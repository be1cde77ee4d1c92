import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { getPriority, tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { dropEmbedded, type EmbeddedServer, startEmbedded } from '../../src/data/embedded.ts';

let root: string;
let server: EmbeddedServer;
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'argus-priority-'));
  // The server's own account must be able to pass.
  await chmod(root, 0o755);
  server = await startEmbedded({ dir: join(root, 'db'), nice: 7 });
}, 60_000);
afterAll(async () => {
  await server?.stop('immediate');
  await dropEmbedded(join(root, 'db'));
  await rm(root, { recursive: true, force: true });
});

test('sessions stand back for the server; what keeps the data safe does not', async () => {
  const client = new pg.Client({ connectionString: server.adminUrl });
  await client.connect();
  const { rows } = await client.query<{ backend_type: string; pid: number }>(
    `SELECT backend_type, pid FROM pg_stat_activity WHERE pid = pg_backend_pid() OR backend_type IN ('checkpointer', 'walwriter')`,
  );
  const priorities = rows.map(({ backend_type, pid }) => [backend_type, getPriority(pid)]);
  await client.end();
  const own = getPriority();
  expect(Object.fromEntries(priorities)).toEqual({ 'client backend': 7, checkpointer: own, walwriter: own });
});
