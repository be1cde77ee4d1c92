import { GraphQLScalarType, Kind } from 'graphql';
import { GraphQLBigInt, GraphQLDateTime, GraphQLJSON } from 'graphql-scalars';
import { builder } from './builder.ts';

builder.addScalarType('DateTime', GraphQLDateTime);
builder.addScalarType('BigInt', GraphQLBigInt);
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
