import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { LIMITS } from '../../../src/graphql/limits.ts';
import { serveHttp } from '../../../src/server/http.ts';
import { createTestApp, type Tenant, type TestApp } from '../../support/app.ts';
import { range } from '../intel/records.ts';
import { post } from './serving.ts';

let t: TestApp;
let a: Tenant;
const servers = new Map<string, Awaited<ReturnType<typeof serveHttp>>>();
beforeAll(async () => {
  t = await createTestApp();
  a = await t.tenant('limits');
  const options = { host: '127.0.0.1', port: 0, examplesDir: 'examples/queries' };
  servers.set('the short path', await serveHttp(t.app, options));
  servers.set('Yoga', await serveHttp(t.app, { ...options, shortPath: false }));
});
afterAll(async () => {
  for (const server of servers.values()) await server.stop();
  await t?.close();
});

const times = (count: number, part: (i: number) => string) => range(count).map(part).join(' ');
const key = (i: number) => `src_01h455vb4pex5vsknk084${String(i).padStart(5, '0')}`;

interface Case {
  /** the most that is allowed */
  most: number;
  /** a document that counts so many */
  query: (count: number) => string;
  variables?: (count: number) => object;
  /** what the refusal tells beside the code TOO_MUCH; the code of another refusal */
  code?: string;
  says: RegExp;
}

const changes = (count: number) =>
  `mutation { ${times(count, (i) => `m${i}: openCase(input: { title: "" }) { userErrors { code } }`)} }`;

/** Each limit, with what reaches it and what exceeds it by one. */
const CASES: Record<string, Case> = {
  depth: {
    most: LIMITS.depth,
    query: (levels) =>
      `{ viewer { member { ${'... on Member { '.repeat(levels - 3)} id ${'} '.repeat(levels - 3)} } } }`,
    says: /41 levels of nesting, or more: at most 40/,
  },
  selections: {
    most: LIMITS.selections,
    query: (count) => `{ ${times(count, () => '...F')} } fragment F on Query { __typename }`,
    says: /301 fields in one selection/,
  },
  repetitions: {
    most: LIMITS.repetitions,
    query: (count) => `{ ${times(count, () => '__typename')} }`,
    says: /11 fields of the same name in one selection/,
  },
  aliasesOfSelection: {
    most: LIMITS.aliasesOfSelection,
    query: (count) => `{ ${times(count, (i) => `a${i}: __typename`)} }`,
    says: /101 aliases in one selection/,
  },
  aliases: {
    most: LIMITS.aliases,
    query: (count) =>
      `{ ${times(6, (i) => `...F${i}`)} } ${times(6, (f) => {
        const own = Math.min(90, count - f * 90);
        return `fragment F${f} on Query { ${times(Math.max(own, 0), (i) => `a${f}_${i}: __typename`)} __typename }`;
      })}`,
    says: /501 aliases, or more: at most 500/,
  },
  directives: {
    most: LIMITS.directives,
    query: (count) =>
      `{ ${times(count, (i) => (i < 50 ? '...F @skip(if: false)' : '... @include(if: true) { ...F }'))} } fragment F on Query { __typename }`,
    says: /101 directives/,
  },
  operations: {
    most: LIMITS.operations,
    query: (count) => times(count, (i) => `query Q${i} { __typename }`),
    says: /21 operations/,
  },
  fragments: {
    most: LIMITS.fragments,
    query: (count) =>
      `{ ${times(count, (i) => `...F${i}`)} } ${times(count, (i) => `fragment F${i} on Query { __typename }`)}`,
    says: /51 fragments/,
  },
  fields: {
    most: LIMITS.fields,
    // 20 spreads of 100 fields each.
    query: (count) =>
      `{ ${times(Math.floor(count / 100), () => '...F')} ${count % 100 ? '__typename' : ''} } fragment F on Query { ${times(100, (i) => `a${i}: __typename`)} }`,
    says: /2001 fields, with fragments spread/,
  },
  mutations: { most: LIMITS.mutations, query: changes, says: /21 changes in one operation/ },
  'values of an `in` filter': {
    most: 1_000,
    query: () => 'query ($f: SourceFilter) { sources(first: 1, filter: $f) { nodes { id } } }',
    variables: (count) => ({ f: { name: { in: range(count).map(String) } } }),
    code: 'INVALID_INPUT',
    says: /1,?000/,
  },
  'keys of nodes': {
    most: 500,
    query: () => 'query ($ids: [ID!]!) { nodes(ids: $ids) { id } }',
    variables: (count) => ({ ids: range(count).map(key) }),
    code: 'INVALID_INPUT',
    says: /500/,
  },
  'rows of a page': {
    most: 100,
    query: () => 'query ($n: Int) { sources(first: $n) { nodes { id } } }',
    variables: (count) => ({ n: count }),
    code: 'INVALID_INPUT',
    says: /100/,
  },
};

