import { createHash } from 'node:crypto';
import type { Prisma } from '../../../generated/prisma/client.ts';
import type { WriteTx } from '../../data/write.ts';
import { InvalidInput } from '../../errors.ts';
import { newId } from '../../graphql/ids.ts';
import type { Services } from '../../services.ts';
import { type FoundIdentifier, type FoundKeyword, findIdentifiers, findKeywords, scoreContent } from './analysis.ts';
import { lockDictionary } from './dictionary.service.ts';
import { contentGlobalId, sourceGlobalId } from './global-ids.ts';
import { storeIdentifiers } from './identifier.service.ts';
import type { CompiledKeywords } from './matcher-cache.ts';
import { normaliseForMatching } from './matching/normalise.ts';
import { type AuthorInput, storeAuthors, updateAuthorRisk } from './platform-user.service.ts';
import type { Tlp } from './values.ts';

export const MAX_TEXT = 1_000_000;
export const MAX_TITLE = 500;
export const MAX_BATCH = 500;

/** One content as it comes in. */
export interface IngestItem {
  sourceId: string;
  externalId?: string | null;
  author?: AuthorInput | null;
  title?: string | null;
  text: string;
  language?: string | null;
  url?: string | null;
  postedAt?: Date | null;
  tlp?: Tlp | null;
  metaData?: Record<string, unknown> | null;
  /** what reported it: each origin counts once as a sighting */
  origin: string;
}

export type IngestOutcome = 'CREATED' | 'UPDATED' | 'UNCHANGED';

export interface IngestResult {
  contentId: string;
  outcome: IngestOutcome;
}

type SourceFacts = Prisma.SourceGetPayload<{ select: { id: true; reliability: true; country: true } }>;

interface Prepared {
  item: IngestItem;
  key: string;
  textHash: string;
}

interface Analysed extends Prepared {
  id: string;
  source: SourceFacts;
  authorId: string | null;
  keywords: FoundKeyword[];
  identifiers: FoundIdentifier[];
  scored: ReturnType<typeof scoreContent>;
}

/**
 * Takes contents in: a content that is there already (same source and external id, else same text and time of posting)
 * is left as it is, or brought up to date when its text was edited. Detections, identifiers, risk, flags and events are
 * part of the same transaction. Results stand in the order of the items.
 */
export async function ingestContents(
  tx: WriteTx,
  services: Pick<Services, 'matchers'>,
  items: readonly IngestItem[],
): Promise<IngestResult[]> {
  if (items.length > MAX_BATCH)
    throw new InvalidInput(`${items.length} items: a batch holds ${MAX_BATCH} at most`, ['items']);
  const prepared = items.map(prepare);
  const sources = await sourcesOf(tx, items);
  const { version } = await lockDictionary(tx);
  const compiled = await services.matchers.get(tx.db, tx.tenantId, version);
  const existing = await existingOf(tx, prepared);
  const fresh = new Map<string, Prepared>();
  for (const one of prepared) if (!existing.has(one.key) && !fresh.has(one.key)) fresh.set(one.key, one);
  const edited = prepared.filter((one) => {
    const known = existing.get(one.key);
    return known && known.textHash !== one.textHash;
  });
  const authors = await storeAuthors(
    tx,
    [...fresh.values()].map(({ item }) => ({ sourceId: item.sourceId, author: item.author ?? null })),
  );
  const analysed = [...fresh.values()].map((one) => analyse(one, sources, authors, compiled));
  const created = await createContents(tx, analysed);
  // What another transaction created in between counts as there already.
  const idOf = new Map([...existing].map(([key, { id }]) => [key, id]));
  for (const one of analysed) if (created.has(one.id)) idOf.set(one.key, one.id);
  await findRaced(
    tx,
    analysed.filter((one) => !created.has(one.id)),
    idOf,
  );
  for (const one of edited) await rewriteContent(tx, one, idOf.get(one.key) ?? '', sources, compiled);
  await storeSightings(tx, prepared, idOf);
  const editedKeys = new Set(edited.map((one) => one.key));
  const seen = new Set<string>();
  return prepared.map(({ key }) => {
    const contentId = idOf.get(key) ?? '';
    const first = !seen.has(key);
    seen.add(key);
    const outcome = !first
      ? 'UNCHANGED'
      : created.has(contentId)
        ? 'CREATED'
        : editedKeys.has(key)
          ? 'UPDATED'
          : 'UNCHANGED';
    return { contentId, outcome };
  });
}

