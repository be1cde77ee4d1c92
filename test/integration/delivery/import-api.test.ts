import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { deliveryImporter } from '../../../src/imports/delivery.importers.ts';
import { importRecords } from '../../../src/imports/run.ts';
import { type Answer, createTestApp, type Tenant, type TestApp } from '../../support/app.ts';
import { subscribe } from '../../support/sse.ts';
import { asOwner } from './figures.ts';
import {
  bugsOf,
  csv,
  importText,
  issue,
  JIRA_HEADER,
  jiraCsv,
  jiraRows,
  lastSeq,
  runOf,
  startImport,
  totalsOf,
  writtenRows,
} from './import-files.ts';

let t: TestApp;
let github: Server;
const answer = { status: 200, issues: [issue(1), issue(2)] };
beforeAll(async () => {
  github = createServer((_, response) => response.writeHead(answer.status).end(JSON.stringify(answer.issues)));
  await new Promise<void>((done) => github.listen(0, '127.0.0.1', done));
  const port = (github.address() as AddressInfo).port;
  t = await createTestApp({ env: { GITHUB_API_URL: `http://127.0.0.1:${port}` } });
});
afterAll(async () => {
  await t?.close();
  github?.close();
});

const BUGS = { kind: 'BUGS', content: jiraCsv(20) };
const WATCH = 'subscription ($id: ID!) { importProgress(id: $id) { status created total finishedAt } }';
const count = async (tenant: Tenant) => (await bugsOf(t, tenant)).length;

async function keyWith({ key }: Tenant, permissions: string[]): Promise<string> {
  const query = 'mutation ($input: CreateApiKeyInput!) { createApiKey(input: $input) { key { secret } } }';
  return (await t.runOk(key, query, { input: { name: permissions.join(' '), permissions } })).createApiKey.key.secret;
}

test('a text is imported without a file, which a killed server would leave behind', async () => {
  const tenant = await t.tenant('no-file');
  const { TMPDIR } = process.env;
  process.env.TMPDIR = '/nonexistent';
  try {
    expect(await importText(t, tenant, BUGS)).toMatchObject({ status: 'COMPLETED', created: 20 });
  } finally {
    process.env.TMPDIR = TMPDIR;
    if (TMPDIR === undefined) delete process.env.TMPDIR;
  }
});

test('it answers at once, and importProgress shows the run until its end', async () => {
  const { key } = await t.tenant('progress');
  const input = { kind: 'BUGS', content: jiraCsv(4_000), fileName: 'progress.csv' };
  const { importRun } = await startImport(t, key, input);
  expect(importRun.status).toBe('PENDING');
  const watching = await subscribe(t, key, WATCH, { id: importRun.id });
  const seen: Answer[] = [];
  for (let next = await watching.next(20_000); next; next = await watching.next(20_000))
    seen.push(next.data?.importProgress);
  expect(watching.ended()).toBe(true);
  const created = seen.map((run) => run.created);
  expect(created).toEqual(created.toSorted((a, b) => a - b));
  expect(new Set(created).size).toBeGreaterThan(2);
  const statuses = seen.map((run) => run.status);
  expect(statuses.at(-1)).toBe('COMPLETED');
  expect(['PENDING', 'RUNNING']).toContain(statuses[0]);
  expect(statuses.slice(0, -1).filter((status) => !['PENDING', 'RUNNING'].includes(status))).toEqual([]);
  expect(seen.at(-1)).toMatchObject({ created: 4_000, total: 4_000, finishedAt: expect.any(String) });
  const over = await subscribe(t, key, WATCH, { id: importRun.id });
  expect((await over.next(5_000))?.data).toMatchObject({ importProgress: { status: 'COMPLETED', created: 4_000 } });
  expect(await over.next(5_000)).toBeNull();
});

