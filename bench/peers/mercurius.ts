// Mercurius as its documentation sets it up for production: JIT, cached parsing and validation, loaders for every
// relation. The loaders leave out their cache, which would serialise each parent row to find it again.
import Fastify from 'fastify';
import mercurius, { type Loader } from 'mercurius';
import { type Row, reader } from './plain-reader.ts';
import { PLAIN_SCHEMA } from './plain-schema.ts';
import { settings } from './serving.ts';

const read = reader();

type Query = { obj: Row; params: { first: number } };
const uncached = (loader: (queries: Query[]) => Promise<unknown[]>) =>
  ({ loader, opts: { cache: false } }) as unknown as Loader;

/** One row for each parent, by the identifier that the parent keeps of it. */
const parentOf = (key: string, rows: (ids: string[]) => Promise<Row[]>) =>
  uncached(async (queries) => {
    const ids = queries.map(({ obj }) => obj[key] as string | null);
    const wanted = [...new Set(ids)].filter((id) => id !== null);
    const found = new Map((wanted.length > 0 ? await rows(wanted) : []).map((row) => [row.id, row]));
    return ids.map((id) => (id === null ? null : (found.get(id) ?? null)));
  });

/** The first rows of each parent; all parents of one field of an operation ask for as many. */
const childrenOf = (key: string, rows: (ids: string[], first: number) => Promise<Row[]>) =>
  uncached(async (queries) => {
    const lists = new Map<unknown, Row[]>(queries.map(({ obj }) => [obj.id, []]));
    const first = Math.max(...queries.map(({ params }) => params.first));
    for (const row of await rows([...lists.keys()] as string[], first)) lists.get(row[key])?.push(row);
    return queries.map(({ obj, params }) => lists.get(obj.id)?.slice(0, params.first) ?? []);
  });

const app = Fastify({ logger: false });
await app.register(mercurius, {
  schema: PLAIN_SCHEMA,
  jit: 1,
  graphiql: false,
  resolvers: {
    Query: {
      bug: (_: unknown, { id }: { id: string }) => read.bug(id),
      bugs: (_: unknown, args: Parameters<typeof read.bugs>[0]) => read.bugs(args),
      topBugs: (_: unknown, { first }: { first: number }) => read.topBugs(first),
      topProjects: (_: unknown, { first }: { first: number }) => read.topProjects(first),
      searchBugs: (_: unknown, { query }: { query: string }) => read.search(query),
      trends: (_: unknown, { since, until }: { since: string; until: string }) => read.trends(since, until),
      statistics: () => ({}),
      projects: (_: unknown, args: Parameters<typeof read.projects>[0]) => read.projects(args),
    },
    Statistics: { severities: () => read.severities(), statuses: () => read.statuses() },
    Mutation: {
      createBug: async (
        _: unknown,
        { project, title, severity }: Record<'project' | 'title' | 'severity', string>,
      ) => ({
        bug: await read.create(project, title, severity),
      }),
    },
  },
  loaders: {
    Bug: {
      project: parentOf('projectId', read.projectsByIds),
      assignee: parentOf('assigneeId', read.membersByIds),
      history: childrenOf('bugId', read.changesOf),
    },
    Project: { bugs: childrenOf('projectId', read.bugsOf) },
  },
});
await app.listen({ port: settings().port, host: '127.0.0.1' });
