import { afterAll, beforeAll, expect, test } from 'vitest';
import { createTestApp, type Tenant, type TestApp } from '../../support/app.ts';
import { asOwner } from './figures.ts';
import { bugsOf, csv, importCommand, importText, lastRun, lastSeq, totalsOf, writtenRows } from './import-files.ts';

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

const BUGS = csv([
  ['bug_id', 'project', 'title', 'severity', 'status', 'published'],
  ['OSV-1', 'zlib', 'overflow', 'HIGH', 'fixed', '2026-01-01T00:00:00Z'],
  ['OSV-2', 'zlib', 'leak', 'HIGH', 'fixed', '2026-01-01T00:00:00Z'],
  ['OSV-3', 'zlib', 'still there', 'LOW', 'open', '2026-01-01T00:00:00Z'],
]);
const HEADER = ['bug_id', 'project', 'changed_at', 'field', 'old_value', 'new_value', 'author'];
const HISTORY = [
  HEADER,
  ['OSV-1', 'zlib', '2026-01-01T00:00:00Z', 'imported', '', '1', ''],
  ['OSV-1', 'zlib', '2026-01-03T00:00:00Z', 'fixed_commit', '', 'abc', 'bot'],
  ['OSV-1', 'zlib', '2026-02-03T00:00:00Z', 'fixed_commit', 'abc', 'def', 'bot'],
  ['OSV-2', 'zlib', '2026-01-05T00:00:00Z', 'fixed_commit', '', '123', 'bot'],
  ['OSV-3', 'zlib', '2026-01-06T00:00:00Z', 'severity', 'MEDIUM', 'LOW', 'bot'],
  ['OSV-3', 'zlib', '2026-01-07T00:00:00Z', 'affected_versions', '1, 2 and more', '1, 2 and more', 'bot'],
];

async function withBugs(slug: string): Promise<Tenant> {
  const tenant = await t.tenant(slug);
  expect(await importText(t, tenant, { kind: 'BUGS', content: BUGS })).toMatchObject({ created: 3, rejected: 0 });
  return tenant;
}
const history = (tenant: Tenant, content: string, more: object = {}) =>
  importText(t, tenant, { kind: 'BUG_HISTORY', content, ...more });
const rowsOf = (tenant: Tenant) =>
  asOwner(
    t,
    `SELECT b.external_id AS id, h.field, h.old_value, h.new_value, h.status, h.actor_name, h.at, h.event_seq
     FROM bug_history h JOIN bugs b ON b.id = h.bug_id WHERE h.tenant_id = $1 ORDER BY h.at, h.field`,
    [tenant.tenantId],
  );

test('the past tells when a bug was resolved, and by that whether in time', async () => {
  const tenant = await withBugs('past');
  expect((await bugsOf(t, tenant)).map(({ sla_state, resolved_at }) => [sla_state, resolved_at])).toEqual([
    ['NONE', null],
    ['NONE', null],
    ['BREACHED', null],
  ]);
  const seq = await lastSeq(t, tenant.key);
  const { code, text } = await command.run('bug-history', command.file('past.csv', csv(HISTORY)), '--tenant', 'past');
  expect([code, text]).toEqual([
    0,
    expect.stringContaining('6 created, 0 updated, 0 unchanged, 0 rejected, 1 warning'),
  ]);
  const [first, second, third] = await bugsOf(t, tenant);
  expect(first).toMatchObject({ status: 'SHIPPED', sla_state: 'MET', resolved_at: new Date('2026-01-03T00:00:00Z') });
  expect(second).toMatchObject({ sla_state: 'MISSED', resolved_at: new Date('2026-01-05T00:00:00Z') });
  expect(third).toMatchObject({ status: 'PENDING', sla_state: 'BREACHED', resolved_at: null });
  expect(await rowsOf(tenant)).toMatchObject([
    {
      id: 'OSV-1',
      field: 'imported',
      old_value: null,
      new_value: '1',
      status: null,
      actor_name: null,
      event_seq: null,
    },
    {
      field: 'fixed_commit',
      new_value: 'abc',
      status: 'SHIPPED',
      actor_name: 'bot',
      at: new Date('2026-01-03T00:00:00Z'),
    },
    { id: 'OSV-2', field: 'fixed_commit', status: 'SHIPPED' },
    { id: 'OSV-3', field: 'severity', old_value: 'MEDIUM', new_value: 'LOW', status: null },
    { field: 'affected_versions', old_value: '1, 2 and more', new_value: '1, 2 and more' },
    { id: 'OSV-1', field: 'fixed_commit', old_value: 'abc', new_value: 'def', status: null },
  ]);
  const events = await asOwner(
    t,
    `SELECT type, payload->>'changes' AS changes FROM event_store WHERE tenant_id = $1 AND seq > $2 AND type = 'BUG_HISTORY_IMPORTED' ORDER BY seq`,
    [tenant.tenantId, seq],
  );
  expect(events.map(({ changes }) => changes).sort()).toEqual(['1', '2', '3']);
  const { kept, counted } = await totalsOf(t, tenant);
  expect(kept).toEqual(counted);
});