test('each kind needs its permission, and a run is shown to its own tenant', async () => {
  const tenant = await t.tenant('rights');
  const messages = async (permissions: string[], input: object) => {
    const { data, errors } = await t.run(
      await keyWith(tenant, permissions),
      'mutation ($input: StartImportInput!) { startImport(input: $input) { importRun { id } userErrors { code message } } }',
      { input },
    );
    return [...(errors ?? []), ...(data?.startImport?.userErrors ?? [])].map(({ message }) => message);
  };
  const metrics = { kind: 'METRICS', content: 'project,date,commits\nP,2026-01-01,1\n' };
  expect(await messages(['bug:write', 'import:read'], BUGS)).toEqual([expect.stringContaining('import:write')]);
  expect(await messages(['import:write', 'metric:write', 'import:read'], BUGS)).toEqual([
    expect.stringContaining('bug:write'),
  ]);
  expect(await messages(['import:write', 'bug:write', 'import:read'], metrics)).toEqual([
    expect.stringContaining('metric:write'),
  ]);
  expect(await count(tenant)).toBe(0);
  expect(await messages(['import:write', 'bug:write', 'import:read'], BUGS)).toEqual([
    expect.stringContaining('project:write'),
  ]);
  expect(await messages(['import:write', 'bug:write', 'project:write', 'import:read'], BUGS)).toEqual([]);
  expect(await messages(['import:write', 'metric:write', 'project:write', 'import:read'], metrics)).toEqual([]);
  await Promise.all(t.app.services.background);
  expect(await count(tenant)).toBe(20);

  const { importRuns } = await t.runOk(
    tenant.key,
    '{ importRuns { nodes { id kind status startedBy { displayName } } } }',
  );
  expect(importRuns.nodes).toMatchObject([
    { kind: 'metrics', status: 'COMPLETED', startedBy: { displayName: 'Owner' } },
    { kind: 'bugs', status: 'COMPLETED', startedBy: { displayName: 'Owner' } },
  ]);
  const id = importRuns.nodes[0].id;
  const first = async (key: string) => (await (await subscribe(t, key, WATCH, { id })).next(5_000))?.errors?.[0];
  const stranger = await t.tenant('stranger');
  expect(await first(stranger.key)).toMatchObject({ extensions: { code: 'NOT_FOUND' } });
  expect(await first(await keyWith(tenant, ['bug:read']))).toMatchObject({ extensions: { code: 'FORBIDDEN' } });
});

test('what is wrong with the input is told at once, with its place, and no run is announced', async () => {
  const { key } = await t.tenant('wrong');
  const refused = async (input: object) => (await startImport(t, key, input)).userErrors[0];
  const wrong: [object, string[], string][] = [
    [{ ...BUGS, mapping: [] }, ['mapping'], 'the mapping must be an object'],
    [{ ...BUGS, mapping: { columns: { externalID: 'x' } } }, ['mapping', 'columns'], 'columns has no key "externalID"'],
    [{ ...BUGS, mapping: { statuses: { x: 'OPEN' } } }, ['mapping', 'statuses', 'x'], 'statuses.x is "OPEN"'],
    [{ ...BUGS, mapping: { severities: { a: 'LOW', A: 'LOW' } } }, ['mapping', 'severities'], 'has "A" twice'],
    [{ ...BUGS, mapping: { dateOrder: 'YMD' } }, ['mapping', 'dateOrder'], 'none of DMY, MDY'],
    [{ ...BUGS, mapping: { project: '???' } }, ['mapping', 'project'], 'is no project key'],
    [{ ...BUGS, project: '???' }, ['project'], 'is no project key'],
    [{ kind: 'BUGS' }, ['content'], 'give the text of the file'],
    [{ kind: 'GITHUB_ISSUES' }, ['repository'], 'owner/name'],
    [{ kind: 'GITHUB_ISSUES', repository: 'octo' }, ['repository'], 'owner/name'],
    [{ kind: 'GITHUB_ISSUES', repository: 'octo/demo', atomic: true }, ['atomic'], 'page by page'],
    [{ ...BUGS, content: 'id,title\n1,a\0b\n' }, ['content'], 'U+0000'],
    [{ ...BUGS, fileName: 'a\0b' }, ['fileName'], 'U+0000'],
  ];
  for (const [input, path, message] of wrong)
    expect(await refused(input)).toMatchObject({
      code: 'INVALID_INPUT',
      path,
      message: expect.stringContaining(message),
    });
  expect((await t.runOk(key, '{ importRuns { nodes { id } } }')).importRuns.nodes).toEqual([]);
});

