import { spawn } from 'node:child_process';
import { once } from 'node:events';
import pg from 'pg';
import { afterAll, afterEach, beforeAll, expect, test, vi } from 'vitest';
import { parseKeyRing } from '../../../src/access/encryption.ts';
import { randomOf } from '../../support/random.ts';
import { type Behaviour, isSigned } from '../../support/webhook-receiver.ts';
import { PATIENT, WebhookWorld } from './world.ts';

let w: WebhookWorld;
beforeAll(async () => {
  w = await WebhookWorld.open();
});
afterAll(() => w?.close());
afterEach(async () => {
  await w.stop();
  const { webhooks } = await w.read('webhooks { nodes { id } }');
  for (const { id } of webhooks.nodes) await w.change('deleteWebhook', { id }, 'webhook { id }');
  w.receiver.received.length = 0;
  w.receiver.behave = () => 200;
  w.receiver.most = 0;
});

const WAIT = { timeout: 10_000, interval: 20 };
const filter = { aggregateType: { eq: 'Thing' } };
const typesOf = (count: number, prefix = 'THING') => Array.from({ length: count }, (_, i) => `${prefix}_${i}`);
/** Messages by event: each event once, in the order of the log. */
const seqs = () => [...new Set(w.receiver.received.map(({ body }) => body.seq))].sort((a, b) => a - b);

async function matching(type = 'THING'): Promise<number[]> {
  const rows = await w.rows<{ seq: bigint }>(
    `SELECT seq FROM event_store WHERE aggregate_type = 'Thing' AND type LIKE $1 ORDER BY seq`,
    [`${type}%`],
  );
  return rows.map(({ seq }) => Number(seq));
}

test('what fits is sent once, signed, and nothing else', async () => {
  await w.emit(['BEFORE']);
  const { secret } = await w.webhook({ filter });
  w.relay();
  await w.emit(typesOf(30));
  await w.emit(['OTHER'], 'OtherThing');
  await expect.poll(() => w.statuses(), WAIT).toEqual({ DELIVERED: 30 });
  expect(w.receiver.received.length).toBe(30);
  expect(seqs()).toEqual(await matching());
  expect(w.receiver.received.every((one) => isSigned(secret, one))).toBe(true);
  expect(w.receiver.received.some((one) => isSigned(secret, { ...one, raw: `${one.raw} ` }))).toBe(false);
  const [first] = w.receiver.received;
  expect(first?.body).toMatchObject({ type: 'THING_0', tenant: 'acme', payload: { type: 'THING_0' } });
  expect(first?.headers['x-argus-event']).toBe('THING_0');
  const ids = w.receiver.received.map(({ headers }) => headers['x-argus-delivery']);
  const { webhooks } = await w.read('webhooks { nodes { lag deliveries(first: 50) { nodes { id } } } }');
  expect(webhooks.nodes[0].deliveries.nodes.map(({ id }: { id: string }) => id).sort()).toEqual(ids.sort());
  await expect.poll(async () => (await w.read('webhooks { nodes { lag } }')).webhooks.nodes[0].lag, WAIT).toBe(0);
});

test('a receiver that fails at random gets everything in the end, no more than 8 at a time', async () => {
  const random = randomOf(7);
  const bad: Behaviour[] = [500, 429, 'close', 'redirect', 'hang', 404];
  w.receiver.behave = ({ earlier }) =>
    earlier < 3 && random() < 0.3 ? (bad[Math.floor(random() * bad.length)] ?? 500) : 200;
  const { secret } = await w.webhook({ filter });
  w.relay(PATIENT);
  await w.emit(typesOf(120, 'RANDOM'));
  await expect.poll(() => w.statuses(), WAIT).toEqual({ DELIVERED: 120 });
  expect(seqs()).toEqual(await matching('RANDOM'));
  expect(w.receiver.received.length).toBeGreaterThan(140);
  expect(w.receiver.received.every((one) => isSigned(secret, one))).toBe(true);
  // The same delivery, and the same body, at every attempt.
  const byEvent = Map.groupBy(w.receiver.received, ({ body }) => body.id);
  for (const all of byEvent.values())
    expect(new Set(all.map(({ raw, headers }) => `${headers['x-argus-delivery']} ${raw}`)).size).toBe(1);
  expect(w.receiver.most).toBeGreaterThan(1);
  expect(w.receiver.most).toBeLessThanOrEqual(8);
});

