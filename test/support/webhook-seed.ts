import { fillInboxes } from '../../src/modules/notifications/inbox.job.ts';
import type { Tenant, TestApp } from './app.ts';
import { change } from './one-write.ts';

/** A name that no resolver is asked for: its first part is longer than the 63 characters that DNS allows. */
export const NOWHERE = `https://${'x'.repeat(64)}.invalid`;

/**
 * Webhooks with deliveries, rules, and an inbox with something in it: the marker in every text. Nothing is reached.
 */
export async function seedWebhooks(t: TestApp, tenant: Tenant, marker: string): Promise<void> {
  const { services } = t.app;
  const { viewer, lastEventSeq: seq } = await t.runOk(tenant.key, '{ lastEventSeq viewer { member { id } } }');
  for (const number of [1, 2]) {
    const input = { url: `${NOWHERE}/${marker}/${number}`, description: `Hook ${number} of ${marker}` };
    const { created } = await change(t, tenant.key, 'createWebhook', input, 'created { webhook { id } }');
    const { id } = created.webhook;
    await change(t, tenant.key, 'testWebhook', { id });
    await change(t, tenant.key, 'replayWebhook', { id, fromSeq: seq, toSeq: seq });
    const filter = { type: { neq: marker } };
    const rule = { name: `Rule ${number} of ${marker}`, filter, memberIds: [viewer.member.id], roles: ['ADMIN'] };
    await change(t, tenant.key, 'createNotificationRule', rule);
  }
  await fillInboxes(services, tenant.system, new AbortController().signal);
}
