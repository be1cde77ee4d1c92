import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createTestApp, type Tenant, type TestApp } from '../../support/app.ts';
import { asOwner } from './figures.ts';
import {
  BUGZILLA,
  bugsOf,
  csv,
  importCommand,
  importText,
  JIRA_HEADER,
  jiraCsv,
  jiraRows,
  lastRun,
  lastSeq,
  totalsOf,
  writtenRows,
} from './import-files.ts';

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

const bugs = (tenant: Tenant, content: string, more: object = {}) =>
  importText(t, tenant, { kind: 'BUGS', content, ...more });
const jsonl = (rows: object[]) => rows.map((row) => JSON.stringify(row)).join('\n');

describe('one set of bugs', () => {
  const [header = [], ...rows] = [JIRA_HEADER, ...jiraRows(30)];
  const objects = rows.map((row) => Object.fromEntries(header.map((name, i) => [name, row[i]])));
  const files: [string, string | Uint8Array, string?][] = [
    ['comma.csv', jiraCsv(30)],
    ['semicolon.csv', jiraCsv(30, ';')],
    ['tab.tsv', jiraCsv(30, '\t')],
    ['mark.csv', `\u{feff}${jiraCsv(30)}`],
    ['utf16.csv', Buffer.from(`\u{feff}${jiraCsv(30)}`, 'utf16le')],
    ['packed.csv.gz', gzipSync(jiraCsv(30))],
    ['lines.jsonl', jsonl(objects)],
    ['array.json', JSON.stringify(objects, null, 1)],
  ];

  test('gives the same bugs in every form of file', { timeout: 90_000 }, async () => {
    const results = [];
    for (const [i, [name, content]] of files.entries()) {
      const tenant = await t.tenant(`form-${i}`);
      const { code, text } = await command.run('bugs', command.file(name, content), '--tenant', `form-${i}`);
      expect(text, name).toContain('30 created, 0 updated, 0 unchanged, 0 rejected');
      expect(code, name).toBe(0);
      results.push(await bugsOf(t, tenant));
    }
    expect(results[0]).toHaveLength(30);
    for (const [i, result] of results.entries()) expect(result, files[i]?.[0]).toEqual(results[0]);
  });

  test('shows what was guessed, in the output and in the run', async () => {
    const { key } = await t.tenant('guesses');
    const { text } = await command.run('bugs', command.file('guesses.csv', jiraCsv(10)), '--tenant', 'guesses');
    expect(text).toContain('externalId=Issue key, projectKey=Project, title=Summary');
    expect(text).toContain('severity "Blocker" is read as CRITICAL');
    const run = await lastRun(t, key);
    expect(run).toMatchObject({ kind: 'bugs', source: 'csv', fileName: 'guesses.csv', status: 'COMPLETED', total: 10 });
    expect(run.mapping.columns).toMatchObject({
      externalId: 'Issue key',
      resolvedAt: 'Resolved',
      labels: 'Components',
    });
    expect(run.mapping.values).toMatchObject({ 'status "Resolved"': 'SHIPPED', 'severity "Major"': 'HIGH' });
  });
});

test('windows-1252 is read with --encoding', async () => {
  const tenant = await t.tenant('ansi');
  const path = command.file('ansi.csv', Buffer.from('id;title;project\n1;Gr\xf6\xdfe in \x80\n', 'latin1'));
  expect(
    (await command.run('bugs', path, '--tenant', 'ansi', '--encoding', 'windows-1252', '--project', 'X')).code,
  ).toBe(2);
  const whole = command.file('ansi.csv', Buffer.from('id;title;project\n1;Gr\xf6\xdfe in \x80;X\n', 'latin1'));
  expect((await command.run('bugs', whole, '--tenant', 'ansi', '--encoding', 'windows-1252')).code).toBe(0);
  expect((await bugsOf(t, tenant))[0]).toMatchObject({ title: 'Größe in €', key: 'X-1' });
});

