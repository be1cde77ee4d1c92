import type { ReadScope } from '../../data/read-scope.ts';

export interface TableFigures {
  table: string;
  rowCount: bigint;
  bytes: bigint;
  size: string;
}

export interface IndexUsage {
  totalIndexes: number;
  usedIndexes: number;
  usagePercentage: number;
}

export interface StatementFigures {
  calls: bigint;
  averageMs: number | null;
  slow: bigint;
}

export async function databaseSize(scope: ReadScope): Promise<{ bytes: bigint; humanReadable: string } | null> {
  const [row] = await scope.query<{ bytes: bigint; humanReadable: string }>({
    text: `/* health.size */ SELECT pg_database_size(current_database()) AS bytes, pg_size_pretty(pg_database_size(current_database())) AS "humanReadable"`,
    values: [],
  });
  return row ?? null;
}

export function tableStatistics(scope: ReadScope): Promise<TableFigures[]> {
  return scope.query<TableFigures>({
    text: `/* health.tables */ SELECT relname AS "table", n_live_tup AS "rowCount", pg_total_relation_size(relid) AS bytes,
        pg_size_pretty(pg_total_relation_size(relid)) AS size
      FROM pg_stat_user_tables WHERE schemaname = 'public' ORDER BY bytes DESC, relname`,
    values: [],
  });
}

export async function indexUsage(scope: ReadScope): Promise<IndexUsage> {
  const [row] = await scope.query<IndexUsage>({
    text: `/* health.indexes */ SELECT count(*)::int AS "totalIndexes", (count(*) FILTER (WHERE idx_scan > 0))::int AS "usedIndexes",
        coalesce(round(count(*) FILTER (WHERE idx_scan > 0) * 100.0 / nullif(count(*), 0), 2), 0)::float8 AS "usagePercentage"
      FROM pg_stat_user_indexes WHERE schemaname = 'public'`,
    values: [],
  });
  return row ?? { totalIndexes: 0, usedIndexes: 0, usagePercentage: 0 };
}

/** Of the last 24 hours, over all server processes; up to ten seconds behind. */
export async function statementFigures(scope: ReadScope): Promise<StatementFigures> {
  const [row] = await scope.query<StatementFigures>({
    text: `/* health.statements */ SELECT coalesce(sum(calls), 0)::int8 AS calls, coalesce(sum(slow), 0)::int8 AS slow,
        (sum(total_ms) / nullif(sum(calls), 0))::float8 AS "averageMs"
      FROM statement_log WHERE minute >= now() - interval '24 hours'`,
    values: [],
  });
  return row ?? { calls: 0n, slow: 0n, averageMs: null };
}
