import { isDeepStrictEqual } from 'node:util';
import { enumValue } from '../../data/enum-value.ts';
import type { WriteTx } from '../../data/write.ts';
import { scoreContent } from './analysis.ts';
import { contentGlobalId } from './global-ids.ts';
import { updateAuthorRisk } from './platform-user.service.ts';
import type { ScoringHit } from './scoring.ts';
import { DETECTION_STATUSES } from './values.ts';

interface HitRow extends Omit<ScoringHit, 'status'> {
  contentId: string;
  status: string;
}

interface ContentRow {
  id: string;
  authorId: string | null;
  reliability: string;
  riskScore: number;
  riskLevel: string;
  analysisData: unknown;
  version: number;
}

/**
 * Computes the risk of contents anew from their detections, as part of the change that made it necessary. Contents whose
 * figures and their explanation stay the same are left alone. Gives how many changed.
 */
export async function rescoreContents(tx: WriteTx, contentIds: readonly string[]): Promise<number> {
  if (contentIds.length === 0) return 0;
  const contents = await tx.db.$queryRawUnsafe<ContentRow[]>(
    `/* intel.rescore.contents */ SELECT c.id, c.author_id AS "authorId", s.reliability, c.risk_score AS "riskScore", c.risk_level AS "riskLevel",
       c.analysis_data AS "analysisData", c.version
     FROM content c JOIN sources s ON s.tenant_id = c.tenant_id AND s.id = c.source_id
     WHERE c.tenant_id = $1::uuid AND c.id = ANY($2::uuid[]) ORDER BY c.id FOR UPDATE OF c`,
    tx.tenantId,
    contentIds,
  );
  const hits = await tx.db.$queryRawUnsafe<HitRow[]>(
    `/* intel.rescore.hits */ SELECT d.content_id AS "contentId", d.id AS "detectionId", d.keyword_id AS "keywordId", d.status,
       k.concept_id AS "conceptId", k.term, k.weight, NOT k.is_active AS excluded
     FROM detections d JOIN keywords k ON k.tenant_id = d.tenant_id AND k.id = d.keyword_id
     WHERE d.tenant_id = $1::uuid AND d.content_id = ANY($2::uuid[])`,
    tx.tenantId,
    contentIds,
  );
  const byContent = Map.groupBy(hits, (hit) => hit.contentId);
  const changed = contents
    .map((content) => {
      const own = (byContent.get(content.id) ?? []).map((hit) => ({
        ...hit,
        status: enumValue(DETECTION_STATUSES, hit.status),
      }));
      return { content, ...scoreContent(content.reliability, own) };
    })
    .filter(
      ({ content, risk, analysisData }) =>
        content.riskScore !== risk.score ||
        content.riskLevel !== risk.level ||
        !isDeepStrictEqual(explanationOf(content.analysisData), explanationOf(analysisData)),
    );
  await store(tx, changed);
  for (const { content, risk } of changed) {
    tx.emit({
      type: 'CONTENT_RESCORED',
      aggregateType: 'Content',
      aggregateId: content.id,
      aggregateVersion: content.version + 1,
      payload: {
        id: contentGlobalId(content.id),
        riskLevel: risk.level,
        riskScore: risk.score,
        before: { riskLevel: content.riskLevel, riskScore: content.riskScore },
      },
    });
  }
  await updateAuthorRisk(
    tx,
    changed.flatMap(({ content }) => (content.authorId ? [content.authorId] : [])),
  );
  return changed.length;
}

/** Which hits counted and why others did not; which detection stands for a hit says nothing new. */
function explanationOf(analysisData: unknown): unknown {
  const parts: unknown = Reflect.get(Object(analysisData), 'parts');
  if (!Array.isArray(parts)) return parts;
  return parts.map((part: object) => ({ ...part, detectionId: null }));
}

async function store(
  tx: WriteTx,
  changed: readonly (ReturnType<typeof scoreContent> & { content: ContentRow })[],
): Promise<void> {
  if (changed.length === 0) return;
  await tx.db.$executeRawUnsafe(
    `/* intel.rescore.store */ UPDATE content c SET risk_score = n.score, risk_level = n.level, analysis_data = n.data::jsonb,
       keywords = ARRAY(SELECT jsonb_array_elements_text(n.keywords::jsonb)), version = c.version + 1, updated_at = $7::timestamptz
     FROM unnest($2::uuid[], $3::float8[], $4::text[], $5::text[], $6::text[]) AS n(id, score, level, data, keywords)
     WHERE c.tenant_id = $1::uuid AND c.id = n.id`,
    tx.tenantId,
    changed.map(({ content }) => content.id),
    changed.map(({ risk }) => risk.score),
    changed.map(({ risk }) => risk.level),
    changed.map(({ analysisData }) => JSON.stringify(analysisData)),
    changed.map(({ keywords }) => JSON.stringify(keywords)),
    tx.now,
  );
}
