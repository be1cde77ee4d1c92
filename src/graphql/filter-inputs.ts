import type { InputRef } from '@pothos/core';
import type { FilterInput, FilterSpec, ScalarField } from '../data/filter.ts';
import { builder } from './builder.ts';
import type { Entity } from './entity.ts';
import { enumRef } from './enums.ts';
import './scalars.ts';

const IdComparator = builder.inputType('IDComparator', {
  description: 'Comparisons of an id; all that are given must hold.',
  fields: (t) => ({
    eq: t.id(),
    neq: t.id(),
    in: t.idList(),
    nin: t.idList(),
    null: t.boolean({ description: 'true: has none' }),
  }),
});
const StringComparator = builder.inputType('StringComparator', {
  description: 'Comparisons of a text; all that are given must hold.',
  fields: (t) => ({
    eq: t.string(),
    neq: t.string(),
    in: t.stringList(),
    nin: t.stringList(),
    startsWith: t.string({ description: 'case-sensitive' }),
    null: t.boolean({ description: 'true: has none' }),
  }),
});
const BooleanComparator = builder.inputType('BooleanComparator', {
  description: 'Comparisons of a truth value; all that are given must hold.',
  fields: (t) => ({ eq: t.boolean(), neq: t.boolean() }),
});
const IntComparator = builder.inputType('IntComparator', {
  description: 'Comparisons of a whole number; all that are given must hold.',
  fields: (t) => ({
    eq: t.int(),
    neq: t.int(),
    in: t.intList(),
    nin: t.intList(),
    lt: t.int(),
    lte: t.int(),
    gt: t.int(),
    gte: t.int(),
    null: t.boolean(),
  }),
});
const FloatComparator = builder.inputType('FloatComparator', {
  description: 'Comparisons of a number; all that are given must hold.',
  fields: (t) => ({
    eq: t.float(),
    neq: t.float(),
    lt: t.float(),
    lte: t.float(),
    gt: t.float(),
    gte: t.float(),
    null: t.boolean(),
  }),
});
const BigIntComparator = builder.inputType('BigIntComparator', {
  description: 'Comparisons of a large whole number; all that are given must hold.',
  fields: (t) => {
    const one = () => t.field({ type: 'BigInt' });
    return { eq: one(), neq: one(), lt: one(), lte: one(), gt: one(), gte: one() };
  },
});
const InstantComparator = builder.inputType('InstantComparator', {
  description: 'Times, or durations from now such as `-P7D`.',
  fields: (t) => {
    const one = () => t.field({ type: 'Instant' });
    return {
      eq: one(),
      neq: one(),
      lt: one(),
      lte: one(),
      gt: one(),
      gte: one(),
      null: t.boolean({ description: 'true: has none' }),
    };
  },
});

const COMPARATORS = {
  id: IdComparator,
  string: StringComparator,
  boolean: BooleanComparator,
  int: IntComparator,
  float: FloatComparator,
  bigint: BigIntComparator,
  date: InstantComparator,
  day: InstantComparator,
} as const;

const enumComparators = new Map<string, InputRef<FilterInput>>();

function enumComparator(name: string): InputRef<FilterInput> {
  let ref = enumComparators.get(name);
  if (!ref) {
    const type = enumRef(name);
    ref = builder.inputRef<FilterInput>(`${name}Comparator`).implement({
      description: 'Comparisons with the values of the enumeration; all that are given must hold.',
      fields: (t) => ({
        eq: t.field({ type }),
        neq: t.field({ type }),
        in: t.field({ type: [type] }),
        nin: t.field({ type: [type] }),
        null: t.boolean({ description: 'true: has none' }),
      }),
    });
    enumComparators.set(name, ref);
  }
  return ref;
}

const filters = new Map<string, InputRef<FilterInput>>();

/** The GraphQL input type of a list's filter, made once for each name. */
export function filterInput(spec: FilterSpec): InputRef<FilterInput> {
  const known = filters.get(spec.name);
  if (known) return known;
  const ref = builder.inputRef<FilterInput>(`${spec.name}Filter`);
  filters.set(spec.name, ref);
  ref.implement({
    description: 'All that is given must hold.',
    fields: (t) => {
      const fields = Object.entries(spec.fields).map(([name, field]) => {
        if (field.kind === 'relation') return [name, t.field({ type: relationInput(field.spec()) })] as const;
        return [name, t.field({ type: comparator(field) })] as const;
      });
      return {
        ...Object.fromEntries(fields),
        and: t.field({ type: [ref] }),
        or: t.field({ type: [ref] }),
        not: t.field({ type: ref }),
      };
    },
  });
  return ref;
}

function comparator(field: ScalarField): InputRef<FilterInput> {
  if (field.kind === 'enum') return enumComparator(field.enumName ?? '');
  // Their shapes differ; what reads them is parseFilter, which takes any.
  return COMPARATORS[field.kind] as unknown as InputRef<FilterInput>;
}

const relations = new Map<string, InputRef<FilterInput>>();

function relationInput(spec: FilterSpec): InputRef<FilterInput> {
  let ref = relations.get(spec.name);
  if (!ref) {
    const type = filterInput(spec);
    ref = builder.inputRef<FilterInput>(`${spec.name}RelationFilter`).implement({
      description: 'What must hold of the rows that belong to a row.',
      fields: (t) => ({
        some: t.field({ type, description: 'at least one fits' }),
        none: t.field({ type, description: 'none fits' }),
        every: t.field({ type, description: 'there is none that does not fit' }),
      }),
    });
    relations.set(spec.name, ref);
  }
  return ref;
}

/** A filterable field that holds another row's id. */
export function idFilter(entity: Entity | (() => Entity), field: string): ScalarField {
  return { kind: 'id', field, decode: (id) => (typeof entity === 'function' ? entity() : entity).decode(id) };
}
