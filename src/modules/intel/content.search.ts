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
export async function highlights(
  ctx: LoaderContext,
  search: ContentSearch,
  content: Row<'Content'>,
): Promise<FieldSpan[]> {
  const key = `highlights:${search.language ?? ''}:${search.query}`;
  const marked = await loaderOf(ctx, key, (ids) => loadMarked(ctx.scope, search, ids)).load(content.id);
  return [
    ...(await fieldSpans(ctx.scope, search, content, marked.title, 'TITLE')),
    ...(await fieldSpans(ctx.scope, search, content, marked.text, 'TEXT')),
  ];
}

interface Marked {
  title: string | null;
  text: string | null;
}

/** The headline function, which marks a text's words; the marks must not occur in the text itself. */
function headline(sql: SqlBuilder, search: ContentSearch, text: () => SqlBuilder): void {
  sql.raw('ts_headline(l.config, translate(left(');
  text().raw(`, ${MAX_HIGHLIGHTED}), E'\\uE000\\uE001', '??'), websearch_to_tsquery(l.config, `);
  sql.param(search.query, 'text').raw(`), E'HighlightAll=true, StartSel="\\uE000", StopSel="\\uE001"')`);
}

async function loadMarked(scope: ReadScope, search: ContentSearch, ids: readonly string[]): Promise<Marked[]> {
  const sql = new SqlBuilder().raw('SELECT t.id, ');
  headline(sql, search, () => sql.raw('t.title'));
  sql.raw(' AS title, ');
  headline(sql, search, () => sql.raw('t.text'));
  sql
    .raw(' AS text FROM content t CROSS JOIN LATERAL (SELECT argus_text_config(coalesce(')
    .param(search.language, 'text');
  sql
    .raw(', t.language)) AS config) l WHERE t.tenant_id = ')
    .param(scope.viewer.tenantId, 'uuid')
    .raw(' AND t.id = ANY(')
    .param(ids, 'uuid[]')
    .raw(')');
  const rows = await scope.query<Marked & { id: string }>(sql.build('Content.highlights'));
  const byId = new Map(rows.map((row) => [row.id, row]));
  return ids.map((id) => byId.get(id) ?? { title: null, text: null });
}

/** PostgreSQL leaves words, and stretches without any, of more than 2 kB out of what it gives back. */
const LONG_TOKEN = /[^\p{L}\p{N}]{500,}|[^\s,;!"'()<>{}|]{500,}/gu;

/** Spans of one field. Where the marked text is not the original with marks, it is marked again with short words in place of the long. */
async function fieldSpans(
  scope: ReadScope,
  search: ContentSearch,
  content: Row<'Content'>,
  marked: string | null,
  field: FieldSpan['field'],
): Promise<FieldSpan[]> {
  const original = (field === 'TITLE' ? content.title : content.text) ?? '';
  if (marked === null || isMarkedCopy(marked, original)) return spansOf(marked, field);
  const text = original.replace(LONG_TOKEN, (long) => 'x '.repeat(long.length).slice(0, long.length));
  const sql = new SqlBuilder().raw('SELECT ');
  headline(sql, search, () => sql.param(text, 'text'));
  sql.raw(' AS marked FROM (SELECT argus_text_config(').param(search.language ?? content.language, 'text');
  const [row] = await scope.query<{ marked: string }>(sql.raw(') AS config) l').build('Content.highlightsOf'));
  // A wrong place would be worse than none.
  if (!row || !isMarkedCopy(row.marked, text)) return [];
  return spansOf(row.marked, field).filter(({ start, end }) => text.slice(start, end) === original.slice(start, end));
}

function isMarkedCopy(marked: string, original: string): boolean {
  const plain = marked.replace(/[\u{e000}\u{e001}]/gu, '');
  return original.replace(/[\u{e000}\u{e001}]/gu, '?').startsWith(plain);
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
