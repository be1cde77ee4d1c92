import { basename } from 'node:path';
import { type CsvRow, CsvRows, guessSeparator } from './csv-rows.ts';
import { readJsonRecords } from './json-array.ts';
import { findJsonError } from './json-error.ts';
import { type ByteSource, openForReading, readLines, type SourceLine, textSource } from './line-source.ts';

export type RecordFormat = 'jsonl' | 'json' | 'csv';

export interface ReadRecordsOptions {
  /** Taken from the file name when not given. */
  format?: RecordFormat;
  /** WHATWG encoding label for a file without byte order mark; UTF-8 when not given. */
  encoding?: string;
}

/**
 * One record of an import file, or one row that could not be read. `line` counts from 1 and is where the row begins.
 * For a JSON error `column` is the character in the line, for CSV the field in the row, both from 1. `columns` maps each
 * CSV field name to its place in the row. `bytesRead` is out of the size of the file on disk, so it suits a progress bar.
 */
export type RecordLine =
  | {
      ok: true;
      line: number;
      record: Record<string, unknown>;
      columns?: Record<string, number>;
      bytesRead: number;
    }
  | { ok: false; line: number; column: number | null; reason: string; bytesRead: number };

type Row<T> = T extends unknown ? Omit<T, 'bytesRead'> : never;
type RecordRow = Row<RecordLine>;

const ENDING = /\.(jsonl|ndjson|json|csv|tsv)(?:\.gz)?$/i;

/** Format told by the ending of a file name. Throws an Error that names the endings that are known. */
export function recordFormatOf(path: string): RecordFormat {
  const ending = ENDING.exec(basename(path))?.[1]?.toLowerCase();
  if (ending === undefined) {
    throw new Error(
      `${path}: unknown file type; for one JSON array use .json, else use .jsonl, .ndjson, .csv or .tsv, each with or without .gz`,
    );
  }
  if (ending === 'json') return 'json';
  return ending === 'csv' || ending === 'tsv' ? 'csv' : 'jsonl';
}

function readJsonLine({ line, text, problem }: SourceLine): RecordRow | null {
  if (problem !== null) return { ok: false, line, column: null, reason: problem };
  if (text.trim() === '') return null;
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    const found = findJsonError(text);
    const reason = found?.reason ?? (error instanceof Error ? error.message : String(error));
    return { ok: false, line, column: found === null ? null : found.offset + 1, reason: `not valid JSON: ${reason}` };
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    const kind = Array.isArray(value) ? 'an array' : value === null ? 'null' : `a ${typeof value}`;
    return { ok: false, line, column: 1, reason: `the line holds ${kind}, not an object` };
  }
  // A JSON object has string keys; its values are unknown until the caller checks them.
  return { ok: true, line, record: value as Record<string, unknown> };
}

interface Header {
  names: string[];
  columns: Record<string, number>;
}

function readHeader(row: CsvRow): Header | RecordRow {
  if (!row.ok) return { ...row, reason: `the header cannot be read: ${row.reason}` };
  const names = row.fields.map((name) => name.trim());
  const seen = new Map<string, number>();
  for (const [index, name] of names.entries()) {
    const column = index + 1;
    if (name === '') return { ok: false, line: row.line, column, reason: `column ${column} of the header has no name` };
    const earlier = seen.get(name);
    if (earlier !== undefined) {
      const reason = `the header names ${JSON.stringify(name)} twice, in columns ${earlier} and ${column}`;
      return { ok: false, line: row.line, column, reason };
    }
    seen.set(name, column);
  }
  return { names, columns: Object.fromEntries(seen) };
}

function toRecord(row: CsvRow, { names, columns }: Header): RecordRow {
  if (!row.ok) return row;
  const { line, fields } = row;
  if (fields.length !== names.length) {
    const column = Math.min(fields.length, names.length) + 1;
    const reason = `the row has ${fields.length} fields, the header has ${names.length}`;
    return { ok: false, line, column, reason };
  }
  return { ok: true, line, record: Object.fromEntries(names.map((name, index) => [name, fields[index]])), columns };
}

