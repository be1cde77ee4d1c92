import { at, type Fill, fill, type idOf, maybe, one, parent, random, skewed } from './large-values.ts';

const ROWS = { webhook_endpoints: 25_000, notification_rules: 25_000, webhook_deliveries: 60_000 } as const;

/** Fills of webhooks and notification rules, one after another. */
export function webhookFills(row: Record<string, string>, scale: number, id: ReturnType<typeof idOf>): Fill[][] {
  const n = (name: keyof typeof ROWS) => Math.round(ROWS[name] * scale);
  const status = one(['DELIVERED', 'DEAD', 'PENDING'], 201, 6);
  return [
    [
      fill('webhook_endpoints', n('webhook_endpoints'), {
        ...row,
        url: `'https://example.org/' || i`,
        secret: `'\\x00'`,
        last_seq: 'i',
      }),
      fill('notification_rules', n('notification_rules'), {
        ...row,
        name: `'Rule ' || i`,
        member_ids: `'{}'`,
        roles: `'{ADMIN}'`,
        last_seq: 'i',
      }),
    ],
    [
      fill('webhook_deliveries', n('webhook_deliveries'), {
        ...row,
        webhook_id: id(parent(n('webhook_endpoints'))),
        kind: `'EVENT'`,
        seq: 'i',
        event_type: `'TYPE_' || ${skewed(20, 202)}`,
        status,
        attempts: '1',
        next_attempt_at: `CASE WHEN ${status} = 'PENDING' THEN ${at()} END`,
        response_status: maybe(0.9, 203, `200 + floor(${random(204)} * 300)::int`),
      }),
    ],
  ];
}
