import './permission-plugin.ts';
import SchemaBuilder from '@pothos/core';
import PrismaPlugin from '@pothos/plugin-prisma';
import type PrismaTypes from '../../generated/pothos.ts';
import { getDatamodel } from '../../generated/pothos.ts';
import type { Context } from './context.ts';

export interface SchemaTypes {
  Context: Context;
  PrismaTypes: PrismaTypes;
  DefaultFieldNullability: false;
  Scalars: {
    ID: { Input: string; Output: string };
    DateTime: { Input: Date; Output: Date | string };
    /** a moment, or a duration from now: filters resolve it */
    Instant: { Input: string; Output: string };
    BigInt: { Input: bigint; Output: bigint | number | string };
    JSON: { Input: unknown; Output: unknown };
    Date: { Input: Date; Output: Date | string };
    Decimal: { Input: string; Output: { toFixed(): string } | string };
  };
}

/** What the fields of an input type are made with: for fields that several inputs share. */
export type InputFields = PothosSchemaTypes.InputFieldBuilder<
  PothosSchemaTypes.ExtendDefaultTypes<SchemaTypes>,
  'InputObject'
>;

// Only setup lives here. Permissions come first: their check wraps whatever other plugins do to a resolver.
export const builder = new SchemaBuilder<SchemaTypes>({
  plugins: ['permission', PrismaPlugin],
  prisma: { client: (ctx) => ctx.services.prisma, dmmf: getDatamodel() },
  defaultFieldNullability: false,
});

builder.queryType({ description: 'What can be read.' });
builder.mutationType({
  description: 'What can be changed. Every change answers with `userErrors` when it was refused.',
});
builder.subscriptionType({ description: 'What can be listened to.' });
