import { type Row, selectList } from '../../data/models.ts';
import type { ReadScope } from '../../data/read-scope.ts';
import { SqlBuilder } from '../../data/statement.ts';
import { InvalidInput } from '../../errors.ts';
import { builder } from '../../graphql/builder.ts';
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

/** Ids and ranks come from a function that sees the tenant by itself; the rows are read under row-level security. */
async function find<M extends 'Bug' | 'Project'>(
  scope: ReadScope,
  model: M,
  table: string,
  call: (sql: SqlBuilder) => void,
): Promise<Hit<M>[]> {
  const sql = new SqlBuilder().raw(`SELECT f.rank AS "$rank", ${selectList(model, 't')} FROM search_${table}(`);
  call(sql);
  sql.raw(`) f JOIN ${table} t ON t.tenant_id = `).param(scope.viewer.tenantId, 'uuid');
  sql.raw(' AND t.id = f.id ORDER BY f.rank DESC, f.id DESC');
  const rows = await scope.query<Row<M> & { $rank: number }>(sql.build(`${model}.search`));
  return rows.map((row) => ({ rank: row.$rank, row }));
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

builder.queryFields((t) => ({
  searchBugs: t.field({
    type: [BugHit],
    permission: 'bug:read',
    description:
      'Bugs by number (12, #12, KEY-12) or external id first, then by the words of title and description (“phrase”, or, -not), then by likeness of the title. Words that 2 % or more of the newest 1,000 bugs have are ranked among the newest matches: six for each hit asked for, at least 120. Others are ranked among all matches (at most the newest 2,000), or among those of the last months if these are enough: three for each hit, at least 60. Titles alike come from the newest 500 bugs if these fill the page.',
    args: {
      query: t.arg.string({ required: true }),
      first: t.arg.int({ defaultValue: 20, description: `1 to ${MAX_HITS}` }),
      projectIds: t.arg.idList(),
      statuses: t.arg({ type: [BugStatus] }),
    },
    resolve: (_, { query, first, projectIds, statuses }, ctx) => {
      checkSearch(query, first ?? 20);
      const projects = projectIds?.map((id, i) => projectEntity.decode(id, ['projectIds', String(i)])) ?? null;
      return find(ctx.scope, 'Bug', 'bugs', (sql) => {
        sql
          .param(query, 'text')
          .raw(', ')
          .param(projects, 'uuid[]')
          .raw(', ')
          .param(statuses ?? null, 'text[]');
        sql.raw(', ').param(first ?? 20, 'int4');
      });
    },
  }),
  searchProjects: t.field({
    type: [ProjectHit],
    permission: 'project:read',
    description: 'Projects by key, name and tags, also written nearly so, and by the words of the description.',
    args: {
      query: t.arg.string({ required: true }),
      first: t.arg.int({ defaultValue: 20, description: `1 to ${MAX_HITS}` }),
    },
    resolve: (_, { query, first }, ctx) => {
      checkSearch(query, first ?? 20);
      return find(ctx.scope, 'Project', 'projects', (sql) => {
        sql
          .param(query, 'text')
          .raw(', ')
          .param(first ?? 20, 'int4');
      });
    },
  }),
}));
