import type { Prisma } from '../../../generated/prisma/client.ts';
import { enumValue } from '../../data/enum-value.ts';
import { compileSteps, MATCH_TYPES, type Matcher } from './matching/dictionary.ts';
import { givingWay } from './matching/give-way.ts';

/** What scoring and detections need of a keyword. */
export interface KeywordFacts {
  id: string;
  term: string;
  matchType: string;
  gap: number;
  conceptId: string;
  weight: number;
  version: number;
}

export interface CompiledKeywords {
  matcher: Matcher;
  keywords: ReadonlyMap<string, KeywordFacts>;
}

const MAX_CACHED = 20;

/**
 * Compiled dictionaries of the tenants that were used last. The key holds the dictionary's version: a change of a
 * keyword makes a new key, so that nothing stale is ever matched with.
 */
export class MatcherCache {
  readonly #compiled = new Map<string, CompiledKeywords>();

  /** The active keywords that changed after `since` (0: all), compiled, as of the dictionary's `version`. */
  async get(db: Prisma.TransactionClient, tenantId: string, version: number, since = 0): Promise<CompiledKeywords> {
    const key = `${tenantId}:${version}:${since}`;
    const known = this.#compiled.get(key);
    if (known) {
      // Most recently used last.
      this.#compiled.delete(key);
      this.#compiled.set(key, known);
      return known;
    }
    const rows = await db.keyword.findMany({
      where: { tenantId, isActive: true, dictionaryVersion: { gt: since, lte: version } },
      select: { id: true, term: true, matchType: true, gap: true, conceptId: true, weight: true, version: true },
      orderBy: { id: 'asc' },
    });
    const compiled = await givingWay(compileKeywords(rows));
    this.#compiled.set(key, compiled);
    for (const oldest of this.#compiled.keys()) {
      if (this.#compiled.size <= MAX_CACHED) break;
      this.#compiled.delete(oldest);
    }
    return compiled;
  }
}

export function* compileKeywords(rows: readonly KeywordFacts[]): Generator<void, CompiledKeywords> {
  const entries = rows.map((row) => ({
    keywordId: row.id,
    version: row.version,
    term: row.term,
    matchType: enumValue(MATCH_TYPES, row.matchType),
    gap: row.gap,
  }));
  return { matcher: yield* compileSteps(entries), keywords: new Map(rows.map((row) => [row.id, row])) };
}
