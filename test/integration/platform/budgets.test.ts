import { setTimeout as sleep } from 'node:timers/promises';
import { createClient } from 'graphql-ws';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import WebSocket from 'ws';
import { createTestApp, type Tenant, type TestApp } from '../../support/app.ts';
import { openEventSource, posted } from '../../support/event-source.ts';
import { mutate } from '../intel/records.ts';
import { post, type Served, serve } from './serving.ts';

const BUDGETS = { BUDGET_PER_KEY: '600', BUDGET_PER_TENANT: '900', BUDGET_PER_ADDRESS: '120' };
const LIST = '{ cases(first: 49) { nodes { id } } }';

let t: TestApp;
let short: Served;
let long: Served;
beforeAll(async () => {
  t = await createTestApp({ env: { ...BUDGETS, MAX_OPERATION_COST: '500' } });
  short = await serve(t.app);
  long = await serve(t.app, { shortPath: false });
});
afterAll(async () => {
  await short?.stop();
  await long?.stop();
  await t?.close();
});

let made = 0;
const another = () => t.tenant(`budget-${++made}`);
const costOf = ({ body }: Awaited<ReturnType<typeof post>>) => body.extensions?.cost;
const full = { limit: 500, resetAt: expect.stringMatching(/^\d{4}-.*Z$/) };
/** What is refilled in the meantime may be there already. */
const about = (points: number) => ({ asymmetricMatch: (given: number) => given >= points && given <= points + 60 });

describe.for(['the short path', 'Yoga'])('by %s', (way) => {
  const url = () => (way === 'Yoga' ? long.url : short.url);
  let a: Tenant;
  const ask = (query: string, key: string | null = a.key, variables = {}, headers = {}) =>
    post(url(), key, query, variables, headers);

  test('every answer tells what it cost and what is left', async () => {
    a = await another();
    expect(costOf(await ask(LIST))).toEqual({ requested: 50, remaining: about(550), ...full });
    // Kept parsed, then planned.
    expect(costOf(await ask('query($n: Int) { cases(first: $n) { nodes { id } } }', a.key, { n: 9 }))).toMatchObject({
      requested: 10,
    });
    expect(costOf(await ask('query($n: Int) { cases(first: $n) { nodes { id } } }', a.key, { n: 19 }))).toMatchObject({
      requested: 20,
    });
    const refused = await ask('{ cases(after: "x") { nodes { id } } }');
    expect([refused.body.errors?.length, costOf(refused)]).toEqual([
      1,
      { requested: 51, remaining: about(469), ...full },
    ]);
    const mutation = await ask('mutation { openCase(input: { title: "x" }) { case { id } } }');
    expect(costOf(mutation)).toMatchObject({ requested: 11 });
  });

  test('so does one that was not run, and it costs nothing', async () => {
    a = await another();
    for (const query of [
      '{',
      '{ nothing }',
      'query($n: Int!) { cases(first: $n) { nodes { id } } }',
      '{ cases(first: 90) { nodes { contents(first: 90) { edges { cursor } } } } }',
    ]) {
      const answer = await ask(query);
      expect(answer.body.errors, query).toBeTruthy();
      expect(costOf(answer)?.remaining, query).toBe(600);
    }
    const wrong = await ask(LIST, 'argus_nonsense');
    expect([wrong.status, costOf(wrong)]).toEqual([401, { requested: 0, limit: 500, remaining: null, resetAt: null }]);
  });

  test('who has spent it is refused with 429 and told when to come again; others are not', async () => {
    a = await another();
    for (let i = 0; i < 12; i++)
      expect((await ask(`{ cases(first: 49) { nodes { id n${++made}: number } } }`)).status).toBe(200);
    const refused = await ask(`{ cases(first: 99) { nodes { id } } }`);
    expect([refused.status, refused.body.errors?.[0]?.extensions?.code]).toEqual([429, 'RATE_LIMITED']);
    const seconds = Number(refused.headers.get('retry-after'));
    expect(seconds).toBeGreaterThan(0);
    expect(seconds).toBeLessThanOrEqual(10);
    expect(refused.body.errors?.[0]?.message).toContain(`try again in ${seconds} s`);
    expect(costOf(refused)).toEqual({ requested: 100, remaining: about(0), ...full });
    // Another key of the tenant, up to what the tenant has.
    const { key } = await mutate(t, (await another()).key, 'createApiKey { key { secret } }', { name: 'k' });
    expect((await ask(LIST, key.secret)).status).toBe(200);
  });

  test('all keys of a tenant share its budget', async () => {
    a = await another();
    const keys: string[] = [a.key];
    for (const name of ['b', 'c'])
      keys.push((await mutate(t, a.key, 'createApiKey { key { secret } }', { name })).key.secret);
    const statuses: number[] = [];
    for (const key of keys)
      for (let i = 0; i < 8; i++)
        statuses.push((await ask(`{ cases(first: 49) { nodes { id n${++made}: number } } }`, key)).status);
    // 900 points, less those of the two mutations, and what comes back meanwhile.
    const served = statuses.filter((status) => status === 200).length;
    expect(served).toBeGreaterThanOrEqual(17);
    expect(served).toBeLessThan(24);
    expect(statuses.slice(0, 10)).toEqual(Array(10).fill(200));
  });

  test('an operation that is dearer than a whole budget is told so', async () => {
    const own = await createTestApp({ env: { BUDGET_PER_KEY: '40' } });
    const served = await serve(own.app, { shortPath: way !== 'Yoga' });
    const { key } = await own.tenant('small');
    const { status, body, headers } = await post(served.url, key, LIST);
    expect([status, headers.get('retry-after')]).toEqual([429, null]);
    expect(body.errors?.[0]?.message).toContain('more than the whole budget');
    await served.stop();
    await own.close();
  });

  test('an answer that is kept costs nothing', async () => {
    a = await another();
    const question = '{ cases(first: 99) { nodes { id title } } }';
    const answers = [];
    for (let i = 0; i < 20; i++) answers.push(await ask(question));
    const refused = answers.filter(({ status }) => status === 429).length;
    // Yoga's answers are not kept.
    expect(refused > 0).toBe(way === 'Yoga');
    expect(costOf(answers.at(-1) as never)?.requested).toBe(100);
  });
});

