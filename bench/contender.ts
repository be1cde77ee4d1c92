import { fileURLToPath } from 'node:url';

/** How a contender is asked: the shape of its schema. */
export type Dialect = 'argus' | 'plain' | 'postgraphile' | 'floor';

/** One server of the comparison, run as a process of its own. */
export interface Contender {
  name: string;
  /** What it is and how tenants are kept apart in it, for the report. */
  title: string;
  dialect: Dialect;
  /** Arguments of `node`. */
  command: readonly string[];
  /** `app`: bound by row-level security; `owner`: not, so that the tenant is a condition of each statement. */
  role: 'app' | 'owner';
  /** The package whose version the report names; null: this repository. */
  package: string | null;
  /** Processes that answer, among which the pool's connections are divided. */
  processes: number;
  env?: Readonly<Record<string, string>>;
  /** Scenarios that it takes part in, when these are not all. */
  only?: readonly string[];
}

const file = (path: string) => fileURLToPath(new URL(path, import.meta.url));

const ARGUS = [file('../src/main.ts'), 'serve', '--no-demo'];

/** In the order of the report. The first is what the others are compared with. */
export const CONTENDERS: readonly Contender[] = [
  {
    name: 'argus',
    title: 'Argus without its result cache: row-level security, API key, permissions, cost limits',
    dialect: 'argus',
    command: ARGUS,
    role: 'app',
    package: null,
    processes: 1,
    env: { RESULT_CACHE_MB: '0' },
  },
  {
    name: 'postgraphile-rls',
    title: 'PostGraphile (Amber) with row-level security by pgSettings',
    dialect: 'postgraphile',
    command: [file('./peers/postgraphile.ts')],
    role: 'app',
    package: 'postgraphile',
    processes: 1,
  },
  {
    name: 'postgraphile',
    title: 'PostGraphile (Amber) without row-level security, the tenant as a condition',
    dialect: 'postgraphile',
    command: [file('./peers/postgraphile.ts')],
    role: 'owner',
    package: 'postgraphile',
    processes: 1,
  },
  {
    name: 'mercurius',
    title: 'Mercurius with JIT and its loaders on pg, the tenant as a condition',
    dialect: 'plain',
    command: [file('./peers/mercurius.ts')],
    role: 'owner',
    package: 'mercurius',
    processes: 1,
  },
  {
    name: 'stock',
    title: 'Yoga, Pothos and plugin-prisma with t.relation, the tenant as a condition',
    dialect: 'plain',
    command: [file('./peers/stock/server.ts')],
    role: 'owner',
    package: '@pothos/plugin-prisma',
    processes: 1,
  },
  {
    name: 'floor',
    title: 'Floor: node:http and one hand-written statement that builds the JSON; no GraphQL',
    dialect: 'floor',
    command: [file('./peers/floor.ts')],
    role: 'owner',
    package: null,
    processes: 1,
  },
  {
    name: 'argus-cached',
    title: 'Argus as shipped, with its result cache, where questions are asked again or data changes meanwhile',
    dialect: 'argus',
    command: ARGUS,
    role: 'app',
    package: null,
    processes: 1,
    only: ['repeated', 'mixed'],
  },
];

/** Argus in several processes behind one port: to be compared with `argus`. */
export const argusWith = (workers: number): Contender => ({
  name: `argus-${workers}-workers`,
  title: `Argus in ${workers} worker processes`,
  dialect: 'argus',
  command: [...ARGUS, '--workers', String(workers)],
  role: 'app',
  package: null,
  processes: workers,
  env: { RESULT_CACHE_MB: '0' },
});