function prepare(item: IngestItem, index: number): Prepared {
  const path = ['items', String(index)];
  if (item.text.trim() === '') throw new InvalidInput('the text is empty', [...path, 'text']);
  if (item.text.length > MAX_TEXT)
    throw new InvalidInput(`the text has ${item.text.length} characters: ${MAX_TEXT} at most`, [...path, 'text']);
  if ((item.title?.length ?? 0) > MAX_TITLE)
    throw new InvalidInput(`the title is longer than ${MAX_TITLE} characters`, [...path, 'title']);
  const hash = (text: string) => createHash('sha256').update(text).digest('hex');
  const own = item.externalId
    ? `x:${item.externalId}`
    : `h:${hash(normaliseForMatching(item.text).text)}:${item.postedAt?.toISOString() ?? ''}`;
  return { item: storable(item), key: `${item.sourceId}/${own}`, textHash: hash(`${item.title ?? ''}\n${item.text}`) };
}

/** PostgreSQL holds neither U+0000 nor lone surrogates. */
function storable(item: IngestItem): IngestItem {
  const clean = (text: string) => text.replaceAll('\0', '\u{fffd}').toWellFormed();
  return { ...item, text: clean(item.text), title: item.title ? clean(item.title) : null };
}

async function sourcesOf(tx: WriteTx, items: readonly IngestItem[]): Promise<Map<string, SourceFacts>> {
  const ids = [...new Set(items.map((item) => item.sourceId))];
  const rows = await tx.db.source.findMany({
    where: { tenantId: tx.tenantId, id: { in: ids } },
    select: { id: true, reliability: true, country: true },
  });
  const sources = new Map(rows.map((row) => [row.id, row]));
  const missing = items.findIndex((item) => !sources.has(item.sourceId));
  if (missing >= 0) throw new InvalidInput('there is no such source', ['items', String(missing), 'sourceId']);
  return sources;
}

async function existingOf(
  tx: WriteTx,
  prepared: readonly Prepared[],
): Promise<Map<string, { id: string; textHash: string }>> {
  const bySource = Map.groupBy(prepared, ({ item }) => item.sourceId);
  const found = new Map<string, { id: string; textHash: string }>();
  for (const [sourceId, group] of bySource) {
    const rows = await tx.db.content.findMany({
      where: { tenantId: tx.tenantId, sourceId, dedupeKey: { in: group.map(({ key }) => dedupeKeyOf(key)) } },
      select: { id: true, dedupeKey: true, textHash: true },
    });
    for (const row of rows) found.set(`${sourceId}/${row.dedupeKey}`, row);
  }
  return found;
}

const UUID_LENGTH = 36;
function dedupeKeyOf(key: string): string {
  return key.slice(UUID_LENGTH + 1);
}

function analyse(
  one: Prepared,
  sources: Map<string, SourceFacts>,
  authors: Map<string, string>,
  compiled: CompiledKeywords,
): Analysed {
  const { item } = one;
  const source = sources.get(item.sourceId);
  if (!source) throw new InvalidInput('there is no such source', ['sourceId']);
  const text = { title: item.title ?? null, text: item.text };
  const keywords = findKeywords(text, source.reliability, compiled);
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
    identifiers: findIdentifiers(text, source.country),
    scored: scoreContent(source.reliability, hits),
  };
}

