import { InvalidInput } from '../errors.ts';
import { dayOf, type Moment, resolveInstant } from './instant.ts';
import type { ModelName } from './models.ts';

export type ScalarKind = 'id' | 'string' | 'enum' | 'date' | 'day' | 'int' | 'float' | 'bigint' | 'boolean';

/** A filterable field: one stored column of the model. */
export interface ScalarField {
  kind: ScalarKind;
  /** Prisma's name of the field */
  field: string;
  /** `enum`: allowed values */
  values?: readonly string[];
  /** `enum`: name of the GraphQL enum */
  enumName?: string;
  /** `id`: decodes a global id into the key, throws InvalidInput for another type's */
  decode?: (id: string) => string;
}

/** Rows of another model that point to this one. */
export interface RelationField {
  kind: 'relation';
  spec: () => FilterSpec;
  /** field of the other model that holds this row's id */
  foreignKey: string;
}

export interface FilterSpec {
  /** prefix of the GraphQL input types */
  name: string;
  model: ModelName;
  fields: Readonly<Record<string, ScalarField | RelationField>>;
}

export type Comparison = 'eq' | 'neq' | 'in' | 'nin' | 'lt' | 'lte' | 'gt' | 'gte' | 'startsWith' | 'null';
export type ScalarValue = string | number | bigint | boolean | Date;

/** A filter that was checked: what the SQL compiler and the in-memory predicate both read. */
export type Condition =
  | { op: 'and' | 'or'; parts: Condition[] }
  | { op: 'not'; part: Condition }
  | { op: Comparison; field: ScalarField; value: ScalarValue | ScalarValue[] }
  | { op: 'some' | 'none' | 'every'; relation: RelationField; part: Condition };

export type FilterInput = { [key: string]: unknown };

export const MAX_FILTER_DEPTH = 5;
export const MAX_IN_VALUES = 1_000;

/**
 * Checks a filter as GraphQL coerced it and resolves what depends on the moment (`-P7D`) and on the type (ids).
 * Fields of one object, and comparisons of one field, must all hold. Throws InvalidInput with the place in the filter.
 */
export function parseFilter(
  spec: FilterSpec,
  input: FilterInput,
  now: Moment,
  path: string[] = ['filter'],
  depth = 1,
): Condition {
  if (depth > MAX_FILTER_DEPTH) {
    throw new InvalidInput(`a filter may be nested ${MAX_FILTER_DEPTH} deep at most`, path);
  }
  const parts: Condition[] = [];
  for (const [key, value] of Object.entries(input)) {
    if (value === undefined || value === null) continue;
    const here = [...path, key];
    if (key === 'and' || key === 'or') {
      const branches = (value as FilterInput[]).map((part, i) =>
        parseFilter(spec, part, now, [...here, String(i)], depth + 1),
      );
      parts.push({ op: key, parts: branches });
    } else if (key === 'not') {
      parts.push({ op: 'not', part: parseFilter(spec, value as FilterInput, now, here, depth + 1) });
    } else {
      parts.push(...parseField(spec, key, value as FilterInput, now, here, depth));
    }
  }
  const [only] = parts;
  return parts.length === 1 && only ? only : { op: 'and', parts };
}

function parseField(
  spec: FilterSpec,
  key: string,
  value: FilterInput,
  now: Moment,
  path: string[],
  depth: number,
): Condition[] {
  const field = Object.hasOwn(spec.fields, key) ? spec.fields[key] : undefined;
  if (!field) {
    throw new InvalidInput(
      `${spec.name} cannot be filtered by ${key}; it can by ${Object.keys(spec.fields).join(', ')}`,
      path,
    );
  }
  const given = Object.entries(value).filter(([, v]) => v !== undefined && v !== null);
  if (field.kind === 'relation') {
    return given.map(([op, part]) => ({
      op: op as 'some' | 'none' | 'every',
      relation: field,
      part: parseFilter(field.spec(), part as FilterInput, now, [...path, op], depth + 1),
    }));
  }
  return given.map(([op, operand]) => parseComparison(field, op as Comparison, operand, now, [...path, op]));
}

function parseComparison(field: ScalarField, op: Comparison, operand: unknown, now: Moment, path: string[]): Condition {
  if (op === 'null') return { op, field, value: operand as boolean };
  if (op !== 'in' && op !== 'nin') return { op, field, value: parseValue(field, operand, now, path) };
  const values = operand as unknown[];
  if (values.length > MAX_IN_VALUES) {
    throw new InvalidInput(`${values.length} values: ${op} takes ${MAX_IN_VALUES} at most`, path);
  }
  return { op, field, value: values.map((value, i) => parseValue(field, value, now, [...path, String(i)])) };
}

function parseValue(field: ScalarField, value: unknown, now: Moment, path: string[]): ScalarValue {
  if (field.kind === 'id' && field.decode) {
    try {
      return field.decode(String(value));
    } catch (error) {
      throw error instanceof InvalidInput ? new InvalidInput(error.message, path) : error;
    }
  }
  if (field.kind === 'date') return resolveInstant(String(value), now, path);
  if (field.kind === 'day') return dayOf(resolveInstant(String(value), now, path));
  if (field.kind === 'bigint') {
    // The scalar gives a number where it fits one, and any length of digits where it does not.
    const whole = BigInt(value as number | bigint);
    if (BigInt.asIntN(64, whole) !== whole) throw new InvalidInput(`${whole} is beyond 64 bits`, path);
    return whole;
  }
  if (field.kind === 'string' && (value as string).includes('\0')) {
    throw new InvalidInput('text cannot hold the character U+0000', path);
  }
  return value as ScalarValue;
}
