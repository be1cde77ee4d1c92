import { setTimeout as sleep } from 'node:timers/promises';
import { createClient } from 'graphql-ws';
import { afterAll, beforeAll, expect, test } from 'vitest';
import WebSocket from 'ws';
import { LIVE_PAUSE_MS } from '../../../src/server/live-query.ts';
import { type Answer, createTestApp, type TestApp } from '../../support/app.ts';
import { openEventSource, posted } from '../../support/event-source.ts';
import { addKeyword, asOwner, mutate, range } from '../intel/records.ts';
import { post, type Served, serve } from './serving.ts';

let t: TestApp;
let server: Served;
beforeAll(async () => {
  t = await createTestApp();
  server = await serve(t.app);
});
afterAll(async () => {
  await server?.stop();
  await t?.close();
});

const LIVE = 'query @live { keywords(orderBy: { field: TERM, direction: ASC }) { nodes { normalisedTerm } } }';
const poll = { timeout: 10_000 };

/** Answers to a live query as they come, over either transport. */
type Open = (key: string, query: string) => Promise<{ answers: Answer[]; close(): void; done: Promise<unknown> }>;

const overSse: Open = async (key, query) => {
  const reading = await openEventSource(server.url, posted(key, query));
  const answers: Answer[] = [];
  const done = reading.done.then(() => collect());
  const collect = () => {
    const next = reading.messages.filter(({ event }) => event === 'next').map(({ data }) => data);
    answers.splice(0, answers.length, ...next);
  };
  return {
    get answers() {
      collect();
      return answers;
    },
    close: reading.close,
    done,
  };
};

const overWebSocket: Open = async (key, query) => {
  const client = createClient({
    url: server.wsUrl,
    webSocketImpl: WebSocket,
    connectionParams: { authorization: `Bearer ${key}` },
    retryAttempts: 0,
  });
  const answers: Answer[] = [];
  const { promise, resolve } = Promise.withResolvers<unknown>();
  const end = (errors: unknown) => {
    if (Array.isArray(errors)) answers.push({ errors });
    resolve(null);
  };
  client.subscribe<Answer>(
    { query },
    { next: (answer) => answers.push(answer), error: end, complete: () => end(null) },
  );
  return { answers, close: () => void client.dispose(), done: promise };
};

test.for<[string, Open]>([
  ['server-sent events', overSse],
  ['WebSocket', overWebSocket],
])('%s: an answer comes when it has changed, and not else', { timeout: 30_000 }, async ([way, open]) => {
  const a = await t.tenant(way === 'WebSocket' ? 'live-ws' : 'live-sse');
  const live = await open(a.key, LIVE);
  const terms = () =>
    live.answers.map(({ data }) => data?.keywords.nodes.map((one: Answer) => one.normalisedTerm).join());
  await expect.poll(terms, poll).toEqual(['']);
  const b = await addKeyword(t, a, 'b', 0.5);
  await expect.poll(terms, poll).toEqual(['', 'b']);
  // Neither what it is not made of, nor what it does not show.
  await mutate(t, a.key, 'openCase { case { id } }', { title: 'other' });
  const { id } = await addKeyword(t, await t.tenant(way === 'WebSocket' ? 'live-o-ws' : 'live-o-sse'), 'theirs', 0.5);
  expect(id).toMatch(/^kw_/);
  await mutate(t, a.key, 'updateKeyword { userErrors { code } }', { id: b.id, weight: 0.6 });
  await sleep(2 * LIVE_PAUSE_MS);
  expect(terms()).toEqual(['', 'b']);
  const before = performance.now();
  await Promise.all(range(6).map((i) => addKeyword(t, a, `c${i}`, 0.5)));
  await expect.poll(() => terms().at(-1), poll).toBe('b,c0,c1,c2,c3,c4,c5');
  const most = 2 + Math.ceil((performance.now() - before) / LIVE_PAUSE_MS);
  expect(terms().length - 2).toBeLessThanOrEqual(most);
  live.close();
});

test('who may no longer see it gets no further answer', { timeout: 30_000 }, async () => {
  const a = await t.tenant('live-rights');
  const make = async (name: string) =>
    (await mutate(t, a.key, 'createApiKey { key { secret apiKey { id } } }', { name, permissions: ['keyword:read'] }))
      .key;
  const [narrowed, revoked] = [await make('narrowed'), await make('revoked')];
  const lives = [await overSse(narrowed.secret, LIVE), await overWebSocket(revoked.secret, LIVE)];
  await expect.poll(() => lives.map(({ answers }) => answers.length), poll).toEqual([1, 1]);
  await asOwner(t, `UPDATE api_keys SET permissions = '{case:read}' WHERE tenant_id = $1 AND name = 'narrowed'`, [
    a.tenantId,
  ]);
  await mutate(t, a.key, 'revokeApiKey { userErrors { code } }', { id: revoked.apiKey.id });
  await addKeyword(t, a, 'unseen', 0.5);
  await Promise.all(lives.map(({ done }) => done));
  const codes = lives.map(({ answers }) => answers.slice(1).map(({ errors }) => errors?.[0].extensions.code));
  expect(codes).toEqual([['FORBIDDEN'], ['UNAUTHENTICATED']]);
});

test('what cannot be answered so is refused with what to do', async () => {
  const a = await t.tenant('live-refused');
  for (const _ of range(3)) {
    const { body } = await post(server.url, a.key, LIVE);
    expect(body.errors?.[0]).toMatchObject({
      message: expect.stringContaining('text/event-stream'),
      extensions: { code: 'LIVE_NEEDS_STREAM' },
    });
  }
  const anonymous = await openEventSource(server.url, {
    ...posted('', '{ __typename }'),
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ query: 'query @live { health { status } }' }),
  });
  await anonymous.done;
  expect(anonymous.messages[0]?.data.errors[0].extensions.code).toBe('UNAUTHENTICATED');
  const mutation = await post(server.url, a.key, 'mutation @live { signOut { userErrors { code } } }');
  expect(mutation.body.errors?.[0]?.message).toContain('"@live" may not be used on MUTATION');
});

test('an answer that is read past the snapshot is computed at any event', async () => {
  const a = await t.tenant('live-past');
  const live = await overSse(a.key, 'query @live { lastEventSeq }');
  await expect.poll(() => live.answers.length, poll).toBe(1);
  const { eventSeq } = await mutate(t, a.key, 'openCase { eventSeq }', { title: 'x' });
  await expect.poll(() => live.answers.at(-1), poll).toMatchObject({ data: { lastEventSeq: eventSeq } });
  live.close();
});
