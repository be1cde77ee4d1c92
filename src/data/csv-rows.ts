import { CsvError, type InfoRecord, type Parser, parse } from 'csv-parse';
import { MAX_LINE_BYTES, type SourceLine } from './line-source.ts';

/** A row of fields, or why there is none. `line` is where the row begins; `column` counts fields from 1. */
export type CsvRow =
  | { ok: true; line: number; fields: string[] }
  | { ok: false; line: number; column: number | null; reason: string };

interface PendingLine {
  line: number;
  text: string;
  problem: string | null;
  /** Offset just after this line in the bytes given to the current parser. */
  end: number;
}

/** Most physical lines of one row: what stands between an unclosed quote and reading the rest of the file into it. */
export const MAX_ROW_LINES = 100_000;
const LINES_PER_WRITE = 1000;
const SEPARATORS = [',', ';', '\t', '|'];

/** The separator seen most often outside quotes in the header line; `fallback` when none occurs. */
export function guessSeparator(header: string, fallback: string): string {
  const bare = header.replace(/"[^"]*"?/g, '');
  let best = fallback;
  let most = 0;
  for (const separator of SEPARATORS) {
    const count = bare.split(separator).length - 1;
    if (count > most) {
      best = separator;
      most = count;
    }
  }
  return best;
}

function explain(error: Error): { column: number | null; reason: string } {
  const column = error instanceof CsvError && typeof error.column === 'number' ? error.column + 1 : null;
  const code = error instanceof CsvError ? String(error.code) : '';
  if (code === 'CSV_QUOTE_NOT_CLOSED') return { column, reason: 'a quoted field is never closed' };
  if (code.endsWith('INVALID_OPENING_QUOTE')) {
    return { column, reason: 'a quote stands inside an unquoted field; quote the field and double the quote' };
  }
  if (code === 'CSV_INVALID_CLOSING_QUOTE') {
    return {
      column,
      reason: 'a closing quote is not followed by a separator; double a quote that is part of the text',
    };
  }
  return { column, reason: error.message };
}

/**
 * CSV rows out of physical lines. The parser gets whole lines and reports rows through its record hook; the lines of
 * the row in progress are kept, so every row knows the line it began on (the line counter of the parser counts CRLF
 * inside quotes twice). After an error the row is given up at its first line and reading goes on with the next line.
 */
export class CsvRows {
  private parser: Parser | null = null;
  private pending: PendingLine[] = [];
  private head = 0;
  private fed = 0;
  private rows: CsvRow[] = [];
  private failure: Error | null = null;
  private readonly separator: string;

  constructor(separator: string) {
    this.separator = separator;
  }

  private startParser(): Parser {
    this.fed = 0;
    this.failure = null;
    const parser = parse({
      delimiter: this.separator,
      record_delimiter: ['\r\n', '\n'],
      relax_column_count: true,
      skip_empty_lines: true,
      on_record: (record: string[], info: InfoRecord) => {
        this.takeRow(record, info.bytes);
        return null;
      },
    });
    parser.on('error', (error) => {
      this.failure = error;
    });
    parser.resume();
    this.parser = parser;
    return parser;
  }

  /** Drops the lines before `this.head`; in steps, because shifting a long array line by line takes quadratic time. */
  private compact(): void {
    if (this.head > 0 && (this.head > LINES_PER_WRITE || this.head === this.pending.length)) {
      this.pending = this.pending.slice(this.head);
      this.head = 0;
    }
  }

  /** First line of the row in progress. Blank lines before it are dropped; a line without text is an error of its own. */
  private firstOfRow(): PendingLine | undefined {
    for (; this.head < this.pending.length; this.head++) {
      const line = this.pending[this.head];
      if (line === undefined || line.text.trim() !== '') return line;
      if (line.problem !== null) this.rows.push({ ok: false, line: line.line, column: null, reason: line.problem });
    }
    return undefined;
  }

