import type pg from 'pg';
import type { ReadPool } from './read-scope.ts';

/** What row-level security shows rows by before the tenant is known: each setting opens just the rows that it names. */
export type SignInSetting =
  | 'auth_key'
  | 'auth_token'
  | 'auth_email'
  | 'auth_user'
  | 'auth_slug'
  | 'directory'
  | 'tenant_id';

/** Puts a setting into force until the transaction ends. */
export async function setLocal(client: pg.PoolClient, setting: SignInSetting, value: string): Promise<void> {
  await client.query(settingText(client, setting, value));
}

function settingText(client: pg.PoolClient, setting: SignInSetting, value: string): string {
  return `SET LOCAL app.${setting} = ${client.escapeLiteral(value)}`;
}

/**
 * Reads as argus_app without a tenant, with one setting in force: for signing in and for finding tenants. Everything
 * else goes through a ReadScope. The transaction is rolled back, whatever `fn` does.
 */
export async function beforeTenant<T>(
  read: Pick<ReadPool, 'pool' | 'setRole'>,
  setting: SignInSetting,
  value: string,
  fn: (client: pg.PoolClient) => Promise<T>,
): Promise<T> {
  const client = await read.pool.connect();
  try {
    const role = read.setRole ? 'SET LOCAL ROLE argus_app; ' : '';
    await client.query(`BEGIN READ ONLY; ${role}${settingText(client, setting, value)}`);
    return await fn(client);
  } finally {
    // The caller need not wait for it.
    client.query('ROLLBACK').then(
      () => client.release(),
      (error: Error) => client.release(error),
    );
  }
}

/** Ids of all tenants: for background work, which then goes on within each. */
export async function tenantIds(read: Pick<ReadPool, 'pool' | 'setRole'>): Promise<string[]> {
  const { rows } = await beforeTenant(read, 'directory', 'on', (client) =>
    client.query<{ id: string }>('SELECT id FROM tenants'),
  );
  return rows.map((row) => row.id);
}
