import type { Condition, ScalarField, ScalarValue } from './filter.ts';

type Fields = Readonly<Record<string, unknown>>;

/**
 * The same filter as a predicate over a row in memory, for subscriptions and webhooks. Text is compared by code point,
 * as PostgreSQL does under the "C" collation. Relations need the database: a filter with one is refused.
 */
export function filterPredicate(condition: Condition): (row: Fields) => boolean {
  switch (condition.op) {
    case 'and': {
      const parts = condition.parts.map(filterPredicate);
      return (row) => parts.every((part) => part(row));
    }
    case 'or': {
      const parts = condition.parts.map(filterPredicate);
      return (row) => parts.some((part) => part(row));
    }
    case 'not': {
      const part = filterPredicate(condition.part);
      return (row) => !part(row);
    }
    case 'some':
    case 'none':
    case 'every':
      throw new TypeError('a filter over a relation cannot be decided without the database');
    default:
      return comparison(condition.op, condition.field, condition.value);
  }
}

function comparison(op: string, field: ScalarField, value: ScalarValue | ScalarValue[]): (row: Fields) => boolean {
  const read = (row: Fields) => comparable(row[field.field]);
  if (op === 'null') return (row) => (read(row) === null) === value;
  if (op === 'in' || op === 'nin') {
    const wanted = new Set((value as ScalarValue[]).map(comparable));
    return (row) => {
      const actual = read(row);
      return (actual !== null && wanted.has(actual)) === (op === 'in');
    };
  }
  const wanted = comparable(value);
  if (wanted === null) return () => false;
  return (row) => {
    const actual = read(row);
    if (op === 'neq') return actual !== wanted;
    if (actual === null) return false;
    if (op === 'startsWith') return String(actual).startsWith(String(wanted));
    const order = compare(actual, wanted);
    return op === 'eq'
      ? order === 0
      : op === 'lt'
        ? order < 0
        : op === 'lte'
          ? order <= 0
          : op === 'gt'
            ? order > 0
            : order >= 0;
  };
}

type Comparable = string | number | bigint | boolean;

function comparable(value: unknown): Comparable | null {
  if (value === null || value === undefined) return null;
  return value instanceof Date ? value.getTime() : (value as Comparable);
}

function compare(a: Comparable, b: Comparable): number {
  if (typeof a !== 'string' || typeof b !== 'string') return a < b ? -1 : a > b ? 1 : 0;
  return Buffer.compare(Buffer.from(a), Buffer.from(b));
}
