import { setImmediate as nextRound } from 'node:timers/promises';
import type { Viewer } from '../access/viewer.ts';
import type { RecordLine } from '../data/record-reader.ts';
import { type WriteTx, withWrite } from '../data/write.ts';
import { DomainError, InvalidInput } from '../errors.ts';
import { type ImportReport, noteWarning, reject } from '../modules/platform/import.service.ts';
import type { Services } from '../services.ts';
import type { Importer, ItemOutcome } from './importer.ts';

const BATCH = 250;
const MAX_HOLD_MS = 20;
const BATCH_TIMEOUT_MS = 60_000;
const ATOMIC_TIMEOUT_MS = 30 * 60_000;
/** All rows of an atomic import are in one transaction, whose events wait in memory. */
export const MAX_ATOMIC = 100_000;

export interface RunOptions {
  /** name of the file in the report */
  file: string;
  /** nothing is written: each batch is stored and taken back */
  dryRun?: boolean;
  /** all rows or, if a single one is refused, none */
  atomic?: boolean;
  signal: AbortSignal;
  /** after each batch: bytes read of the file */
  onProgress?: (bytesRead: number, rows: number) => Promise<void> | void;
}

interface Pending<T> {
  row: RecordLine & { ok: true };
  item: T;
}

/** Thrown within a transaction to take it back. */
class TakenBack extends Error {}

/** The server or the command was told to stop before the import was done. */
export class Stopped extends DomainError {
  readonly code = 'STOPPED';

  constructor() {
    super('stopped before it was done: run the same import again to go on, nothing is done twice');
  }
}

/**
 * Reads records into the database by batches, each its own transaction; what was read is written in the report. A bad
 * row stays out, with its place and the reason; so that only that row does, a batch that is refused is stored row by
 * row. An atomic import is one transaction, and is refused whole: InvalidInput, after all bad rows are in the report.
 * Throws Stopped when the signal is aborted before the last row.
 */
export async function importRecords<T>(
  services: Services,
  viewer: Viewer,
  importer: Importer<T>,
  records: () => AsyncIterable<RecordLine>,
  report: ImportReport,
  options: RunOptions,
): Promise<void> {
  if (!options.atomic) {
    const write = (fn: (tx: WriteTx) => Promise<void>) => batchTransaction(services, viewer, options, fn);
    return readAll(importer, records(), report, options, write);
  }
  const empty = structuredClone(report);
  const all = async (tx: WriteTx) => {
    Object.assign(report, structuredClone(empty));
    importer.restart?.();
    await readAll(importer, records(), report, options, async (fn) => {
      await fn(tx);
      await tx.flush();
    });
    if (options.dryRun || report.rejected > 0) throw new TakenBack();
  };
  try {
    await withWrite(services.write, viewer, 'import.atomic', all, { timeout: ATOMIC_TIMEOUT_MS, whole: true });
  } catch (error) {
    if (error instanceof TakenBack && report.rejected === 0) return;
    Object.assign(report, { created: 0, updated: 0, unchanged: 0 });
    if (!(error instanceof TakenBack)) throw error;
  }
  if (report.rejected === 0) return;
  throw new InvalidInput(`${report.rejected} rows cannot be taken, and it was to be all or none: nothing was written`);
}

async function batchTransaction(
  services: Services,
  viewer: Viewer,
  { dryRun }: RunOptions,
  fn: (tx: WriteTx) => Promise<void>,
): Promise<void> {
  const stored = async (tx: WriteTx) => {
    await fn(tx);
    await tx.flush();
    if (dryRun) throw new TakenBack();
  };
  try {
    await withWrite(services.write, viewer, 'import.batch', stored, { timeout: BATCH_TIMEOUT_MS });
  } catch (error) {
    if (!(error instanceof TakenBack)) throw error;
  }
}

type Write = (fn: (tx: WriteTx) => Promise<void>) => Promise<void>;

