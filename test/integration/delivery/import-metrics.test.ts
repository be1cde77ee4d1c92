import { afterAll, beforeAll, expect, test } from 'vitest';
import { createTestApp, type Tenant, type TestApp } from '../../support/app.ts';
import { asOwner } from './figures.ts';
import { csv, importCommand, importText, lastSeq, writtenRows } from './import-files.ts';

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

const HEADER = ['project', 'date', 'commits', 'authors', 'files_changed', 'lines_added', 'lines_deleted'];
/** A row for each of so many days of two projects, from 1 January 2026. */
const days = (count: number): string[][] =>
  Array.from({ length: count }, (_, i) => [
    i % 2 === 0 ? 'zlib' : 'curl',
    new Date(Date.UTC(2026, 0, 1 + Math.floor(i / 2))).toISOString().slice(0, 10),
    String(i % 9),
    String(1 + (i % 3)),
    String(i),
    i % 5 === 0 ? '' : String(i * 10),
    i % 5 === 0 ? '' : String(i * 3),
  ]);
const metrics = (tenant: Tenant, rows: string[][], more: object = {}) =>
  importText(t, tenant, { kind: 'METRICS', content: csv([HEADER, ...rows]), ...more });
const stored = (tenant: Tenant) =>
  asOwner(
    t,
    `SELECT p.key, m.date::text AS date, commits, contributors, files_changed, lines_added, lines_deleted, m.version
     FROM project_metrics m JOIN projects p ON p.id = m.project_id WHERE m.tenant_id = $1 ORDER BY m.date, p.key DESC`,
    [tenant.tenantId],
  );

test('days become rows by project and day, and figures that are not told stay unknown', async () => {
  const tenant = await t.tenant('days');
  const path = command.file('daily.csv', csv([HEADER, ...days(600)]));
  const { code, text } = await command.run('metrics', path, '--tenant', 'days');
  expect([code, text]).toEqual([0, expect.stringContaining('600 created, 0 updated, 0 unchanged, 0 rejected')]);
  expect(text).toContain('contributors=authors, filesChanged=files_changed');
  const rows = await stored(tenant);
  expect(rows).toHaveLength(600);
  expect(rows[0]).toMatchObject({ key: 'ZLIB', date: '2026-01-01', commits: 0, contributors: 1, lines_added: null });
  expect(rows[3]).toEqual({
    key: 'CURL',
    date: '2026-01-02',
    commits: 3,
    contributors: 1,
    files_changed: 3,
    lines_added: 30,
    lines_deleted: 9,
    version: 1,
  });
});

test('the same days again write nothing, and a changed one only itself', async () => {
  const tenant = await t.tenant('same-days');
  await metrics(tenant, days(300));
  const [before, seq] = [await writtenRows(t, tenant), await lastSeq(t, tenant.key)];
  expect(await metrics(tenant, days(300))).toMatchObject({
    created: 0,
    updated: 0,
    unchanged: 300,
    status: 'COMPLETED',
  });
  expect(await writtenRows(t, tenant)).toEqual(before);
  const changed = days(300).map((row, i) => (i === 6 ? row.with(2, '77').with(5, '') : row));
  expect(await metrics(tenant, changed)).toMatchObject({ created: 0, updated: 1, unchanged: 299 });
  expect((await stored(tenant))[6]).toMatchObject({ commits: 77, lines_added: 60, version: 2 });
  expect(await lastSeq(t, tenant.key)).toBe(seq + 1);
});

test('a day that stands twice in a file is refused the second time, whatever the case of its project', async () => {
  const tenant = await t.tenant('twice');
  const run = await metrics(tenant, [...days(4), ['ZLIB', '2026-01-01T15:00:00Z', '5', '', '', '', '']]);
  expect(run).toMatchObject({ status: 'PARTIAL', created: 4, rejected: 1 });
  const reason = expect.stringContaining('ZLIB on 2026-01-01 stands in this file before');
  expect(run.errors).toMatchObject([{ line: 6, column: 2, field: 'date', reason }]);
  expect((await stored(tenant))[0]).toMatchObject({ commits: 0, version: 1 });
});

test('figures that are none are refused with their place', async () => {
  const tenant = await t.tenant('no-figures');
  const [good = []] = days(1);
  const run = await metrics(tenant, [
    good,
    good.with(1, '2026-02-01').with(2, '1.5'),
    good.with(1, '').with(2, '-1'),
    good.with(1, '2026-02-02').with(4, '9999999999'),
  ]);
  expect(run.errors.map(({ line, field, value }: Record<string, unknown>) => [line, field, value])).toEqual([
    [3, 'commits', '1.5'],
    [4, 'date', ''],
    [5, 'files_changed', '9999999999'],
  ]);
  expect(await stored(tenant)).toHaveLength(1);
});

test('a dry run tells what would be and writes nothing, for new and for stored days', async () => {
  const tenant = await t.tenant('dry-days');
  const empty = await writtenRows(t, tenant);
  expect(await metrics(tenant, days(20), { dryRun: true })).toMatchObject({ created: 20, isDryRun: true });
  expect(await writtenRows(t, tenant)).toEqual(empty);
  await metrics(tenant, days(20));
  const before = await writtenRows(t, tenant);
  const next = days(22).map((row, i) => (i === 1 ? row.with(2, '99') : row));
  expect(await metrics(tenant, next, { dryRun: true })).toMatchObject({ created: 2, updated: 1, unchanged: 19 });
  expect(await writtenRows(t, tenant)).toEqual(before);
});
