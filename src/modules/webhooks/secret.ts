import { createHmac, randomBytes } from 'node:crypto';
import { decrypt, encrypt, type KeyRing } from '../../access/encryption.ts';

/** What a webhook's row keeps of its secrets. */
export interface StoredSecrets {
  tenantId: string;
  id: string;
  secret: Uint8Array;
  previousSecret: Uint8Array | null;
  previousSecretUntil: Date | null;
}

/** A new secret, `whsec_` and 43 characters of base64url (32 random bytes). */
export function newSecret(): string {
  return `whsec_${randomBytes(32).toString('base64url')}`;
}

const aad = (tenantId: string, id: string) => `webhook_endpoints.secret:${tenantId}:${id}`;

/** The secret as the row of the webhook keeps it, in either of its two columns. */
export function sealSecret(ring: KeyRing, secret: string, tenantId: string, id: string): Uint8Array<ArrayBuffer> {
  return new Uint8Array(encrypt(ring, secret, aad(tenantId, id)));
}

/** The secrets that count now: the current one, then the one before while it is still good. */
export function openSecrets(ring: KeyRing, row: StoredSecrets, now: Date): string[] {
  const before = row.previousSecretUntil && row.previousSecretUntil > now ? row.previousSecret : null;
  return [row.secret, before].flatMap((blob) => (blob ? [decrypt(ring, blob, aad(row.tenantId, row.id))] : []));
}

/**
 * The signature header: `t=<seconds since 1970>,v1=<hex>`, HMAC-SHA-256 over `<t>.<body>` with the whole secret as the
 * key; one v1 for each secret.
 */
export function signatureOf(secrets: readonly string[], body: string, at: Date): string {
  const t = Math.floor(at.getTime() / 1_000);
  return [`t=${t}`, ...secrets.map((secret) => `v1=${hmac(secret, `${t}.${body}`)}`)].join(',');
}

function hmac(secret: string, text: string): string {
  return createHmac('sha256', secret).update(text).digest('hex');
}
