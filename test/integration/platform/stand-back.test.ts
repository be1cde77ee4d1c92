import { getPriority, platform } from 'node:os';
import pg from 'pg';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { withReadScope } from '../../../src/data/read-scope.ts';
import { prepared } from '../../../src/data/statement.ts';
import { withWrite } from '../../../src/data/write.ts';
import { createTestApp, type TestApp } from '../../support/app.ts';

let t: TestApp;
let other: pg.Client;
beforeAll(async () => {
  t = await createTestApp();
  other = new pg.Client({ connectionString: t.database.ownerUrl });
  await other.connect();
});
afterAll(async () => {
  await other?.end();
  await t?.close();
});

const PID = prepared('SELECT pg_backend_pid() AS pid');

/** A database of another machine, or of another account, is left alone: there is nothing to see then. */
const mayBeSeen = async (): Promise<boolean> => {
  const [{ pid }] = (await other.query<{ pid: number }>(PID)).rows as [{ pid: number }];
  try {
    return platform() === 'linux' && getPriority(pid) === getPriority() && process.getuid?.() === 0;
  } catch {
    return false;
  }
};

test('sessions of the server stand back for it, and no others do', async ({ skip }) => {
  if (!(await mayBeSeen())) skip('PostgreSQL is not on this machine, or of another account');
  const a = await t.tenant('priority');
  const read = await withReadScope(t.app.services.read, a.system, (scope) => scope.query<{ pid: number }>(PID));
  const write = await withWrite(t.app.services.write, a.system, 'test', (tx) => tx.query<{ pid: number }>(PID));
  for (const [row] of [read, write.value]) await vi.waitFor(() => expect(getPriority(row?.pid ?? 0)).toBe(10));
  const [{ pid }] = (await other.query<{ pid: number }>(PID)).rows as [{ pid: number }];
  expect(getPriority(pid)).toBe(getPriority());
});
