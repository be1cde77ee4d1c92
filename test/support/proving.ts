import { createApp } from '../../src/app.ts';
import { loadEnv } from '../../src/env.ts';
import { createLog } from '../../src/log.ts';
import { createTenant } from '../../src/modules/platform/tenant.service.ts';
import { serveHttp } from '../../src/server/http.ts';
import { proveDatabase } from './prove-database.ts';

/** A server on a database of its own, for programs that prove something outside of the tests. */
export async function serveForProof(env: Record<string, string>) {
  const { appUrl, drop } = await proveDatabase();
  const settings = loadEnv({
    NODE_ENV: 'test',
    ARGUS_DIR: '.argus/test',
    LOG_LEVEL: 'silent',
    DATABASE_URL: appUrl,
    ...env,
  });
  const log = createLog({ level: settings.LOG_LEVEL, pretty: true });
  const app = await createApp({ databaseUrl: appUrl, env: settings, log, jobs: false });
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
      await drop();
    },
  };
}
