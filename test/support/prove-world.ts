import { systemViewer, type Viewer } from '../../src/access/viewer.ts';
import { type App, createApp } from '../../src/app.ts';
import { withReadScope } from '../../src/data/read-scope.ts';
import { loadEnv } from '../../src/env.ts';
import { entityOf } from '../../src/graphql/entity.ts';
import { createLog } from '../../src/log.ts';
import { createTenant } from '../../src/modules/platform/tenant.service.ts';
import { proveDatabase } from './prove-database.ts';

/** A tenant of a proof program. */
export interface ProveTenant {
  tenantId: string;
  key: string;
  system: Viewer;
}

/** What a proof program runs on: a migrated database on DATABASE_URL's server, or on one of its own. */
export interface ProveWorld {
  app: App;
  urls: { appUrl: string; ownerUrl: string };
  tenant(slug: string): Promise<ProveTenant>;
  close(): Promise<void>;
}

export async function proveWorld(): Promise<ProveWorld> {
  const { appUrl, ownerUrl, drop } = await proveDatabase();
  const settings = { NODE_ENV: 'test', DB_POOL_SIZE: '4', DB_POOL_OVERFLOW: '4', ARGUS_DIR: '.argus/test' };
  const env = loadEnv({ ...settings, LOG_LEVEL: 'warn', DATABASE_URL: appUrl });
  const app = await createApp({
    databaseUrl: appUrl,
    env,
    log: createLog({ level: env.LOG_LEVEL, pretty: true }),
    jobs: false,
  });
  return {
    app,
    urls: { appUrl, ownerUrl },
    tenant: async (slug) => {
      const owner = { email: `owner@${slug}.example`, displayName: 'Owner' };
      const { tenantId, key } = await createTenant(app.services, { slug, name: slug, ...owner });
      return { tenantId, key, system: systemViewer(tenantId, 'prove') };
    },
    close: async () => {
      await app.close();
      await drop();
    },
  };
}

/** The log of a tenant as subscribers see it: `type aggregateId` of each event. */
export async function logOf(app: App, viewer: Viewer): Promise<string[]> {
  const rows = await withReadScope(app.services.read, viewer, (scope) =>
    scope.query<{ type: string; aggregateType: string; aggregateId: string }>({
      text: `SELECT type, aggregate_type AS "aggregateType", aggregate_id AS "aggregateId" FROM event_store
        WHERE tenant_id = $1::uuid ORDER BY seq`,
      values: [viewer.tenantId],
    }),
  );
  return rows.map(
    ({ type, aggregateType, aggregateId }) => `${type} ${entityOf(aggregateType)?.encode(aggregateId) ?? aggregateId}`,
  );
}
