import { Prisma } from '../../generated/prisma/client.ts';

/**
 * Values as JSON that gives them back with their types: what JSON has, and Date, bigint, Decimal, Uint8Array and the
 * numbers NaN, ±Infinity and -0. Every array is `[tag, …]`, so that no value can be taken for a tagged one. Fields that
 * are undefined are left out.
 */

type Encoded = null | boolean | number | string | Encoded[] | { [field: string]: Encoded };

const TYPES: Readonly<Record<string, (text: string) => unknown>> = {
  bigint: BigInt,
  bytes: (text) => new Uint8Array(Buffer.from(text, 'base64')),
  date: (text) => new Date(text),
  decimal: (text) => new Prisma.Decimal(text),
  number: Number,
};

/** @throws TypeError for a value of any other type: it could not be given back as it was */
export function encodeTyped(value: unknown): Encoded {
  switch (typeof value) {
    case 'undefined':
      return null;
    case 'boolean':
    case 'string':
      return value;
    case 'number':
      if (Object.is(value, -0)) return ['number', '-0'];
      return Number.isFinite(value) ? value : ['number', String(value)];
    case 'bigint':
      return ['bigint', String(value)];
    case 'object':
      return value === null ? null : encodeObject(value);
    default:
      throw new TypeError(`a ${typeof value} cannot be kept`);
  }
}

function encodeObject(value: object): Encoded {
  if (Array.isArray(value)) return ['list', ...value.map(encodeTyped)];
  if (value instanceof Date) return ['date', value.toISOString()];
  if (value instanceof Uint8Array) return ['bytes', Buffer.from(value).toString('base64')];
  if (Prisma.Decimal.isDecimal(value)) return ['decimal', value.toString()];
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype !== null && prototype !== Object.prototype)
    throw new TypeError(`an object of the class ${value.constructor.name} cannot be kept`);
  const fields = Object.entries(value).filter(([, inner]) => inner !== undefined);
  return Object.fromEntries(fields.map(([name, inner]) => [name, encodeTyped(inner)]));
}

/** What was encoded; `encoded` comes from `encodeTyped`. */
export function decodeTyped(encoded: unknown): unknown {
  if (typeof encoded !== 'object' || encoded === null) return encoded;
  if (!Array.isArray(encoded)) {
    return Object.fromEntries(Object.entries(encoded).map(([name, inner]) => [name, decodeTyped(inner)]));
  }
  const [tag, ...inner] = encoded;
  if (tag === 'list') return inner.map(decodeTyped);
  const type = TYPES[String(tag)];
  if (!type) throw new TypeError(`there is no type ${String(tag)}`);
  return type(String(inner[0]));
}