test('a file of Bugzilla: descriptions of several lines, its words, and a last change that is no resolution', async () => {
  const tenant = await t.tenant('bugzilla');
  const run = await bugs(tenant, BUGZILLA);
  expect(run).toMatchObject({ status: 'COMPLETED', created: 4, rejected: 0 });
  const [fixed, open, old, same] = await bugsOf(t, tenant);
  expect(fixed).toMatchObject({
    status: 'SHIPPED',
    severity: 'CRITICAL',
    resolved_at: new Date('2026-01-03T09:00:00Z'),
  });
  expect(open).toMatchObject({ status: 'PENDING', severity: 'MEDIUM', resolved_at: null });
  expect(open.created_at).toEqual(new Date('2026-01-04T08:00:00Z'));
  expect(old).toMatchObject({ status: 'CLOSED', severity: 'LOW', description: 'first\r\n\r\n"third", line' });
  expect(same).toMatchObject({
    status: 'CLOSED',
    details: { Resolution: 'DUPLICATE', Status: 'RESOLVED', Priority: 'P3' },
  });
  expect(run.warnings).toContainEqual({
    file: 'bugs',
    line: 3,
    column: 8,
    field: 'Resolved',
    reason: 'Resolved the bug is not resolved: taken for its last change',
  });
});

test('a mapping names columns and words, and where it is wrong is told before anything is read', async () => {
  const tenant = await t.tenant('mapping');
  const path = command.file(
    'own.csv',
    'Ticket,What,Where,How bad,Stage\n7,Crash,shop,awful,In QA\n8,Slow,,so so,DONE\n',
  );
  const mapping = {
    columns: { externalId: 'Ticket', title: 'What', projectKey: 'Where', severity: 'How bad', status: 'Stage' },
    statuses: { 'in qa': 'VERIFIED' },
    severities: { Awful: 'CRITICAL', 'so so': 'LOW' },
    project: 'REST',
  };
  const run = (content: unknown) => {
    const file = command.file('mapping.json', typeof content === 'string' ? content : JSON.stringify(content));
    return command.run('bugs', path, '--tenant', 'mapping', '--mapping', file);
  };
  for (const [wrong, message] of [
    ['{ "columns": ', 'mapping.json: '],
    [{ colums: {} }, 'the mapping has no key "colums": there are columns, statuses'],
    [{ statuses: { x: 'OPEN' } }, 'statuses.x is "OPEN", which is none of PENDING, IN_PROGRESS'],
  ] as const) {
    const { code, text } = await run(wrong);
    expect([code, text]).toEqual([1, expect.stringContaining(message)]);
  }
  expect((await t.runOk(tenant.key, '{ importRuns { nodes { id } } }')).importRuns.nodes).toEqual([]);
  const missing = await run({ columns: { externalId: 'Number' } });
  expect(missing.text).toContain('there is no column Number for externalId: the row has Ticket, What');
  expect(await run(`\u{feff}${JSON.stringify(mapping)}`)).toMatchObject({ code: 0 });
  expect(await bugsOf(t, tenant)).toMatchObject([
    { external_id: '7', key: 'SHOP-1', severity: 'CRITICAL', status: 'VERIFIED' },
    { external_id: '8', key: 'REST-1', severity: 'LOW', status: 'SHIPPED' },
  ]);
});

