import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { dropOldDeliveries } from '../../../src/modules/webhooks/delivery.service.ts';
import { keyWith } from '../../support/isolation.ts';
import { isSigned } from '../../support/webhook-receiver.ts';
import { WebhookWorld } from './world.ts';

let w: WebhookWorld;
beforeAll(async () => {
  w = await WebhookWorld.open();
});
afterAll(() => w?.close());
afterEach(() => {
  w.receiver.received.length = 0;
  w.receiver.behave = () => 200;
});

const WAIT = { timeout: 10_000, interval: 20 };
const DELIVERY = 'delivery { id kind status attempts responseStatus error responseText seq eventType }';
const errorOf = async (name: string, input: object, fields: string) => {
  const { userErrors } = await w.change(name, input, fields);
  return userErrors[0];
};

test('a secret is shown when it is made, and is not in the database as it is', async () => {
  const { id, secret } = await w.webhook({ description: ' Board ', filter: { type: { eq: 'X' } } });
  const [row] = await w.rows<{ secret: Buffer }>('SELECT secret FROM webhook_endpoints');
  expect(row?.secret.includes(secret.slice(6))).toBe(false);
  const { node } = await w.read(
    `node(id: "${id}") { ... on Webhook { url description filter isEnabled lag lastSeq version } }`,
  );
  const { lastEventSeq } = await w.read('lastEventSeq');
  expect(node).toEqual({
    url: w.receiver.url,
    description: 'Board',
    filter: { type: { eq: 'X' } },
    isEnabled: true,
    lag: 1,
    lastSeq: lastEventSeq - 1,
    version: 1,
  });
});

