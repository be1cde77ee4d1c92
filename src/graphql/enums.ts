import type { ScalarField } from '../data/filter.ts';
import { builder } from './builder.ts';

/** The values of an enum are an `as const` list; the database holds the same spellings under a CHECK. */
function makeEnum<const V extends readonly string[]>(name: string, values: V, description: string) {
  return builder.enumType(name, { description, values });
}

export type EnumRef = ReturnType<typeof makeEnum<readonly string[]>>;

const refs = new Map<string, EnumRef>();

/** Declares a GraphQL enum and keeps it under its name for filters. */
export function defineEnum<const V extends readonly string[]>(name: string, values: V, description: string) {
  const ref = makeEnum(name, values, description);
  // The map's readers only need a reference to name a type with.
  refs.set(name, ref as unknown as EnumRef);
  return ref;
}

export function enumRef(name: string): EnumRef {
  const ref = refs.get(name);
  if (!ref) throw new Error(`no enum is named ${name}`);
  return ref;
}

/** A filterable field that holds an enum. */
export function enumFilter(enumName: string, values: readonly string[], field: string): ScalarField {
  return { kind: 'enum', field, values, enumName };
}
