import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { type GithubOptions, syncGithub } from '../../../src/imports/github.sync.ts';
import { type Answer, createTestApp, type Tenant, type TestApp } from '../../support/app.ts';
import { asOwner } from './figures.ts';
import { bugsOf, importCommand, importText, issue, lastRun, writtenRows } from './import-files.ts';

let t: TestApp;
let command: ReturnType<typeof importCommand>;
beforeAll(async () => {
  t = await createTestApp();
  command = importCommand(t);
});
afterAll(async () => {
  command?.remove();
  await t?.close();
});

const REPOSITORY = 'octo/demo';
const PER_PAGE = 3;
type Issue = Record<string, unknown>;
const open: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const close of open.splice(0)) await close();
});

/** GitHub's list of issues: by the last change, from a time on, in pages with links. `before` may answer instead. */
async function github(issues: Issue[], before: (page: number, response: ServerResponse) => boolean = () => false) {
  const asked: string[] = [];
  const server = createServer((request, response) => {
    const url = new URL(request.url ?? '', origin);
    asked.push(url.search);
    const number = (name: string, or: number) => Number(url.searchParams.get(name) ?? or);
    const [page, perPage, since] = [number('page', 1), number('per_page', 30), url.searchParams.get('since') ?? ''];
    if (before(page, response)) return;
    const all = issues
      .filter(({ updated_at: at }) => Date.parse(String(at)) >= (since === '' ? 0 : Date.parse(since)))
      .sort((a, b) => Date.parse(String(a.updated_at)) - Date.parse(String(b.updated_at)));
    const next = new URL(url);
    next.searchParams.set('page', String(page + 1));
    if (page * perPage < all.length) response.setHeader('link', `<${next}>; rel="next"`);
    response.setHeader('content-type', 'application/json');
    response.end(JSON.stringify(all.slice((page - 1) * perPage, page * perPage)));
  });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  open.push(async () => {
    server.closeAllConnections();
    await new Promise((done) => server.close(done));
  });
  return { origin, asked };
}

const waits: number[] = [];
function sync(tenant: Tenant, apiUrl: string, more: Partial<GithubOptions> = {}) {
  waits.length = 0;
  const sleep = async (ms: number) => void waits.push(ms);
  return syncGithub(t.app.services, tenant.system, {
    repository: REPOSITORY,
    apiUrl,
    token: null,
    perPage: PER_PAGE,
    sleep,
    ...more,
  });
}

async function stateOf({ tenantId }: Tenant): Promise<Answer> {
  const text =
    'SELECT watermark, cursor, last_error, last_success_at FROM sync_states WHERE tenant_id = $1 AND source = $2';
  return (await asOwner(t, text, [tenantId, `github:${REPOSITORY}`]))[0];
}

/** 13 issues in the order of their last change; two of them are pull requests. */
const thirteen = () =>
  Array.from({ length: 13 }, (_, i) => issue(i + 1, i === 3 || i === 11 ? { pull_request: { url: 'x' } } : {}));
const numbers = async (tenant: Tenant) =>
  (await bugsOf(t, tenant)).map(({ external_id: id }) => Number(id.split('#')[1])).sort((a, b) => a - b);
const WITHOUT_PULLS = [1, 2, 3, 5, 6, 7, 8, 9, 10, 11, 13];

test('the command reads all issues, then asks for what changed since', async () => {
  const tenant = await t.tenant('hub');
  const issues = thirteen();
  const { origin, asked } = await github(issues);
  const args = ['github-issues', '--repo', REPOSITORY, '--tenant', 'hub', '--api-url', origin];
  const first = await command.run(...args);
  expect([first.code, first.text]).toEqual([
    0,
    expect.stringContaining('11 created, 0 updated, 0 unchanged, 0 rejected'),
  ]);
  expect(await numbers(tenant)).toEqual(WITHOUT_PULLS);
  expect(await lastRun(t, tenant.key)).toMatchObject({
    kind: 'github-issues',
    source: 'github',
    fileName: REPOSITORY,
    status: 'COMPLETED',
    mapping: { project: 'demo', repository: REPOSITORY },
  });
  const bugs = await writtenRows(t, tenant);
  const second = await command.run(...args);
  expect(second.text).toContain('0 created, 0 updated, 1 unchanged, 0 rejected');
  expect(new URLSearchParams(asked[1]).get('since')).toBe('2026-01-05T20:50:00Z');
  const unsynced = (rows: Answer[]) => rows.filter(({ name }) => name !== 'sync_states');
  expect(unsynced(await writtenRows(t, tenant))).toEqual(unsynced(bugs));
  expect((await command.run(...args, '--atomic')).text).toContain('--atomic and --encoding are of files');
});

