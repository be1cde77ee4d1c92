import { randomUUID } from 'node:crypto';
import pg from 'pg';
import { inject } from 'vitest';

export interface TestDatabase {
  /** owner of the tables (a superuser on the embedded server): for looking at what the application must not see */
  ownerUrl: string;
  /** what the application logs in with */
  appUrl: string;
  drop(): Promise<void>;
}

/** A migrated database of its own for a test file, cloned from the template. */
export function createTestDatabase(): Promise<TestDatabase> {
  return create(`TEMPLATE "${inject('template')}"`);
}

/** A database without anything in it. */
export function emptyDatabase(): Promise<TestDatabase> {
  return create('');
}

async function create(options: string): Promise<TestDatabase> {
  const adminUrl = inject('adminUrl');
  const template = inject('template');
  const name = `${template.replace('template', `db_${randomUUID().slice(0, 8)}`)}`;
  await withAdmin(adminUrl, `CREATE DATABASE "${name}" ${options}`);
  const owner = new URL(adminUrl);
  owner.pathname = `/${name}`;
  const app = new URL(owner);
  const password = inject('appPassword');
  if (password) {
    app.username = 'argus_app';
    app.password = password;
  }
  return {
    ownerUrl: owner.toString(),
    appUrl: app.toString(),
    drop: () => withAdmin(adminUrl, `DROP DATABASE IF EXISTS "${name}" WITH (FORCE)`),
  };
}

/** CREATE DATABASE from a template fails while another copies it: it is tried again. */
async function withAdmin(adminUrl: string, statement: string): Promise<void> {
  for (let attempt = 1; ; attempt++) {
    const client = new pg.Client({ connectionString: adminUrl });
    await client.connect();
    try {
      await client.query(statement);
      return;
    } catch (error) {
      if (attempt >= 20 || Reflect.get(Object(error), 'code') !== '55006') throw error;
      await new Promise((resolve) => setTimeout(resolve, 50 * attempt));
    } finally {
      await client.end();
    }
  }
}