async function readAll<T>(
  importer: Importer<T>,
  records: AsyncIterable<RecordLine>,
  report: ImportReport,
  options: RunOptions,
  write: Write,
): Promise<void> {
  let batch: Pending<T>[] = [];
  let rows = 0;
  const flush = async (bytesRead: number) => {
    await store(importer, batch, report, options, write);
    batch = [];
    await options.onProgress?.(bytesRead, rows);
  };
  let bytesRead = 0;
  let since = performance.now();
  for await (const row of records) {
    // Rows that are read ahead come without a round of the event loop, and some take a millisecond each.
    if (performance.now() - since > MAX_HOLD_MS) {
      await nextRound();
      since = performance.now();
    }
    if (options.signal.aborted) throw new Stopped();
    rows++;
    bytesRead = row.bytesRead;
    if (options.atomic && rows > MAX_ATOMIC)
      throw new InvalidInput(`more than ${MAX_ATOMIC} rows: too many for all or none, leave atomic out`);
    if (!row.ok) {
      const { line, column, reason } = row;
      reject(report, { file: options.file, line, column, code: 'INVALID_INPUT', reason });
      continue;
    }
    parse(importer, row, batch, report, options);
    if (batch.length >= BATCH) await flush(row.bytesRead);
  }
  await flush(bytesRead);
}

function parse<T>(
  importer: Importer<T>,
  row: RecordLine & { ok: true },
  batch: Pending<T>[],
  report: ImportReport,
  { file }: RunOptions,
): void {
  try {
    for (const { item, warnings } of importer.parse(row.record)) {
      batch.push({ row, item });
      for (const { column, reason } of warnings ?? [])
        noteWarning(report, { ...placeOf(row, file, column), reason: `${column ?? ''} ${reason}`.trim() });
    }
  } catch (error) {
    if (!(error instanceof DomainError)) throw error;
    const [column = null] = error.inputPath;
    // What is wrong with the columns of a CSV file is wrong with each of its rows: it is said once.
    if (column === null && row.columns) throw error;
    refuse(report, row, file, { code: error.code, column, reason: `${column ?? ''} ${error.message}`.trim() });
  }
}

function refuse<T>(
  report: ImportReport,
  row: Pending<T>['row'],
  file: string,
  { code, column, reason }: { code: string; column: string | null; reason: string },
): void {
  const value = column === null ? undefined : row.record[column];
  const shown = typeof value === 'string' ? value : JSON.stringify(value ?? null);
  reject(report, {
    ...placeOf(row, file, column),
    code,
    value: value === undefined || value === null ? null : shown.slice(0, 200),
    reason,
  });
}

function placeOf(row: RecordLine & { ok: true }, file: string, field: string | null) {
  return { file, line: row.line, column: (field !== null && row.columns?.[field]) || null, field };
}

/** Stores a batch; when a rule or the database refuses it, row by row, so that only the bad row stays out. */
async function store<T>(
  importer: Importer<T>,
  batch: readonly Pending<T>[],
  report: ImportReport,
  options: RunOptions,
  write: Write,
): Promise<void> {
  if (batch.length === 0) return;
  let outcomes: ItemOutcome[] = [];
  try {
    await write(async (tx) => {
      outcomes = await importer.store(
        tx,
        batch.map(({ item }) => item),
      );
    });
  } catch (error) {
    const [first] = batch;
    // What fails within the one transaction of an atomic import has ended that transaction.
    if (!(error instanceof DomainError) || options.atomic || !first) throw error;
    if (batch.length > 1) {
      for (const one of batch) await store(importer, [one], report, options, write);
      return;
    }
    outcomes = [{ refused: error.message, code: error.code, column: error.inputPath[0] ?? null }];
  }
  for (const [i, outcome] of outcomes.entries()) count(report, batch[i]?.row, outcome, options.file);
}

function count(report: ImportReport, row: (RecordLine & { ok: true }) | undefined, outcome: ItemOutcome, file: string) {
  if (outcome === 'CREATED') report.created++;
  else if (outcome === 'UPDATED') report.updated++;
  else if (outcome === 'UNCHANGED') report.unchanged++;
  else if (row) refuse(report, row, file, { ...outcome, reason: outcome.refused });
}
