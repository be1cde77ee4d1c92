import { hasDefaultPassword, maskUrl } from './data/connection.ts';

const URLS = ['DATABASE_URL', 'PRODUCTION_DATABASE_URL', 'DATABASE_OWNER_URL', 'BACKUP_DATABASE_URL'] as const;

type Given = Record<(typeof URLS)[number] | 'ENCRYPTION_KEYS' | 'DB_ENCRYPTION_KEY', string | null>;

/** What production must not start with. */
export function productionRefusals(raw: Given): string[] {
  const refusals: string[] = [];
  if (raw.DATABASE_URL === null && raw.PRODUCTION_DATABASE_URL === null) {
    refusals.push('DATABASE_URL (or PRODUCTION_DATABASE_URL) is not set: production needs the URL of its database');
  }
  if (raw.ENCRYPTION_KEYS === null && raw.DB_ENCRYPTION_KEY === null) {
    const how = 'set it to <id>:<key> with a key made by: openssl rand -base64 32';
    refusals.push(`ENCRYPTION_KEYS (or DB_ENCRYPTION_KEY) is not set: production needs its encryption keys; ${how}`);
  }
  for (const name of URLS) {
    const url = raw[name];
    if (url === null || !hasDefaultPassword(url)) continue;
    refusals.push(`${name} = ${maskUrl(url)}: its password is a well-known default; give the role one of its own`);
  }
  return refusals;
}