test('bad rows are told with their place and reason, and the others are taken', async () => {
  const tenant = await t.tenant('bad');
  const text = csv([
    ['id', 'title', 'project', 'status', 'created'],
    ['1', 'good', 'P', 'open', '2026-01-02'],
    ['2', 'no such day', 'P', 'open', '2026-02-30'],
    ['3', 'no such status', 'P', 'Parked\nfor now', '2026-01-02'],
    ['', 'no id', 'P', 'open', '2026-01-02'],
    ['1', 'again', 'P', 'open', '2026-01-02'],
    ['5', 'a field too many', 'P', 'open', '2026-01-02', 'more'],
    ['6', 'which day?', 'P', 'open', '03/04/2026'],
    ['7', 'no project', '', 'open', '2026-01-02'],
    ['8', 'bad project', '???', 'open', '2026-01-02'],
    ['9', 'good too', 'P', 'closed', '2026-01-02'],
  ]);
  const run = await bugs(tenant, text, { fileName: 'bad.csv' });
  expect(run).toMatchObject({ status: 'PARTIAL', created: 2, rejected: 8, total: 10 });
  const at = (line: number, column: number | null, field: string | null, value: string | null, reason: RegExp) => ({
    file: 'bad.csv',
    line,
    column,
    ...(field === null ? {} : { field, value }),
    code: 'INVALID_INPUT',
    reason: expect.stringMatching(reason),
  });
  expect(run.errors).toEqual([
    at(3, 5, 'created', '2026-02-30', /^created "2026-02-30" is not a date/),
    at(4, 4, 'status', 'Parked\nfor now', /is not a status that is known: say in the mapping, under "statuses"/),
    at(6, 1, 'id', '', /^id is empty/),
    at(7, 1, 'id', '1', /^id 1 stands in this file before/),
    at(8, 6, null, null, /the row has 6 fields, the header has 5/),
    at(9, 5, 'created', '03/04/2026', /day or the month first/),
    at(10, 3, 'project', '', /^project is empty/),
    at(11, 3, 'project', '???', /^project .*is no project key/),
  ]);
  expect((await bugsOf(t, tenant)).map(({ external_id }) => external_id)).toEqual(['1', '9']);
});

test('the same file again writes no row and no event; a row that changed in it is one change', async () => {
  const tenant = await t.tenant('again');
  const rows = jiraRows(300);
  await bugs(tenant, csv([JIRA_HEADER, ...rows]));
  const [before, seq] = [await writtenRows(t, tenant), await lastSeq(t, tenant.key)];
  expect(before.length).toBeGreaterThan(600);
  expect(await bugs(tenant, csv([JIRA_HEADER, ...rows]))).toMatchObject({ created: 0, updated: 0, unchanged: 300 });
  expect(await writtenRows(t, tenant)).toEqual(before);
  const changed = rows.map((row, i) => (i === 2 ? row.with(3, 'Minor').with(9, 'api; docs') : row));
  expect(await bugs(tenant, csv([JIRA_HEADER, ...changed]))).toMatchObject({ created: 0, updated: 1, unchanged: 299 });
  expect(await lastSeq(t, tenant.key)).toBe(seq + 1);
  const [event] = await asOwner(t, 'SELECT type, payload FROM event_store WHERE tenant_id = $1 AND seq = $2', [
    tenant.tenantId,
    seq + 1,
  ]);
  expect(event).toMatchObject({ type: 'BUG_UPDATED', payload: { changes: { severity: ['HIGH', 'LOW'] } } });
  const history = await asOwner(
    t,
    'SELECT field, old_value, new_value, event_seq::int AS seq FROM bug_history WHERE tenant_id = $1 ORDER BY field',
    [tenant.tenantId],
  );
  expect(history).toContainEqual({ field: 'severity', old_value: 'HIGH', new_value: 'LOW', seq: seq + 1 });
  expect(history.map(({ field }) => field)).toEqual(['labels', 'severity']);
  const { kept, counted } = await totalsOf(t, tenant);
  expect(kept).toEqual(counted);
  expect(counted.reduce((sum, { count }) => sum + count, 0)).toBe(300);
});

test('what was done with a bug here stays until its row in the file changes', async () => {
  const tenant = await t.tenant('moved');
  const file = (title: string) =>
    csv([
      ['id', 'title', 'project', 'status'],
      ['1', title, 'P', 'open'],
    ]);
  await bugs(tenant, file('Crash'));
  const { bugs: list } = await t.runOk(tenant.key, '{ bugs { nodes { id } } }');
  const move = 'mutation ($input: MoveBugInput!) { moveBug(input: $input) { userErrors { message } } }';
  await t.runOk(tenant.key, move, { input: { id: list.nodes[0].id, status: 'IN_PROGRESS' } });
  expect(await bugs(tenant, file('Crash'))).toMatchObject({ unchanged: 1 });
  expect((await bugsOf(t, tenant))[0]).toMatchObject({ status: 'IN_PROGRESS', title: 'Crash', version: 2 });
  expect(await bugs(tenant, file('Crash on start'))).toMatchObject({ updated: 1 });
  expect((await bugsOf(t, tenant))[0]).toMatchObject({ status: 'PENDING', title: 'Crash on start', version: 3 });
});

