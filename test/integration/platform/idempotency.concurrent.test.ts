import { once } from 'node:events';
import pg from 'pg';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { hashPassword } from '../../../src/access/passwords.ts';
import type { App } from '../../../src/app.ts';
import { CallKey } from '../../../src/data/idempotency.ts';
import { type WriteTx, withWrite } from '../../../src/data/write.ts';
import { type Answer, createTestApp, type Tenant, type TestApp } from '../../support/app.ts';
import { settle } from '../../support/one-write.ts';
import { addSource, asOwner, range } from '../intel/records.ts';
import { type ServeProcess, serveProcess } from './serve-process.ts';
import { anotherApp, ask, post } from './serving.ts';

const WITHIN = { timeout: 20_000 };

let t: TestApp;
let a: Tenant;
let other: App;
let server: ServeProcess;
let owner: pg.Client;
beforeAll(async () => {
  // As few connections as can be, and room for all who wait.
  const room = { MAX_CONCURRENT: '200' };
  t = await createTestApp({ env: { DB_POOL_SIZE: '1', DB_POOL_OVERFLOW: '1', LOG_LEVEL: 'silent', ...room } });
  a = await t.tenant('together');
  server = serveProcess(t, [], { DB_POOL_SIZE: '1', DB_POOL_OVERFLOW: '0', ...room });
  other = await anotherApp(t, { DB_POOL_SIZE: '1', DB_POOL_OVERFLOW: '0', ...room });
  owner = new pg.Client({ connectionString: t.database.ownerUrl });
  await owner.connect();
});
afterEach(() => owner.query('ROLLBACK'));
afterAll(async () => {
  server?.child.kill('SIGKILL');
  await owner?.end();
  await other?.close();
  await t?.close();
});

const OPEN = `mutation($title: String!, $key: String) { openCase(input: { title: $title }, idempotencyKey: $key) {
  case { id number } userErrors { code message } eventSeq } }`;

const open = async (app: App, key: string | null, title = 'Case'): Promise<Answer> =>
  (await ask(app, a.key, OPEN, { title, key })).body;
const casesOf = async (title: string): Promise<number> =>
  (
    await asOwner(t, 'SELECT count(*)::int AS count FROM cases WHERE tenant_id = $1 AND title = $2', [
      a.tenantId,
      title,
    ])
  )[0].count;

/** Stops every write of the tenant at its event, until ROLLBACK. */
const holdLog = () =>
  owner.query(`BEGIN; SELECT FROM counters WHERE tenant_id = '${a.tenantId}' AND name = 'event' FOR UPDATE`);
/** Backends that wait for a lock, with what they run. Asked anew each time: a transaction sees activity as at its begin. */
const waiting = (): Promise<{ pid: number; query: string }[]> =>
  asOwner(
    t,
    `SELECT pid, query FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock' ORDER BY xact_start`,
  );

test('of 50 calls at once in two processes one does it, and all answer the same', async () => {
  const url = await server.url();
  const here = range(25).map(() => open(t.app, 'fifty', 'Fifty'));
  const there = range(25).map(() => post(url, a.key, OPEN, { title: 'Fifty', key: 'fifty' }).then(({ body }) => body));
  const answers = await Promise.all([...here, ...there]);
  expect(answers[0]?.data.openCase).toMatchObject({ case: { number: expect.anything() }, userErrors: [] });
  expect(new Set(answers.map(({ data }) => JSON.stringify(data))).size).toBe(1);
  expect(await casesOf('Fifty')).toBe(1);
  const { rows } = await owner.query(
    'SELECT count(*)::int AS count FROM event_store WHERE tenant_id = $1 AND seq = $2',
    [a.tenantId, answers[0]?.data.openCase.eventSeq],
  );
  expect(rows).toEqual([{ count: 1 }]);
});

test('calls that wait for the first one take no connection from others', async () => {
  const { openCase } = (await open(t.app, null, 'Held')).data;
  await owner.query(
    `BEGIN; SELECT FROM cases WHERE tenant_id = '${a.tenantId}' AND number = ${openCase.case.number} FOR UPDATE`,
  );
  const move =
    'mutation($id: ID!) { moveCase(input: { id: $id, status: IN_PROGRESS }, idempotencyKey: "held") { case { version } userErrors { code } } }';
  const moves = range(20).map(() => t.run(a.key, move, { id: openCase.case.id }));
  await expect.poll(waiting, WITHIN).toHaveLength(1);
  expect((await open(t.app, 'meanwhile', 'Meanwhile')).data.openCase.userErrors).toEqual([]);
  await owner.query('ROLLBACK');
  for (const { data } of await Promise.all(moves))
    expect(data.moveCase).toEqual({ case: { version: 2 }, userErrors: [] });
});