test('the same history again writes nothing, and a row more only that', async () => {
  const tenant = await withBugs('same-past');
  expect(await history(tenant, csv(HISTORY))).toMatchObject({ status: 'COMPLETED', created: 6, warned: 1 });
  const before = await writtenRows(t, tenant);
  expect(await history(tenant, csv(HISTORY))).toMatchObject({ created: 0, unchanged: 6, status: 'COMPLETED' });
  expect(await writtenRows(t, tenant)).toEqual(before);
  const more = ['OSV-3', 'zlib', '2026-01-08T00:00:00Z', 'introduced_commit', '', 'f00', 'bot'];
  expect(await history(tenant, csv([...HISTORY, more]))).toMatchObject({ created: 1, unchanged: 6 });
  expect(await rowsOf(tenant)).toHaveLength(7);
});

test('a change that says the same before and after is taken, with a warning', async () => {
  const tenant = await withBugs('equal');
  const run = await history(tenant, csv(HISTORY), { fileName: 'equal.csv' });
  expect(run.warnings).toEqual([
    { file: 'equal.csv', line: 7, column: 6, field: 'new_value', reason: 'new_value is the same as the old value' },
  ]);
  expect(run.mapping.columns).toMatchObject({ externalId: 'bug_id', at: 'changed_at', actor: 'author' });
});

test('a row of a bug that is not there is refused with its place, and the others are taken', async () => {
  const tenant = await withBugs('unknown');
  const rows = [
    ...HISTORY,
    ['OSV-9', 'zlib', '2026-01-01T00:00:00Z', 'x', '', '1', ''],
    ['OSV-1', '', '', 'x', '', '1', ''],
  ];
  const path = command.file('unknown.csv', csv(rows));
  const { code, text } = await command.run('bug-history', path, '--tenant', 'unknown');
  expect([code, text]).toEqual([2, expect.stringContaining('6 created, 0 updated, 0 unchanged, 2 rejected')]);
  const run = await lastRun(t, tenant.key);
  expect(run).toMatchObject({ status: 'PARTIAL', created: 6, rejected: 2 });
  const place = { file: 'unknown.csv', value: 'OSV-9', code: 'NOT_FOUND', line: 8, column: 1, field: 'bug_id' };
  expect(run.errors).toContainEqual({ ...place, reason: 'there is no bug OSV-9: import the bugs first' });
  expect(run.errors).toContainEqual(expect.objectContaining({ line: 9, column: 3, field: 'changed_at', value: '' }));
});

test('the mapping says what a field of another name tells of the status', async () => {
  const tenant = await withBugs('told');
  const rows = [
    HEADER,
    ['OSV-1', '', '2026-01-02T00:00:00Z', 'Phase', '', 'doing', ''],
    ['OSV-1', '', '2026-01-03T00:00:00Z', 'Phase', 'doing', 'out', ''],
    ['OSV-2', '', '2026-01-02T00:00:00Z', 'patch', '', 'f00', ''],
  ];
  const historyStatuses = { phase: { Doing: 'IN_PROGRESS', OUT: 'SHIPPED' }, Patch: 'CLOSED' };
  await history(tenant, csv(rows), { mapping: { historyStatuses } });
  expect((await rowsOf(tenant)).map(({ id, status }) => `${id} ${status}`)).toEqual([
    'OSV-1 IN_PROGRESS',
    'OSV-2 CLOSED',
    'OSV-1 SHIPPED',
  ]);
  expect((await bugsOf(t, tenant)).map(({ sla_state, resolved_at }) => [sla_state, +resolved_at])).toEqual([
    ['MET', Date.parse('2026-01-03T00:00:00Z')],
    ['MET', Date.parse('2026-01-02T00:00:00Z')],
    ['BREACHED', 0],
  ]);
});

test('all or none: one unknown bug keeps all of a history out', async () => {
  const tenant = await withBugs('atomic');
  const before = await writtenRows(t, tenant);
  const rows = [...HISTORY, ['OSV-9', 'zlib', '2026-01-01T00:00:00Z', 'x', '', '1', '']];
  const run = await history(tenant, csv(rows), { atomic: true });
  expect(run).toMatchObject({ status: 'FAILED', created: 0, unchanged: 0, rejected: 1, isAtomic: true });
  expect(run.errors).toMatchObject([{ line: 8 }, { reason: expect.stringContaining('nothing was written') }]);
  expect(await writtenRows(t, tenant)).toEqual(before);
  expect(await history(tenant, csv(HISTORY), { atomic: true })).toMatchObject({ status: 'COMPLETED', created: 6 });
});
