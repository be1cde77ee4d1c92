import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { withWrite } from '../../../src/data/write.ts';
import { encodeId } from '../../../src/graphql/ids.ts';
import { startJobs } from '../../../src/jobs.ts';
import { addMember } from '../../../src/modules/platform/tenant.service.ts';
import { type Answer, createTestApp, type Tenant, type TestApp } from '../../support/app.ts';
import { asOwner } from '../intel/records.ts';
import { post, type Served, serve } from './serving.ts';

let t: TestApp;
let a: Tenant;
let served: Served;
beforeAll(async () => {
  t = await createTestApp();
  a = await t.tenant('once');
  served = await serve(t.app);
});
afterAll(async () => {
  await served?.stop();
  await t?.close();
});

const ERRORS = 'userErrors { code message path }';
const CREATE = `mutation($input: CreateSourceInput!, $key: String) {
  createSource(input: $input, idempotencyKey: $key) { source { id name } ${ERRORS} eventSeq } }`;
const source = (externalRef: string, over: object = {}) => ({ name: 'S', kind: 'FORUM', externalRef, ...over });

/** Creates a source over HTTP, with the header. */
async function create(header: string, input: object, key = a.key, headers: Record<string, string> = {}) {
  const answer = await post(served.url, key, CREATE, { input }, { 'idempotency-key': header, ...headers });
  return { ...answer, made: answer.body.data?.createSource, replayed: answer.headers.get('idempotency-replayed') };
}

/** The same with the argument, without a port. */
async function createBy(key: string, argument: string | null, input: object): Promise<Answer> {
  return (await t.runOk(key, CREATE, { input, key: argument })).createSource;
}

const kept = async (tenantId = a.tenantId): Promise<number> =>
  (await asOwner(t, 'SELECT count(*)::int AS count FROM idempotency_keys WHERE tenant_id = $1', [tenantId]))[0].count;
/** Everything a change of the tenant leaves. */
const traces = async (tenantId = a.tenantId) =>
  (
    await asOwner(
      t,
      `SELECT (SELECT count(*)::int FROM sources WHERE tenant_id = $1) AS sources,
         (SELECT count(*)::int FROM event_store WHERE tenant_id = $1) AS events,
         (SELECT count(*)::int FROM audit_logs WHERE tenant_id = $1) AS audits`,
      [tenantId],
    )
  )[0];

describe('a call that is made again with its key', () => {
  test('changes nothing, answers as the first did, and says so', async () => {
    const first = await create('again', source('again'));
    expect([first.made.userErrors, first.replayed]).toEqual([[], null]);
    const before = await traces();
    const second = await create('again', source('again'));
    expect(second.body).toEqual(first.body);
    expect([second.status, second.replayed]).toEqual([200, 'true']);
    // What the short path does not take.
    const long = await create('again', source('again'), a.key, { 'content-type': 'application/json; charset=utf8' });
    expect([long.body, long.replayed]).toEqual([first.body, 'true']);
    expect(await traces()).toEqual(before);
  });

  test('is known by header, quoted header and argument alike, whatever the order of the input', async () => {
    const first = await createBy(a.key, 'a "b" \\', { ...source('alike') });
    for (const header of ['a "b" \\', '"a \\"b\\" \\\\"'])
      expect((await create(header, source('alike'))).made, header).toEqual(first);
    expect(await createBy(a.key, 'a "b" \\', { externalRef: 'alike', kind: 'FORUM', name: 'S' })).toEqual(first);
  });

  test('may ask for other fields, and sees the present of what hangs on its result', async () => {
    const { project } = (
      await t.runOk(
        a.key,
        'mutation { createProject(input: { key: "IDEM", name: "Before" }) { project { id version } } }',
      )
    ).createProject;
    const report = (fields: string) =>
      t.runOk(
        a.key,
        `mutation($id: ID!) { made: createBug(idempotencyKey: "bug", input: { projectId: $id, title: "First", affectedShare: "0.25" }) { ${fields} } }`,
        { id: project.id },
      );
    const { made } = await report('bug { id title version affectedShare } eventSeq');
    const edit = 'mutation($id: ID!) { updateBug(input: { id: $id, title: "Second" }) { userErrors { code } } }';
    await t.runOk(a.key, edit, { id: made.bug.id });
    await t.runOk(
      a.key,
      'mutation($id: ID!) { updateProject(input: { id: $id, name: "After" }) { userErrors { code } } }',
      { id: project.id },
    );
    const { made: again } = await report('bug { id title version affectedShare createdAt project { name } } eventSeq');
    expect(again).toMatchObject({ ...made, bug: { ...made.bug, project: { name: 'After' } } });
  });

  test('tells its process that it has seen the first one’s event', async () => {
    const heard: [string, bigint][] = [];
    const { eventSeq } = await createBy(a.key, 'heard', source('heard'));
    const off = t.app.services.bus.onCommit((tenantId, seq) => heard.push([tenantId, seq]));
    await createBy(a.key, 'heard', source('heard'));
    off();
    expect(heard).toEqual([[a.tenantId, BigInt(eventSeq)]]);
  });

  test('gives secrets again, which are stored encrypted, and the key not at all', async () => {
    const call = () =>
      t.runOk(
        a.key,
        `mutation { createApiKey(input: { name: "k" }, idempotencyKey: "key of a key") { key { secret apiKey { id } } } }`,
      );
    const first = await call();
    expect(await call()).toEqual(first);
    const { secret } = first.createApiKey.key;
    await t.runOk(secret, '{ viewer { kind } }');
    const rows = await asOwner(
      t,
      `SELECT encode(outcome, 'escape') || encode(key_hash, 'escape') AS text FROM idempotency_keys`,
    );
    expect(rows.length).toBeGreaterThan(3);
    for (const { text } of rows) expect(text).not.toMatch(/argus_|key of a key|createApiKey|secret/);
  });
});

