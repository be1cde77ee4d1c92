import type { Prisma } from '../../../generated/prisma/client.ts';
import type { WriteTx } from '../../data/write.ts';
import { InvalidInput } from '../../errors.ts';
import { newId } from '../../graphql/ids.ts';
import { type FoundIdentifier, type FoundKeyword, findIdentifiers, findKeywords, scoreContent } from './analysis.ts';
import { dedupeKeyOf, type Prepared } from './content.prepare.ts';
import type { CompiledKeywords } from './matcher-cache.ts';

export type SourceFacts = Prisma.SourceGetPayload<{ select: { id: true; reliability: true; country: true } }>;

/** What stands in a content. */
export interface Findings {
  keywords: FoundKeyword[];
  identifiers: FoundIdentifier[];
}

/** A content with all that was found in it. */
export interface Analysed extends Prepared, Findings {
  id: string;
  source: SourceFacts;
  authorId: string | null;
  scored: ReturnType<typeof scoreContent>;
}

/** Finds keywords and identifiers in a content, step by step. */
export function* findIn(
  { item }: Prepared,
  sources: ReadonlyMap<string, SourceFacts>,
  compiled: CompiledKeywords,
): Generator<void, Findings> {
  const { reliability, country } = sourceOf(item.sourceId, sources);
  const text = { title: item.title ?? null, text: item.text };
  const keywords = yield* findKeywords(text, reliability, compiled);
  return { keywords, identifiers: yield* findIdentifiers(text, country) };
}

function sourceOf(id: string, sources: ReadonlyMap<string, SourceFacts>): SourceFacts {
  const source = sources.get(id);
  if (!source) throw new InvalidInput('there is no such source', ['sourceId']);
  return source;
}

/** Scores a content by what was found in it. */
export function analyse(
  one: Prepared,
  { keywords, identifiers }: Findings,
  sources: ReadonlyMap<string, SourceFacts>,
  authors: ReadonlyMap<string, string>,
  compiled: CompiledKeywords,
): Analysed {
  const { item } = one;
  const source = sourceOf(item.sourceId, sources);
  const hits = keywords.flatMap(({ keywordId }) => {
    const keyword = compiled.keywords.get(keywordId);
    return keyword
      ? [
          {
            keywordId,
            conceptId: keyword.conceptId,
            term: keyword.term,
            weight: keyword.weight,
            status: 'NEW' as const,
          },
        ]
      : [];
  });
  return {
    ...one,
    id: newId(),
    source,
    authorId: item.author ? (authors.get(`${item.sourceId}/${item.author.platformUserId}`) ?? null) : null,
    keywords,
    identifiers,
    scored: scoreContent(source.reliability, hits),
  };
}

/** A content as a row. */
export function contentRow(tx: WriteTx, one: Analysed): Prisma.ContentCreateManyInput {
  const { item, scored } = one;
  return {
    tenantId: tx.tenantId,
    id: one.id,
    sourceId: item.sourceId,
    authorId: one.authorId,
    createdById: tx.viewer.memberId,
    externalId: item.externalId ?? null,
    dedupeKey: dedupeKeyOf(one.key),
    title: item.title ?? null,
    text: item.text,
    textHash: one.textHash,
    language: item.language ?? 'und',
    url: item.url ?? null,
    status: 'ANALYZED',
    riskLevel: scored.risk.level,
    riskScore: scored.risk.score,
    analysisData: scored.analysisData as Prisma.InputJsonObject,
    keywords: scored.keywords,
    metaData: (item.metaData ?? {}) as Prisma.InputJsonObject,
    tlp: item.tlp ?? 'GREEN',
    postedAt: item.postedAt ?? item.receivedAt ?? tx.now,
    createdAt: item.receivedAt ?? tx.now,
    updatedAt: item.receivedAt ?? tx.now,
  };
}

/** Detections of one content as rows. */
export function detectionRows(
  tx: WriteTx,
  contentId: string,
  keywords: readonly FoundKeyword[],
  origin: 'LIVE' | 'RETRO',
  at = tx.now,
): Prisma.DetectionCreateManyInput[] {
  return keywords.map((found) => ({
    tenantId: tx.tenantId,
    id: newId(),
    contentId,
    keywordId: found.keywordId,
    keywordVersion: found.keywordVersion,
    spans: found.spans as unknown as Prisma.InputJsonArray,
    matchCount: found.matchCount,
    snippet: found.snippet,
    score: found.score,
    origin,
    createdAt: at,
    updatedAt: at,
  }));
}
