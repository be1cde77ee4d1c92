import { statSync } from 'node:fs';
import { basename } from 'node:path';
import type { Viewer } from '../access/viewer.ts';
import { withReadScope } from '../data/read-scope.ts';
import { readRecords, recordFormatOf } from '../data/record-reader.ts';
import { type GithubOptions, syncGithub } from '../imports/github.sync.ts';
import type { Importer } from '../imports/importer.ts';
import { importRecords } from '../imports/run.ts';
import { sweepSla } from '../modules/delivery/sla.sweep.ts';
import { sweepDictionary } from '../modules/intel/sweep.ts';
import { asImportRun, type ImportReport, type Rejection, showProgress } from '../modules/platform/import.service.ts';
import type { Services } from '../services.ts';
import { progressBar } from './progress.ts';

export interface RunFlags {
  dryRun?: boolean;
  atomic?: boolean;
  encoding?: string;
}

const SHOWN = 10;
const SHOW_EVERY_MS = 1_000;

/** Takes one file in, shows how far it is and what became of it. Gives how many rows were refused. */
export async function importFile(
  services: Services,
  viewer: Viewer,
  kind: string,
  file: string,
  importer: Importer<unknown>,
  flags: RunFlags,
): Promise<number> {
  const start = performance.now();
  const bar = progressBar(basename(file));
  const { dryRun, atomic, encoding } = flags;
  const run = { kind, source: recordFormatOf(file), fileName: basename(file), dryRun, atomic };
  const size = statSync(file).size;
  let shown = start;
  const report = await asImportRun(services, viewer, run, async (counts, runId) => {
    await importRecords(services, viewer, importer, () => readRecords(file, { encoding }), counts, {
      file: basename(file),
      dryRun,
      atomic,
      signal: services.streams.signal,
      onProgress: async (bytes, rows) => {
        const now = performance.now();
        bar.update(bytes, size, `${Math.round(rows / ((now - start) / 1_000))} rows/s`);
        if (atomic || now - shown < SHOW_EVERY_MS) return;
        shown = now;
        await showProgress(services, viewer, runId, counts, bytes > 0 ? Math.round((rows * size) / bytes) : null);
      },
    });
    return { mapping: importer.mapping() };
  }).finally(() => bar.stop());
  tell(basename(file), report, (performance.now() - start) / 1_000, importer, dryRun ?? false);
  return report.rejected;
}

/** Reads the issues of a repository from its API. Gives how many were refused. */
export async function importFromGithub(services: Services, viewer: Viewer, options: GithubOptions): Promise<number> {
  const start = performance.now();
  const onPage = (page: number, { created, updated, unchanged }: ImportReport) =>
    process.stderr.write(`page ${page}: ${created} created, ${updated} updated, ${unchanged} unchanged\n`);
  const report = await syncGithub(services, viewer, { ...options, onPage });
  const nothing = { mapping: () => ({}), notes: () => [] };
  tell(options.repository, report, (performance.now() - start) / 1_000, nothing, options.dryRun ?? false);
  return report.rejected;
}

function tell(
  what: string,
  report: ImportReport,
  seconds: number,
  importer: Pick<Importer<unknown>, 'mapping' | 'notes'>,
  dryRun: boolean,
): void {
  const { created, updated, unchanged, rejected, warned } = report;
  const rows = created + updated + unchanged + rejected;
  const memory = Math.round(process.resourceUsage().maxRSS / 1_024);
  console.log(
    `${what}: ${created} created, ${updated} updated, ${unchanged} unchanged, ${rejected} rejected${warned > 0 ? `, ${warned} ${warned === 1 ? 'warning' : 'warnings'}` : ''} in ${seconds.toFixed(1)} s (${Math.round(rows / seconds)} a second, at most ${memory} MB)${dryRun ? ': a dry run, nothing was written' : ''}`,
  );
  const columns = Object.entries((importer.mapping().columns ?? {}) as Record<string, string>);
  if (columns.length > 0)
    console.log(`  columns: ${columns.map(([field, column]) => `${field}=${column}`).join(', ')}`);
  for (const note of importer.notes()) console.log(`  ${note}`);
  list(report.rejections, rejected, 'rejected');
  list(report.warnings, warned, 'warnings');
}

function list(rows: readonly Rejection[], all: number, what: string): void {
  if (all === 0) return;
  console.log(`  ${what}:`);
  for (const { line, column, reason } of rows.slice(0, SHOWN))
    console.log(`    line ${line}${column ? `, column ${column}` : ''}: ${reason}`);
  if (all > SHOWN) console.log(`    … and ${all - SHOWN} more: query importRuns shows the first 1,000`);
}

/** Tells the SLA thresholds that the bugs which were taken in have passed already. */
export async function finishBugs(services: Services, viewer: Viewer): Promise<void> {
  const { bugs, told } = await sweepSla(services, viewer, { signal: services.streams.signal });
  if (bugs > 0) console.log(`SLA: ${bugs} open bugs brought up to date, ${told} thresholds passed`);
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
