import { statSync } from 'node:fs';
import { basename } from 'node:path';
import { type Command, InvalidArgumentError, Option } from 'commander';
import { systemViewer, type Viewer } from '../access/viewer.ts';
import { parseColumnMap } from '../data/columns.ts';
import { readRecords, recordFormatOf } from '../data/record-reader.ts';
import { DomainError } from '../errors.ts';
import { CONTENT_COLUMNS } from '../modules/intel/content.import.ts';
import { KEYWORD_COLUMNS } from '../modules/intel/keyword.import.ts';
import { KEYWORD_CATEGORIES, SOURCE_KINDS } from '../modules/intel/values.ts';
import { asImportRun, type ImportReport, reject } from '../modules/platform/import.service.ts';
import { tenantBySlug } from '../modules/platform/tenant.service.ts';
import type { Services } from '../services.ts';
import { contentImporter, finishKeywords, type Importer, keywordImporter } from './importers.ts';
import { progressBar } from './progress.ts';
import { type Runtime, withServices } from './runtime.ts';

export interface ImportOptions {
  tenant: string;
  map?: string;
  source?: string;
  kind: (typeof SOURCE_KINDS)[number];
  category: (typeof KEYWORD_CATEGORIES)[number];
  weight: number;
}

const BATCH = 250;
const SHOWN = 10;

export function addImport(program: Command): void {
  const group = program
    .command('import')
    .description(
      'Take in files: .jsonl, .ndjson, .csv or .tsv, each also as .gz. Taking a file in again changes nothing.',
    );
  const columns = (known: Readonly<Record<string, readonly string[]>>) =>
    Object.entries(known)
      .map(([field, names]) => `  ${field.padEnd(11)} ${names.join(', ')}`)
      .join('\n');
  group
    .command('content <files...>')
    .description('take in documents or messages; sources that are new are created')
    .requiredOption('--tenant <slug>', 'into which tenant')
    .option('--map <field=column,…>', 'which column holds what, where the guess is wrong')
    .option('--source <name>', 'source of rows that name none; the file’s name when left out')
    .addOption(new Option('--kind <kind>', 'kind of sources that are created').choices(SOURCE_KINDS).default('FEED'))
    .addHelpText(
      'after',
      `\nFields, and the column names that are taken for them (the rest goes to metaData):\n${columns(CONTENT_COLUMNS)}`,
    )
    .action((files: string[], options: ImportOptions) =>
      withServices((services, runtime) => importFiles(services, runtime, 'content', files, options)),
    );
  group
    .command('keywords <files...>')
    .description('take in dictionaries, then match the content that is there with what is new')
    .requiredOption('--tenant <slug>', 'into which tenant')
    .option('--map <field=column,…>', 'which column holds what, where the guess is wrong')
    .addOption(
      new Option('--category <category>', 'of keywords that name none').choices(KEYWORD_CATEGORIES).default('SLANG'),
    )
    .option('--weight <0..1>', 'of keywords that name none', weight, 0.5)
    .addHelpText('after', `\nFields, and the column names that are taken for them:\n${columns(KEYWORD_COLUMNS)}`)
    .action((files: string[], options: ImportOptions) =>
      withServices((services, runtime) => importFiles(services, runtime, 'keywords', files, options)),
    );
}

function weight(text: string): number {
  const value = Number(text);
  if (!(value >= 0 && value <= 1)) throw new InvalidArgumentError('a number from 0 to 1');
  return value;
}

async function importFiles(
  services: Services,
  runtime: Runtime,
  kind: 'content' | 'keywords',
  files: string[],
  options: ImportOptions,
): Promise<void> {
  // A name that is wrong or a file that is missing is told before the first row is taken in.
  for (const file of files) {
    recordFormatOf(file);
    if (!statSync(file, { throwIfNoEntry: false })?.isFile()) throw new Error(`${file}: there is no such file`);
  }
  if (options.map) parseColumnMap<string>(kind === 'content' ? CONTENT_COLUMNS : KEYWORD_COLUMNS, options.map);
  const viewer = systemViewer(await tenantBySlug(services, options.tenant), 'import');
  let rejected = 0;
  for (const file of files) {
    if (services.streams.signal.aborted) break;
    rejected += await importFile(services, runtime, viewer, kind, file, options);
  }
  if (kind === 'keywords' && !services.streams.signal.aborted) await finishKeywords(services, viewer);
  if (services.streams.signal.aborted)
    throw new Error('stopped: run the same command again to go on, nothing is done twice');
  if (rejected > 0) process.exitCode = 2;
}