/** Turns physical lines into CSV records; the first row is the header. A header that cannot be used ends the reading. */
class CsvRecords {
  private rows: CsvRows | null = null;
  private header: Header | null = null;
  private readonly fallbackSeparator: string;
  stopped = false;

  constructor(fallbackSeparator: string) {
    this.fallbackSeparator = fallbackSeparator;
  }

  private convert(rows: CsvRow[]): RecordRow[] {
    const out: RecordRow[] = [];
    for (const row of rows) {
      if (this.stopped) break;
      if (this.header !== null) {
        out.push(toRecord(row, this.header));
        continue;
      }
      const header = readHeader(row);
      if ('ok' in header) {
        out.push(header);
        this.stopped = true;
      } else {
        this.header = header;
      }
    }
    return out;
  }

  async *push(lines: SourceLine[]): AsyncGenerator<RecordRow> {
    const first = lines.findIndex((line) => line.problem !== null || line.text.trim() !== '');
    if (this.rows === null && first === -1) return;
    this.rows ??= new CsvRows(guessSeparator(lines[first]?.text ?? '', this.fallbackSeparator));
    for await (const batch of this.rows.push(lines)) yield* this.convert(batch);
  }

  async *end(dropUnfinished: boolean): AsyncGenerator<RecordRow> {
    if (this.rows === null || this.stopped) return;
    for await (const batch of this.rows.end(dropUnfinished)) yield* this.convert(batch);
  }
}

/**
 * Reads the records of a JSON Lines, JSON or CSV file one by one, in constant memory. gzip is unpacked (told by its first
 * bytes), byte order marks are honoured, blank lines are skipped, and the CSV separator is guessed from the header.
 *
 * A bad row comes out as `ok: false` and reading goes on; a compressed file that is cut short gives such a row last,
 * and so does an error of syntax in a JSON array, which ends the reading.
 * Throws an Error that says what to do for an unknown file type, a missing or unreadable file, and a directory.
 */
export async function* readRecords(path: string, options: ReadRecordsOptions = {}): AsyncGenerator<RecordLine> {
  const file = await openForReading(path);
  try {
    const { format = recordFormatOf(path), encoding } = options;
    const separator = /\.tsv(?:\.gz)?$/i.test(path) ? '\t' : ',';
    yield* format === 'json' ? readJsonRecords(file, encoding) : readRows(file, encoding, format, separator);
  } finally {
    await file.close();
  }
}

/** The same of a text. */
export function readTextRecords(text: string, format: RecordFormat): AsyncGenerator<RecordLine> {
  const source = textSource(text);
  return format === 'json' ? readJsonRecords(source, undefined) : readRows(source, undefined, format, ',');
}

async function* readRows(
  source: ByteSource,
  encoding: string | undefined,
  format: Exclude<RecordFormat, 'json'>,
  separator: string,
): AsyncGenerator<RecordLine> {
  let bytesRead = 0;
  let damage: SourceLine | null = null;
  const csv = format === 'csv' ? new CsvRecords(separator) : null;
  for await (const batch of readLines(source, encoding)) {
    bytesRead = batch.bytesRead;
    if (batch.damage !== null) {
      damage = batch.lines[0] ?? null;
      break;
    }
    if (csv === null) {
      for (const line of batch.lines) {
        const row = readJsonLine(line);
        if (row !== null) yield { ...row, bytesRead };
      }
      continue;
    }
    for await (const row of csv.push(batch.lines)) yield { ...row, bytesRead };
    if (csv.stopped) return;
  }
  if (csv !== null) {
    for await (const row of csv.end(damage !== null)) yield { ...row, bytesRead };
  }
  if (damage !== null) {
    const reason = `${damage.problem}; rows from this line on are missing`;
    yield { ok: false, line: damage.line, column: null, reason, bytesRead };
  }
}