test('of two imports of one kind at once one says that it has to wait; another kind does not', async () => {
  const tenant = await t.tenant('both');
  const input = { kind: 'BUGS', content: jiraCsv(2_000) };
  const started = await Promise.all([startImport(t, tenant.key, input), startImport(t, tenant.key, input)]);
  const metrics = await importText(t, tenant, { kind: 'METRICS', content: 'project,date,commits\nP,2026-01-01,1\n' });
  expect(metrics.status).toBe('COMPLETED');
  const reason = 'another import of bugs into this tenant is running: wait for it, or stop it';
  // Who meets the other one's lock while asking is told at once; who meets it when the run begins, by the run.
  const outcomes: Answer[] = await Promise.all(
    started.map(({ importRun, userErrors }) =>
      importRun ? runOf(t, tenant.key, importRun.id) : { status: 'REFUSED', errors: userErrors },
    ),
  );
  const [done, refused] = outcomes.toSorted((a, b) => a.status.localeCompare(b.status));
  expect(done).toMatchObject({ status: 'COMPLETED', created: 2_000, errors: [] });
  if (refused.status === 'REFUSED') expect(refused.errors).toEqual([{ code: 'CONFLICT', message: reason, path: [] }]);
  else {
    expect(refused).toMatchObject({ status: 'FAILED', created: 0, finishedAt: expect.any(String) });
    expect(refused.errors).toEqual([{ code: 'CONFLICT', reason }]);
  }
});

test.for([false, true])(
  'a server that stops ends an import and says so (all or none: %s)',
  { timeout: 60_000 },
  async (atomic) => {
    const other = await createTestApp();
    const tenant = await other.tenant('stopping');
    const { importRun } = await startImport(other, tenant.key, { kind: 'BUGS', content: jiraCsv(6_000), atomic });
    await expect.poll(() => runOf(other, tenant.key, importRun.id).then(({ status }) => status)).toBe('RUNNING');
    if (!atomic) await expect.poll(async () => (await bugsOf(other, tenant)).length).toBeGreaterThan(0);
    const begun = performance.now();
    await other.app.close();
    expect(performance.now() - begun).toBeLessThan(5_000);
    const stored = await bugsOf(other, tenant);
    expect(stored.length % 250).toBe(0);
    expect(stored.length).toBeLessThan(atomic ? 1 : 6_000);
    const [run] = await asOwner(other, 'SELECT status, created, total, errors FROM import_logs', []);
    expect(run).toMatchObject({ status: 'FAILED', created: stored.length, total: null });
    expect(run.errors).toMatchObject([
      { code: 'STOPPED', reason: expect.stringContaining('run the same import again') },
    ]);
    await other.database.drop();
  },
);

test('characters that PostgreSQL cannot hold are replaced, in bugs and in what is told of them', async () => {
  const tenant = await t.tenant('odd');
  const lines = [
    '{"id":"1","title":"a\\u0000b","project":"P","x\\u0000y":"\\ud83d"}',
    '{"id":"2","title":"t","project":"P","status":"x\\u0000\\ud83d"}',
  ];
  const fileName = `${'n'.repeat(9_998)}😀`;
  const run = await importText(t, tenant, { kind: 'BUGS', content: lines.join('\n'), format: 'JSONL', fileName });
  expect(run).toMatchObject({ status: 'PARTIAL', created: 1, rejected: 1, fileName: 'n'.repeat(500) });
  expect(run.errors).toMatchObject([{ line: 2, field: 'status', value: 'x\u{fffd}\u{fffd}' }]);
  expect(await bugsOf(t, tenant)).toMatchObject([{ title: 'a\u{fffd}b', details: { 'x\u{fffd}y': '\u{fffd}' } }]);
});

test('a dry run tells what would be and writes nothing, for new and for stored bugs', async () => {
  const tenant = await t.tenant('dry');
  const nothing = await writtenRows(t, tenant);
  expect(await importText(t, tenant, { ...BUGS, dryRun: true })).toMatchObject({
    created: 20,
    status: 'COMPLETED',
    isDryRun: true,
  });
  expect(await writtenRows(t, tenant)).toEqual(nothing);
  await importText(t, tenant, BUGS);
  const [before, seq] = [await writtenRows(t, tenant), await lastSeq(t, tenant.key)];
  const rows = jiraRows(22).map((row, i) => (i === 5 ? row.with(2, 'Renamed') : row));
  const changed = { kind: 'BUGS', content: csv([JIRA_HEADER, ...rows]), dryRun: true };
  expect(await importText(t, tenant, changed)).toMatchObject({ created: 2, updated: 1, unchanged: 19 });
  expect(await importText(t, tenant, { ...changed, atomic: true })).toMatchObject({
    created: 2,
    updated: 1,
    unchanged: 19,
  });
  expect([await writtenRows(t, tenant), await lastSeq(t, tenant.key)]).toEqual([before, seq]);
});

