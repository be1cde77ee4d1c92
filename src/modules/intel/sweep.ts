import type { Viewer } from '../../access/viewer.ts';
import { type WriteTx, withWrite } from '../../data/write.ts';
import type { Services } from '../../services.ts';
import { type FoundKeyword, findKeywords, isLongWork } from './analysis.ts';
import { digestOf } from './content.findings.ts';
import { detectionRows } from './content.rows.ts';
import type { CompiledKeywords } from './matcher-cache.ts';
import { givingWay } from './matching/give-way.ts';
import { rescoreContents } from './rescore.ts';

const BATCH = 250;
/** Bytes of text from which on no further content is taken into a batch. */
const BATCH_BYTES = 4_000_000;
const BATCH_TIMEOUT_MS = 60_000;

export interface SweepProgress {
  scanned: number;
  detections: number;
  rescored: number;
}

interface State {
  version: number;
  sweptVersion: number;
  sweepVersion: number | null;
  sweepCursor: string | null;
}

interface ContentText {
  id: string;
  title: string | null;
  text: string;
  textHash: string;
  reliability: string;
  /** how many there are from the first of the batch on, up to one more than a batch holds */
  left: number;
}

/**
 * Matches content that was there before against keywords that changed since: batch by batch, each a transaction that
 * also moves the cursor, so that a sweep that was killed goes on where it stood and nothing is done twice. Only one
 * process sweeps a tenant at a time: the dictionary's row is locked for each batch.
 */
export async function sweepDictionary(
  services: Pick<Services, 'write' | 'matchers'>,
  viewer: Viewer,
  options: { signal?: AbortSignal; onProgress?: (progress: SweepProgress) => void } = {},
): Promise<SweepProgress> {
  const total: SweepProgress = { scanned: 0, detections: 0, rescored: 0 };
  while (!options.signal?.aborted) {
    const { value: step } = await withWrite(services.write, viewer, 'intel.sweep', (tx) => sweepBatch(tx, services), {
      timeout: BATCH_TIMEOUT_MS,
    });
    if (step === null) break;
    total.scanned += step.scanned;
    total.detections += step.detections;
    total.rescored += step.rescored;
    options.onProgress?.(total);
  }
  return total;
}

/** One batch; null when everything is swept. */
async function sweepBatch(tx: WriteTx, services: Pick<Services, 'matchers'>): Promise<SweepProgress | null> {
  const state = await lockState(tx);
  if (!state || state.sweptVersion >= state.version) return null;
  const target = state.sweepVersion ?? state.version;
  const contents = await nextContents(tx, state.sweepCursor);
  const last = contents.at(-1);
  const done = contents.length === (last?.left ?? 0);
  await tx.db.dictionary.update({
    where: { tenantId: tx.tenantId },
    data: done
      ? { sweptVersion: target, sweepVersion: null, sweepCursor: null }
      : { sweepVersion: target, sweepCursor: last?.id ?? null },
  });
  if (contents.length === 0) return { scanned: 0, detections: 0, rescored: 0 };
  const compiled = await services.matchers.get(tx.db, tx.tenantId, target, state.sweptVersion);
  return matchBatch(tx, contents, compiled, state.sweptVersion, target);
}

/** The next contents by id: as many as a batch holds, and the first of them however long it is. */
function nextContents(tx: WriteTx, after: string | null): Promise<ContentText[]> {
  return tx.db.$queryRawUnsafe(
    `/* intel.sweep.contents */ SELECT id, title, text, "textHash", reliability, "left" FROM (
       SELECT n.*, count(*) OVER ()::int AS "left", sum(octet_length(text)) OVER (ORDER BY id) - octet_length(text) AS before
       FROM (SELECT c.id, c.title, c.text, c.text_hash AS "textHash", s.reliability FROM content c
         JOIN sources s ON s.tenant_id = c.tenant_id AND s.id = c.source_id
         WHERE c.tenant_id = $1::uuid AND c.id > $2::uuid ORDER BY c.id LIMIT ${BATCH + 1}) n) m
     WHERE before < ${BATCH_BYTES} ORDER BY id LIMIT ${BATCH}`,
    tx.tenantId,
    after ?? '00000000-0000-0000-0000-000000000000',
  );
}

/** The sweeper takes turns with other sweepers, and with changes of keywords, on the dictionary's row. */
async function lockState(tx: WriteTx): Promise<State | undefined> {
  const [row] = await tx.db.$queryRawUnsafe<State[]>(
    `SELECT version, swept_version AS "sweptVersion", sweep_version AS "sweepVersion", sweep_cursor AS "sweepCursor"
     FROM dictionaries WHERE tenant_id = $1::uuid FOR NO KEY UPDATE`,
    tx.tenantId,
  );
  return row;
}

interface Match {
  content: ContentText;
  match: FoundKeyword;
}

function* matchEach(contents: readonly ContentText[], compiled: CompiledKeywords): Generator<void, Match[]> {
  const found: Match[] = [];
  for (const content of contents) {
    for (const match of yield* findKeywords(content, content.reliability, compiled)) found.push({ content, match });
    yield;
  }
  return found;
}

async function matchBatch(
  tx: WriteTx,
  contents: readonly ContentText[],
  compiled: CompiledKeywords,
  since: number,
  target: number,
): Promise<SweepProgress> {
  const ids = contents.map((content) => content.id);
  // Keywords that were changed, active or not: what is known of them may be out of date.
  const changed = { tenantId: tx.tenantId, dictionaryVersion: { gt: since, lte: target } };
  const known = await tx.db.detection.findMany({
    where: { tenantId: tx.tenantId, contentId: { in: ids }, keyword: changed },
    select: { id: true, contentId: true, keywordId: true, status: true, keywordVersion: true },
  });
  const knownKeys = new Map(known.map((row) => [`${row.contentId}/${row.keywordId}`, row]));
  const touched = new Set(known.map((row) => row.contentId));
  const match = () => givingWay(matchEach(contents, compiled));
  const characters = contents.reduce((sum, { text }) => sum + text.length, 0);
  const what = () =>
    digestOf([since, target, ...contents.map(({ id, textHash, reliability }) => [id, textHash, reliability])]);
  const found = await (isLongWork(characters, compiled) ? tx.beforehand(what(), match) : match());
  const stale = new Set(knownKeys.keys());
  const rows = [];
  for (const { content, match } of found) {
    const key = `${content.id}/${match.keywordId}`;
    stale.delete(key);
    touched.add(content.id);
    const old = knownKeys.get(key);
    if (!old) rows.push(...detectionRows(tx, content.id, [match], 'RETRO'));
    else if (old.keywordVersion !== match.keywordVersion) {
      await tx.db.detection.update({
        where: { tenantId_id: { tenantId: tx.tenantId, id: old.id } },
        data: {
          keywordVersion: match.keywordVersion,
          spans: match.spans as never,
          matchCount: match.matchCount,
          score: match.score,
        },
      });
    }
  }
  await tx.db.detection.createMany({ data: rows, skipDuplicates: true });
  // A keyword that no longer matches takes back what nobody has decided on; one that was switched off takes back nothing.
  const active = new Set(compiled.keywords.keys());
  const gone = [...stale]
    .map((key) => knownKeys.get(key))
    .filter((row) => row?.status === 'NEW' && active.has(row.keywordId));
  if (gone.length > 0) {
    await tx.db.detection.deleteMany({
      where: { tenantId: tx.tenantId, id: { in: gone.flatMap((row) => (row ? [row.id] : [])) } },
    });
  }
  const rescored = await rescoreContents(tx, [...touched]);
  return { scanned: contents.length, detections: rows.length, rescored };
}
