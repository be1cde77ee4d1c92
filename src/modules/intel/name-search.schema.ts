import type { ObjectRef } from '@pothos/core';
import type { Permission } from '../../access/permissions.ts';
import type { Row } from '../../data/models.ts';
import { builder, type SchemaTypes } from '../../graphql/builder.ts';
import {
  bulkLookup,
  type LookedUp,
  MAX_HITS,
  MAX_LOOKUP,
  type NamedModel,
  type NameHit,
  searchNames,
} from './name-search.ts';
import { Case, Identifier, Keyword, PlatformUser, Source } from './refs.ts';

type TypesOf = PothosSchemaTypes.ExtendDefaultTypes<SchemaTypes>;

/** A query `name(query:, first:)` that finds rows of one type by what they are called. */
function addNameSearch<M extends NamedModel>(
  name: string,
  model: M,
  type: ObjectRef<TypesOf, Row<M>, Row<M>>,
  permission: Permission,
  what: string,
): void {
  const Hit = builder.objectRef<NameHit<M>>(`${model}Hit`).implement({
    description: `${what}, as a search found it.`,
    fields: (t) => ({
      rank: t.exposeFloat('rank', { description: 'higher is better; comparable within one search' }),
      node: t.field({ type, resolve: (hit) => hit.row as never }),
    }),
  });
  builder.queryField(name, (t) =>
    t.field({
      type: [Hit],
      permission,
      description: `${what} by name: equal first, then beginning with it, holding it, resembling it.`,
      args: {
        query: t.arg.string({ required: true }),
        first: t.arg.int({ defaultValue: 20, description: `1 to ${MAX_HITS}` }),
      },
      resolve: (_, { query, first }, ctx) => searchNames(ctx.scope, model, query, first ?? 20) as never,
    }),
  );
}

addNameSearch('searchSources', 'Source', Source, 'source:read', 'A source');
addNameSearch('searchPlatformUsers', 'PlatformUser', PlatformUser, 'platformUser:read', 'A watched account');
addNameSearch('searchKeywords', 'Keyword', Keyword, 'keyword:read', 'A keyword');
addNameSearch('searchIdentifiers', 'Identifier', Identifier, 'identifier:read', 'An identifier');
addNameSearch('searchCases', 'Case', Case, 'case:read', 'A case');

const Known = builder.objectRef<LookedUp>('KnownIdentifier').implement({
  description: 'A value of a bulk lookup that is known.',
  fields: (t) => ({
    value: t.exposeString('value', { description: 'as it was given' }),
    identifier: t.field({ type: Identifier, nullable: true, resolve: ({ identifier }) => identifier }),
  }),
});

const BulkLookup = builder.objectRef<LookedUp[]>('BulkLookup').implement({
  description: 'Which of many values are known.',
  fields: (t) => ({
    known: t.field({ type: [Known], resolve: (all) => all.filter(({ identifier }) => identifier !== null) }),
    unknown: t.field({
      type: ['String'],
      description: 'as they were given',
      resolve: (all) => all.filter(({ identifier }) => identifier === null).map(({ value }) => value),
    }),
  }),
});

builder.queryField('bulkLookup', (t) =>
  t.field({
    type: BulkLookup,
    permission: 'identifier:read',
    description: `Which of up to ${MAX_LOOKUP} values (addresses, numbers, wallets, hashes …, defanged or not) are known here.`,
    args: {
      values: t.arg.stringList({ required: true }),
      country: t.arg.string({ description: 'ISO 3166: for phone numbers without a country code' }),
    },
    resolve: (_, { values, country }, ctx) => bulkLookup(ctx.scope, values, country ?? null),
  }),
);
