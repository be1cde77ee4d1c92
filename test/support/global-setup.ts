import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import type { TestProject } from 'vitest/node';
import { dropEmbedded, startEmbedded } from '../../src/data/embedded.ts';
import { migrateUp } from '../../src/data/migrate.ts';

declare module 'vitest' {
  export interface ProvidedContext {
    /** superuser or owner, to a maintenance database */
    adminUrl: string;
    /** a migrated database that test databases are cloned from */
    template: string;
    /** password of argus_app on this server */
    appPassword: string | null;
  }
}

/** One server for the whole run: DATABASE_URL's, or an embedded one that is thrown away. One migrated template in it. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const given = process.env.DATABASE_URL;
  const dir = given ? null : await mkdtemp(join(tmpdir(), 'argus-test-'));
  const embedded = dir
    ? await startEmbedded({ dir, settings: { fsync: 'off', synchronous_commit: 'off', full_page_writes: 'off' } })
    : null;
  const adminUrl = given ?? embedded?.adminUrl ?? '';
  const template = `argus_test_template_${process.pid}`;
  const admin = new pg.Client({ connectionString: adminUrl });
  await admin.connect();
  await admin.query(`CREATE DATABASE ${template}`);
  await migrateUp({ ownerUrl: databaseUrl(adminUrl, template) });
  const { rows } = await admin.query<{ super: boolean }>(
    'SELECT rolsuper AS super FROM pg_roles WHERE rolname = current_user',
  );
  // Tests that could sidestep row-level security would prove nothing: they log in as argus_app itself where they may.
  const appPassword = rows[0]?.super ? 'argus-test-password' : null;
  if (appPassword) await admin.query(`ALTER ROLE argus_app LOGIN PASSWORD '${appPassword}'`);
  await admin.end();
  project.provide('adminUrl', adminUrl);
  project.provide('template', template);
  project.provide('appPassword', appPassword);
  return async () => {
    const client = new pg.Client({ connectionString: adminUrl });
    await client.connect();
    const left = await client.query<{ datname: string }>(
      `SELECT datname FROM pg_database WHERE datname LIKE 'argus_test_%_${process.pid}%'`,
    );
    for (const { datname } of left.rows) await client.query(`DROP DATABASE IF EXISTS "${datname}" WITH (FORCE)`);
    await client.end();
    await embedded?.stop('immediate');
    // For root the data is elsewhere, and would stay.
    if (dir) await dropEmbedded(dir, () => {});
    if (dir) await rm(dir, { recursive: true, force: true });
  };
}

export function databaseUrl(adminUrl: string, database: string): string {
  const url = new URL(adminUrl);
  url.pathname = `/${database}`;
  return url.toString();
}
