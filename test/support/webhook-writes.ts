import { setTimeout as sleep } from 'node:timers/promises';
import { systemViewer } from '../../src/access/viewer.ts';
import { fillInboxes } from '../../src/modules/notifications/inbox.job.ts';
import { dropOldDeliveries } from '../../src/modules/webhooks/delivery.service.ts';
import { WebhookRelay } from '../../src/modules/webhooks/relay.ts';
import type { TestApp } from './app.ts';
import { change, type MadeWrite, run } from './one-write.ts';
import { NOWHERE } from './webhook-seed.ts';

/** Writes of webhooks and notification rules, and the work that follows from them. Nothing is ever reached there. */
export async function* webhooks(t: TestApp, tenantId: string, key: string): AsyncGenerator<MadeWrite> {
  const { services } = t.app;
  const { lastEventSeq: seq } = await t.runOk(key, '{ lastEventSeq }');
  const input = { url: NOWHERE, filter: { type: { neq: 'X' } }, fromSeq: seq - 1 };
  const { created } = await change(t, key, 'createWebhook', input, 'created { webhook { id } }');
  yield { name: 'createWebhook', mutation: 'createWebhook' };
  const { id } = created.webhook;
  const name = 'Everything';
  const made = await change(t, key, 'createNotificationRule', { name }, 'notificationRule { id }');
  yield { name: 'createNotificationRule', mutation: 'createNotificationRule' };
  const rule = made.notificationRule.id;
  yield* run(t, key, [
    ['updateNotificationRule', { id: rule, name: 'All' }],
    ['updateWebhook', { id, description: 'nowhere' }],
    ['testWebhook', { id }],
    ['rotateWebhookSecret', { id }],
    ['replayWebhook', { id, fromSeq: 1, toSeq: 2 }],
  ]);
  const relay = new WebhookRelay(services, { schedule: { delays: [], jitter: 0 } });
  relay.start();
  const asked = 'webhookDeliveries(filter: { status: { eq: DEAD } }) { nodes { id kind } }';
  let dead: { id: string; kind: string } | undefined;
  for (let tries = 0; !dead && tries < 100; tries++) {
    await sleep(20);
    const { webhookDeliveries } = await t.runOk(key, `{ ${asked} }`);
    dead = webhookDeliveries.nodes.find(({ kind }: { kind: string }) => kind !== 'TEST');
  }
  await relay.stop();
  yield { name: 'the relay' };
  yield* run(t, key, [['retryWebhookDelivery', { id: dead?.id }]]);
  await fillInboxes(services, systemViewer(tenantId, 'test'), new AbortController().signal);
  yield { name: 'filling inboxes' };
  await dropOldDeliveries(services, systemViewer(tenantId, 'test'), new AbortController().signal);
  yield { name: 'dropping old deliveries' };
  yield* run(t, key, [
    ['markNotificationsRead', { upToSeq: seq + 1_000 }],
    ['deleteNotificationRule', { id: rule }],
    ['deleteWebhook', { id }],
  ]);
}
