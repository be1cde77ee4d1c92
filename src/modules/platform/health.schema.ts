import { orNull } from '../../data/or-null.ts';
import { builder } from '../../graphql/builder.ts';
import type { Context } from '../../graphql/context.ts';
import { defineEnum } from '../../graphql/enums.ts';
import {
  databaseSize,
  type IndexUsage,
  indexUsage,
  type StatementFigures,
  statementFigures,
  type TableFigures,
  tableStatistics,
} from './health.ts';

const HEALTH = ['HEALTHY', 'UNHEALTHY'] as const;
const HealthStatus = defineEnum('HealthStatus', HEALTH, 'Whether something works.');
type Status = (typeof HEALTH)[number];

interface Check {
  name: string;
  status: Status;
  latencyMs: number;
  observedAt: Date;
  detail: string | null;
}

/** A check that fails is data, not an error: whoever asks how things are gets an answer. */
async function check(name: string, fn: () => Promise<string | null>): Promise<Check> {
  const observedAt = new Date();
  const start = performance.now();
  try {
    const detail = await fn();
    return { name, status: 'HEALTHY', latencyMs: performance.now() - start, observedAt, detail };
  } catch (error) {
    const detail = error instanceof Error ? error.message : String(error);
    return { name, status: 'UNHEALTHY', latencyMs: performance.now() - start, observedAt, detail };
  }
}

const HealthCheck = builder.objectRef<Check>('HealthCheck').implement({
  description: 'One thing that was checked.',
  fields: (t) => ({
    name: t.exposeString('name'),
    status: t.field({ type: HealthStatus, resolve: (one) => one.status }),
    latencyMs: t.exposeFloat('latencyMs'),
    observedAt: t.field({ type: 'DateTime', resolve: (one) => one.observedAt }),
    detail: t.exposeString('detail', { nullable: true }),
  }),
});

interface Health {
  checks: Check[];
}

const overall = ({ checks }: Health): Status =>
  checks.every(({ status }) => status === 'HEALTHY') ? 'HEALTHY' : 'UNHEALTHY';

const HealthType = builder.objectRef<Health>('Health').implement({
  description: 'Whether everything that was checked works.',
  fields: (t) => ({
    status: t.field({ type: HealthStatus, resolve: overall }),
    timestamp: t.field({ type: 'DateTime', resolve: () => new Date() }),
    checks: t.field({ type: [HealthCheck], resolve: ({ checks }) => checks }),
  }),
});

builder.queryField('health', (t) =>
  t.field({
    type: HealthType,
    permission: 'public',
    description: 'Whether the server and its database work.',
    resolve: async (_, _args, { services }) => ({
      checks: [
        await check('database', async () => {
          await services.pool.query('SELECT 1');
          // The version is nobody's business who has not signed in.
          return null;
        }),
      ],
    }),
  }),
);

const ConnectionPool = builder.objectRef<Context['services']>('ConnectionPoolHealth').implement({
  description: 'Connections of this server process.',
  fields: (t) => ({
    poolSize: t.int({ description: 'connections at most', resolve: ({ pool }) => pool.options.max ?? 0 }),
    open: t.int({ resolve: ({ pool }) => pool.totalCount }),
    checkedIn: t.int({ description: 'free', resolve: ({ pool }) => pool.idleCount }),
    checkedOut: t.int({
      description: 'in use, by this query too',
      resolve: ({ pool }) => pool.totalCount - pool.idleCount,
    }),
    waiting: t.int({ description: 'requests that wait for a connection', resolve: ({ pool }) => pool.waitingCount }),
    invalid: t.int({ description: 'always 0: a broken connection is taken out at once', resolve: () => 0 }),
    poolUsage: t.float({
      description: 'per cent of poolSize in use',
      resolve: ({ pool }) => Math.round(((pool.totalCount - pool.idleCount) / (pool.options.max ?? 1)) * 10_000) / 100,
    }),
  }),
});

