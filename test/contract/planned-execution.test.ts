import { join } from 'node:path';
import {
  execute,
  type GraphQLNamedType,
  getNamedType,
  getOperationAST,
  getVariableValues,
  parse,
  specifiedRules,
  validate,
} from 'graphql';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import { systemViewer } from '../../src/access/viewer.ts';
import { loadDemo } from '../../src/demo/load.ts';
import { PlannedOperation } from '../../src/execution/planned.ts';
import { makeContext } from '../../src/server/context.ts';
import { readExamples } from '../../src/server/graphiql/examples.ts';
import { createTestApp, type TestApp } from '../support/app.ts';
import { argsFor, isConnection, type Place, readsOf, rootFields } from '../support/schema-walk.ts';

const NOW = new Date(Date.now() - 60_000);
/** What looks at the schema is left to the standard execution. */
const EXAMPLES = readExamples(join(import.meta.dirname, '../../examples/queries')).filter(
  ({ query }) => !/^(mutation|subscription)\b/m.test(query) && !/__type|explainCost/.test(query),
);
/** Answers that tell how long something took. */
const TIMED = ['health', 'databaseHealth', 'DatabaseHealth'];
/** Shows its rows in two places, below each of which lists are read anew; graphql-js reads them once. */
const TWICE = ['searchContent'];
const QUERIES = rootFields('Query').filter(({ name }) => !TIMED.includes(name));

let t: TestApp;
let tenantId: string;
/** by type: a row of the demo */
const ids = new Map<string, string>();

beforeAll(async () => {
  t = await createTestApp({ env: { ARGUS_DIR: '.argus/test-demo' } });
  ({ tenantId } = await loadDemo(t.app.services, { now: NOW }));
  for (const field of QUERIES.filter(({ type }) => isConnection(getNamedType(type)))) {
    const [type, id] = await firstOf(field.name);
    if (type && id) ids.set(type, id);
  }
}, 60_000);
afterAll(() => t?.close());

async function firstOf(list: string): Promise<[string?, string?]> {
  const document = parse(`{ ${list}(first: 1) { nodes { __typename ... on Node { id } } } }`);
  if (validate(t.app.schema, document).length > 0) return [];
  const { data } = await standard(document, {});
  const [row] = (data as Record<string, { nodes: { __typename: string; id: string }[] }>)[list]?.nodes ?? [];
  return row ? [row.__typename, row.id] : [];
}

type Document = ReturnType<typeof parse>;

function context() {
  const viewer = systemViewer(tenantId, 'test');
  return makeContext(t.app.services, viewer, null, viewer.request);
}

/** What graphql-js makes of it: the reference. */
async function standard(contextDocument: Document, variableValues: Record<string, unknown>) {
  const ctx = context();
  const result = await execute({ schema: t.app.schema, document: contextDocument, contextValue: ctx, variableValues });
  await ctx.scope.close();
  return { ...result, statements: ctx.scope.statements };
}

/** Runs it planned, while columns are learnt and afterwards; the text each time, and how many statements it took. */
async function planned(document: Document, values: Record<string, unknown>, runs = 3) {
  const { coerced } = getVariableValues(t.app.schema, getOperationAST(document)?.variableDefinitions ?? [], values);
  const one = new PlannedOperation(t.app.schema, document, null);
  const answers: { text: string | null; statements: number }[] = [];
  for (let run = 0; run <= runs; run++) {
    const ctx = context();
    const text = await one.run(ctx, coerced ?? {});
    await ctx.scope.close();
    if (run > 0) answers.push({ text, statements: ctx.scope.statements });
  }
  return answers;
}

async function insistSame(query: string, values: Record<string, unknown>, extra = 0) {
  const document = parse(query);
  expect(validate(t.app.schema, document, specifiedRules)).toEqual([]);
  const { statements, ...expected } = await standard(document, values);
  const answers = await planned(document, values);
  for (const answer of answers) {
    // Where an error comes up it is left to the standard execution.
    if (expected.errors) expect(answer.text).toBeNull();
    else expect(JSON.parse(answer.text ?? 'null')).toEqual(JSON.parse(JSON.stringify(expected)));
  }
  // One that shows a column or a flight that was not known is run again.
  const fewest = Math.min(...answers.map((answer) => answer.statements));
  if (!expected.errors) expect(fewest).toBeLessThanOrEqual(statements + extra);
  return expected;
}

describe('planned execution answers as graphql-js does, with no more statements', () => {
  beforeEach(() => {
    // Clocks, ages and trends follow the time.
    vi.useFakeTimers({ toFake: ['Date'], now: NOW.getTime() + 60_000 });
  });
  afterEach(() => void vi.useRealTimers());

  const examples = EXAMPLES.filter(({ name }) => !TIMED.includes(name));
  test.each(examples.map((one) => [one.name, one] as const))('the example %s', async (_, { query, variables }) => {
    const { errors } = await insistSame(query, variables ? JSON.parse(variables) : {});
    expect(errors).toBeUndefined();
  });

  const fields = QUERIES.map((field) => [field.name, field] as const);
  test.each(fields)('all that %s leads to', { timeout: 60_000 }, async (_, field) => {
    const argsOf = (type: GraphQLNamedType) =>
      argsFor(field.args, { text: 'a', id: (path) => ids.get(type.name) ?? idFor(path) });
    for (const { query, variables } of readsOf(field, argsOf)) {
      await insistSame(query, variables, TWICE.includes(field.name) ? 6 : 0);
    }
  });
});

/** `projectId` is a Project's. */
function idFor(path: Place): string {
  const name = path.findLast((part) => /\D/.test(part))?.replace(/Ids?$/, '') ?? '';
  return ids.get(name.charAt(0).toUpperCase() + name.slice(1)) ?? ids.get('Project') ?? '';
}