test('when the first one breaks, one that waits for it goes on', async () => {
  await holdLog();
  const first = open(t.app, 'broken', 'Broken');
  await expect.poll(waiting, WITHIN).toHaveLength(1);
  const second = open(other, 'broken', 'Broken');
  await expect.poll(waiting, WITHIN).toHaveLength(2);
  const [holder, waiter] = await waiting();
  expect(waiter?.query).toContain('IdempotencyKey.claim');
  await owner.query('SELECT pg_terminate_backend($1, 5000)', [holder?.pid]);
  expect((await first).errors?.[0].extensions.code).toBe('INTERNAL');
  await owner.query('ROLLBACK');
  const { data } = await second;
  expect(data.openCase.userErrors).toEqual([]);
  expect((await open(t.app, 'broken', 'Broken')).data).toEqual(data);
  expect(await casesOf('Broken')).toBe(1);
});

test('who waits for it too long in another process is told', async () => {
  await holdLog();
  const first = open(t.app, 'slow', 'Slow');
  await expect.poll(waiting, WITHIN).toHaveLength(1);
  const hasty = await anotherApp(t, { STATEMENT_TIMEOUT_MS: '500' });
  const { openCase } = (await open(hasty, 'slow', 'Slow')).data;
  await hasty.close();
  expect(openCase).toMatchObject({ case: null, userErrors: [{ code: 'CONFLICT' }] });
  expect(openCase.userErrors[0].message).toContain('still under way: try again');
  await owner.query('ROLLBACK');
  expect((await open(other, 'slow', 'Slow')).data).toEqual((await first).data);
});

test('what a serialization failure took back is done again with its key, once', async () => {
  const member = await t.app.services.prisma.$transaction(async (db) => {
    await db.$executeRawUnsafe(`SET LOCAL app.tenant_id = '${a.tenantId}'`);
    return db.member.findFirstOrThrow({ where: { tenantId: a.tenantId } });
  });
  const viewer = { ...a.system, memberId: member.id };
  let attempts = 0;
  const write = (key: CallKey) =>
    withWrite({ ...t.app.services.write, key }, viewer, 'test', async (tx: WriteTx) => {
      attempts += 1;
      tx.audit({ action: 'test.retried' });
      if (attempts === 1)
        await tx.db.$executeRawUnsafe(`DO $$ BEGIN RAISE EXCEPTION 'forced' USING ERRCODE = '40001'; END $$`);
      return { attempts };
    });
  const keyed = () => new CallKey(t.app.services.keyRing, 'retried', 'x');
  const key = keyed();
  expect(await write(key)).toEqual({ value: { attempts: 2 }, eventSeq: null });
  expect(key.replayed).toBe(false);
  await expect(write(key), 'it is for one transaction').rejects.toThrow('needs a part of its key');
  expect(await write(keyed())).toEqual({ value: { attempts: 2 }, eventSeq: null });
  expect(attempts).toBe(2);
  expect(await asOwner(t, `SELECT FROM audit_logs WHERE action = 'test.retried'`)).toHaveLength(1);
});