const DatabaseSize = builder.objectRef<{ bytes: bigint; humanReadable: string }>('DatabaseSize').implement({
  description: 'How large the database is on disk.',
  fields: (t) => ({ bytes: t.expose('bytes', { type: 'BigInt' }), humanReadable: t.exposeString('humanReadable') }),
});

const TableStatistics = builder.objectRef<TableFigures>('TableStatistics').implement({
  description: 'How large a table is.',
  fields: (t) => ({
    table: t.exposeString('table'),
    rowCount: t.expose('rowCount', { type: 'BigInt', description: 'PostgreSQL’s estimate, of all tenants together' }),
    bytes: t.expose('bytes', { type: 'BigInt' }),
    size: t.exposeString('size'),
  }),
});

const IndexUsageType = builder.objectRef<IndexUsage>('IndexUsage').implement({
  description: 'How many of the indexes are used.',
  fields: (t) => ({
    totalIndexes: t.exposeInt('totalIndexes'),
    usedIndexes: t.exposeInt('usedIndexes', { description: 'used at least once since the statistics began' }),
    usagePercentage: t.exposeFloat('usagePercentage'),
  }),
});

interface Performance {
  statements: StatementFigures;
  indexes: IndexUsage;
}

const Performance = builder.objectRef<Performance>('DatabasePerformance').implement({
  description: 'From Argus’s own statement log: PostgreSQL’s statistics are cumulative and know no 24 hours.',
  fields: (t) => ({
    avgQueryTime: t.float({
      nullable: true,
      description: 'milliseconds, mean of the last 24 hours; null when nothing ran',
      resolve: ({ statements }) => statements.averageMs,
    }),
    statements24h: t.field({ type: 'BigInt', resolve: ({ statements }) => statements.calls }),
    slowQueries24h: t.field({
      type: 'BigInt',
      description: 'statements over the slow limit (1,000 ms unless configured) in the last 24 hours',
      resolve: ({ statements }) => statements.slow,
    }),
    indexUsage: t.field({ type: IndexUsageType, resolve: ({ indexes }) => indexes }),
  }),
});

export const DatabaseHealth = builder.objectRef<Health>('DatabaseHealth').implement({
  description: 'How the database does.',
  fields: (t) => ({
    status: t.field({ type: HealthStatus, resolve: overall }),
    timestamp: t.field({ type: 'DateTime', resolve: () => new Date() }),
    checks: t.field({ type: [HealthCheck], resolve: ({ checks }) => checks }),
    connectionPool: t.field({ type: ConnectionPool, resolve: (_, _args, ctx) => ctx.services }),
    databaseSize: t.field({
      type: DatabaseSize,
      nullable: true,
      resolve: (_, _args, { scope, services }) => orNull(services.log, databaseSize(scope)),
    }),
    tableStatistics: t.field({
      type: [TableStatistics],
      nullable: true,
      description: 'largest first',
      resolve: (_, _args, { scope, services }) => orNull(services.log, tableStatistics(scope)),
    }),
    performance: t.field({
      type: Performance,
      nullable: true,
      resolve: async (_, _args, { scope, services }) => {
        const statements = await orNull(services.log, statementFigures(scope));
        const indexes = await orNull(services.log, indexUsage(scope));
        return statements && indexes ? { statements, indexes } : null;
      },
    }),
  }),
});

builder.queryField('databaseHealth', (t) =>
  t.field({
    type: DatabaseHealth,
    permission: 'health:read',
    description:
      'Connections, sizes, statements and indexes. Never fails: what cannot be found out is null, and a check says why.',
    resolve: async (_, _args, { scope, services }) => ({
      checks: [
        await check('database', async () => {
          const [row] = await scope.query<{ version: string }>({
            text: `SELECT current_setting('server_version') AS version`,
            values: [],
          });
          return row ? `PostgreSQL ${row.version}` : null;
        }),
        await check(
          'eventBus',
          async () => `${services.tails.followers(scope.viewer.tenantId)} subscribers of this tenant here`,
        ),
      ],
    }),
  }),
);