test('what fails for good is given up after five attempts, and does not keep the others', async () => {
  w.receiver.behave = ({ body }) => (/_[1-4]$/.test(body.type) ? 500 : 200);
  await w.webhook({ filter });
  w.relay();
  await w.emit(typesOf(40, 'PARTLY'));
  await expect.poll(() => w.statuses(), WAIT).toEqual({ DELIVERED: 36, DEAD: 4 });
  expect(w.receiver.received.filter(({ body }) => body.type === 'PARTLY_1').length).toBe(5);
  const { webhookDeliveries } = await w.read(
    'webhookDeliveries(filter: { status: { eq: DEAD } }) { nodes { attempts error responseStatus responseText nextAttemptAt webhook { isEnabled } } }',
  );
  const dead = { attempts: 5, error: 'answered 500', responseStatus: 500, responseText: 'answer 500' };
  expect(webhookDeliveries.nodes[0]).toEqual({ ...dead, nextAttemptAt: null, webhook: { isEnabled: true } });
});

test('a secret under a key that is not there is told in the delivery and to callers, and once in the log', async () => {
  const { id } = await w.webhook({ filter });
  const { services } = w.t.app;
  const { keyRing } = services;
  const error = vi.spyOn(services.log, 'error');
  services.keyRing = parseKeyRing(`other:${Buffer.alloc(32, 7).toString('base64')}`);
  try {
    w.relay({ schedule: { delays: [20, 20], jitter: 0 } });
    await w.emit(typesOf(2, 'UNREADABLE'));
    await expect.poll(() => w.statuses(), WAIT).toEqual({ DEAD: 2 });
    const { webhookDeliveries } = await w.read('webhookDeliveries { nodes { attempts error responseStatus } }');
    expect(webhookDeliveries.nodes[0]).toMatchObject({ attempts: 3, responseStatus: null });
    expect(webhookDeliveries.nodes[0].error).toMatch(/^the secret cannot be read: .* key ".+", which is not among/);
    expect(error.mock.calls).toEqual([
      [{ tenantId: w.tenant.tenantId, webhook: expect.anything() }, expect.any(String)],
    ]);
    const query = 'mutation ($id: ID!) { testWebhook(input: { id: $id }) { delivery { id } } }';
    const { errors } = await w.t.run(w.tenant.key, query, { id });
    expect(errors?.[0]?.extensions?.code).toBe('UNKNOWN_ENCRYPTION_KEY');
  } finally {
    services.keyRing = keyRing;
    error.mockRestore();
  }
  expect(w.receiver.received).toEqual([]);
});

test('five given up in a row switch the webhook off, and its holders are told', async () => {
  w.receiver.behave = () => 503;
  const { id } = await w.webhook({ filter });
  const relay = w.relay({ inFlight: 1 });
  await w.emit(typesOf(8, 'DOWN'));
  const enabled = async () => (await w.read('webhooks { nodes { isEnabled } }')).webhooks.nodes[0].isEnabled;
  await expect.poll(enabled, WAIT).toBe(false);
  await relay.stop();
  const { webhooks, inbox, events } = await w.read(
    `webhooks { nodes { disabledReason consecutiveDead } } inbox(first: 1) { nodes { eventType title seq event { payload } } }
     events(last: 1, filter: { type: { eq: "WEBHOOK_DISABLED" } }) { nodes { seq payload } }`,
  );
  expect(webhooks.nodes[0].disabledReason).toBe('5 deliveries in a row were given up; the last one: answered 503');
  const [{ seq, payload }] = events.nodes;
  expect(payload).toMatchObject({ id, reason: webhooks.nodes[0].disabledReason });
  expect(inbox.nodes).toEqual([
    { eventType: 'WEBHOOK_DISABLED', title: 'A webhook was switched off', seq, event: { payload } },
  ]);
  // Everything is accounted for, and goes on when it is switched on again.
  const { DEAD = 0, PENDING = 0, ...rest } = await w.statuses();
  expect([DEAD + PENDING, rest]).toEqual([8, {}]);
  w.receiver.behave = () => 200;
  w.relay();
  await w.change('updateWebhook', { id, isEnabled: true }, 'webhook { id }');
  await expect.poll(() => w.statuses(), WAIT).toEqual({ DEAD, DELIVERED: PENDING });
  const { webhookDeliveries } = await w.read('webhookDeliveries(filter: { status: { eq: DEAD } }) { nodes { id } }');
  for (const one of webhookDeliveries.nodes) await w.change('retryWebhookDelivery', { id: one.id }, 'delivery { id }');
  await expect.poll(() => w.statuses(), WAIT).toEqual({ DELIVERED: 8 });
  expect(seqs()).toEqual(await matching('DOWN'));
});

test('a receiver that is gone is switched off at once', async () => {
  w.receiver.behave = () => 410;
  await w.webhook({ filter });
  w.relay({ inFlight: 1 });
  await w.emit(['GONE_1', 'GONE_2']);
  const state = async () => (await w.read('webhooks { nodes { disabledReason } }')).webhooks.nodes[0].disabledReason;
  await expect.poll(state, WAIT).toBe('the receiver answered 410: it is gone');
  await w.stop();
  expect(await w.statuses()).toEqual({ DEAD: 1, PENDING: 1 });
});

