import type { Prisma } from '../../../generated/prisma/client.ts';
import type { WriteTx } from '../../data/write.ts';
import { scoreContent } from './analysis.ts';
import type { Prepared } from './content.prepare.ts';
import { type Analysed, analyse, contentRow, detectionRows, type Findings, type SourceFacts } from './content.rows.ts';
import { contentGlobalId } from './global-ids.ts';
import { storeIdentifiers } from './identifier.service.ts';
import type { CompiledKeywords } from './matcher-cache.ts';
import { updateAuthorRisk } from './platform-user.service.ts';

/**
 * An edited document: new text, new detections; decisions on detections that are still there stay. False when the row
 * has that text by now.
 */
export async function rewriteContent(
  tx: WriteTx,
  one: Prepared,
  contentId: string,
  findings: () => Promise<Findings>,
  sources: Map<string, SourceFacts>,
  compiled: CompiledKeywords,
): Promise<boolean> {
  const version = (await tx.lock('Content', contentId)) + 1;
  const where = { tenantId_id: { tenantId: tx.tenantId, id: contentId } };
  const before = await tx.db.content.findUniqueOrThrow({ where, select: { textHash: true, authorId: true } });
  if (before.textHash === one.textHash) return false;
  const next = analyse(one, await findings(), sources, new Map(), compiled);
  const decided = await replaceDetections(tx, contentId, next);
  await tx.db.contentIdentifier.deleteMany({ where: { tenantId: tx.tenantId, contentId } });
  await storeIdentifiers(tx, [{ contentId, identifiers: next.identifiers }]);
  const hits = next.scored.risk.breakdown.parts.map((part) => ({
    keywordId: part.keywordId,
    conceptId: part.conceptId,
    term: part.term,
    weight: part.weight,
    status: decided.get(part.keywordId) === 'DISMISSED' ? ('DISMISSED' as const) : ('NEW' as const),
  }));
  const scored = scoreContent(next.source.reliability, hits);
  const { title, text, textHash, url, metaData } = contentRow(tx, next);
  await tx.db.content.update({
    where,
    data: {
      title,
      text,
      textHash,
      url,
      metaData,
      riskLevel: scored.risk.level,
      riskScore: scored.risk.score,
      analysisData: scored.analysisData as Prisma.InputJsonObject,
      keywords: scored.keywords,
      version,
      updatedAt: tx.now,
    },
  });
  tx.emit({
    type: 'CONTENT_UPDATED',
    aggregateType: 'Content',
    aggregateId: contentId,
    aggregateVersion: version,
    payload: { id: contentGlobalId(contentId), riskLevel: scored.risk.level },
  });
  tx.audit({ action: 'content.update', resource: 'Content', resourceId: contentId });
  if (before.authorId) await updateAuthorRisk(tx, [before.authorId]);
  return true;
}

/** Puts the detections of the new text in place of the old ones. Gives the decisions that stay, by keyword. */
async function replaceDetections(tx: WriteTx, contentId: string, next: Analysed): Promise<Map<string, string>> {
  const old = await tx.db.detection.findMany({ where: { tenantId: tx.tenantId, contentId, status: { not: 'NEW' } } });
  const decided = new Map(old.map((row) => [row.keywordId, row]));
  const still = next.keywords.map((found) => found.keywordId);
  await tx.db.detection.deleteMany({
    where: { tenantId: tx.tenantId, contentId, OR: [{ status: 'NEW' }, { keywordId: { notIn: still } }] },
  });
  const added = next.keywords.filter((found) => !decided.has(found.keywordId));
  await tx.db.detection.createMany({ data: detectionRows(tx, contentId, added, 'LIVE') });
  for (const found of next.keywords) {
    const row = decided.get(found.keywordId);
    if (!row) continue;
    await tx.db.detection.update({
      where: { tenantId_id: { tenantId: tx.tenantId, id: row.id } },
      data: {
        keywordVersion: found.keywordVersion,
        spans: found.spans as unknown as Prisma.InputJsonArray,
        matchCount: found.matchCount,
        snippet: found.snippet,
        score: found.score,
      },
    });
  }
  return new Map(old.map((row) => [row.keywordId, row.status]));
}
