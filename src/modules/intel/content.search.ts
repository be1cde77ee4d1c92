import { type LoaderContext, loaderOf } from '../../data/loaders.ts';
import type { Row } from '../../data/models.ts';
import { selectList } from '../../data/models.ts';
import type { ReadScope } from '../../data/read-scope.ts';
import { SqlBuilder } from '../../data/statement.ts';
import { InvalidInput } from '../../errors.ts';
import type { FieldSpan } from './analysis.ts';

export const MAX_QUERY = 500;

export interface ContentSearch {
  query: string;
  language: string | null;
  riskLevels: readonly string[] | null;
  sourceIds: readonly string[] | null;
  statuses: readonly string[] | null;
  from: Date | null;
  to: Date | null;
}

export interface SearchHit {
  rank: number;
  content: Row<'Content'>;
  search: ContentSearch;
}

export interface SearchPage {
  hits: SearchHit[];
  hasNextPage: boolean;
}

/** Marks around what matched: private-use characters, taken out of the text first. */
const OPEN = '\u{e000}';
const CLOSE = '\u{e001}';

function checkQuery(query: string): void {
  if (query.trim() === '' || query.length > MAX_QUERY)
    throw new InvalidInput(`a query has 1 to ${MAX_QUERY} characters`, ['query']);
  if (query.includes('\0')) throw new InvalidInput('text cannot hold the character U+0000', ['query']);
}

/** Arguments of the search functions in the database, which see the tenant by themselves. */
function filters(sql: SqlBuilder, search: ContentSearch): SqlBuilder {
  sql.param(search.query, 'text').raw(', ').param(search.language, 'text').raw(', ').param(search.riskLevels, 'text[]');
  sql.raw(', ').param(search.sourceIds, 'uuid[]').raw(', ').param(search.statuses, 'text[]');
  return sql.raw(', ').param(search.from, 'timestamptz').raw(', ').param(search.to, 'timestamptz');
}

/**
 * One page of a search, best first, ties by id. The ids come from a database function, since full-text operators cannot
 * use an index under row-level security; the rows are then read under it.
 */
export async function searchContent(
  scope: ReadScope,
  search: ContentSearch,
  first: number,
  after: { rank: number; id: string } | null,
): Promise<SearchPage> {
  checkQuery(search.query);
  const sql = new SqlBuilder().raw(`SELECT f.rank AS "$rank", ${selectList('Content', 't')} FROM search_content(`);
  filters(sql, search)
    .raw(', ')
    .param(after?.rank ?? null, 'float4')
    .raw(', ')
    .param(after?.id ?? null, 'uuid');
  sql
    .raw(', ')
    .param(first + 1, 'int4')
    .raw(') f JOIN content t ON t.tenant_id = ')
    .param(scope.viewer.tenantId, 'uuid');
  sql.raw(' AND t.id = f.id ORDER BY f.rank DESC, f.id DESC');
  const rows = await scope.query<Row<'Content'> & { $rank: number }>(sql.build('Content.search'));
  const hits = rows.slice(0, first).map((row) => ({ rank: row.$rank, content: row, search }));
  return { hits, hasNextPage: rows.length > first };
}

/** How many contents a search finds, in all and by the facets asked for: one statement. */
export async function searchFacets(
  scope: ReadScope,
  search: ContentSearch,
): Promise<{ facet: string; value: string; count: number }[]> {
  checkQuery(search.query);
  const sql = new SqlBuilder().raw('SELECT facet, value, count(*)::int AS count FROM search_content_ids(');
  filters(sql, search)
    .raw(') f JOIN content t ON t.tenant_id = ')
    .param(scope.viewer.tenantId, 'uuid')
    .raw(' AND t.id = f.id');
  sql.raw(
    ` CROSS JOIN LATERAL (VALUES ('total', ''), ('riskLevel', t.risk_level), ('status', t.status), ('language', t.language), ('sourceId', t.source_id::text)) v(facet, value)`,
  );
  sql.raw(' GROUP BY facet, value ORDER BY facet, count DESC, value');
  return scope.query(sql.build('Content.searchFacets'));
}

/** Longer texts are highlighted up to here: finding the places means parsing the text again. */
const MAX_HIGHLIGHTED = 50_000;

/** Where a search's words stand in a content: one statement for all hits whose highlights are asked for. */
export function highlights(ctx: LoaderContext, search: ContentSearch, contentId: string): Promise<FieldSpan[]> {
  const key = `highlights:${search.language ?? ''}:${search.query}`;
  return loaderOf(ctx, key, (ids) => loadHighlights(ctx.scope, search, ids)).load(contentId);
}

async function loadHighlights(scope: ReadScope, search: ContentSearch, ids: readonly string[]): Promise<FieldSpan[][]> {
  const sql = new SqlBuilder().raw('SELECT t.id, ');
  const headline = (column: string) => {
    // The marks must not occur in the text itself; what replaces them has the same length.
    const text = `translate(left(t.${column}, ${MAX_HIGHLIGHTED}), E'\\uE000\\uE001', '??')`;
    sql.raw(`ts_headline(l.config, ${text}, websearch_to_tsquery(l.config, `).param(search.query, 'text');
    sql.raw(`), E'HighlightAll=true, StartSel="\\uE000", StopSel="\\uE001"')`);
  };
  headline('title');
  sql.raw(' AS title, ');
  headline('text');
  sql
    .raw(' AS text FROM content t CROSS JOIN LATERAL (SELECT argus_text_config(coalesce(')
    .param(search.language, 'text');
  sql
    .raw(', t.language)) AS config) l WHERE t.tenant_id = ')
    .param(scope.viewer.tenantId, 'uuid')
    .raw(' AND t.id = ANY(')
    .param(ids, 'uuid[]')
    .raw(')');
  const rows = await scope.query<{ id: string; title: string | null; text: string }>(sql.build('Content.highlights'));
  const byId = new Map(rows.map((row) => [row.id, [...spansOf(row.title, 'TITLE'), ...spansOf(row.text, 'TEXT')]]));
  return ids.map((id) => byId.get(id) ?? []);
}

/** Spans in the original text from the marked copy of it. */
export function spansOf(marked: string | null, field: FieldSpan['field']): FieldSpan[] {
  const spans: FieldSpan[] = [];
  if (marked === null) return spans;
  let removed = 0;
  let start = -1;
  for (let i = 0; i < marked.length; i++) {
    const unit = marked[i];
    if (unit === OPEN) start = i - removed++;
    else if (unit === CLOSE) {
      if (start >= 0) spans.push({ field, start, end: i - removed });
      start = -1;
      removed++;
    }
  }
  return spans;
}