test('who is nobody has the budget of his address', async () => {
  const statuses: number[] = [];
  for (let i = 0; i < 30; i++) {
    const { status, body } = await post(
      short.url,
      null,
      `{ health { status } viewer { kind } a: health { status } b: health { status } c${i}: health { status } }`,
    );
    statuses.push(status);
    expect(body.extensions?.cost.requested).toBe(5);
  }
  expect(statuses.slice(0, 20)).toEqual(Array(20).fill(200));
  expect(statuses).toContain(429);
});

const clients: { dispose(): unknown }[] = [];
afterEach(() => {
  for (const client of clients.splice(0)) client.dispose();
});

test('what is read for a message of a stream is paid for each time; who has spent his budget gets the next later', async () => {
  const a = await another();
  for (let i = 0; i < 8; i++) await mutate(t, a.key, 'openCase { case { id } }', { title: 'x' });
  const reading = await openEventSource(
    short.url,
    posted(a.key, 'subscription { caseEvents(afterSeq: 0) { seq case { contents(first: 97) { edges { cursor } } } } }'),
  );
  await expect.poll(() => reading.messages.length).toBeGreaterThan(2);
  // 88 of the 600 points are spent for the cases, 100 for the beginning, 99 for each message; 10 a second come back.
  await sleep(300);
  expect(reading.messages).toHaveLength(4);
  const left = reading.messages.map(({ data }) => data.extensions.cost.remaining);
  expect(left).toEqual([about(600 - 88 - 199), about(600 - 88 - 298), about(600 - 88 - 397), about(600 - 88 - 496)]);
  reading.close();
});

test('answers over a WebSocket and events of streams tell it too', async () => {
  const a = await another();
  await mutate(t, a.key, 'openCase { case { id } }', { title: 'x' });
  const client = createClient({
    url: short.wsUrl,
    webSocketImpl: WebSocket,
    connectionParams: { authorization: `Bearer ${a.key}` },
  });
  clients.push(client);
  const first = async (query: string) => {
    for await (const answer of client.iterate({ query })) return answer;
    return null;
  };
  for (let i = 0; i < 2; i++) {
    const query = await first(LIST);
    expect(query).toEqual({
      data: { cases: { nodes: [{ id: expect.any(String) }] } },
      extensions: { cost: expect.objectContaining({ requested: 50, limit: 500 }) },
    });
  }
  const event = await first('subscription { events(afterSeq: 0) { seq event { actor { displayName } } } }');
  expect(event?.extensions).toEqual({ cost: { requested: 3, remaining: about(600 - 11 - 100 - 3 - 2), ...full } });
  const response = await fetch(short.url, {
    method: 'POST',
    headers: { 'content-type': 'application/json', accept: 'text/event-stream', authorization: `Bearer ${a.key}` },
    body: JSON.stringify({ query: 'subscription { events(afterSeq: 0) { seq } }' }),
  });
  const reader = response.body?.getReader();
  let text = '';
  while (!text.includes('event: next')) text += Buffer.from((await reader?.read())?.value ?? []).toString();
  await reader?.cancel();
  expect(text).toMatch(/"extensions":\{"cost":\{"requested":1,"limit":500,/);
});

test('explainCost tells what an operation would cost, and what is wrong with it', async () => {
  const a = await another();
  const explain = async (query: string, variables: object = {}) =>
    (
      await post(
        short.url,
        a.key,
        'query($q: String!, $v: JSON) { explainCost(query: $q, variables: $v) { total limit paths { path cost rows } } }',
        { q: query, v: variables },
      )
    ).body;
  const list = 'query($n: Int) { cases(first: $n) { nodes { id assignedTo { id } } } }';
  expect((await explain(list, { n: 30 })).data?.explainCost).toEqual({
    total: 61,
    limit: 500,
    paths: [
      { path: 'cases', cost: 31, rows: 30 },
      { path: 'cases.nodes.assignedTo', cost: 30, rows: 0 },
    ],
  });
  expect(
    (await explain('{ sources(first: 100) { nodes { contents(first: 100) { nodes { id } } } } }')).data?.explainCost
      .total,
  ).toBe(10_201);
  for (const [query, message] of [
    ['{', /Syntax Error/],
    ['{ nothing }', /Cannot query field/],
    ['query A { __typename } query B { __typename }', /2 operations: give it with one/],
  ] as const) {
    const { errors } = await explain(query);
    expect(errors?.[0]).toMatchObject({
      message: expect.stringMatching(message),
      extensions: { code: 'INVALID_INPUT', path: ['query'] },
    });
  }
  expect((await explain('{ __typename }', [] as never)).errors?.[0]?.message).toMatch(/variables are an object/);
});
