import { afterAll, beforeAll, expect, test } from 'vitest';
import { demoKey } from '../../../src/demo/key.ts';
import { loadDemo } from '../../../src/demo/load.ts';
import { readExamples } from '../../../src/server/graphiql/examples.ts';
import { serveHttp } from '../../../src/server/http.ts';
import { createTestApp, type TestApp } from '../../support/app.ts';

const QUERIES = readExamples('examples/queries').filter(({ query }) => /^(query\b|\{)/m.test(query));

let t: TestApp;
let key: string;
const servers: Awaited<ReturnType<typeof serveHttp>>[] = [];
beforeAll(async () => {
  t = await createTestApp({ env: { ARGUS_DIR: '.argus/test-http-examples' } });
  const { tenantId } = await loadDemo(t.app.services, { now: new Date(Date.now() - 60_000) });
  key = await demoKey(t.app.services, tenantId);
  const options = { host: '127.0.0.1', port: 0, examplesDir: 'examples/queries' };
  servers.push(await serveHttp(t.app, options), await serveHttp(t.app, { ...options, shortPath: false }));
}, 120_000);
afterAll(async () => {
  for (const server of servers) await server.stop();
  await t?.close();
});

/** They have figures that change from one millisecond to the next. */
const MOMENTARY = ['DatabaseHealth', 'SlaForecast', 'UserWorkload'];

/** The answers of both servers, each asked twice: interpreted first, compiled then. */
async function ask(name: string, body: string): Promise<string[]> {
  const answers: string[] = [];
  for (const server of [...servers, ...servers]) {
    const response = await fetch(`http://127.0.0.1:${server.port}/graphql`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', authorization: `Bearer ${key}` },
      body,
    });
    expect(response.status).toBe(200);
    const answer = await response.text();
    answers.push(MOMENTARY.includes(name) ? answer.replaceAll(/\d+(\.\d+)?/g, '0') : answer);
  }
  return answers;
}

// Hours that are left step by hundredths every few seconds, and a day may begin: what differs for
// that alone is the same when it is asked again.
test.for(QUERIES)('$name is the same by either way', { retry: 2 }, async ({ name, query, variables }) => {
  const answers = await ask(name, JSON.stringify({ query, variables: JSON.parse(variables || '{}') }));
  expect(answers[0]).toMatch(/^\{"data":/);
  expect(new Set(answers).size, answers.join('\n')).toBe(1);
});
