import { flag, listOf, networksProblem, text } from './env-variables.ts';

/** Settings of where webhooks may go: rows of the table in env.ts. */
export const WEBHOOK_VARIABLES = {
  WEBHOOK_ALLOW_PRIVATE: flag(['Whether webhooks may go to private addresses', 'false', 'true']),
  WEBHOOK_ALLOWED_NETWORKS: text(
    networksProblem,
    ['Private networks that webhooks may go to', 'none', '10.1.0.0/16,fd12:3456::/48'],
    'networks in CIDR notation, several with commas',
  ),
  WEBHOOK_ALLOW_HTTP: flag(['Whether webhooks may go without TLS', 'true; production false', 'true']),
} as const;

export interface WebhookEnv {
  WEBHOOK_ALLOW_PRIVATE: boolean;
  /** CIDR */
  WEBHOOK_ALLOWED_NETWORKS: readonly string[];
  WEBHOOK_ALLOW_HTTP: boolean;
}

interface Given {
  WEBHOOK_ALLOW_PRIVATE: boolean | null;
  WEBHOOK_ALLOWED_NETWORKS: string | null;
  WEBHOOK_ALLOW_HTTP: boolean | null;
}

/** The settings, with the default of plain HTTP, which depends on NODE_ENV. */
export function webhookEnv(raw: Given, production: boolean): WebhookEnv {
  return {
    WEBHOOK_ALLOW_PRIVATE: raw.WEBHOOK_ALLOW_PRIVATE ?? false,
    WEBHOOK_ALLOWED_NETWORKS: listOf(raw.WEBHOOK_ALLOWED_NETWORKS ?? ''),
    WEBHOOK_ALLOW_HTTP: raw.WEBHOOK_ALLOW_HTTP ?? !production,
  };
}
