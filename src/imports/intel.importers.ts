import { basename } from 'node:path';
import type { Viewer } from '../access/viewer.ts';
import { type ColumnMap, parseColumnMap } from '../data/columns.ts';
import { withReadScope } from '../data/read-scope.ts';
import { withWrite } from '../data/write.ts';
import {
  CONTENT_COLUMNS,
  type ContentColumn,
  type ContentRecord,
  contentColumns,
  toContent,
} from '../modules/intel/content.import.ts';
import { ingestContents } from '../modules/intel/content.ingest.ts';
import { KEYWORD_COLUMNS, type KeywordColumn, keywordColumns, toKeywords } from '../modules/intel/keyword.import.ts';
import { createKeywords, type KeywordInput } from '../modules/intel/keyword.service.ts';
import { ensureSources } from '../modules/intel/source.service.ts';
import { sweepDictionary } from '../modules/intel/sweep.ts';
import type { Services } from '../services.ts';
import type { ImportOptions } from './import.ts';
import { progressBar } from './progress.ts';

const TIMEOUT_MS = 60_000;

/** How a kind of file becomes rows. */
export interface Importer<T> {
  /** the items of one record; throws DomainError naming the column */
  parse(record: Record<string, unknown>): T[];
  store(items: readonly T[]): Promise<{ created: number; updated: number; unchanged: number }>;
  /** the columns that were taken, in words */
  mapping(): string;
  /** what the reader should know of rows that were taken all the same */
  notes(): string[];
}

/**
 * Columns are guessed for each set of them, since rows of a JSONL file need not have the same ones. A field keeps the
 * column that it was first read from: were the id to change its column halfway, rows would be taken for others.
 */
function guesser<F extends string>(guess: (record: Record<string, unknown>, given: ColumnMap<F>) => ColumnMap<F>) {
  const maps = new Map<string, ColumnMap<F>>();
  const chosen: ColumnMap<F> = {};
  return {
    of: (record: Record<string, unknown>): ColumnMap<F> => {
      const shape = Object.keys(record).join('\0');
      let map = maps.get(shape);
      if (!map) {
        const kept = Object.entries(chosen).filter(([, column]) => Object.hasOwn(record, String(column)));
        const guessed = Object.entries(guess(record, Object.fromEntries(kept) as ColumnMap<F>));
        map = Object.fromEntries(
          guessed.filter(([field, column]) => (chosen[field as F] ?? column) === column),
        ) as ColumnMap<F>;
        Object.assign(chosen, map);
        maps.set(shape, map);
      }
      return map;
    },
    toString: () =>
      Object.entries(chosen)
        .map(([field, column]) => `${field}=${column}`)
        .join(', '),
  };
}

export function contentImporter(
  services: Services,
  viewer: Viewer,
  file: string,
  options: ImportOptions,
): Importer<ContentRecord> {
  const given = options.map ? parseColumnMap<ContentColumn>(CONTENT_COLUMNS, options.map) : {};
  const map = guesser<ContentColumn>((record, kept) => contentColumns(record, { ...kept, ...given }));
  const unread = new Map<string, number>();
  const origin = `file:${basename(file)}`.slice(0, 500);
  const fallback = options.source ?? basename(file).replace(/\.(jsonl|ndjson|csv|tsv)(\.gz)?$/i, '');
  return {
    parse: (record) => {
      const content = toContent(record, map.of(record), origin);
      for (const column of content.unread) unread.set(column, (unread.get(column) ?? 0) + 1);
      return [content];
    },
    notes: () =>
      [...unread].map(([column, count]) => `${column}: ${count} values were not understood; they stand in metaData`),
    store: async (records) => {
      const { value } = await withWrite(
        services.write,
        viewer,
        'content.import',
        async (tx) => {
          const names = [...new Set(records.map((record) => record.source ?? fallback))];
          const sources = await ensureSources(
            tx,
            names.map((name) => ({ name, kind: options.kind, externalRef: name })),
          );
          const ids = new Map(names.map((name, i) => [name, sources[i]?.id ?? '']));
          return ingestContents(
            tx,
            services,
            records.map((record) => ({ ...record, sourceId: ids.get(record.source ?? fallback) ?? '' })),
          );
        },
        { timeout: TIMEOUT_MS },
      );
      const count = (outcome: string) => value.filter((result) => result.outcome === outcome).length;
      return { created: count('CREATED'), updated: count('UPDATED'), unchanged: count('UNCHANGED') };
    },
    mapping: () => map.toString(),
  };
}

export function keywordImporter(services: Services, viewer: Viewer, options: ImportOptions): Importer<KeywordInput> {
  const given = options.map ? parseColumnMap<KeywordColumn>(KEYWORD_COLUMNS, options.map) : {};
  const map = guesser<KeywordColumn>((record, kept) => keywordColumns(record, { ...kept, ...given }));
  return {
    parse: (record) => toKeywords(record, map.of(record), options),
    notes: () => [],
    store: async (keywords) => {
      const { value } = await withWrite(
        services.write,
        viewer,
        'keyword.import',
        (tx) => createKeywords(tx, keywords),
        { timeout: TIMEOUT_MS },
      );
      const created = value.filter((result) => result.created).length;
      return { created, updated: 0, unchanged: value.length - created };
    },
    mapping: () => map.toString(),
  };
}

/** Matches the content that is there with what changed in the dictionary, and says what came of it. */
export async function finishKeywords(services: Services, viewer: Viewer): Promise<void> {
  const [row] = await withReadScope(services.read, viewer, (scope) =>
    scope.query<{ count: number }>({
      text: 'SELECT count(*)::int AS count FROM content WHERE tenant_id = $1::uuid',
      values: [viewer.tenantId],
    }),
  );
  const total = row?.count ?? 0;
  const start = performance.now();
  const bar = progressBar('matching');
  const { signal } = services.streams;
  const done = await sweepDictionary(services, viewer, {
    signal,
    onProgress: (progress) => bar.update(progress.scanned, total, `${progress.detections} detections`),
  }).finally(() => bar.stop());
  const seconds = (performance.now() - start) / 1_000;
  const rest = total - done.scanned;
  const others = rest > 0 && done.scanned > 0 ? `; a running server has done the other ${rest}` : '';
  console.log(
    `matching: ${done.scanned} contents, ${done.detections} new detections, ${done.rescored} scores changed in ${seconds.toFixed(1)} s${others}`,
  );
}