  private takeRow(fields: string[], end: number): void {
    const first = this.firstOfRow();
    if (first === undefined) return;
    let problem: PendingLine | null = null;
    for (let line = this.pending[this.head]; line !== undefined && line.end <= end; line = this.pending[this.head]) {
      if (line.problem !== null) problem ??= line;
      this.head += 1;
    }
    if (problem !== null) {
      this.rows.push({ ok: false, line: problem.line, column: null, reason: problem.problem ?? '' });
    } else if (fields.length > 1 || fields[0]?.trim() !== '') {
      this.rows.push({ ok: true, line: first.line, fields });
    }
  }

  private async write(lines: PendingLine[]): Promise<void> {
    this.compact();
    const parser = this.parser ?? this.startParser();
    let text = '';
    for (const line of lines) {
      text += `${line.text}\n`;
      this.fed += Buffer.byteLength(line.text) + 1;
      line.end = this.fed;
      this.pending.push(line);
    }
    await new Promise<void>((resolve) => {
      parser.write(text, (error) => {
        if (error) this.failure = error;
        resolve();
      });
    });
  }

  private async finishParser(): Promise<void> {
    const { parser } = this;
    if (parser === null || parser.destroyed) return;
    await new Promise<void>((resolve) => {
      parser.once('error', () => resolve());
      parser.end(() => resolve());
    });
  }

  private rowIsTooLong(): boolean {
    const first = this.pending[this.head];
    if (first === undefined) return false;
    return this.fed - first.end > MAX_LINE_BYTES || this.pending.length - this.head > MAX_ROW_LINES;
  }

  /** Gives up the row in progress at its first line and returns its other lines, to be read again. */
  private giveUpRow(column: number | null, reason: string): PendingLine[] {
    const first = this.firstOfRow();
    const rest = this.pending.slice(this.head + 1);
    this.pending = [];
    this.head = 0;
    this.parser?.destroy();
    this.parser = null;
    this.failure = null;
    if (first !== undefined) {
      const own = first.problem ?? reason;
      this.rows.push({ ok: false, line: first.line, column: first.problem === null ? column : null, reason: own });
    }
    return rest;
  }

  private async *feed(lines: PendingLine[]): AsyncGenerator<CsvRow[]> {
    let waiting = lines;
    let next = 0;
    let size = LINES_PER_WRITE;
    while (next < waiting.length) {
      await this.write(waiting.slice(next, next + size));
      next = Math.min(next + size, waiting.length);
      size = Math.min(size * 2, LINES_PER_WRITE);
      let again: PendingLine[] | null = null;
      if (this.failure !== null) {
        const { column, reason } = explain(this.failure);
        again = this.giveUpRow(column, reason);
      } else if (this.rowIsTooLong()) {
        const limit = `${MAX_LINE_BYTES / 1024 / 1024} MiB or ${MAX_ROW_LINES} lines`;
        again = this.giveUpRow(null, `the row is longer than ${limit}; a quoted field may not be closed`);
      }
      if (again !== null) {
        // The lines to read again are the ones just before `next`, unless the row began in an earlier batch. Small
        // writes after an error keep a file of nothing but errors from being read over and over.
        if (again.length > next) waiting = [...again, ...waiting.slice(next)];
        next = Math.max(next - again.length, 0);
        size = 1;
      }
      yield this.takeRows();
    }
  }

  private takeRows(): CsvRow[] {
    const { rows } = this;
    this.rows = [];
    return rows;
  }

  /** Takes the next physical lines and gives the rows that are complete, in batches. */
  push(lines: SourceLine[]): AsyncGenerator<CsvRow[]> {
    return this.feed(lines.map((line) => ({ ...line, end: 0 })));
  }

  /** The rows that were waiting for the end of the file; with `dropUnfinished` a row still in progress is left out. */
  async *end(dropUnfinished: boolean): AsyncGenerator<CsvRow[]> {
    for (;;) {
      await this.finishParser();
      if (this.failure === null) this.firstOfRow();
      yield this.takeRows();
      if (this.failure === null) return;
      const { column, reason } = explain(this.failure);
      const rest = this.giveUpRow(column, reason);
      if (dropUnfinished) return;
      yield* this.feed(rest);
    }
  }
}
