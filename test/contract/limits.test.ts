import { afterAll, beforeAll, expect, test } from 'vitest';
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

const MOST = 100_000;
const page = (size: string) =>
  `sources(first: 100) { nodes { contents(first: ${size}) { nodes { detections(first: 10) { nodes { id } } } } } }`;
/** Of `page`: 1 and 100 sources, each with 1 and n contents, each with 1 and 10 detections. */
const costOf = (n: number) => 101 + 100 * (1 + n + 11 * n);

test('cost: what lists within lists could give together; the refusal names the dearest fields', async () => {
  expect([costOf(83), costOf(84)]).toEqual([99_801, 101_001]);
  expect(await refusal(`{ ${page('83')} }`)).toBeUndefined();
  const { errors } = await t.run(a.key, `{ ${page('84')} }`);
  expect(errors?.[0]?.message).toBe(
    'this operation could cost 101,001 points, 100,000 are allowed. The dearest fields are sources.nodes.contents.nodes.detections (92,400), sources.nodes.contents (8,500), sources (101): ask for fewer rows with first, or nest less',
  );
  expect(errors?.[0]?.extensions).toMatchObject({ code: 'TOO_MUCH', limit: 'cost', allowed: MOST, counted: 101_001 });
});

test('a variable, its default, a fragment and an alias count like what they stand for', async () => {
  const body = page('$n');
  expect(await refusal(`query ($n: Int) { ${body} }`, { n: 83 })).toBeUndefined();
  expect(await refusal(`query ($n: Int) { ${body} }`, { n: 84 })).toBe('TOO_MUCH');
  expect(await refusal(`query ($n: Int = 84) { ${body} }`)).toBe('TOO_MUCH');
  expect(await refusal(`query ($n: Int = 83) { ...F } fragment F on Query { ${body} }`, { n: 84 })).toBe('TOO_MUCH');
  expect(await refusal(`query ($n: Int) { a: ${body} b: ${body} }`, { n: 50 })).toBe('TOO_MUCH');
});

test('what is no page size is refused as such, and not remembered', async () => {
  const query = 'query ($n: Int) { sources(first: $n) { nodes { id } } }';
  const { errors } = await t.run(a.key, query, { n: 'x'.repeat(100_000) });
  expect(errors?.[0]?.message).toMatch(/Int cannot represent/);
});

test('small pages nested thirty times are refused before they run', async () => {
  expect(await refusal(nested(11, 2))).toBeUndefined();
  const start = performance.now();
  expect(await refusal(nested(30, 2))).toBe('TOO_MUCH');
  expect(performance.now() - start).toBeLessThan(2_000);
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
