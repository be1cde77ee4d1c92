import type { Column } from './columns.ts';

/** A row as GraphQL answers it. */
export type ExportRow = Readonly<Record<string, unknown>>;

export const FORMAT_NAMES = ['csv', 'jsonl'] as const;
export type FormatName = (typeof FORMAT_NAMES)[number];

/** How rows become text. Every line ends with a line break, the last one too. */
export interface Format {
  contentType: string;
  /** what comes before the first row */
  head(columns: readonly Column[]): string;
  row(columns: readonly Column[], row: ExportRow): string;
}

/** CSV as in RFC 4180, with a header line; `bom` tells spreadsheets that it is UTF-8. */
export function csvFormat({ bom }: { bom: boolean }): Format {
  return {
    contentType: 'text/csv; charset=utf-8; header=present',
    head: (columns) => `${bom ? '\ufeff' : ''}${csvLine(columns.map(({ name }) => name))}`,
    row: (columns, row) => csvLine(columns.map((column) => csvCell(column, valueIn(column, row)))),
  };
}

/** JSON Lines: one object a line, its keys the columns, its values those of the API. */
export const jsonlFormat: Format = {
  contentType: 'application/jsonl; charset=utf-8',
  head: () => '',
  row: (columns, row) =>
    `${JSON.stringify(Object.fromEntries(columns.map((column) => [column.name, valueIn(column, row)])))}\n`,
};

function valueIn({ field, isRelation }: Column, row: ExportRow): unknown {
  const value = row[field] ?? null;
  return isRelation && value !== null ? Reflect.get(Object(value), 'id') : value;
}

// A row of one empty cell would be an empty line, which readers pass over.
function csvLine(cells: readonly string[]): string {
  return cells.length === 1 && cells[0] === '' ? '""\r\n' : `${cells.join(',')}\r\n`;
}

/**
 * What a spreadsheet may take for a formula: =, +, - or @, also full-width or after white space, which some pass over;
 * and a tab, carriage return or line feed. https://owasp.org/www-community/attacks/CSV_Injection
 */
const FORMULA = /^(?:[\t\r\n]|\s*[=+\-@＝＋－＠])/;
const NUMBER = /^-?\d+(\.\d+)?([eE][+-]?\d+)?$/;

/** One cell: empty for null, quoted where RFC 4180 asks for it, with an apostrophe before what could be a formula. */
export function csvCell({ kind }: Pick<Column, 'kind'>, value: unknown): string {
  if (value === null || value === undefined) return '';
  if (kind === 'JSON') return quoted(JSON.stringify(value));
  if (typeof value === 'number' || typeof value === 'boolean') return String(value);
  const text = value instanceof Date ? value.toISOString() : String(value);
  // Large and decimal numbers come as texts; a text of the caller's is one even if it looks like a number.
  const isSafe = !FORMULA.test(text) || (kind === 'OTHER' && NUMBER.test(text));
  return quoted(isSafe ? text : `'${text}`);
}

function quoted(text: string): string {
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
