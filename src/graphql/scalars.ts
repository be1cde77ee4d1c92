import { GraphQLScalarType, Kind } from 'graphql';
import { GraphQLBigInt, GraphQLDateTime, GraphQLJSON } from 'graphql-scalars';
import { builder } from './builder.ts';

builder.addScalarType('DateTime', GraphQLDateTime);
// A number as long as JSON's readers keep it exact, else a text: what the library does too, after a warning.
builder.addScalarType(
  'BigInt',
  new GraphQLScalarType({
    ...GraphQLBigInt.toConfig(),
    serialize: (value) => {
      const exact = BigInt(value as bigint | number | string);
      return Number.isSafeInteger(Number(exact)) ? Number(exact) : exact.toString();
    },
  }),
);
builder.addScalarType('JSON', GraphQLJSON);

function text(value: unknown): string {
  if (typeof value === 'string') return value;
  throw new TypeError('expected a text like "2026-11-21T10:00:00Z" or "-P7D"');
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
