import { afterAll, beforeAll, expect, test } from 'vitest';
import { MAX_DEPTH, MAX_FIELDS, MAX_MUTATIONS, MAX_ROWS } from '../../src/graphql/limits.ts';
import { createTestApp, type Tenant, type TestApp } from '../support/app.ts';

let t: TestApp;
let a: Tenant;
beforeAll(async () => {
  t = await createTestApp();
  a = await t.tenant('limits');
});
afterAll(() => t?.close());

/** The refusal's code, or undefined when the operation ran. */
async function refusal(query: string, variables?: Record<string, unknown>): Promise<unknown> {
  const { errors } = await t.run(a.key, query, variables);
  return errors?.[0]?.extensions?.code;
}

/** Lists within lists: `levels` of contents under sources, each of `first` rows. */
const nested = (levels: number, first: number) =>
  `{ sources(first: 1) { nodes { ${`contents(first: ${first}) { nodes { source { `.repeat(levels)} id ${'} } }'.repeat(levels)} } } }`;

test('rows: what lists within lists could give together', async () => {
  const page = (first: number) =>
    `{ sources(first: 100) { nodes { contents(first: ${first}) { nodes { detections(first: 10) { nodes { id } } } } } } }`;
  const total = (first: number) => 100 + 100 * first + 1_000 * first;
  expect(total(90)).toBeLessThan(MAX_ROWS);
  expect(await refusal(page(90))).toBeUndefined();
  expect(total(91)).toBeGreaterThan(MAX_ROWS);
  expect(await refusal(page(91))).toBe('TOO_MUCH');
});

test('a variable, its default, a fragment and an alias count like what they stand for', async () => {
  const body =
    'sources(first: 100) { nodes { contents(first: $n) { nodes { detections(first: 10) { nodes { id } } } } } }';
  expect(await refusal(`query ($n: Int) { ${body} }`, { n: 90 })).toBeUndefined();
  expect(await refusal(`query ($n: Int) { ${body} }`, { n: 91 })).toBe('TOO_MUCH');
  expect(await refusal(`query ($n: Int = 91) { ${body} }`)).toBe('TOO_MUCH');
  expect(await refusal(`query ($n: Int = 90) { ...F } fragment F on Query { ${body} }`, { n: 91 })).toBe('TOO_MUCH');
  expect(await refusal(`query ($n: Int) { a: ${body} b: ${body} }`, { n: 60 })).toBe('TOO_MUCH');
});

test('a null that is given, the larger of two sizes, keys, and pages of one count as what they give', async () => {
  const deep = (size: string) =>
    `sources(${size}) { nodes { contents(${size}) { nodes { detections(${size}) { nodes { id } } } } } }`;
  // 50 rows each, whatever the default is.
  expect(await refusal(`query ($n: Int = 1) { ${deep('first: $n')} }`, { n: null })).toBe('TOO_MUCH');
  expect(await refusal(`query ($n: Int = 1) { ${deep('first: $n')} }`)).toBeUndefined();
  expect(await refusal(`query ($n: Int) { ${deep('first: $n, last: 100')} }`, { n: null })).toBe('TOO_MUCH');
  const keys = (count: number) => Array.from({ length: count }, () => 'src_01h455vb4pex5vsknk084sn02q');
  const nodes =
    'query ($ids: [ID!]!) { nodes(ids: $ids) { ... on Source { contents(first: 20) { nodes { detections(first: 9) { nodes { id } } } } } } }';
  expect(await refusal(nodes, { ids: keys(400) })).toBeUndefined();
  expect(await refusal(nodes, { ids: keys(500) })).toBe('TOO_MUCH');
  const ones = Array.from({ length: 300 }, (_, i) => `a${i}: detections(first: 1) { nodes { id } }`).join(' ');
  const many = `{ sources(first: 20) { nodes { contents(first: 20) { nodes { ${ones} } } } } }`;
  expect(await refusal(many)).toBe('TOO_MUCH');
});

test('what is no page size is refused as such, and not remembered', async () => {
  const query = 'query ($n: Int) { sources(first: $n) { nodes { id } } }';
  const { errors } = await t.run(a.key, query, { n: 'x'.repeat(100_000) });
  expect(errors?.[0]?.message).toMatch(/Int cannot represent/);
});

test('small pages nested thirty times are refused before they run', async () => {
  expect(await refusal(nested(12, 2))).toBeUndefined();
  const start = performance.now();
  expect(await refusal(nested(30, 2))).toBe('TOO_MUCH');
  expect(performance.now() - start).toBeLessThan(2_000);
});

test('depth', async () => {
  const deep = (levels: number) =>
    `{ viewer { member { ${'... on Member { '.repeat(levels)} id ${'} '.repeat(levels)} } } }`;
  // Two fields stand above the fragments, one below.
  expect(await refusal(deep(MAX_DEPTH - 3))).toBeUndefined();
  expect(await refusal(deep(MAX_DEPTH - 2))).toBe('TOO_MUCH');
});

test('fields', async () => {
  const wide = (count: number) =>
    `{ ...F ${' ...F'.repeat(count / 100 - 1)} } fragment F on Query { ${Array.from({ length: 100 }, (_, i) => `a${i}: __typename`).join(' ')} }`;
  expect(await refusal(wide(MAX_FIELDS))).toBeUndefined();
  expect(await refusal(wide(MAX_FIELDS + 100))).toBe('TOO_MUCH');
});

test('changes in one operation', async () => {
  const moves = (count: number) =>
    `mutation { ${Array.from({ length: count }, (_, i) => `m${i}: signIn(input: { email: "x", password: "" }) { userErrors { code } }`).join(' ')} }`;
  expect(await refusal(moves(MAX_MUTATIONS + 1))).toBe('TOO_MUCH');
  expect(await refusal(moves(2))).toBeUndefined();
});

test('text that PostgreSQL cannot hold is refused with its place', async () => {
  for (const [title, message] of [
    ['a\0b', 'U+0000'],
    ['a\ud800', 'surrogate'],
  ] as const) {
    const { openCase } = await t.runOk(
      a.key,
      'mutation ($i: OpenCaseInput!) { openCase(input: $i) { userErrors { code message path } } }',
      { i: { title } },
    );
    expect(openCase.userErrors).toEqual([
      { code: 'INVALID_INPUT', message: expect.stringContaining(message), path: ['title'] },
    ]);
  }
});

test('numbers and times that the database does not hold are refused as input', async () => {
  const { errors } = await t.run(a.key, 'query ($f: EventFilter) { events(filter: $f) { nodes { seq } } }', {
    f: { seq: { gt: '99999999999999999999' } },
  });
  expect(errors?.[0]?.message).toContain('a whole number from -2^63');
  const year = await t.run(
    a.key,
    'mutation { openCase(input: { title: "x", dueDate: "0000-01-01T00:00:00Z" }) { userErrors { code } } }',
  );
  expect(year.errors?.[0]?.message).toContain('years 1 to 9999');
});

test('amounts, rates and scores that the database does not hold are refused as input, with their place', async () => {
  const field = 'mutation ($i: CreateProjectInput!) { createProject(input: $i) { userErrors { code path } } }';
  const create = async (given: Record<string, unknown>) =>
    (await t.run(a.key, field, { i: { key: 'P1', name: 'P', ...given } })).data?.createProject.userErrors;
  for (const amount of ['999999999999999.9999', '0'])
    expect(await create({ key: `P${amount}`, arr: amount })).toEqual([]);
  const wrong: [string, unknown][] = [
    ['arr', '1000000000000000'],
    ['arr', '0.00001'],
    ['hourlyRate', '-1'],
    ['infrastructureCost', '9'.repeat(30)],
    ['cashFlows', ['1', '9'.repeat(30)]],
    ['discountRate', '12'],
    ['discountRate', '0'],
    ['terminalGrowth', '9'.repeat(30)],
    ['appealScore', 101],
    ['complexityScore', 1e300],
    ['currency', 'euro'],
  ];
  for (const [name, value] of wrong) {
    const [error] = (await create({ [name]: value })) ?? [];
    expect(error, `${name} ${value}`).toMatchObject({ code: 'INVALID_INPUT' });
    expect.soft(error.path[0], `${name} ${value}`).toBe(name);
  }
  const notDecimal = await t.run(a.key, field, { i: { key: 'P2', name: 'P', arr: '1e3' } });
  expect(notDecimal.errors?.[0]?.message).toContain('a decimal number');
  const notDay = await t.run(a.key, '{ portfolioOverview(asOf: "2026-02-30") { date } }');
  expect(notDay.errors?.[0]?.extensions?.code).toBe('GRAPHQL_VALIDATION_FAILED');
});

test('what a constraint of the database refuses is told, however the row is written', async () => {
  const { createProject } = await t.runOk(
    a.key,
    'mutation { createProject(input: { key: "CONSTRAINTS", name: "P" }) { project { id } } }',
  );
  const query = 'mutation ($i: CreateBugInput!) { createBug(input: $i) { userErrors { code } } }';
  const create = async (given: Record<string, unknown>) => {
    const response = await t.run(a.key, query, { i: { projectId: createProject.project.id, title: 't', ...given } });
    return response.data?.createBug.userErrors ?? response.errors?.map(({ extensions }) => extensions);
  };
  expect(await create({ externalId: 'x' })).toEqual([]);
  expect(await create({ externalId: 'x' })).toEqual([{ code: 'CONFLICT' }]);
  expect(await create({ externalId: '' })).toEqual([{ code: 'INVALID_INPUT' }]);
  expect(await create({ assigneeId: 'mem_01h455vb4pex5vsknk084sn02q' })).toEqual([{ code: 'NOT_FOUND' }]);
});
