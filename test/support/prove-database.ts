import type { TestProject } from 'vitest/node';
import type { TestDatabase } from './database.ts';
import setup, { databaseUrl } from './global-setup.ts';

/** A migrated database for a program outside of the tests: on DATABASE_URL's server, or on one of its own, which goes with it. */
export async function proveDatabase(): Promise<TestDatabase> {
  const given: Record<string, unknown> = {};
  const provide = (name: string, value: unknown) => {
    given[name] = value;
  };
  const drop = await setup({ provide } as unknown as TestProject);
  const ownerUrl = databaseUrl(String(given.adminUrl), String(given.template));
  const url = new URL(ownerUrl);
  if (given.appPassword) Object.assign(url, { username: 'argus_app', password: String(given.appPassword) });
  return { ownerUrl, appUrl: url.href, drop };
}
