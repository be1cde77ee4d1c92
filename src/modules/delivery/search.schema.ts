import { type Row, selectList } from '../../data/models.ts';
import type { ReadScope } from '../../data/read-scope.ts';
import { SqlBuilder } from '../../data/statement.ts';
import { InvalidInput } from '../../errors.ts';
import { batched } from '../../execution/batch.ts';
import { builder } from '../../graphql/builder.ts';
import type { Context } from '../../graphql/context.ts';
import { projectEntity } from './entities.ts';
import { BugStatus } from './enums.schema.ts';
import { Bug, Project } from './refs.ts';

const MAX_HITS = 100;
const MAX_QUERY = 200;
const RANK = 'higher is better; comparable within one search';

function checkSearch(query: string, first: number): void {
  if (query.trim() === '' || query.length > MAX_QUERY || query.includes('\0'))
    throw new InvalidInput(`a query has 1 to ${MAX_QUERY} characters, without U+0000`, ['query']);
  if (first < 1 || first > MAX_HITS) throw new InvalidInput(`${first} is out of range: 1 to ${MAX_HITS}`, ['first']);
}

interface Hit<M extends 'Bug' | 'Project'> {
  rank: number;
  row: Row<M>;
}

type Find<A> = (args: A, sql: SqlBuilder) => void;

/**
 * How a search is resolved. Ids and ranks come from a function that sees the tenant by itself; the rows are read under
 * row-level security. `call` checks the arguments and adds them to the function's call.
 */
function searchField<M extends 'Bug' | 'Project', A>(model: M, table: string, call: Find<A>) {
  const statement = (args: A, { viewer }: ReadScope, rank: string, columns: string) => {
    const sql = new SqlBuilder().raw(`SELECT f.rank${rank}, ${columns} FROM search_${table}(`);
    call(args, sql);
    sql.raw(`) f JOIN ${table} t ON t.tenant_id = `).param(viewer.tenantId, 'uuid');
    return sql.raw(' AND t.id = f.id ORDER BY f.rank DESC, f.id DESC').build(`${model}.search`);
  };
  return {
    resolve: async (_: unknown, args: A, { scope }: Context): Promise<Hit<M>[]> => {
      const asked = statement(args, scope, ' AS "$rank"', selectList(model, 't'));
      const rows = await scope.query<Row<M> & { $rank: number }>(asked);
      return rows.map((row) => ({ rank: row.$rank, row }));
    },
    extensions: batched(async (_, args, { scope }, rows) => {
      const found = await rows.source(model, 1).read(scope, (columns) => statement(args as A, scope, '', columns));
      return [found.map((row) => ({ rank: Number(row.cells[0]), row }))];
    }),
  };
}

const BugHit = builder.objectRef<Hit<'Bug'>>('BugHit').implement({
  description: 'A bug, as a search found it.',
  fields: (t) => ({
    rank: t.exposeFloat('rank', { description: RANK }),
    node: t.field({ type: Bug, resolve: ({ row }) => row }),
  }),
});

const ProjectHit = builder.objectRef<Hit<'Project'>>('ProjectHit').implement({
  description: 'A project, as a search found it.',
  fields: (t) => ({
    rank: t.exposeFloat('rank', { description: RANK }),
    node: t.field({ type: Project, resolve: ({ row }) => row }),
  }),
});

interface Search {
  query: string;
  first?: number | null;
}

interface BugSearch extends Search {
  projectIds?: readonly string[] | null;
  statuses?: readonly string[] | null;
}

builder.queryFields((t) => ({
  searchBugs: t.field({
    type: [BugHit],
    permission: 'bug:read',
    description:
      'Bugs by number (12, #12, KEY-12) or external id first, then by the words of title and description (“phrase”, or, -not), then by likeness of the title. Words that 3 % or more of the newest 400 bugs have are ranked among the newest matches: three for each hit asked for, at least 60; of a “phrase” one for each. Others are ranked among all matches (at most the newest 2,000), or among those of the last months if these are as many. Titles alike come from the newest 500 bugs if these fill the page; to a “phrase” or with a -not nothing alike is added.',
    args: {
      query: t.arg.string({ required: true }),
      first: t.arg.int({ defaultValue: 20, description: `1 to ${MAX_HITS}` }),
      projectIds: t.arg.idList(),
      statuses: t.arg({ type: [BugStatus] }),
    },
    ...searchField('Bug', 'bugs', ({ query, first, projectIds, statuses }: BugSearch, sql) => {
      checkSearch(query, first ?? 20);
      const projects = projectIds?.map((id, i) => projectEntity.decode(id, ['projectIds', String(i)])) ?? null;
      sql
        .param(query, 'text')
        .raw(', ')
        .param(projects, 'uuid[]')
        .raw(', ')
        .param(statuses ?? null, 'text[]');
      sql.raw(', ').param(first ?? 20, 'int4');
    }),
  }),
  searchProjects: t.field({
    type: [ProjectHit],
    permission: 'project:read',
    description: 'Projects by key, name and tags, also written nearly so, and by the words of the description.',
    args: {
      query: t.arg.string({ required: true }),
      first: t.arg.int({ defaultValue: 20, description: `1 to ${MAX_HITS}` }),
    },
    ...searchField('Project', 'projects', ({ query, first }: Search, sql) => {
      checkSearch(query, first ?? 20);
      sql
        .param(query, 'text')
        .raw(', ')
        .param(first ?? 20, 'int4');
    }),
  }),
}));
