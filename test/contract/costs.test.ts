import { getOperationAST, parse } from 'graphql';
import { describe, expect, test } from 'vitest';
import { operationCost } from '../../src/graphql/cost.ts';
import { WEIGHTS } from '../../src/graphql/cost-weights.ts';
import { schema } from '../../src/schema.ts';
import { readExamples } from '../../src/server/graphiql/examples.ts';

/** Total points of a document's only operation. */
function cost(query: string, variables: Record<string, unknown> = {}): number {
  return explain(query, variables).total;
}

function explain(query: string, variables: Record<string, unknown> = {}) {
  const document = parse(query);
  const operation = getOperationAST(document);
  if (!operation) throw new Error(`not one operation: ${query}`);
  return operationCost(schema, document, operation, variables, true);
}

test('the cost of each example is as it was: a change of the formula is a change for every caller', () => {
  const costs = readExamples('examples/queries').flatMap(({ name, query, variables }) => {
    const document = parse(query);
    const operations = document.definitions.filter((node) => node.kind === 'OperationDefinition');
    return operations.map((operation) => {
      const given = JSON.parse(variables || '{}');
      return [`${name} ${operation.name?.value ?? ''}`.trim(), operationCost(schema, document, operation, given).total];
    });
  });
  expect(Object.fromEntries(costs)).toMatchSnapshot();
});

describe('the formula', () => {
  test.each([
    ['a leaf, introspection and names of types', '{ __typename __schema { types { name fields { name } } } }', 0],
    ['one object', '{ viewer { kind } }', 1],
    ['an object of an object', '{ viewer { member { displayName role } } }', 2],
    ['a page: itself and its rows', '{ sources(first: 20) { nodes { id name } } }', 21],
    ['a page of the default size', '{ sources { nodes { id } } }', 51],
    ['another default', '{ topProjectsByRoi { id } }', 11],
    ['an object of each row', '{ contents(first: 20) { nodes { source { name } } } }', 41],
    [
      'a page of each row',
      '{ sources(first: 10) { nodes { contents(first: 20) { nodes { id } } } } }',
      1 + 10 + 10 * 21,
    ],
    ['edges as nodes', '{ sources(first: 20) { edges { cursor node { id } } } }', 21],
    ['where the page stands', '{ sources(first: 20) { nodes { id } pageInfo { endCursor } } }', 21],
    ['a count', '{ sources(first: 20) { totalCount { value } } }', 31],
    ['an exact count', '{ sources(first: 20) { totalCount(exact: true) { value } } }', 121],
    ['a row for each key', '{ nodes(ids: ["src_1", "src_2", "src_3"]) { id } }', 4],
    ['a list of unknown length', '{ teamWorkload { member { displayName } } }', 50 + 10],
    ['search', '{ searchContent(query: "x", first: 5) { hits { content { source { name } } } } }', 20 + 5 + 5 + 5],
    ['trends', '{ contentTrends(range: { from: "2026-01-01", to: "2026-02-01" }) { __typename } }', 50],
    ['a change', 'mutation { openCase(input: { title: "x" }) { case { id } } }', 11],
    ['signing in', 'mutation { signIn(input: { email: "", password: "" }) { userErrors { code } } }', 101],
  ])('%s', (_, query, points) => {
    expect(cost(query)).toBe(points);
  });

  const page = 'sources(first: 7) { nodes { contents(first: 9) { nodes { id source { id } } } } }';
  const points = cost(`{ ${page} }`);

  test.each([
    ['a variable', `query ($n: Int) { ${page.replace('7', '$n')} }`, { n: 7 }],
    ['a default', `query ($n: Int = 7) { ${page.replace('7', '$n')} }`, {}],
    ['a fragment', `{ ...F } fragment F on Query { ${page} }`, {}],
    ['an inline fragment', `{ ... { ... on Query { ${page} } } }`, {}],
    ['an alias', `{ x: ${page} }`, {}],
    ['a condition', `query ($on: Boolean = false) { ${page.replace(' {', ' @include(if: $on) {')} }`, {}],
  ])('%s costs what it stands for', (_, query, variables) => {
    expect(cost(query, variables)).toBe(points);
  });

  test('a null that is given is no default, the larger of two sizes counts, and keys in a variable are counted', () => {
    const query = (size: string) => `query ($n: Int = 1) { sources(${size}) { nodes { id } } }`;
    expect(cost(query('first: $n'), { n: null })).toBe(51);
    expect(cost(query('first: $n, last: 80'))).toBe(81);
    const nodes = 'query ($ids: [ID!]! = ["a", "b"]) { nodes(ids: $ids) { id } }';
    expect([cost(nodes), cost(nodes, { ids: ['a', 'b', 'c', 'd'] }), cost(nodes, { ids: 'a' })]).toEqual([3, 5, 2]);
  });

  test('twice costs twice; one more row never costs less', () => {
    expect(cost(`{ a: ${page} b: ${page} }`)).toBe(2 * points);
    const costs = [1, 2, 50, 99, 100].map((n) => cost(`{ ${page.replace('7', String(n))} }`));
    expect(costs.toSorted((a, b) => a - b)).toEqual(costs);
  });

  test('paths tell what it is made of, the dearest first', () => {
    const { total, paths } = explain(`{ a: ${page} b: ${page} }`);
    expect(paths[0]).toEqual({ path: 'sources.nodes.contents', cost: 140, rows: 126 });
    expect(paths.reduce((sum, { cost: one }) => sum + one, 0)).toBe(total);
    expect(paths.find(({ path }) => path === 'sources')).toEqual({ path: 'sources', cost: 16, rows: 14 });
  });

  test('names with a weight are fields of the schema', () => {
    for (const coordinate of Object.keys(WEIGHTS)) {
      const [type = '', field = ''] = coordinate.split('.');
      const object = schema.getType(type);
      expect(object && 'getFields' in object ? object.getFields()[field] : undefined, coordinate).toBeDefined();
    }
  });

  test('search, figures and time series have a weight of their own', () => {
    const fields = Object.values(schema.getQueryType()?.getFields() ?? {});
    const heavy = fields.filter(({ name }) => /^search|Trends$|Statistics$|Metrics$|Forecast$/.test(name));
    const lists = ['monthlyMetrics', 'portfolioMetrics', 'projectMetrics'];
    const missing = heavy.filter(({ name }) => !(`Query.${name}` in WEIGHTS) && !lists.includes(name));
    expect(missing.map(({ name }) => name)).toEqual([]);
  });
});