test('a file of issues gives the same bugs as the API', async () => {
  const [fromFile, fromApi, fromText] = [
    await t.tenant('by-file'),
    await t.tenant('by-api'),
    await t.tenant('by-text'),
  ];
  const content = JSON.stringify(thirteen());
  const path = command.file('issues.json', content);
  const { code, text } = await command.run('github-issues', path, '--repo', REPOSITORY, '--tenant', 'by-file');
  expect([code, text]).toEqual([0, expect.stringContaining('11 created')]);
  expect(text).toContain('2 pull requests were left out');
  await importText(t, fromText, { kind: 'GITHUB_ISSUES', repository: REPOSITORY, content });
  await sync(fromApi, (await github(thirteen())).origin, { perPage: 100 });
  // The command has passed thresholds of the SLA told, which makes it another version.
  const said = ({ version: _, ...bug }: Answer) => bug;
  expect((await bugsOf(t, fromFile)).map(said)).toEqual((await bugsOf(t, fromApi)).map(said));
  expect((await bugsOf(t, fromText)).map(said)).toEqual((await bugsOf(t, fromApi)).map(said));
});

test('pages are read one after the other; later only new and changed issues come', async () => {
  const tenant = await t.tenant('pages');
  const issues = thirteen();
  const { origin, asked } = await github(issues);
  expect(await sync(tenant, origin)).toMatchObject({ created: 11, updated: 0, rejected: 0 });
  expect(asked).toHaveLength(5);
  expect(await stateOf(tenant)).toMatchObject({ watermark: new Date('2026-01-05T20:50:00Z'), cursor: null });
  issues[1] = issue(2, {
    title: 'Issue 2, again',
    state: 'closed',
    updated_at: '2026-01-06T08:00:00Z',
    closed_at: '2026-01-06T08:00:00Z',
  });
  issues.push(issue(14, { updated_at: '2026-01-06T09:00:00Z', labels: [{ name: 'severity:high' }] }));
  expect(await sync(tenant, origin)).toMatchObject({ created: 1, updated: 1, unchanged: 1 });
  expect(asked).toHaveLength(6);
  const bugs = await bugsOf(t, tenant);
  expect(bugs.find(({ external_id: id }) => id.endsWith('#2'))).toMatchObject({
    title: 'Issue 2, again',
    status: 'CLOSED',
    resolved_at: new Date('2026-01-06T08:00:00Z'),
  });
  expect(bugs.find(({ external_id: id }) => id.endsWith('#14'))).toMatchObject({
    severity: 'HIGH',
    labels: ['severity:high'],
  });
  expect(await sync(tenant, origin, { fullResync: true })).toMatchObject({ created: 0, updated: 0, unchanged: 12 });
  expect(asked[6]).not.toContain('since');
});

test('a reading that was broken off says why, and the next one goes on where it was', async () => {
  const tenant = await t.tenant('broken');
  const state = { dead: true };
  const { origin, asked } = await github(thirteen(), (page, response) => {
    if (page > 2 && state.dead) response.socket?.destroy();
    return page > 2 && state.dead;
  });
  await expect(sync(tenant, origin)).rejects.toThrow('gave up after 5 tries');
  expect(waits).toHaveLength(4);
  const run = await lastRun(t, tenant.key);
  expect(run).toMatchObject({ status: 'FAILED', created: 5 });
  expect(run.errors).toEqual([
    { code: 'SOURCE_FAILED', reason: expect.stringContaining('octo/demo: gave up after 5 tries') },
  ]);
  const { cursor, watermark, last_error: error, last_success_at: success } = await stateOf(tenant);
  expect([watermark, success, error]).toEqual([null, null, run.errors[0].reason]);
  expect(cursor).toContain('page=3');
  expect(await numbers(tenant)).toEqual([1, 2, 3, 5, 6]);
  state.dead = false;
  asked.length = 0;
  expect(await sync(tenant, origin)).toMatchObject({ created: 6, unchanged: 0 });
  expect(asked.map((search) => new URLSearchParams(search).get('page'))).toEqual(['3', '4', '5']);
  expect(await stateOf(tenant)).toMatchObject({
    cursor: null,
    last_error: null,
    watermark: new Date('2026-01-05T20:50:00Z'),
  });
  expect(await numbers(tenant)).toEqual(WITHOUT_PULLS);
});

