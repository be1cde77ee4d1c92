import type { WriteTx } from '../../data/write.ts';
import { InvalidInput } from '../../errors.ts';
import type { Services } from '../../services.ts';
import { rewriteContent } from './content.edit.ts';
import { type Finder, findAll } from './content.findings.ts';
import { dedupeKeyOf, type IngestItem, MAX_BATCH, type Prepared, prepare } from './content.prepare.ts';
import { type Analysed, analyse, contentRow, detectionRows, type SourceFacts } from './content.rows.ts';
import { lockDictionary } from './dictionary.service.ts';
import { contentGlobalId, sourceGlobalId } from './global-ids.ts';
import { storeIdentifiers } from './identifier.service.ts';
import type { CompiledKeywords } from './matcher-cache.ts';
import { storeAuthors, updateAuthorRisk } from './platform-user.service.ts';

export type { IngestItem } from './content.prepare.ts';

export type IngestOutcome = 'CREATED' | 'UPDATED' | 'UNCHANGED';

export interface IngestResult {
  contentId: string;
  outcome: IngestOutcome;
}

/**
 * Takes contents in: a content that is there already (same source and external id, else same text and time of posting)
 * is left as it is, or, when it has an external id and another text, brought up to date. Detections, identifiers, risk,
 * flags and events are part of the same transaction. Results stand in the order of the items.
 *
 * @param pathOf where an item stands in the input, for error messages
 */
export async function ingestContents(
  tx: WriteTx,
  services: Pick<Services, 'matchers'>,
  items: readonly IngestItem[],
  pathOf: (index: number) => readonly string[] = (index) => ['items', String(index)],
): Promise<IngestResult[]> {
  if (items.length > MAX_BATCH)
    throw new InvalidInput(`${items.length} items: a batch holds ${MAX_BATCH} at most`, ['items']);
  const prepared = items.map((item, i) => prepare(item, pathOf(i)));
  const sources = await sourcesOf(tx, items, pathOf);
  const { version } = await lockDictionary(tx);
  const compiled = await services.matchers.get(tx.db, tx.tenantId, version);
  const known = await existingOf(tx, prepared);
  const fresh = new Map<string, Prepared>();
  for (const one of prepared) if (!known.has(one.key) && !fresh.has(one.key)) fresh.set(one.key, one);
  const changed = prepared.filter((one) => isEdit(one, known.get(one.key) ?? fresh.get(one.key)));
  const finder = await findAll(tx, [...fresh.values(), ...changed], sources, compiled, version);
  const authors = await storeAuthors(
    tx,
    [...fresh.values()].map(({ item }) => ({ sourceId: item.sourceId, author: item.author ?? null })),
  );
  const analysed: Analysed[] = [];
  for (const one of fresh.values()) analysed.push(analyse(one, await finder.of(one), sources, authors, compiled));
  const created = await createContents(tx, analysed);
  for (const one of analysed) if (created.has(one.id)) known.set(one.key, { id: one.id, textHash: one.textHash });
  // What another transaction created in between counts as there already.
  const raced = analysed.filter((one) => !created.has(one.id));
  if (raced.length > 0) for (const [key, row] of await existingOf(tx, raced)) known.set(key, row);
  const edited = await rewriteEdited(tx, prepared, known, finder, sources, compiled);
  await storeSightings(tx, prepared, known);
  const seen = new Set<string>();
  return prepared.map(({ key }, i) => {
    const contentId = known.get(key)?.id ?? '';
    const first = !seen.has(key);
    seen.add(key);
    if (first && created.has(contentId)) return { contentId, outcome: 'CREATED' };
    return { contentId, outcome: edited.has(i) ? 'UPDATED' : 'UNCHANGED' };
  });
}

/** What the tenant has of a content that came in. */
type Known = Map<string, { id: string; textHash: string }>;

/** Brings contents up to date, in the order of the input. Gives the indexes of the items that changed something. */
async function rewriteEdited(
  tx: WriteTx,
  prepared: readonly Prepared[],
  known: Known,
  finder: Finder,
  sources: Map<string, SourceFacts>,
  compiled: CompiledKeywords,
): Promise<Set<number>> {
  const edited = new Set<number>();
  for (const [i, one] of prepared.entries()) {
    const row = known.get(one.key);
    if (!row || !isEdit(one, row)) continue;
    if (await rewriteContent(tx, one, row.id, () => finder.of(one), sources, compiled)) edited.add(i);
    row.textHash = one.textHash;
  }
  return edited;
}

/** Without an external id its own words told the content: they were not edited. */
function isEdit(one: Prepared, row: { textHash: string } | undefined): boolean {
  return row !== undefined && Boolean(one.item.externalId) && row.textHash !== one.textHash;
}

async function sourcesOf(
  tx: WriteTx,
  items: readonly IngestItem[],
  pathOf: (index: number) => readonly string[],
): Promise<Map<string, SourceFacts>> {
  const ids = [...new Set(items.map((item) => item.sourceId))];
  const rows = await tx.db.source.findMany({
    where: { tenantId: tx.tenantId, id: { in: ids } },
    select: { id: true, reliability: true, country: true },
  });
  const sources = new Map(rows.map((row) => [row.id, row]));
  const missing = items.findIndex((item) => !sources.has(item.sourceId));
  if (missing >= 0) throw new InvalidInput('there is no such source', [...pathOf(missing), 'sourceId']);
  return sources;
}

async function existingOf(tx: WriteTx, prepared: readonly Prepared[]): Promise<Known> {
  const bySource = Map.groupBy(prepared, ({ item }) => item.sourceId);
  const found: Known = new Map();
  for (const [sourceId, group] of bySource) {
    const rows = await tx.db.content.findMany({
      where: { tenantId: tx.tenantId, sourceId, dedupeKey: { in: group.map(({ key }) => dedupeKeyOf(key)) } },
      select: { id: true, dedupeKey: true, textHash: true },
    });
    for (const row of rows) found.set(`${sourceId}/${row.dedupeKey}`, row);
  }
  return found;
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
  await tx.db.detection.createMany({
    data: fresh.flatMap((one) => detectionRows(tx, one.id, one.keywords, 'LIVE', one.item.receivedAt ?? tx.now)),
  });
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

async function storeSightings(tx: WriteTx, prepared: readonly Prepared[], known: Known): Promise<void> {
  const rows = prepared.flatMap(({ key, item }) => {
    const contentId = known.get(key)?.id;
    return contentId
      ? [{ tenantId: tx.tenantId, contentId, origin: item.origin, seenAt: item.receivedAt ?? tx.now }]
      : [];
  });
  await tx.db.contentSighting.createMany({ data: rows, skipDuplicates: true });
}
