import type { WriteTx } from '../../data/write.ts';
import { createRule } from '../../modules/notifications/rule.service.ts';
import { urlRules } from '../../modules/webhooks/url-rules.ts';
import { createWebhook } from '../../modules/webhooks/webhook.service.ts';
import type { Services } from '../../services.ts';

/** A rule that tells the owner of late bugs, and a webhook. It is off: the demo sends nothing to anybody. */
export async function setUpNotices(tx: WriteTx, { keyRing, env }: Pick<Services, 'keyRing' | 'env'>): Promise<void> {
  await createRule(tx, { name: 'Late bugs', filter: { type: { in: ['BUG_SLA_BREACHED', 'BUG_SLA_HIGH_RISK'] } } });
  await createWebhook(
    tx,
    { keyRing, rules: urlRules(env) },
    {
      url: 'https://hooks.example.org/argus',
      description: 'Case board',
      filter: { aggregateType: { eq: 'Case' } },
      isEnabled: false,
    },
  );
}
