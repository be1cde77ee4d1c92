import type { TestProject } from 'vitest/node';
import { createApp } from '../../src/app.ts';
import { loadEnv } from '../../src/env.ts';
import { createLog } from '../../src/log.ts';
import { createTenant } from '../../src/modules/platform/tenant.service.ts';
import { serveHttp } from '../../src/server/http.ts';
import setup, { databaseUrl } from './global-setup.ts';

/** A server on a database of its own, for programs that prove something outside of the tests. */
export async function serveForProof(env: Record<string, string>) {
  const given: Record<string, unknown> = {};
  const provide = (name: string, value: unknown) => {
    given[name] = value;
  };
  const tearDown = await setup({ provide } as unknown as TestProject);
  const url = new URL(databaseUrl(String(given.adminUrl), String(given.template)));
  if (given.appPassword) Object.assign(url, { username: 'argus_app', password: String(given.appPassword) });
  const settings = loadEnv({
    NODE_ENV: 'test',
    ARGUS_DIR: '.argus/test',
    LOG_LEVEL: 'silent',
    DATABASE_URL: url.href,
    ...env,
  });
  const log = createLog({ level: settings.LOG_LEVEL, pretty: true });
  const app = await createApp({ databaseUrl: url.href, env: settings, log, jobs: false });
  const server = await serveHttp(app, { host: '127.0.0.1', port: 0, examplesDir: 'examples/queries' });
  const tenant = await createTenant(app.services, {
    slug: 'proof',
    name: 'Proof',
    email: 'owner@proof.example',
    displayName: 'Owner',
  });
  return {
    app,
    tenant,
    url: `http://127.0.0.1:${server.port}/graphql`,
    stop: async () => {
      await server.stop();
      await app.close();
      await tearDown();
    },
  };
}