test('a receiver that asks for time gets it', async () => {
  w.receiver.behave = () => ({ status: 429, headers: { 'retry-after': '3600' }, text: 'slowly' });
  await w.webhook({ filter });
  w.relay();
  await w.emit(['SLOW']);
  await expect.poll(async () => w.receiver.received.length, WAIT).toBe(1);
  await w.stop();
  const [row] = await w.rows<{ nextAttemptAt: Date; lastAttemptAt: Date }>(
    'SELECT next_attempt_at AS "nextAttemptAt", last_attempt_at AS "lastAttemptAt" FROM webhook_deliveries',
  );
  const waits = Number(row?.nextAttemptAt) - Number(row?.lastAttemptAt);
  expect(waits).toBeGreaterThanOrEqual(3_600_000);
  expect(waits).toBeLessThan(3_610_000);
});

test('of two processes one works for a webhook, so that nothing is sent twice', async () => {
  await w.webhook({ filter });
  w.relay();
  w.relay();
  await w.emit(typesOf(60, 'TWICE'));
  await expect.poll(() => w.statuses(), WAIT).toEqual({ DELIVERED: 60 });
  expect(w.receiver.received.length).toBe(60);
  expect(seqs()).toEqual(await matching('TWICE'));
});

test('another process takes over from one that is killed', async () => {
  const { secret } = await w.webhook({ filter });
  w.receiver.behave = ({ body }) => (body.seq % 10 === 0 ? 'hang' : 200);
  const env = { ...process.env, NODE_ENV: 'test', DATABASE_URL: w.t.database.appUrl, ARGUS_DIR: '.argus/test' };
  const options = JSON.stringify(PATIENT);
  const settings = { WEBHOOK_ALLOW_PRIVATE: 'true', RELAY_OPTIONS: options, DB_POOL_SIZE: '2', LOG_LEVEL: 'error' };
  const child = spawn(process.execPath, ['test/support/relay-process.ts'], {
    env: { ...env, ...settings },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  await once(child.stdout, 'data');
  await w.emit(typesOf(100, 'KILLED'));
  await expect.poll(() => w.receiver.received.length, WAIT).toBeGreaterThan(20);
  child.kill('SIGKILL');
  await once(child, 'exit');
  w.receiver.behave = () => 200;
  w.relay();
  await expect.poll(() => w.statuses(), WAIT).toEqual({ DELIVERED: 100 });
  expect(seqs()).toEqual(await matching('KILLED'));
  expect(w.receiver.received.every((one) => isSigned(secret, one))).toBe(true);
});

test('what the log lost before it was sent is told, not passed over', async () => {
  const { id } = await w.webhook({ filter });
  const last = await w.emit(typesOf(5, 'LOST'));
  const owner = new pg.Client({ connectionString: w.t.database.ownerUrl });
  await owner.connect();
  // As retention does.
  await owner.query('DELETE FROM event_store WHERE tenant_id = $1 AND seq <= $2', [w.tenant.tenantId, last - 2n]);
  const removed = `INSERT INTO counters (tenant_id, name, value) VALUES ($1, 'event_removed', $2)`;
  await owner.query(removed, [w.tenant.tenantId, last - 2n]);
  await owner.end();
  w.relay();
  await expect.poll(() => w.statuses(), WAIT).toEqual({ DELIVERED: 2 });
  const { webhooks, events } = await w.read(
    'webhooks { nodes { skippedTo } } events(last: 1, filter: { type: { eq: "WEBHOOK_GAP" } }) { nodes { payload } }',
  );
  expect(webhooks.nodes[0].skippedTo).toBe(Number(last) - 2);
  expect(events.nodes[0].payload).toEqual({
    id,
    description: null,
    // the first is that of the webhook's own making
    fromSeq: Number(last) - 5,
    toSeq: Number(last) - 2,
  });
});

test('an event that left the log while it waited is given up', async () => {
  w.receiver.behave = () => 500;
  await w.webhook({ filter });
  const slow = w.relay({ schedule: { delays: [300], jitter: 0 } });
  const seq = await w.emit(['VANISHED']);
  await expect.poll(() => w.receiver.received.length, WAIT).toBe(1);
  const owner = new pg.Client({ connectionString: w.t.database.ownerUrl });
  await owner.connect();
  await owner.query('DELETE FROM event_store WHERE tenant_id = $1 AND seq <= $2', [w.tenant.tenantId, seq]);
  await owner.end();
  await expect.poll(() => w.statuses(), WAIT).toEqual({ DEAD: 1 });
  await slow.stop();
  const { webhookDeliveries } = await w.read('webhookDeliveries { nodes { error } }');
  expect(webhookDeliveries.nodes[0].error).toBe('the event is no longer in the log');
});