test('a rate limit is waited for', async () => {
  const tenant = await t.tenant('limited');
  const left = { times: 1 };
  const { origin } = await github(thirteen(), (page, response) => {
    if (page !== 2 || left.times-- <= 0) return false;
    response.writeHead(429, { 'retry-after': '7' }).end('{}');
    return true;
  });
  expect(await sync(tenant, origin)).toMatchObject({ created: 11 });
  expect(waits).toEqual([8_000]);
});

test('a page that was cut is an error, and a place that is only refused is forgotten', async () => {
  const tenant = await t.tenant('cut');
  const answer = {
    page: 2,
    give: (response: ServerResponse) => void response.setHeader('link', '<?page=3>; rel="next"').end('[]'),
  };
  const { origin } = await github(thirteen(), (page, response) => {
    if (page === answer.page) answer.give(response);
    return page === answer.page;
  });
  await expect(sync(tenant, origin)).rejects.toThrow(
    'page 2 has 0 of 3 issues but is not the last: the answer was cut',
  );
  expect((await stateOf(tenant)).cursor).toContain('page=2');
  answer.give = (response) => void response.writeHead(422).end('{}');
  await expect(sync(tenant, origin)).rejects.toThrow('GitHub answers 422');
  expect((await stateOf(tenant)).cursor).toBeNull();
  answer.page = 0;
  expect(await sync(tenant, origin)).toMatchObject({ created: 8, unchanged: 3 });
});

test('an issue that slips while the list is read comes the next time: the watermark waits for it', async () => {
  const tenant = await t.tenant('slip');
  const issues = thirteen();
  const touch = { page: 3 };
  const { origin, asked } = await github(issues, (page) => {
    if (page === touch.page) issues[0] = issue(1, { title: 'Touched', updated_at: new Date().toISOString() });
    return false;
  });
  await sync(tenant, origin);
  // Issue 7 moved to the second page, which was read before.
  expect(await numbers(tenant)).toEqual(WITHOUT_PULLS.filter((number) => number !== 7));
  expect((await bugsOf(t, tenant))[0]).toMatchObject({ external_id: 'github:octo/demo#1', title: 'Touched' });
  expect(await lastRun(t, tenant.key)).toMatchObject({ status: 'COMPLETED', created: 10, updated: 1, rejected: 0 });
  expect(await stateOf(tenant)).toMatchObject({ watermark: null, cursor: null });
  Object.assign(touch, { page: 0 });
  issues[0] = issue(1, { title: 'Touched', updated_at: '2026-01-07T00:00:00Z' });
  asked.length = 0;
  expect(await sync(tenant, origin)).toMatchObject({ created: 1 });
  expect(asked[0]).not.toContain('since');
  expect(await numbers(tenant)).toEqual(WITHOUT_PULLS);
  expect(await stateOf(tenant)).toMatchObject({ watermark: new Date('2026-01-06T23:50:00Z') });
  // From one page nothing can slip.
  issues.push(issue(15, { updated_at: new Date().toISOString() }));
  await sync(tenant, origin);
  expect((await stateOf(tenant)).watermark.getTime()).toBeGreaterThan(Date.now() - 11 * 60_000);
});

test('a dry run of the API writes nothing, not even how far it was', async () => {
  const tenant = await t.tenant('dry-hub');
  const before = await writtenRows(t, tenant);
  const { origin } = await github(thirteen());
  expect(await sync(tenant, origin, { dryRun: true })).toMatchObject({ created: 11 });
  expect(await writtenRows(t, tenant)).toEqual(before);
  expect(await stateOf(tenant)).toBeUndefined();
});

test('an issue that is none is refused with its place in the list', async () => {
  const tenant = await t.tenant('odd');
  const issues = thirteen()
    .with(7, { updated_at: '2026-01-05T16:00:00Z', state: 'open' })
    .with(12, issue(13, { state: 'odd' }));
  expect(await sync(tenant, (await github(issues)).origin)).toMatchObject({ created: 9, rejected: 2 });
  const { status, errors } = await lastRun(t, tenant.key);
  expect(status).toBe('PARTIAL');
  expect(errors).toMatchObject([
    { file: REPOSITORY, line: 8, field: 'number', value: null },
    { file: REPOSITORY, line: 13, field: 'state', value: 'odd' },
  ]);
});