test('people whose display name or address fits are members, others stay names', async () => {
  const tenant = await t.tenant('people');
  const [id, name] = ['Owner', 'OWNER@people.example', 'Nobody', ''].entries().reduce(
    ([ids, names], [i, one]) => [
      [...ids, String(i)],
      [...names, one],
    ],
    [[], []] as [string[], string[]],
  );
  await bugs(
    tenant,
    csv([['id', 'title', 'project', 'assignee'], ...id.map((one, i) => [one, 'x', 'P', name[i] ?? ''])]),
  );
  expect((await bugsOf(t, tenant)).map(({ assigned, assignee_name }) => [assigned, assignee_name])).toEqual([
    [true, null],
    [true, null],
    [false, 'Nobody'],
    [false, null],
  ]);
});

test('bugs that were resolved before they came have met or missed their SLA', async () => {
  const tenant = await t.tenant('sla');
  const rows = [
    ['1', 'in time', 'critical', '2026-01-01T00:00:00Z', '2026-01-02T00:00:00Z'],
    ['2', 'a second late', 'critical', '2026-01-01T00:00:00Z', '2026-01-02T00:00:01Z'],
    ['3', 'low', 'low', '2026-01-01T00:00:00Z', '2026-01-30T00:00:00Z'],
    ['4', 'nobody knows when', 'low', '2026-01-01T00:00:00Z', ''],
    ['5', 'nobody knows since when', 'low', '', '2026-01-30T00:00:00Z'],
  ].map(([id = '', title = '', severity = '', ...dates]) => [id, title, 'P', 'closed', severity, ...dates]);
  await bugs(tenant, csv([['id', 'title', 'project', 'status', 'severity', 'created', 'resolved'], ...rows]));
  const found = await bugsOf(t, tenant);
  expect(found.map(({ sla_state }) => sla_state)).toEqual(['MET', 'MISSED', 'MET', 'NONE', 'MET']);
  expect(found[4]).toMatchObject({
    created_at: new Date('2026-01-30T00:00:00Z'),
    resolved_at: new Date('2026-01-30T00:00:00Z'),
  });
});

test('dates that were read in a wrong order are put right by the right mapping, and the SLA with them', async () => {
  const [mended, fresh] = [await t.tenant('mended'), await t.tenant('fresh')];
  const content = csv([
    ['id', 'title', 'project', 'status', 'severity', 'created', 'resolved'],
    ['1', 'met, not missed', 'P', 'closed', 'high', '03/04/2025', '05/04/2025'],
    ['2', 'missed in both', 'P', 'closed', 'low', '01/02/2025', '12/03/2025'],
    ['3', 'open', 'P', 'open', 'low', '04/03/2025', ''],
  ]);
  await bugs(mended, content, { mapping: { dateOrder: 'MDY' } });
  const states = async (tenant: Tenant) => (await bugsOf(t, tenant)).map(({ sla_state }) => sla_state);
  expect(await states(mended)).toEqual(['MISSED', 'MISSED', 'BREACHED']);
  expect(await bugs(mended, content, { mapping: { dateOrder: 'DMY' } })).toMatchObject({ updated: 3, rejected: 0 });
  await bugs(fresh, content, { mapping: { dateOrder: 'DMY' } });
  expect(await states(fresh)).toEqual(['MET', 'MISSED', 'BREACHED']);
  const said = ({ version: _, ...bug }: Record<string, unknown>) => bug;
  expect((await bugsOf(t, mended)).map(said)).toEqual((await bugsOf(t, fresh)).map(said));
  const { kept, counted } = await totalsOf(t, mended);
  expect(kept).toEqual(counted);
});