async function importFile(
  services: Services,
  runtime: Runtime,
  viewer: Viewer,
  kind: 'content' | 'keywords',
  file: string,
  options: ImportOptions,
): Promise<number> {
  const start = performance.now();
  const bar = progressBar(basename(file));
  const importer: Importer<unknown> =
    kind === 'content' ? contentImporter(services, viewer, file, options) : keywordImporter(services, viewer, options);
  const run = { kind, source: recordFormatOf(file), fileName: basename(file), databaseUrl: runtime.server.appUrl };
  const report = await asImportRun(services, viewer, run, (counts) =>
    readInto(importer, file, counts, bar, services.streams.signal),
  ).finally(() => bar.stop());
  tell(file, report, (performance.now() - start) / 1_000, importer.mapping(), importer.notes());
  return report.rejected;
}

async function readInto<T>(
  importer: Importer<T>,
  file: string,
  report: ImportReport,
  bar: ReturnType<typeof progressBar>,
  stop: AbortSignal,
): Promise<void> {
  const total = statSync(file).size;
  let batch: { line: number; item: T }[] = [];
  let rows = 0;
  const start = performance.now();
  const flush = async (bytes: number) => {
    await store(importer, batch, report, file);
    batch = [];
    bar.update(bytes, total, `${Math.round(rows / ((performance.now() - start) / 1_000))} rows/s`);
  };
  for await (const row of readRecords(file)) {
    if (stop.aborted) return;
    rows++;
    if (!row.ok) {
      reject(report, { file: basename(file), line: row.line, column: row.column, reason: row.reason });
      continue;
    }
    try {
      for (const item of importer.parse(row.record)) batch.push({ line: row.line, item });
    } catch (error) {
      if (!(error instanceof DomainError)) throw error;
      const [column = ''] = error.inputPath;
      reject(report, {
        file: basename(file),
        line: row.line,
        column: row.columns?.[column] ?? null,
        reason: `${column} ${error.message}`.trim(),
      });
    }
    if (batch.length >= BATCH) await flush(row.bytesRead);
  }
  await flush(total);
}

/** Stores a batch; when the database or a rule refuses it, row by row, so that only the bad row stays out. */
async function store<T>(
  importer: Importer<T>,
  batch: { line: number; item: T }[],
  report: ImportReport,
  file: string,
): Promise<void> {
  if (batch.length === 0) return;
  try {
    const counts = await importer.store(batch.map(({ item }) => item));
    report.created += counts.created;
    report.updated += counts.updated;
    report.unchanged += counts.unchanged;
  } catch (error) {
    if (!(error instanceof DomainError)) throw error;
    const [first] = batch;
    if (batch.length === 1 && first) {
      reject(report, { file: basename(file), line: first.line, column: null, reason: error.message });
      return;
    }
    for (const one of batch) await store(importer, [one], report, file);
  }
}

function tell(file: string, report: ImportReport, seconds: number, mapping: string, notes: string[]): void {
  const rows = report.created + report.updated + report.unchanged + report.rejected;
  console.log(
    `${basename(file)}: ${report.created} created, ${report.updated} updated, ${report.unchanged} unchanged, ${report.rejected} rejected in ${seconds.toFixed(1)} s (${Math.round(rows / seconds)} a second)`,
  );
  console.log(`  columns: ${mapping || 'none was recognised'}`);
  for (const note of notes) console.log(`  ${note}`);
  for (const { line, column, reason } of report.rejections.slice(0, SHOWN))
    console.log(`  line ${line}${column ? `, column ${column}` : ''}: ${reason}`);
  if (report.rejected > SHOWN)
    console.log(`  … and ${report.rejected - SHOWN} more: query importRuns shows the first 1,000`);
}
