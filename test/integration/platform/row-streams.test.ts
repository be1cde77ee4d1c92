import { type GraphQLField, getNamedType, isObjectType } from 'graphql';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { KnownRows } from '../../../src/events/row-stream.ts';
import { schema } from '../../../src/schema.ts';
import { type Answer, createTestApp, type Tenant, type TestApp } from '../../support/app.ts';
import { permissionOf, rootFields } from '../../support/schema-walk.ts';
import { type Subscription, subscribe } from '../../support/sse.ts';
import { addKeyword, mutate, range } from '../intel/records.ts';

let t: TestApp;
beforeAll(async () => {
  t = await createTestApp();
});
afterAll(() => t?.close());

const KEYWORDS = `subscription($afterSeq: BigInt, $filter: KeywordFilter) {
  keywordEvents(afterSeq: $afterSeq, filter: $filter, heartbeatSeconds: 0) {
    seq heartbeat hidden event { type } keyword { normalisedTerm weight } } }`;
const HEAVY = { weight: { gte: 0.5 } };

const weigh = async (a: Tenant, id: string, weight: number) => {
  const update = 'updateKeyword { userErrors { message } eventSeq }';
  expect((await mutate(t, a.key, update, { id, weight })).userErrors).toEqual([]);
};

/** What comes next, in short: the weight that is shown, or that a row is hidden. */
async function told(stream: Subscription, count: number): Promise<Answer[]> {
  const messages: Answer[] = [];
  while (messages.length < count) {
    const answer = await stream.next(5_000);
    if (!answer?.data) throw new Error(`after ${JSON.stringify(messages)} came ${JSON.stringify(answer)}`);
    messages.push(answer.data.keywordEvents);
  }
  expect(messages.filter(({ hidden, keyword }) => hidden !== (keyword === null))).toEqual([]);
  return messages.map(({ hidden, keyword }) => (hidden ? 'hidden' : [keyword.normalisedTerm, keyword.weight]));
}

test('a row is shown while it fits, and told of once when it no longer does', async () => {
  const a = await t.tenant('fitting');
  const stream = await subscribe(t, a.key, KEYWORDS, { filter: HEAVY });
  await expect.poll(() => t.app.services.tails.followers(a.tenantId)).toBe(1);
  const light = await addKeyword(t, a, 'light', 0.1);
  const { id } = await addKeyword(t, a, 'heavy', 0.9);
  expect(await told(stream, 1)).toEqual([['heavy', 0.9]]);
  await weigh(a, id, 0.3);
  expect(await told(stream, 1)).toEqual(['hidden']);
  await weigh(a, id, 0.2);
  await weigh(a, light.id, 0.2);
  await weigh(a, id, 0.7);
  expect(await told(stream, 1)).toEqual([['heavy', 0.7]]);
  await stream.close();
});

test('after a resume a row is told of as hidden if the client may know it, in one statement for many events', async () => {
  const a = await t.tenant('resuming');
  const { id } = await addKeyword(t, a, 'before', 0.9);
  const { lastEventSeq } = await t.runOk(a.key, '{ lastEventSeq }');
  await addKeyword(t, a, 'light', 0.1);
  await weigh(a, id, 0.1);
  await weigh(a, id, 0.2);
  for (const i of range(15)) await addKeyword(t, a, `after ${i}`, 0.5);
  const record = vi.spyOn(t.app.services.read.statements, 'record');
  const stream = await subscribe(t, a.key, KEYWORDS, { afterSeq: lastEventSeq, filter: HEAVY });
  expect(await told(stream, 16)).toEqual(['hidden', ...range(15).map((i) => [`after ${i}`, 0.5])]);
  expect(record.mock.calls.filter(([text]) => text.includes('Keyword.fitting'))).toHaveLength(1);
  record.mockRestore();
  await stream.close();
});

test('a row that is gone is told of as hidden', async () => {
  const a = await t.tenant('gone');
  const run = (name: string, select: string, input: object) =>
    mutate(t, a.key, `${name} { ${select} userErrors { message } }`, input);
  const { project } = await run('createProject', 'project { id }', { key: 'GONE', name: 'Gone' });
  const { bug } = await run('createBug', 'bug { id }', { projectId: project.id, title: 'a bug', severity: 'LOW' });
  const stream = await subscribe(
    t,
    a.key,
    'subscription { bugEvents(afterSeq: 0, heartbeatSeconds: 0) { hidden event { type aggregateId } bug { title } } }',
  );
  expect((await stream.next(5_000))?.data.bugEvents).toMatchObject({ hidden: false, bug: { title: 'a bug' } });
  expect((await run('deleteBug', '', { id: bug.id })).userErrors).toEqual([]);
  expect((await stream.next(5_000))?.data.bugEvents).toMatchObject({
    hidden: true,
    bug: null,
    event: { aggregateId: bug.id },
  });
  await stream.close();
});

test('every list whose rows have events has its subscription, with the list’s filter and permission', () => {
  const lists = new Map(rootFields('Query').map((field) => [filterOf(field), field]));
  const streams = rootFields('Subscription').filter(({ name }) => name.endsWith('Events'));
  for (const stream of streams) {
    const list = lists.get(filterOf(stream));
    expect(permissionOf(stream), stream.name).toBe(list && permissionOf(list));
    const type = getNamedType(stream.type);
    const row = isObjectType(type) && type.getFields()[stream.name.replace(/Events$/, '')];
    expect(String(row ? row.type : null), stream.name).toBe(filterOf(stream).replace(/Filter$/, ''));
  }
  expect(
    streams
      .map(({ name }) => name.replace(/Events$/, ''))
      .sort()
      .join(' '),
  ).toBe(
    'apiKey bug businessCalendar case content detection keyword member osintResult platformUser portfolioMetric project slaPolicy source',
  );
  expect(schema.getSubscriptionType()?.getFields().events).toBeDefined();
});

const filterOf = ({ args }: GraphQLField<unknown, unknown>) => String(args.find(({ name }) => name === 'filter')?.type);

test('what a client knows is remembered up to a bound, past which it may know anything', () => {
  const rows = new KnownRows(false, 2);
  const tells = (aggregateId: string, fits: boolean, aggregateVersion = 2) =>
    rows.tells({ aggregateId, aggregateVersion }, fits);
  expect([tells('a', false), tells('a', true), tells('b', true), tells('x', false)]).toEqual([
    false,
    true,
    true,
    false,
  ]);
  // The third forgets the first, which may have been shown.
  expect([tells('c', true), tells('a', false), tells('a', false)]).toEqual([true, true, false]);
  // What is created just now nobody knows.
  expect(tells('new', false, 1)).toBe(false);
});
