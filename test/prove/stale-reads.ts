/**
 * Reads through the result caches of two server processes' worth of services while others write, and judges every
 * answer by the log; then so many reads again over HTTP, with the header min-seq, from two servers:
 * `npm run prove -- stale-reads [reads] [seed]`. Takes DATABASE_URL's server, or one of its own.
 */
import type { TestProject } from 'vitest/node';
import { createApp, createServices } from '../../src/app.ts';
import { loadEnv } from '../../src/env.ts';
import { createLog } from '../../src/log.ts';
import { createTenant } from '../../src/modules/platform/tenant.service.ts';
import { serveHttp } from '../../src/server/http.ts';
import { ResultCache } from '../../src/server/result-cache.ts';
import setup, { databaseUrl } from '../support/global-setup.ts';
import { StaleHttp } from '../support/stale-http.ts';
import { StaleReads } from '../support/stale-reads.ts';

const READERS = 32;
const PAUSE_MS = 10;

const reads = Number(process.argv[2] ?? 100_000);
const seed = Number(process.argv[3] ?? 1);

const given: Record<string, unknown> = {};
const provide = (name: string, value: unknown) => {
  given[name] = value;
};
const tearDown = await setup({ provide } as unknown as TestProject);
const url = new URL(databaseUrl(String(given.adminUrl), String(given.template)));
if (given.appPassword) Object.assign(url, { username: 'argus_app', password: String(given.appPassword) });
const settings = { NODE_ENV: 'test', DB_POOL_SIZE: '8', DB_POOL_OVERFLOW: '8', ARGUS_DIR: '.argus/test' };
const env = loadEnv({ ...settings, LOG_LEVEL: 'warn', DATABASE_URL: url.href });
const log = createLog({ level: env.LOG_LEVEL, pretty: true });
const processes = await Promise.all(
  [0, 1].map(async () => {
    const services = await createServices({ databaseUrl: url.href, env, log });
    return { services, cache: new ResultCache(services) };
  }),
);
const stale = new StaleReads(processes, seed);
for (const slug of ['a', 'b']) {
  const [{ services }] = processes as [(typeof processes)[number]];
  const owner = { email: `${slug}@example.org`, displayName: 'Owner' };
  await stale.add((await createTenant(services, { slug, name: slug, ...owner })).tenantId);
}
const begun = performance.now();
await stale.run(reads, READERS, PAUSE_MS);
const seconds = (performance.now() - begun) / 1_000;
for (const { services, cache } of processes) {
  const { hits, joins, misses, dropped } = cache.counters;
  process.stdout.write(`hits ${hits}, joined ${joins}, computed ${misses}, thrown away ${dropped}\n`);
  cache.close();
  await services.close();
}
process.stdout.write(`${reads} reads in ${seconds.toFixed(1)} s, ${stale.writes} writes\n`);

const apps = await Promise.all([0, 1].map(() => createApp({ databaseUrl: url.href, env, log, jobs: false })));
const [{ services }] = apps as [(typeof apps)[number]];
const made = await createTenant(services, {
  slug: 'http',
  name: 'http',
  email: 'http@example.org',
  displayName: 'Owner',
});
const servers = await Promise.all(
  apps.map((app) => serveHttp(app, { host: '127.0.0.1', port: 0, examplesDir: 'examples/queries' })),
);
const clients = new StaleHttp(
  servers.map(({ port }) => ({ port, key: made.key })),
  seed,
);
await clients.prepare();
const httpBegun = performance.now();
await clients.run(reads, READERS, PAUSE_MS);
const httpSeconds = (performance.now() - httpBegun) / 1_000;
for (const server of servers) await server.stop();
for (const app of apps) await app.close();
const share = Math.round((100 * clients.cached) / clients.reads);
process.stdout.write(
  `over HTTP ${clients.reads} reads in ${httpSeconds.toFixed(1)} s, ${share} % from the cache, ${clients.writes} writes\n`,
);

await tearDown();
const faults = [...stale.faults, ...clients.faults];
for (const fault of faults.slice(0, 20)) process.stdout.write(`${fault}\n`);
process.stdout.write(`${faults.length} answers were older than what their client had seen, or never true\n`);
process.exitCode = faults.length > 0 ? 1 : 0;
