import { type GraphQLLeafType, isEnumType } from 'graphql';
import type { Layout } from './rows.ts';

/** JSON text of a leaf's value, which is not null. Throws when the type does not take the value. */
export type LeafWriter = (value: unknown) => string;

const LONGEST_SCANNED = 40;

/** A JSON string. Short texts without anything to escape are most of them, and looking is faster than asking. */
export function quote(text: string): string {
  if (text.length > LONGEST_SCANNED) return JSON.stringify(text);
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code < 0x20 || code === 0x22 || code === 0x5c || code > 0xd7ff) return JSON.stringify(text);
  }
  return `"${text}"`;
}

const isInt32 = (value: unknown) => typeof value === 'number' && (value | 0) === value;

/** Writers of the types that need no more than their JSON; for other values of them the type decides. */
const PLAIN: Readonly<Record<string, (value: unknown) => string | undefined>> = {
  String: (value) => (typeof value === 'string' ? quote(value) : undefined),
  ID: (value) => (typeof value === 'string' ? quote(value) : undefined),
  Int: (value) => (isInt32(value) ? `${value}` : undefined),
  Float: (value) => (typeof value === 'number' && Number.isFinite(value) ? `${value}` : undefined),
  Boolean: (value) => (typeof value === 'boolean' ? `${value}` : undefined),
  DateTime: (value) =>
    value instanceof Date && !Number.isNaN(value.getTime()) ? `"${value.toISOString()}"` : undefined,
};

/** What `JSON.stringify` makes of what the type serialises. */
export function leafWriter(type: GraphQLLeafType): LeafWriter {
  const serialise: LeafWriter = (value) => {
    const serialised: unknown = type.serialize(value);
    const text = serialised === null ? undefined : JSON.stringify(serialised);
    if (text === undefined) throw new TypeError(`${type.name} gave nothing for a value`);
    return text;
  };
  if (isEnumType(type)) {
    // As many as the type has values: others throw.
    const known = new Map<unknown, string>();
    return (value) => {
      let text = known.get(value);
      if (text === undefined) {
        text = serialise(value);
        known.set(value, text);
      }
      return text;
    };
  }
  const plain = PLAIN[type.name];
  return plain ? (value) => plain(value) ?? serialise(value) : serialise;
}

const EXACT = String(Number.MAX_SAFE_INTEGER).length - 1;
const INSTANT = /^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(\.\d{1,3})?\+00$/;

/** As `Date.prototype.toISOString` writes it, from PostgreSQL's text in UTC. */
function instant(text: string): string | undefined {
  if (!INSTANT.test(text)) return undefined;
  const fraction = text.slice(20, -3);
  return `"${text.slice(0, 10)}T${text.slice(11, 19)}.${fraction}${'000'.slice(fraction.length)}Z"`;
}

/** Without trailing zeros. */
function decimal(text: string): string | undefined {
  if (!/^-?\d+(\.\d+)?$/.test(text) || /^-0/.test(text)) return undefined;
  if (!text.includes('.')) return `"${text}"`;
  let end = text.length;
  while (text.charCodeAt(end - 1) === 0x30) end--;
  if (text.charCodeAt(end - 1) === 0x2e) end--;
  return `"${text.slice(0, end)}"`;
}

/**
 * How a column's text becomes its type's JSON without being parsed, by `<GraphQL type> <PostgreSQL type>`; undefined for
 * a text that needs the longer way.
 */
const COLUMN_WRITERS: Readonly<Record<string, (text: string) => string | undefined>> = {
  'String text': quote,
  'String uuid': quote,
  'ID uuid': quote,
  'Int int4': (text) => text,
  'BigInt int8': (text) => (text.length <= EXACT ? text : undefined),
  'Boolean bool': (text) => (text === 't' ? 'true' : 'false'),
  'DateTime timestamptz': instant,
  'Date date': (text) => (text.length === 10 ? `"${text}"` : undefined),
  'Decimal numeric': decimal,
};

/** Where a field's column stands in the rows of a layout, and how its text becomes JSON. */
export class ColumnPlace {
  readonly #property: string;
  readonly #typeName: string;
  #layout: Layout | undefined;
  #place: { at: number; write: ((text: string) => string | undefined) | undefined } | undefined;

  constructor(property: string, typeName: string) {
    this.#property = property;
    this.#typeName = typeName;
  }

  /** undefined: the layout does not have the column */
  of(layout: Layout) {
    if (layout !== this.#layout) {
      const place = layout.places.get(this.#property);
      this.#layout = layout;
      this.#place = place && { at: place.at, write: COLUMN_WRITERS[`${this.#typeName} ${place.pgType}`] };
    }
    return this.#place;
  }
}