/** Inserts what is not there yet and everything that hangs on it; gives the ids that were really created. */
async function createContents(tx: WriteTx, analysed: readonly Analysed[]): Promise<ReadonlySet<string>> {
  if (analysed.length === 0) return new Set();
  const rows = await tx.db.content.createManyAndReturn({
    data: analysed.map((one) => contentRow(tx, one)),
    skipDuplicates: true,
    select: { id: true },
  });
  const created = new Set(rows.map((row) => row.id));
  const fresh = analysed.filter((one) => created.has(one.id));
  await tx.db.detection.createMany({ data: fresh.flatMap((one) => detectionRows(tx, one.id, one.keywords, 'LIVE')) });
  await storeIdentifiers(
    tx,
    fresh.map((one) => ({ contentId: one.id, identifiers: one.identifiers })),
  );
  const sourceIds = [...new Set(fresh.map((one) => one.source.id))];
  if (sourceIds.length > 0) {
    await tx.db.source.updateMany({
      where: { tenantId: tx.tenantId, id: { in: sourceIds } },
      data: { lastIngestedAt: tx.now },
    });
  }
  for (const one of fresh) {
    tx.emit({
      type: 'CONTENT_INGESTED',
      aggregateType: 'Content',
      aggregateId: one.id,
      aggregateVersion: 1,
      payload: {
        id: contentGlobalId(one.id),
        sourceId: sourceGlobalId(one.source.id),
        externalId: one.item.externalId ?? null,
        riskLevel: one.scored.risk.level,
        riskScore: one.scored.risk.score,
        detections: one.keywords.length,
        identifiers: one.identifiers.length,
      },
    });
  }
  if (fresh.length > 0)
    tx.audit({ action: 'content.ingest', resource: 'Content', metadata: { created: fresh.length } });
  await updateAuthorRisk(
    tx,
    fresh.flatMap((one) => (one.authorId ? [one.authorId] : [])),
  );
  return created;
}

function contentRow(tx: WriteTx, one: Analysed): Prisma.ContentCreateManyInput {
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
    postedAt: item.postedAt ?? tx.now,
    createdAt: tx.now,
    updatedAt: tx.now,
  };
}

/** Detections of one content as rows. */
export function detectionRows(
  tx: WriteTx,
  contentId: string,
  keywords: readonly FoundKeyword[],
  origin: 'LIVE' | 'RETRO',
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
    createdAt: tx.now,
    updatedAt: tx.now,
  }));
}

async function findRaced(tx: WriteTx, raced: readonly Prepared[], idOf: Map<string, string>): Promise<void> {
  if (raced.length === 0) return;
  for (const [key, { id }] of await existingOf(tx, raced)) idOf.set(key, id);
}

/** An edited document: new text, new detections; decisions on detections that are still there stay. */
async function rewriteContent(
  tx: WriteTx,
  one: Prepared,
  contentId: string,
  sources: Map<string, SourceFacts>,
  compiled: CompiledKeywords,
): Promise<void> {
  const version = (await tx.lock('Content', contentId)) + 1;
  const next = analyse(one, sources, new Map(), compiled);
  const old = await tx.db.detection.findMany({ where: { tenantId: tx.tenantId, contentId } });
  const decided = new Map(old.filter((row) => row.status !== 'NEW').map((row) => [row.keywordId, row.status]));
  const still = new Set(next.keywords.map((found) => found.keywordId));
  await tx.db.detection.deleteMany({
    where: { tenantId: tx.tenantId, contentId, OR: [{ status: 'NEW' }, { keywordId: { notIn: [...still] } }] },
  });
  const added = next.keywords.filter((found) => !decided.has(found.keywordId));
  await tx.db.detection.createMany({ data: detectionRows(tx, contentId, added, 'LIVE') });
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
    where: { tenantId_id: { tenantId: tx.tenantId, id: contentId } },
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
}

async function storeSightings(
  tx: WriteTx,
  prepared: readonly Prepared[],
  idOf: ReadonlyMap<string, string>,
): Promise<void> {
  const rows = prepared.flatMap(({ key, item }) => {
    const contentId = idOf.get(key);
    return contentId ? [{ tenantId: tx.tenantId, contentId, origin: item.origin, seenAt: tx.now }] : [];
  });
  await tx.db.contentSighting.createMany({ data: rows, skipDuplicates: true });
}