describe.for(['the short path', 'Yoga'])('by %s', (way) => {
  const ask = (query: string, variables: object = {}) =>
    post(`http://127.0.0.1:${servers.get(way)?.port}/graphql`, a.key, query, variables);

  test.for(Object.entries(CASES))('%s: what is allowed passes, one more is refused and told', async ([name, one]) => {
    const { most, query, variables, code = 'TOO_MUCH', says } = one;
    const operationName = name === 'operations' ? 'Q0' : undefined;
    const send = (count: number) =>
      operationName ? named(way, query(count), operationName) : ask(query(count), variables?.(count));
    const within = await send(most);
    expect(within.body.errors?.map(({ message }) => message)).toBeUndefined();
    expect(within.body.data).toBeTruthy();
    const { status, body } = await send(most + 1);
    expect(body.errors?.[0]?.message).toMatch(says);
    expect(body.errors?.[0]?.extensions?.code).toBe(code);
    if (code !== 'TOO_MUCH') return;
    expect(status).toBe(400);
    expect(body.data).toBeUndefined();
    expect(body.errors?.[0]?.extensions).toEqual({ code, limit: name, allowed: most, counted: most + 1 });
  });

  test('tokens: 5,000', async () => {
    const filter = (values: number) =>
      `{ sources(first: 1, filter: { name: { in: [${times(values, (i) => `"${i}"`)}] } }) { __typename } }`;
    expect((await ask(filter(950))).body.errors).toBeUndefined();
    const many = `{ ${times(5, (f) => `...F${f}`)} } ${times(5, (f) => `fragment F${f} on Query { nodes(ids: [${times(1_000, (i) => `"${i}"`)}]) { id } }`)}`;
    const { status, body } = await ask(many);
    expect([status, body.errors?.[0]?.extensions]).toEqual([
      400,
      { code: 'TOO_MUCH', limit: 'tokens', allowed: 5_000, counted: 5_001 },
    ]);
  });

  test('no more than five errors of a document are told', async () => {
    const { body } = await ask(`{ ${times(50, (i) => `x${i}`)} }`);
    expect(body.errors).toHaveLength(6);
    expect(body.errors?.[5]?.message).toMatch(/Too many validation errors/);
    const pages = times(50, (i) => `a${i}: sources(first: $x${i}) { __typename }`);
    const { body: wrong } = await ask(`query (${times(50, (i) => `$x${i}: Int!`)}) { ${pages} }`);
    expect(wrong.errors).toHaveLength(6);
  });

  test('a list of operations', async () => {
    const response = await fetch(`http://127.0.0.1:${servers.get(way)?.port}/graphql`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: '[{"query":"{ __typename }"},{"query":"{ __typename }"}]',
    });
    expect(response.status).toBe(400);
    expect(await response.text()).toMatch(/[Bb]atch/);
  });

  test('fields that are the same too many times to be compared', async () => {
    const inner = times(10, () => `contents { nodes { ${times(8, () => 'id')} } }`);
    const { status, body } = await ask(`{ ${times(10, () => `sources { nodes { ${inner} } }`)} }`);
    expect([status, body.errors?.[0]?.extensions]).toEqual([400, { code: 'TOO_MUCH', limit: 'comparisons' }]);
  });
});

async function named(way: string, query: string, operationName: string) {
  const response = await fetch(`http://127.0.0.1:${servers.get(way)?.port}/graphql`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: `Bearer ${a.key}` },
    body: JSON.stringify({ query, operationName }),
  });
  return { status: response.status, body: (await response.json()) as Awaited<ReturnType<typeof post>>['body'] };
}

test.for<[string, string, (long: string) => object]>([
  ['field', 'LONG', () => ({})],
  [
    'field of a variable',
    'query($f: SourceFilter) { sources(filter: $f) { nodes { id } } }',
    (f) => ({ f: { [f]: 1 } }),
  ],
  ['number', 'query($f: Int) { sources(first: $f) { nodes { id } } }', (f) => ({ f })],
  ['explained field', 'query($f: String!) { explainCost(query: $f) { total } }', (f) => ({ f: `{ ${f} }` })],
])('a wrong %s is not told at full length', async ([, query, variables]) => {
  const long = 'x'.repeat(100_000);
  for (const { port } of servers.values())
    for (const who of [a.key, null]) {
      const text = query === 'LONG' ? `{ ${long} }` : query;
      const { body } = await post(`http://127.0.0.1:${port}/graphql`, who, text, variables(long));
      const [{ message }] = body.errors as [{ message: string }];
      expect([message.length < 2_100, message.length > 20]).toEqual([true, true]);
      expect(JSON.stringify(body).length).toBeLessThan(5_000);
    }
});
