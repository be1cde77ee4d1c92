// PostGraphile as its documentation sets it up for production: the Amber preset, prepared statements (on by itself),
// no GraphiQL, no watching, no EXPLAIN. With the role argus_app it gives the tenant as a setting, which the policies read.
import { createServer } from 'node:http';
import { postgraphile } from 'postgraphile';
import { makePgService } from 'postgraphile/adaptors/pg';
import { grafserv } from 'postgraphile/grafserv/node';
import { PostGraphileAmberPreset } from 'postgraphile/presets/amber';
import { jsonPgSmartTags } from 'postgraphile/utils';
import { openPool, settings } from './serving.ts';

const { port, tenantId, url } = settings();
const secured = new URL(url).username === 'argus_app';

/** Relations that the database has no foreign key for, and names as short as those of the others. */
const tags = jsonPgSmartTags({
  version: 1,
  config: {
    class: {
      bugs: {
        tags: { foreignKey: '(tenant_id, assignee_id) references members (tenant_id, id)|@fieldName assignee' },
        constraint: { bugs_tenant_id_project_id_fkey: { tags: { fieldName: 'project', foreignFieldName: 'bugs' } } },
      },
      bug_history: {
        constraint: { bug_history_tenant_id_bug_id_fkey: { tags: { foreignFieldName: 'history' } } },
      },
    },
  },
});

const preset: GraphileConfig.Preset = {
  extends: [PostGraphileAmberPreset],
  plugins: [tags],
  // It allows only the first column of an index as a condition, and here that is always the tenant.
  disablePlugins: ['PgIndexBehaviorsPlugin'],
  pgServices: [
    makePgService({
      pool: openPool(),
      schemas: ['public'],
      ...(secured ? { pgSettings: () => ({ 'app.tenant_id': tenantId }) } : {}),
    }),
  ],
  grafserv: { graphiql: false, watch: false, websockets: false },
  grafast: { explain: false },
};

const server = createServer();
await postgraphile(preset).createServ(grafserv).addTo(server);
server.listen(port, '127.0.0.1');
