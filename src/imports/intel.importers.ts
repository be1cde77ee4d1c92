import { basename } from 'node:path';
import { parseColumnMap } from '../data/columns.ts';
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
import type { KEYWORD_CATEGORIES, SOURCE_KINDS } from '../modules/intel/values.ts';
import type { Services } from '../services.ts';
import { guesser, type Importer } from './importer.ts';

/** What the caller says of a file's rows. */
export interface IntelOptions {
  map?: string;
  source?: string;
  kind: (typeof SOURCE_KINDS)[number];
  category: (typeof KEYWORD_CATEGORIES)[number];
  weight: number;
}

export function contentImporter(services: Services, file: string, options: IntelOptions): Importer<ContentRecord> {
  const given = options.map ? parseColumnMap<ContentColumn>(CONTENT_COLUMNS, options.map) : {};
  const map = guesser<ContentColumn>((record, kept) => contentColumns(record, { ...kept, ...given }));
  const unread = new Map<string, number>();
  const origin = `file:${basename(file)}`.slice(0, 500);
  const fallback = options.source ?? basename(file).replace(/\.(jsonl|ndjson|csv|tsv)(\.gz)?$/i, '');
  return {
    parse: (record) => {
      const content = toContent(record, map.of(record), origin);
      for (const column of content.unread) unread.set(column, (unread.get(column) ?? 0) + 1);
      return [{ item: content }];
    },
    notes: () =>
      [...unread].map(([column, count]) => `${column}: ${count} values were not understood; they stand in metaData`),
    store: async (tx, records) => {
      const names = [...new Set(records.map((record) => record.source ?? fallback))];
      const sources = await ensureSources(
        tx,
        names.map((name) => ({ name, kind: options.kind, externalRef: name })),
      );
      const ids = new Map(names.map((name, i) => [name, sources[i]?.id ?? '']));
      const results = await ingestContents(
        tx,
        services,
        records.map((record) => ({ ...record, sourceId: ids.get(record.source ?? fallback) ?? '' })),
      );
      return results.map(({ outcome }) => outcome);
    },
    mapping: () => ({ columns: map.chosen() }),
  };
}

export function keywordImporter(options: IntelOptions): Importer<KeywordInput> {
  const given = options.map ? parseColumnMap<KeywordColumn>(KEYWORD_COLUMNS, options.map) : {};
  const map = guesser<KeywordColumn>((record, kept) => keywordColumns(record, { ...kept, ...given }));
  return {
    parse: (record) => toKeywords(record, map.of(record), options).map((item) => ({ item })),
    notes: () => [],
    store: async (tx, keywords) =>
      (await createKeywords(tx, keywords)).map(({ created }) => (created ? 'CREATED' : 'UNCHANGED')),
    mapping: () => ({ columns: map.chosen() }),
  };
}
