import type { ModelName, Row } from '../../data/models.ts';
import { selectList, tableOf } from '../../data/models.ts';
import type { ReadScope } from '../../data/read-scope.ts';
import { SqlBuilder } from '../../data/statement.ts';
import { InvalidInput } from '../../errors.ts';
import { detectIdentifier } from './identifiers/detect.ts';

export const MAX_HITS = 100;
export const MAX_LOOKUP = 500;
const MAX_QUERY = 200;

/** Database functions that search names by trigram: equal first, then beginning with, holding, resembling. */
const FUNCTIONS = {
  Source: 'search_sources',
  PlatformUser: 'search_platform_users',
  Keyword: 'search_keywords',
  Identifier: 'search_identifiers',
  Case: 'search_cases',
} as const satisfies Partial<Record<ModelName, string>>;
export type NamedModel = keyof typeof FUNCTIONS;

export interface NameHit<M extends NamedModel> {
  rank: number;
  row: Row<M>;
}

/** Rows whose name resembles the query, best first. Ids come from the function, rows are read under row-level security. */
export async function searchNames<M extends NamedModel>(
  scope: ReadScope,
  model: M,
  query: string,
  first: number,
): Promise<NameHit<M>[]> {
  if (query.trim() === '' || query.length > MAX_QUERY || query.includes('\0')) {
    throw new InvalidInput(`a query has 1 to ${MAX_QUERY} characters, without U+0000`, ['query']);
  }
  if (first < 1 || first > MAX_HITS) throw new InvalidInput(`${first} is out of range: 1 to ${MAX_HITS}`, ['first']);
  const sql = new SqlBuilder().raw(`SELECT f.rank AS "$rank", ${selectList(model, 't')} FROM ${FUNCTIONS[model]}(`);
  sql
    .param(query, 'text')
    .raw(', ')
    .param(first, 'int4')
    .raw(`) f JOIN "${tableOf(model).table}" t ON t.tenant_id = `);
  sql.param(scope.viewer.tenantId, 'uuid').raw(' AND t.id = f.id ORDER BY f.rank DESC, f.id DESC');
  const rows = await scope.query<Row<M> & { $rank: number }>(sql.build(`${model}.searchNames`));
  return rows.map((row) => ({ rank: row.$rank, row }));
}

export interface LookedUp {
  /** as it was given */
  value: string;
  identifier: Row<'Identifier'> | null;
}

/** Which of many values the tenant knows: each is brought into the normal form of every type that it can be. */
export async function bulkLookup(
  scope: ReadScope,
  values: readonly string[],
  country: string | null,
): Promise<LookedUp[]> {
  if (values.length > MAX_LOOKUP) throw new InvalidInput(`${values.length} values: at most ${MAX_LOOKUP}`, ['values']);
  const candidates = values.map((value) => detectIdentifier(value, country ? { country } : {}));
  const flat = candidates.flat();
  const sql = new SqlBuilder().raw(`SELECT ${selectList('Identifier', 't')} FROM unnest(`);
  sql
    .param(
      flat.map(({ type }) => type),
      'text[]',
    )
    .raw(', ')
    .param(
      flat.map(({ value }) => value),
      'text[]',
    );
  sql.raw(') w(type, value) JOIN identifiers t ON t.tenant_id = ').param(scope.viewer.tenantId, 'uuid');
  sql.raw(' AND t.type = w.type AND t.value = w.value');
  const rows = await scope.query<Row<'Identifier'>>(sql.build('Identifier.bulkLookup'));
  const found = new Map(rows.map((row) => [`${row.type}:${row.value}`, row]));
  return values.map((value, i) => {
    const hit = (candidates[i] ?? [])
      .map((one) => found.get(`${one.type}:${one.value}`))
      .find((row) => row !== undefined);
    return { value, identifier: hit ?? null };
  });
}
