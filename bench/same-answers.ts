import { deepStrictEqual } from 'node:assert/strict';
import { decodeId } from '../src/graphql/ids.ts';

/** Objects that hold nothing but the rows. */
const WRAPPERS: ReadonlySet<string> = new Set(['nodes', 'node', 'current', 'points']);
const INSTANT = /^\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d(:?\d\d)?)$/;

/**
 * What an answer says, without how each contender says it: connections are lists, identifiers are UUIDs, instants are
 * UTC with milliseconds, enumerations and texts are themselves.
 */
export function normalise(value: unknown): unknown {
  if (Array.isArray(value)) return inOrder(value.map(normalise));
  if (typeof value === 'string') {
    if (INSTANT.test(value)) return new Date(value).toISOString();
    return decodeId(value)?.uuid ?? value;
  }
  if (value === null || typeof value !== 'object') return value;
  const entries = Object.entries(value);
  const [only] = entries;
  if (only && WRAPPERS.has(only[0]) && entries.length === 1) return normalise(only[1]);
  return Object.fromEntries(entries.map(([name, field]) => [name, normalise(field)]));
}

/** Figures by kind come in any order, and some contenders leave out kinds of which there are none. */
function inOrder(rows: unknown[]): unknown[] {
  if (!rows.every((row) => typeof row === 'object' && row !== null && 'count' in row)) return rows;
  const keyed = rows.filter(({ count }) => count !== 0).map((row) => [JSON.stringify(Object.entries(row).sort()), row]);
  return keyed.sort(([a], [b]) => (String(a) < String(b) ? -1 : 1)).map(([, row]) => row);
}

/** Throws an error that shows the difference when two answers do not say the same. */
export function insistSame(expected: unknown, got: unknown, who: string): void {
  try {
    deepStrictEqual(got, expected);
  } catch (error) {
    throw new Error(`${who} answers other data: ${error instanceof Error ? error.message : String(error)}`);
  }
}
