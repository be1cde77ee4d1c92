import { GraphQLError, GraphQLScalarType, Kind } from 'graphql';
import { GraphQLDate, GraphQLDateTime, GraphQLJSON } from 'graphql-scalars';
import { Prisma } from '../../generated/prisma/client.ts';
import { builder } from './builder.ts';

/** PostgreSQL has no year 0, and years past 9999 have no RFC 3339. */
function storable(at: Date): Date {
  const year = at.getUTCFullYear();
  if (year >= 1 && year <= 9999) return at;
  throw new GraphQLError('expected a time in the years 1 to 9999');
}

const dateTime = GraphQLDateTime.toConfig();
builder.addScalarType(
  'DateTime',
  new GraphQLScalarType({
    ...dateTime,
    parseValue: (value) => storable(dateTime.parseValue(value)),
    parseLiteral: (node, variables) => storable(dateTime.parseLiteral(node, variables)),
  }),
);
const INT8_MIN = -(2n ** 63n);
const INT8_MAX = 2n ** 63n - 1n;

/** What the database's bigint holds; anything else would only fail there. */
function int8(value: unknown): bigint {
  const isWhole = typeof value === 'number' ? Number.isSafeInteger(value) : /^-?\d{1,19}$/.test(String(value));
  const exact = isWhole ? BigInt(value as bigint | number | string) : null;
  if (exact === null || exact < INT8_MIN || exact > INT8_MAX) {
    throw new GraphQLError(
      'expected a whole number from -2^63 to 2^63 - 1, as a text where JSON would not keep it exact',
    );
  }
  return exact;
}

// The library's scalar gives and takes plain numbers or bigints by their size, and warns on the way.
builder.addScalarType(
  'BigInt',
  new GraphQLScalarType({
    name: 'BigInt',
    description: 'A whole number of 64 bits: a number as long as JSON keeps it exact, else a text.',
    serialize: (value) => (Number.isSafeInteger(Number(int8(value))) ? Number(value) : String(value)),
    parseValue: int8,
    parseLiteral: (node) => int8(node.kind === Kind.INT || node.kind === Kind.STRING ? node.value : undefined),
  }),
);
builder.addScalarType('JSON', GraphQLJSON);

const date = GraphQLDate.toConfig();
builder.addScalarType(
  'Date',
  new GraphQLScalarType({
    ...date,
    description: 'A day as RFC 3339 (`2026-11-21`), of no time zone.',
    parseValue: (value) => storable(date.parseValue(value)),
    parseLiteral: (node, variables) => storable(date.parseLiteral(node, variables)),
  }),
);

/** Plain decimal notation: what a float would round stays as it was written. */
function decimal(value: unknown): string {
  const plain = typeof value === 'number' ? String(value) : value;
  if (typeof plain === 'string' && /^-?\d{1,30}(\.\d{1,10})?$/.test(plain)) return plain;
  throw new GraphQLError('expected a decimal number as a text, like "1299.90"');
}

builder.addScalarType(
  'Decimal',
  new GraphQLScalarType<string, string>({
    name: 'Decimal',
    description: 'An exact decimal number, as a text: `"1299.9"`. Given as a text too, or as a number.',
    // Rows hold the text or Prisma's object, by who read them: both show the same, without trailing zeros.
    serialize: (value) => new Prisma.Decimal(String(value)).toFixed(),
    parseValue: decimal,
    parseLiteral: (node) =>
      decimal(node.kind === Kind.STRING || node.kind === Kind.INT || node.kind === Kind.FLOAT ? node.value : undefined),
  }),
);

function text(value: unknown): string {
  if (typeof value === 'string') return value;
  throw new GraphQLError('expected a text like "2026-11-21T10:00:00Z" or "-P7D"');
}

builder.addScalarType(
  'Instant',
  new GraphQLScalarType<string, string>({
    name: 'Instant',
    description:
      'A time as RFC 3339 (`2026-11-21T10:00:00Z`, or a date: its midnight in UTC), or an ISO 8601 duration from now (`-P7D`, `-PT12H`).',
    serialize: text,
    parseValue: text,
    parseLiteral: (node) => text(node.kind === Kind.STRING ? node.value : undefined),
  }),
);