test('a batch of single items that broke off goes on where it was', async () => {
  const { createProject } = await t.runOk(
    a.key,
    'mutation { createProject(input: { key: "PART", name: "Part" }) { project { id } } }',
  );
  const projectId = createProject.project.id;
  const bugs = ['First', '', 'Third', 'Fourth'].map((title) => ({ projectId, title }));
  const batch = async (app: App) =>
    (
      await ask(
        app,
        a.key,
        `mutation($bugs: [CreateBugInput!]!) { bugBatchCreate(input: { bugs: $bugs, atomic: false }, idempotencyKey: "part") {
           batch { failed results { index bug { number title } userErrors { code path } } } eventSeq userErrors { code } } }`,
        { bugs },
      )
    ).body as Answer;
  // The third item waits, and is cut off.
  await owner.query(
    `CREATE FUNCTION stop() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM pg_advisory_xact_lock(77); RETURN NEW; END $$;
     CREATE TRIGGER stop BEFORE INSERT ON bugs FOR EACH ROW WHEN (NEW.title = 'Third') EXECUTE FUNCTION stop()`,
  );
  await owner.query('BEGIN; SELECT pg_advisory_xact_lock(77)');
  const broken = batch(t.app);
  await expect.poll(waiting, WITHIN).toHaveLength(1);
  await owner.query('SELECT pg_terminate_backend($1, 5000)', [(await waiting())[0]?.pid]);
  expect((await broken).errors?.[0].extensions.code).toBe('INTERNAL');
  await owner.query('ROLLBACK; DROP TRIGGER stop ON bugs; DROP FUNCTION stop');
  const { data } = await batch(other);
  expect(data.bugBatchCreate.batch.failed).toBe(1);
  expect(data.bugBatchCreate.batch.results.map((one: Answer) => one.bug?.number ?? one.userErrors[0].path)).toEqual([
    1,
    ['bugs', '1', 'title'],
    2,
    3,
  ]);
  expect((await batch(t.app)).data).toEqual(data);
  expect(await asOwner(t, 'SELECT FROM bugs WHERE tenant_id = $1', [a.tenantId])).toHaveLength(3);
  bugs.push({ projectId, title: 'Fifth' });
  expect((await batch(t.app)).data.bugBatchCreate.userErrors).toEqual([{ code: 'IDEMPOTENCY_CONFLICT' }]);
});

test('an import is started once, also while it runs', async () => {
  const start = () =>
    t.run(
      a.key,
      `mutation { startImport(idempotencyKey: "import", input: { kind: BUGS, content: "id,project,title\\n1,IMP,One\\n" }) { importRun { id status } userErrors { code message } } }`,
    );
  const answers = await Promise.all(range(5).map(start));
  await settle(t);
  answers.push(await start());
  expect(answers[0]?.data.startImport).toMatchObject({ importRun: { status: 'PENDING' }, userErrors: [] });
  for (const { data } of answers) expect(data).toEqual(answers[0]?.data);
  const runs = await asOwner(t, 'SELECT status FROM import_logs WHERE tenant_id = $1', [a.tenantId]);
  expect(runs).toEqual([{ status: 'COMPLETED' }]);
});

test('a person who signs in again with the key gets the same session, another password none', async () => {
  await asOwner(t, `UPDATE users SET password_hash = $1`, [await hashPassword('correct horse')]);
  const signIn = (password: string) =>
    t.run(
      null,
      `mutation($password: String!) { signIn(idempotencyKey: "in", input: { email: "owner@together.example", password: $password }) { session { token } userErrors { code } } }`,
      { password },
    );
  const first = await signIn('correct horse');
  expect(first.data.signIn.session.token).toMatch(/^argus_session_/);
  expect((await signIn('correct horse')).data).toEqual(first.data);
  expect((await signIn('wrong horse')).data.signIn).toEqual({
    session: null,
    userErrors: [{ code: 'UNAUTHENTICATED' }],
  });
  expect(await asOwner(t, 'SELECT FROM sessions')).toHaveLength(1);
});

test('a server that is killed between commit and answer has made the change, which the next one tells', async () => {
  const url = await server.url();
  const id = await addSource(t, a);
  const text = `mutation($id: ID!) { updateSource(idempotencyKey: "killed", input: { id: $id, name: "Kept" }) {
    source { id name version contents { nodes { id } } } userErrors { code } eventSeq } }`;
  // The payload reads contents: the change is committed, and its answer is not there yet.
  await owner.query('BEGIN; LOCK TABLE content IN ACCESS EXCLUSIVE MODE');
  const unanswered = post(url, a.key, text, { id }).catch(() => 'cut off');
  await expect.poll(waiting, WITHIN).toHaveLength(1);
  expect(await asOwner(t, 'SELECT version FROM sources WHERE name = $1', ['Kept'])).toEqual([{ version: 2 }]);
  server.child.kill('SIGKILL');
  await once(server.child, 'close');
  expect(await unanswered).toBe('cut off');
  await owner.query('ROLLBACK');
  const { updateSource } = await t.runOk(a.key, text, { id });
  expect(updateSource).toMatchObject({ source: { id, name: 'Kept', version: 2 }, userErrors: [] });
  const events = await asOwner(t, 'SELECT seq::int FROM event_store WHERE tenant_id = $1 AND type = $2', [
    a.tenantId,
    'SOURCE_UPDATED',
  ]);
  expect(events).toEqual([{ seq: updateSource.eventSeq }]);
});
