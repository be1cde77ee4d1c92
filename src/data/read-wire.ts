import type { Duplex } from 'node:stream';
import pg from 'pg';
import type { Statement } from './statement.ts';
import type { WireMessages } from './wire-messages.ts';

/** A statement's answer as PostgreSQL sent it: texts, nothing parsed. */
export interface Cells {
  names: readonly string[];
  /** by column: what makes a value of a text. A null is not given to them. */
  parsers: readonly ((text: string) => unknown)[];
  rows: (string | null)[][];
}

export type Sendable = Buffer | string | null;
export type Columns = Pick<Cells, 'names' | 'parsers'>;

/** What is used of node-postgres' connection; its types ask for arguments that it no longer takes. */
export interface Wire {
  stream: Duplex;
  on(event: 'parseComplete', listener: () => void): void;
  once(event: 'readyForQuery' | 'end', listener: () => void): void;
  off(event: 'readyForQuery' | 'end', listener: () => void): void;
}

/** What a connection has prepared, by name; null until its columns were described. */
export interface Prepared {
  columns: Map<string, Columns | null>;
  /** names of Parse messages that are not answered yet, '' for none */
  parsing: string[];
  /** Parse messages sent so far */
  sent: number;
}

const prepared = new WeakMap<Wire, Prepared>();
// node-postgres' own conversion of parameters, so that a value means the same here and there.
const { prepareValue } = (pg as unknown as { utils: { prepareValue(value: unknown): Sendable } }).utils;
/** A parameter as it is sent. Throws when it cannot be. */
export const toSend = (value: unknown): Sendable => prepareValue(value);

/** Statements that one connection keeps prepared; it is replaced from time to time (DB_POOL_RECYCLE_S). */
const MAX_PREPARED = 2_000;

/**
 * The statement without its name when the connection has no room for another, or when an earlier write has it parsed and
 * is not answered yet: should that one fail before, the name would not be there. `earlier`: names that were being parsed
 * before this write.
 */
export function preparable(known: Prepared, { name, ...unnamed }: Statement, earlier: number): Statement {
  if (name === undefined) return unnamed;
  if (known.columns.has(name)) return { name, ...unnamed };
  const parsed = known.parsing.indexOf(name);
  const fits = known.columns.size + known.parsing.length < MAX_PREPARED;
  return fits && (parsed === -1 || parsed >= earlier) ? { name, ...unnamed } : unnamed;
}

/** Adds one statement to what is sent, parsed at its first use on the connection; described when its columns are not known. */
export function send(
  messages: WireMessages,
  known: Prepared,
  { name = '', text, bound }: Statement,
  values: Sendable[],
  describe: boolean,
): void {
  if (name === '' || !(known.columns.has(name) || known.parsing.includes(name))) {
    messages.parse({ name, text });
    known.parsing.push(name);
    known.sent++;
  }
  if (bound) messages.add(bound);
  else messages.run(name, values, describe);
}

/** What this connection has prepared, kept up with from the first call on. */
export function preparedOn(wire: Wire): Prepared {
  let known = prepared.get(wire);
  if (!known) {
    const made: Prepared = { columns: new Map(), parsing: [], sent: 0 };
    wire.on('parseComplete', () => {
      const name = made.parsing.shift();
      if (name) made.columns.set(name, null);
    });
    prepared.set(wire, made);
    known = made;
  }
  return known;
}

/** A statement between being asked for and being answered. */
export interface Asked {
  statement: Statement;
  values: Sendable[];
  sentAt: number;
  columns: Columns;
  rows: (string | null)[][];
  resolve(cells: Cells): void;
  reject(error: Error): void;
}

/** Of a statement that was not described yet. */
export const NO_COLUMNS: Columns = { names: [], parsers: [] };

/** Adds statements that somebody waits for, with the columns that the connection knows of them. */
export function sendAsked(messages: WireMessages, known: Prepared, all: readonly Asked[]): void {
  const earlier = known.parsing.length;
  const now = performance.now();
  for (const asked of all) {
    asked.statement = preparable(known, asked.statement, earlier);
    const { name } = asked.statement;
    const columns = name === undefined ? undefined : known.columns.get(name);
    if (columns) asked.columns = columns;
    asked.sentAt = now;
    send(messages, known, asked.statement, asked.values, !columns);
  }
}

/** Notes the columns of a statement as PostgreSQL has described them, for its next time on the connection too. */
export function described(asked: Asked, wire: Wire, columns: Columns): void {
  asked.columns = columns;
  const { name } = asked.statement;
  if (name !== undefined) preparedOn(wire).columns.set(name, columns);
}

/** What a description says, with a parser for each type. */
export function columnsOf(
  fields: readonly pg.FieldDef[],
  parserOf: (oid: number) => (text: string) => unknown,
): Columns {
  return { names: fields.map(({ name }) => name), parsers: fields.map(({ dataTypeID }) => parserOf(dataTypeID)) };
}

/** Row objects of an answer, all built alike so that the engine gives them one shape. */
export function rowsOf<T extends object>({ names, parsers, rows }: Cells): T[] {
  return rows.map((cells) => {
    const row: Record<string, unknown> = {};
    for (let i = 0; i < names.length; i++) {
      const text = cells[i] ?? null;
      row[names[i] as string] = text === null ? null : parsers[i]?.(text);
    }
    return row as T;
  });
}