test.each([
  [{ url: 'ftp://example.org' }, ['url'], /http:\/\//],
  [{ url: 'http://user:pass@example.org' }, ['url'], /credentials/],
  [
    { filter: { and: [{ or: [{ occurredAt: { gte: 'soon' } }] }] } },
    ['filter', 'and', '0', 'or', '0', 'occurredAt', 'gte'],
    /neither a time/,
  ],
  [{ fromSeq: 0 }, ['fromSeq'], /the log goes from 1 to/],
  [{ fromSeq: 10_000 }, ['fromSeq'], /the log goes from 1 to/],
  [{ description: 'x'.repeat(501) }, ['description'], /at most 500/],
])('%j is refused with its place', async (input, path, message) => {
  const error = await errorOf('createWebhook', { url: w.receiver.url, ...input }, 'created { secret }');
  expect(error).toMatchObject({ code: 'INVALID_INPUT', path, message: expect.stringMatching(message) });
});

test('who may not read events may not have them sent', async () => {
  const key = await keyWith(w.t, w.tenant, ['webhook:write', 'webhook:read']);
  const query =
    'mutation ($input: CreateWebhookInput!) { createWebhook(input: $input) { userErrors { code message } } }';
  const { createWebhook } = await w.t.runOk(key, query, { input: { url: w.receiver.url } });
  expect(createWebhook.userErrors).toEqual([
    { code: 'FORBIDDEN', message: 'a webhook passes events on: you need event:read' },
  ]);
});

test('a filter nested as deep as lists allow works, and large numbers stay exact', async () => {
  const deep = { and: [{ or: [{ not: { and: [{ seq: { lt: '9007199254740993' }, type: { eq: 'NO' } }] } }] }] };
  const { id } = await w.webhook({ filter: deep });
  const { node } = await w.read(`node(id: "${id}") { ... on Webhook { filter } }`);
  expect(JSON.stringify(node.filter)).toContain('"lt":"9007199254740993"');
  const relay = w.relay();
  await w.emit(['NO', 'YES']);
  await expect.poll(() => w.receiver.received.map(({ body }) => body.type), WAIT).toContain('YES');
  await relay.stop();
  expect(w.receiver.received.map(({ body }) => body.type)).not.toContain('NO');
  await w.change('deleteWebhook', { id }, 'webhook { id }');
});

test('a webhook may begin with the past, and a part of it may be sent again', async () => {
  const last = Number(await w.emit(['PAST_1', 'PAST_2', 'PAST_3']));
  const filter = { type: { startsWith: 'PAST' } };
  const { id } = await w.webhook({ filter, fromSeq: last - 1 });
  w.relay();
  await expect.poll(() => w.receiver.received.map(({ body }) => body.type).sort(), WAIT).toEqual(['PAST_2', 'PAST_3']);
  for (const round of [1, 2]) {
    const { replay, eventSeq } = await w.change(
      'replayWebhook',
      { id, fromSeq: 1, toSeq: last - 1 },
      'replay { count }',
    );
    expect(replay).toEqual({ count: 2 });
    expect(eventSeq).not.toBeNull();
    await expect.poll(() => w.receiver.received.length, WAIT).toBe(2 + 2 * round);
  }
  await w.stop();
  expect(w.receiver.received.map(({ body }) => body.type).sort()).toEqual([
    'PAST_1',
    'PAST_1',
    'PAST_2',
    'PAST_2',
    'PAST_2',
    'PAST_3',
  ]);
  // The event is the same, the delivery another.
  const again = w.receiver.received.filter(({ body }) => body.type === 'PAST_2');
  expect(new Set(again.map(({ body }) => body.id)).size).toBe(1);
  expect(new Set(again.map(({ headers }) => headers['x-argus-delivery'])).size).toBe(3);
  const kinds = await w.rows(
    'SELECT kind, replay, count(*)::int AS count FROM webhook_deliveries GROUP BY 1, 2 ORDER BY 2',
  );
  expect(kinds).toEqual([
    { kind: 'EVENT', replay: 0, count: 2 },
    { kind: 'REPLAY', replay: 1, count: 2 },
    { kind: 'REPLAY', replay: 2, count: 2 },
  ]);
  expect(await errorOf('replayWebhook', { id, fromSeq: 3, toSeq: 2 }, 'replay { count }')).toMatchObject({
    path: ['fromSeq'],
  });
  await w.change('deleteWebhook', { id }, 'webhook { id }');
  expect(await w.statuses()).toEqual({});
});

test('a secret that was replaced signs beside the new one', async () => {
  const { id, secret } = await w.webhook({ isEnabled: false });
  const { rotated } = await w.change(
    'rotateWebhookSecret',
    { id },
    'rotated { secret webhook { previousSecretUntil } }',
  );
  const until = Date.parse(rotated.webhook.previousSecretUntil) - Date.now();
  expect(Math.round(until / 3_600_000)).toBe(24);
  const { delivery } = await w.change('testWebhook', { id }, DELIVERY);
  expect(delivery).toMatchObject({ kind: 'TEST', status: 'DELIVERED', attempts: 1, responseStatus: 200, seq: null });
  const [message] = w.receiver.received;
  expect(message?.body).toMatchObject({ type: 'WEBHOOK_TEST', seq: 0, aggregateId: id });
  expect(message?.headers['x-argus-delivery']).toBe(delivery.id);
  if (!message) return;
  for (const one of [secret, rotated.secret]) expect(isSigned(one, message)).toBe(true);
  expect(isSigned('whsec_another', message)).toBe(false);
});

test.each([
  ['redirect' as const, { responseStatus: 302, error: expect.stringContaining('redirects are not followed') }],
  ['close' as const, { responseStatus: null, error: expect.stringContaining('ECONNRESET') }],
  [
    { status: 500, text: 'é\0'.repeat(600) },
    { responseText: expect.stringMatching(/^(é�)+/), error: 'answered 500' },
  ],
])('a test tells what went wrong: %j', async (behaviour, expected) => {
  w.receiver.behave = () => behaviour;
  const { id } = await w.webhook({ isEnabled: false });
  const { delivery } = await w.change('testWebhook', { id }, DELIVERY);
  expect(delivery).toMatchObject({ status: 'DEAD', attempts: 1, ...expected });
  expect((delivery.responseText ?? '').length).toBeLessThanOrEqual(1_024);
  expect(await errorOf('retryWebhookDelivery', { id: delivery.id }, 'delivery { id }')).toMatchObject({
    code: 'CONFLICT',
  });
});

test('an address that is not allowed is refused when it is connected to, whatever its name', async () => {
  const { env } = w.t.app.services;
  const { id } = await w.webhook({ isEnabled: false, url: w.receiver.url.replace('127.0.0.1', 'localhost') });
  const literal = await w.webhook({ isEnabled: false });
  const allowed = env.WEBHOOK_ALLOW_PRIVATE;
  env.WEBHOOK_ALLOW_PRIVATE = false;
  try {
    for (const one of [id, literal.id]) {
      const { delivery } = await w.change('testWebhook', { id: one }, DELIVERY);
      expect(delivery).toMatchObject({ status: 'DEAD', responseStatus: null, responseText: null });
      expect(delivery.error).toMatch(/not a public address.*FORBIDDEN_ADDRESS/);
    }
  } finally {
    env.WEBHOOK_ALLOW_PRIVATE = allowed;
  }
  expect(w.receiver.received).toEqual([]);
});

test('what is changed or switched off while it is being sent counts at once', async () => {
  const { id } = await w.webhook({ filter: { type: { startsWith: 'HELD' } } });
  w.receiver.behave = () => 'hang';
  w.relay({ inFlight: 2, timeoutMs: 200 });
  await w.emit(Array.from({ length: 20 }, (_, i) => `HELD_${i}`));
  await expect.poll(() => w.receiver.received.length, WAIT).toBeGreaterThan(1);
  await w.change('updateWebhook', { id, isEnabled: false }, 'webhook { id }');
  await new Promise((done) => setTimeout(done, 500));
  const before = w.receiver.received.length;
  expect(before).toBeLessThan(8);
  await new Promise((done) => setTimeout(done, 300));
  expect(w.receiver.received.length).toBe(before);
  await w.stop();
  await w.change('deleteWebhook', { id }, 'webhook { id }');
});

test('a change is refused when somebody else was faster', async () => {
  const { id } = await w.webhook({ isEnabled: false });
  await w.change('updateWebhook', { id, description: 'one', expectedVersion: 1 }, 'webhook { id }');
  for (const name of ['updateWebhook', 'deleteWebhook'])
    expect(await errorOf(name, { id, expectedVersion: 1 }, 'webhook { id }')).toMatchObject({
      code: 'VERSION_MISMATCH',
    });
});

test('what was delivered a month ago is forgotten, and nothing else', async () => {
  const { id } = await w.webhook({ isEnabled: false });
  for (const status of [200, 500, 200]) {
    w.receiver.behave = () => status;
    await w.change('testWebhook', { id }, DELIVERY);
  }
  const { services } = w.t.app;
  const count = () => w.statuses();
  const before = await count();
  await services.prisma.$transaction([
    services.prisma.$executeRawUnsafe(`SET LOCAL app.tenant_id = '${w.tenant.tenantId}'`),
    services.prisma.$executeRawUnsafe(
      `UPDATE webhook_deliveries SET created_at = now() - interval '31 days' WHERE id IN (
         SELECT id FROM webhook_deliveries ORDER BY created_at DESC LIMIT 2)`,
    ),
  ]);
  await dropOldDeliveries(services, w.tenant.system, new AbortController().signal);
  expect(await count()).toEqual({ ...before, DELIVERED: (before.DELIVERED ?? 0) - 1 });
});
