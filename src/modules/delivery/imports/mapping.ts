import type { ColumnMap } from '../../../data/columns.ts';
import { findJsonError } from '../../../data/json-error.ts';
import { InvalidInput } from '../../../errors.ts';
import {
  BUG_SEVERITIES,
  BUG_STATUSES,
  type BugSeverity,
  type BugStatus,
  IMPORT_SOURCES,
  type ImportSource,
} from '../values.ts';
import { DATE_ORDERS, type DateOrder } from './instants.ts';

/** How the files of one tracker are to be read, where the guesses do not fit. Values are looked up by `fold`. */
export interface ImportMapping<F extends string = string> {
  readonly columns: ColumnMap<F>;
  readonly statuses: ReadonlyMap<string, BugStatus>;
  readonly severities: ReadonlyMap<string, BugSeverity>;
  /** key of the project of rows that name none */
  readonly project: string | null;
  /** in front of its ids, where two trackers count alike */
  readonly tracker: string | null;
  readonly source: ImportSource | null;
  readonly dateOrder: DateOrder | null;
  /** what a change of another field than the status tells: the same for any new value, or by the new value */
  readonly historyStatuses: ReadonlyMap<string, BugStatus | ReadonlyMap<string, BugStatus>>;
}

const KEYS = ['columns', 'statuses', 'severities', 'project', 'tracker', 'source', 'dateOrder', 'historyStatuses'];

/** How values are compared: without blanks around them, and without case. */
export function fold(text: string): string {
  return text.trim().toLowerCase();
}

/** The JSON of a mapping file. Throws InvalidInput with line and column. */
export function mappingJson(text: string): unknown {
  try {
    return JSON.parse(text.replace(/^\u{feff}/u, ''));
  } catch {
    throw new InvalidInput(`the mapping is not valid JSON${place(text)}`);
  }
}

function place(text: string): string {
  const found = findJsonError(text);
  if (found === null) return '';
  const lines = text.slice(0, found.offset).split('\n');
  return `: line ${lines.length}, column ${(lines.at(-1)?.length ?? 0) + 1}: ${found.reason}`;
}

/** The same of a value that was read from JSON already. */
export function toMapping<F extends string>(value: unknown, fields: readonly F[]): ImportMapping<F> {
  const given = objectAt(value, []);
  known(Object.keys(given), KEYS, []);
  const columns = Object.entries(objectAt(given.columns, ['columns']));
  known(
    columns.map(([field]) => field),
    fields,
    ['columns'],
  );
  return {
    columns: Object.fromEntries(
      columns.map(([field, column]) => [field, textAt(column, ['columns', field])]),
    ) as ColumnMap<F>,
    statuses: valuesAt(given.statuses, BUG_STATUSES, ['statuses']),
    severities: valuesAt(given.severities, BUG_SEVERITIES, ['severities']),
    project: given.project == null ? null : textAt(given.project, ['project']),
    tracker: given.tracker == null ? null : trackerAt(given.tracker),
    source: given.source == null ? null : oneOf(given.source, IMPORT_SOURCES, ['source']),
    dateOrder: given.dateOrder == null ? null : oneOf(given.dateOrder, DATE_ORDERS, ['dateOrder']),
    historyStatuses: folded(objectAt(given.historyStatuses, ['historyStatuses']), ['historyStatuses'], (entry, path) =>
      typeof entry === 'object' ? valuesAt(entry, BUG_STATUSES, path) : oneOf(entry, BUG_STATUSES, path),
    ),
  };
}

function trackerAt(value: unknown): string {
  const name = textAt(value, ['tracker']);
  if (/^[\w.-]{1,50}$/.test(name)) return name;
  throw fail(['tracker'], 'must have 1 to 50 letters, digits and _ . -');
}

/** Nothing is given: everything is guessed. */
export const NO_MAPPING: ImportMapping = toMapping<string>({}, []);

function fail(path: readonly string[], problem: string): InvalidInput {
  return new InvalidInput(path.length === 0 ? `the mapping ${problem}` : `${path.join('.')} ${problem}`, path);
}

function objectAt(value: unknown, path: readonly string[]): Record<string, unknown> {
  if (value == null && path.length > 0) return {};
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw fail(path, 'must be an object');
  // An object of JSON has string keys; its values are unknown until they are checked.
  return value as Record<string, unknown>;
}

function textAt(value: unknown, path: readonly string[]): string {
  if (typeof value !== 'string' || value.trim() === '') throw fail(path, 'must be a text that is not empty');
  return value.trim();
}

function known(keys: readonly string[], allowed: readonly string[], path: readonly string[]): void {
  const unknown = keys.find((key) => !allowed.includes(key));
  if (unknown !== undefined)
    throw fail(path, `has no key ${JSON.stringify(unknown)}: there are ${allowed.join(', ') || 'none'}`);
}

function oneOf<T extends string>(value: unknown, allowed: readonly T[], path: readonly string[]): T {
  const found = allowed.find((one) => one === value);
  if (found === undefined) throw fail(path, `is ${JSON.stringify(value)}, which is none of ${allowed.join(', ')}`);
  return found;
}

function valuesAt<T extends string>(value: unknown, allowed: readonly T[], path: readonly string[]): Map<string, T> {
  return folded(objectAt(value, path), path, (one, at) => oneOf(one, allowed, at));
}

function folded<T>(
  value: Record<string, unknown>,
  path: readonly string[],
  read: (value: unknown, path: readonly string[]) => T,
): Map<string, T> {
  const map = new Map<string, T>();
  for (const [key, entry] of Object.entries(value)) {
    if (map.has(fold(key))) throw fail(path, `has ${JSON.stringify(key)} twice: case and blanks do not count`);
    map.set(fold(key), read(entry, [...path, key]));
  }
  return map;
}