test('all or none: bad rows keep the others out and are all told; good ones come in one transaction', async () => {
  const tenant = await t.tenant('atomic');
  const before = await writtenRows(t, tenant);
  const rows = jiraRows(600).map((row, i) => (i % 300 === 299 ? row.with(4, 'Parked') : row));
  const run = await importText(t, tenant, { kind: 'BUGS', content: csv([JIRA_HEADER, ...rows]), atomic: true });
  expect(run).toMatchObject({ status: 'FAILED', created: 0, updated: 0, unchanged: 0, rejected: 2, isAtomic: true });
  expect(run.errors).toMatchObject([
    { line: 301, field: 'Status', value: 'Parked' },
    { line: 601, field: 'Status', value: 'Parked' },
    { code: 'INVALID_INPUT', reason: '2 rows cannot be taken, and it was to be all or none: nothing was written' },
  ]);
  expect(await writtenRows(t, tenant)).toEqual(before);
  const all = await importText(t, tenant, { kind: 'BUGS', content: jiraCsv(600), atomic: true });
  expect(all).toMatchObject({ status: 'COMPLETED', created: 600, rejected: 0 });
  const bugs = (await writtenRows(t, tenant)).filter(({ name }) => name === 'bugs');
  expect(new Set(bugs.map(({ xmin }) => xmin)).size).toBe(1);
  const { kept, counted } = await totalsOf(t, tenant);
  expect(kept).toEqual(counted);
});

test('issues are read from the API that the server is set to, and a refusal stands in the run', async () => {
  const tenant = await t.tenant('hub');
  const input = { kind: 'GITHUB_ISSUES', repository: 'octo/demo' };
  Object.assign(answer, { status: 404 });
  const failed = await importText(t, tenant, input);
  expect(failed).toMatchObject({ status: 'FAILED', source: 'github', fileName: 'octo/demo' });
  expect(failed.errors).toMatchObject([
    { code: 'SOURCE_FAILED', reason: expect.stringContaining('no such repository') },
  ]);
  Object.assign(answer, { status: 200 });
  expect(await importText(t, tenant, input)).toMatchObject({ status: 'COMPLETED', created: 2 });
  expect(await importText(t, tenant, input)).toMatchObject({ status: 'COMPLETED', unchanged: 2 });
});

test('all or none: a transaction that the database took back reads the file again from its beginning', async () => {
  const tenant = await t.tenant('retried');
  const importer = deliveryImporter('bugs', {});
  const attempts = { left: 1 };
  const report = { created: 0, updated: 0, unchanged: 0, rejected: 0, warned: 0, rejections: [], warnings: [] };
  const store: typeof importer.store = async (tx, bugs) => {
    if (attempts.left-- > 0)
      await tx.db.$executeRawUnsafe("DO $$ BEGIN RAISE EXCEPTION 'busy' USING ERRCODE = '40001'; END $$");
    return importer.store(tx, bugs);
  };
  const rows = jiraRows(300).map((row, i) => ({
    ok: true as const,
    line: i + 2,
    record: Object.fromEntries(row.map((cell, at) => [JIRA_HEADER[at], cell])),
    bytesRead: 0,
  }));
  const records = async function* () {
    yield* rows;
  };
  const options = { file: 'x', atomic: true, signal: new AbortController().signal };
  await importRecords(t.app.services, tenant.system, { ...importer, store }, records, report, options);
  expect(attempts.left).toBeLessThan(0);
  expect(report).toMatchObject({ created: 300, rejected: 0 });
  expect(await count(tenant)).toBe(300);
});

test('an import goes on to its end when the connection that holds its lock breaks', async () => {
  const tenant = await t.tenant('unlocked');
  const { importRun } = await startImport(t, tenant.key, { kind: 'BUGS', content: jiraCsv(1_500) });
  const cut = `SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory' AND objid::bigint =
    (hashtext($1)::bigint & 4294967295) AND database = (SELECT oid FROM pg_database WHERE datname = current_database())`;
  await expect.poll(() => asOwner(t, cut, [tenant.tenantId]), { interval: 20 }).toHaveLength(1);
  await Promise.all(t.app.services.background);
  expect(await runOf(t, tenant.key, importRun.id)).toMatchObject({ status: 'COMPLETED', created: 1_500 });
});
