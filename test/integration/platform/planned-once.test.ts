import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { demoKey } from '../../../src/demo/key.ts';
import { loadDemo } from '../../../src/demo/load.ts';
import { readExamples } from '../../../src/server/graphiql/examples.ts';
import { createTestApp, type TestApp } from '../../support/app.ts';

const EXAMPLES = readExamples(join(import.meta.dirname, '../../../examples/queries')).filter(
  ({ query }) => !/^(mutation|subscription)\b/m.test(query),
);
/** PostgreSQL takes the values of the first five executions into account, then it compares. */
const EXECUTIONS = 12;

let t: TestApp;
let key: string;
beforeAll(async () => {
  t = await createTestApp({ env: { ARGUS_DIR: '.argus/test-demo', DB_POOL_SIZE: '1', DB_POOL_OVERFLOW: '0' } });
  const { tenantId } = await loadDemo(t.app.services, { now: new Date(Date.now() - 60_000) });
  key = await demoKey(t.app.services, tenantId);
}, 60_000);
afterAll(() => t?.close());

test('statements of lists and relations are planned once a connection, not at each execution', async () => {
  for (let i = 0; i < EXECUTIONS; i++) {
    for (const { query, variables } of EXAMPLES) await t.run(key, query, variables ? JSON.parse(variables) : {});
  }
  const { rows } = await t.app.services.pool.query<{ statement: string; custom: number; generic: number }>(
    `SELECT statement, custom_plans::int AS custom, generic_plans::int AS generic FROM pg_prepared_statements
     WHERE custom_plans + generic_plans >= $1`,
    [EXECUTIONS - 4],
  );
  // Of a beginning of a text, or of all values but some, PostgreSQL may find that it depends on the values.
  const lists = rows.filter(
    ({ statement }) => /^\/\* \w+\.(page|by\.|byId|count)/.test(statement) && !/\^@|IS NOT TRUE/.test(statement),
  );
  expect(lists.length).toBeGreaterThan(40);
  expect(lists.filter(({ generic }) => generic === 0)).toEqual([]);
});