describe('a key', () => {
  test('that was used for something else is refused, and nothing is done', async () => {
    await createBy(a.key, 'taken', source('taken'));
    const before = await traces();
    const conflict = { code: 'IDEMPOTENCY_CONFLICT', path: ['idempotencyKey'] };
    expect((await createBy(a.key, 'taken', source('taken-2'))).userErrors).toMatchObject([conflict]);
    const other =
      'mutation { openCase(input: { title: "x" }, idempotencyKey: "taken") { case { id } userErrors { code path } } }';
    expect((await t.runOk(a.key, other)).openCase).toEqual({ case: null, userErrors: [conflict] });
    const refused = await create('taken', source('taken-3'));
    expect([refused.made.source, refused.replayed]).toEqual([null, null]);
    expect(await traces()).toEqual(before);
  });

  test.for(['x'.repeat(201), '', 'é', 'a\tb', 'a\nb'])('%j is none', async (key) => {
    const refused = await createBy(a.key, key, source('none'));
    expect(refused).toMatchObject({ source: null, userErrors: [{ code: 'INVALID_INPUT', path: ['idempotencyKey'] }] });
  });

  test.for(['"open', '"a"b"', '"\\n"', '""', 'x'.repeat(201), 'é'])('%j is no header', async (header) => {
    for (const type of ['application/json', 'application/json; charset=utf8']) {
      const { status, body } = await create(header, source('none'), a.key, { 'content-type': type });
      expect([status, body.errors?.[0]?.extensions?.code], type).toEqual([400, 'INVALID_INPUT']);
    }
  });

  test('has up to 200 characters', async () => {
    expect((await create('~'.repeat(200), source('long'))).made.userErrors).toEqual([]);
  });

  test('belongs to a member: another tenant’s, or another member’s, is another', async () => {
    const [other, own] = [await t.tenant('once-2'), await createBy(a.key, 'mine', source('mine'))];
    expect((await createBy(other.key, 'mine', source('mine'))).source.id).not.toBe(own.source.id);
    const { value: member } = await withWrite(t.app.services.write, a.system, 'test', (tx) =>
      addMember(tx, { email: 'b@once.example', displayName: 'B', role: 'OWNER', passwordHash: null }),
    );
    const { createApiKey } = await t.runOk(
      a.key,
      'mutation($id: ID!) { createApiKey(input: { name: "b", memberId: $id }) { key { secret } } }',
      { id: encodeId('mem', member.memberId) },
    );
    expect((await createBy(createApiKey.key.secret, 'mine', source('mine-2'))).userErrors).toEqual([]);
  });

  test('of a header stands for each root field by its response name', async () => {
    const fields = (n: number) =>
      [...Array(n).keys()].map((i) => `f${i}: openCase(input: { title: "Many" }) { case { id } eventSeq }`).join(' ');
    const call = (n: number) => post(served.url, a.key, `mutation { ${fields(n)} }`, {}, { 'idempotency-key': 'many' });
    const first = await call(2);
    expect(first.body.data.f0.case.id).not.toBe(first.body.data.f1.case.id);
    const second = await call(2);
    expect([second.body, second.headers.get('idempotency-replayed')]).toEqual([first.body, 'true']);
    expect((await call(1)).body.data.f0.case.id, 'of one field it is the key itself').not.toBe(
      first.body.data.f0.case.id,
    );
  });

  test('of a change that was refused may be tried again', async () => {
    const { case: opened } = (await t.runOk(a.key, 'mutation { openCase(input: { title: "Retry" }) { case { id } } }'))
      .openCase;
    const move = (status: string, key: string) =>
      t.runOk(
        a.key,
        `mutation($id: ID!, $status: CaseStatus!, $key: String) {
          moveCase(input: { id: $id, status: $status }, idempotencyKey: $key) { case { status } userErrors { code } } }`,
        { id: opened.id, status, key },
      );
    const before = await kept();
    expect((await move('ON_HOLD', 'later')).moveCase.userErrors).toEqual([{ code: 'INVALID_TRANSITION' }]);
    expect(await kept()).toBe(before);
    await move('IN_PROGRESS', 'first');
    const held = { case: { status: 'ON_HOLD' }, userErrors: [] };
    expect((await move('ON_HOLD', 'later')).moveCase).toEqual(held);
    expect((await move('ON_HOLD', 'later')).moveCase).toEqual(held);
    expect((await move('ON_HOLD', 'another')).moveCase.userErrors).toEqual([{ code: 'INVALID_TRANSITION' }]);
  });

  test('is forgotten after 24 hours', async () => {
    const b = await t.tenant('expired');
    const first = await createBy(b.key, 'old', source('old'));
    const expires = (inTime: string) =>
      asOwner(
        t,
        `UPDATE idempotency_keys SET expires_at = now() + interval '${inTime}' WHERE tenant_id = $1
           AND created_at = (SELECT min(created_at) FROM idempotency_keys WHERE tenant_id = $1)`,
        [b.tenantId],
      );
    const [row] = await asOwner(
      t,
      'SELECT extract(epoch FROM expires_at - created_at)::int AS seconds FROM idempotency_keys WHERE tenant_id = $1',
      [b.tenantId],
    );
    expect(row).toEqual({ seconds: 24 * 3_600 });
    await expires('1 minute');
    expect(await createBy(b.key, 'old', source('old'))).toEqual(first);
    await expires('-1 minute');
    const second = await createBy(b.key, 'old', source('old-2'));
    expect(second.source.id).not.toBe(first.source.id);
    expect(await createBy(b.key, 'old', source('old-2')), 'it is kept anew').toEqual(second);
    await createBy(b.key, 'new', source('new'));
    await expires('-1 second');
    const jobs = startJobs(t.app.services);
    await expect.poll(() => kept(b.tenantId), { timeout: 10_000 }).toBe(1);
    await jobs.stop();
  });
});

test('without a key no statement is added, with one two, and a second call has nothing but the claim', async () => {
  const record = vi.spyOn(t.app.services.read.statements, 'record');
  const statements = async (key: string | null, ref: string) => {
    await createBy(a.key, null, source(`${ref} before`));
    await new Promise((resolve) => setTimeout(resolve, 50));
    record.mockClear();
    await createBy(a.key, key, source(ref));
    await new Promise((resolve) => setTimeout(resolve, 50));
    return record.mock.calls.map(([text]) => /IdempotencyKey\.\w+/.exec(text)?.[0] ?? 'other');
  };
  const none = await statements(null, 'counted');
  const one = await statements('counted', 'counted 2');
  const again = await statements('counted', 'counted 2');
  record.mockRestore();
  expect(new Set(none)).toEqual(new Set(['other']));
  expect(one.toSorted()).toEqual([...none, 'IdempotencyKey.claim', 'IdempotencyKey.keep'].toSorted());
  expect(again.filter((text) => text !== 'other')).toEqual(['IdempotencyKey.claim']);
  expect(again.length).toBeLessThan(none.length);
});
