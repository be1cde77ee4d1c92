import type { Duplex } from 'node:stream';
import pg from 'pg';
import type { Statement } from './statement.ts';

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
  parse(statement: { name: string; text: string }): void;
  bind(values: { statement: string; values: Sendable[] }): void;
  describe(what: { type: 'P' }): void;
  execute(): void;
  flush(): void;
  sync(): void;
  on(event: 'parseComplete', listener: () => void): void;
  once(event: 'readyForQuery' | 'end', listener: () => void): void;
  off(event: 'readyForQuery' | 'end', listener: () => void): void;
}

/** What a connection has prepared, by name; null until its columns were described. */
export interface Prepared {
  columns: Map<string, Columns | null>;
  /** names of Parse messages that are not answered yet, '' for none */
  parsing: string[];
}

const prepared = new WeakMap<Wire, Prepared>();
// node-postgres' own conversion of parameters, so that a value means the same here and there.
const { prepareValue } = (pg as unknown as { utils: { prepareValue(value: unknown): Sendable } }).utils;
/** A parameter as it is sent. Throws when it cannot be. */
export const toSend = (value: unknown): Sendable => prepareValue(value);

/** Statements that one connection keeps prepared; it is replaced from time to time (DB_POOL_RECYCLE_S). */
const MAX_PREPARED = 2_000;

/** The statement without its name when the connection has no room for another. */
export function preparable(known: Prepared, { name, ...unnamed }: Statement): Statement {
  if (name === undefined) return unnamed;
  const fits = known.columns.has(name) || known.columns.size + known.parsing.length < MAX_PREPARED;
  return fits ? { name, ...unnamed } : unnamed;
}

/** Sends one statement, parsed at its first use on the connection; described when its columns are not known. */
export function send(
  wire: Wire,
  known: Prepared,
  { name = '', text }: Statement,
  values: Sendable[],
  describe: boolean,
): void {
  if (name === '' || !(known.columns.has(name) || known.parsing.includes(name))) {
    wire.parse({ name, text });
    known.parsing.push(name);
  }
  wire.bind({ statement: name, values });
  if (describe) wire.describe({ type: 'P' });
  wire.execute();
}

/** What this connection has prepared, kept up with from the first call on. */
export function preparedOn(wire: Wire): Prepared {
  let known = prepared.get(wire);
  if (!known) {
    const made: Prepared = { columns: new Map(), parsing: [] };
    wire.on('parseComplete', () => {
      const name = made.parsing.shift();
      if (name) made.columns.set(name, null);
    });
    prepared.set(wire, made);
    known = made;
  }
  return known;
}

/** What PostgreSQL says to statements after one that failed, without asking it. */
export function aborted(): pg.DatabaseError {
  const message = 'current transaction is aborted, commands ignored until end of transaction block';
  const error = new pg.DatabaseError(message, message.length, 'error');
  error.severity = 'ERROR';
  error.code = '25P02';
  return error;
}
