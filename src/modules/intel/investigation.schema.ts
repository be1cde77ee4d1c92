import { enumValue } from '../../data/enum-value.ts';
import { byId } from '../../data/loaders.ts';
import { withWrite } from '../../data/write.ts';
import { builder } from '../../graphql/builder.ts';
import { childListField, listField, oneField } from '../../graphql/connection.ts';
import { type Context, viewerOf } from '../../graphql/context.ts';
import { addMutation, EXPECTED_VERSION } from '../../graphql/mutation.ts';
import { memberEntity } from '../platform/entities.ts';
import { addEventSubscription } from '../platform/event-stream.schema.ts';
import { Member } from '../platform/member.schema.ts';
import type { FieldSpan } from './analysis.ts';
import { TextSpan } from './content.schema.ts';
import { contentEntity, identifierEntity, osintEntity } from './entities.ts';
import { IdentifierTypeEnum, OsintQueryType, OsintRelation, OsintStatus, Tlp } from './enums.schema.ts';
import { IDENTIFIER_TYPES } from './identifiers/types.ts';
import { identifierContentList, identifierList, osintLinkList, osintList } from './lists.ts';
import { cancelLookup, type LookupInput, OSINT_QUERY_TYPES, openSecrets, startLookup } from './osint.service.ts';
import { Content, Identifier, OsintResult } from './refs.ts';
import { OSINT_RELATIONS, OSINT_STATUSES, TLP_LEVELS } from './values.ts';

const IdentifierContent = builder
  .objectRef<{ contentId: string; raw: string; spans: unknown; createdAt: Date }>('IdentifierContent')
  .implement({
    description: 'A content in which an identifier stands.',
    fields: (t) => ({
      content: t.field(oneField(contentEntity, Content, (link: { contentId: string }) => link.contentId)),
      raw: t.exposeString('raw', { description: 'as it was written' }),
      spans: t.field({ type: [TextSpan], resolve: (link) => link.spans as FieldSpan[] }),
      createdAt: t.expose('createdAt', { type: 'DateTime' }),
    }),
  });

builder.prismaObjectFields('Identifier', (t) => ({
  type: t.field({ type: IdentifierTypeEnum, resolve: (identifier) => enumValue(IDENTIFIER_TYPES, identifier.type) }),
  value: t.exposeString('value', { description: 'in the normal form of its type' }),
  tlp: t.field({ type: Tlp, resolve: (identifier) => enumValue(TLP_LEVELS, identifier.tlp) }),
  version: t.exposeInt('version'),
  createdAt: t.expose('createdAt', { type: 'DateTime' }),
  contents: t.field(childListField(identifierContentList, IdentifierContent as never, 'identifierId', 'content:read')),
}));

const OsintLink = builder.prismaObject('OsintIdentifierLink', {
  description: 'An identifier that a lookup asked for or found.',
  fields: (t) => ({
    relation: t.field({ type: OsintRelation, resolve: (link) => enumValue(OSINT_RELATIONS, link.relation) }),
    confidence: t.exposeFloat('confidence', { description: '0 to 1' }),
    identifier: t.field(oneField(identifierEntity, Identifier, (link: { identifierId: string }) => link.identifierId)),
  }),
});

/** With the encrypted columns, which the ordinary loader leaves out. */
const loadSecrets = byId('OsintResult');

async function secretsOf(ctx: Context, id: string) {
  const row = await loadSecrets(ctx, id);
  if (!row) return { results: null, searchParameters: null };
  const { services } = ctx;
  await withWrite(services.write, viewerOf(ctx), 'osint.decrypt', async (tx) => {
    tx.audit({ action: 'osint.decrypt', resource: 'OsintResult', resourceId: id });
  });
  return openSecrets(row, services.keyRing);
}

builder.prismaObjectFields('OsintResult', (t) => ({
  query: t.exposeString('query'),
  queryType: t.field({ type: OsintQueryType, resolve: (result) => enumValue(OSINT_QUERY_TYPES, result.queryType) }),
  normalisedQuery: t.exposeString('normalisedQuery'),
  provider: t.exposeString('provider'),
  status: t.field({ type: OsintStatus, resolve: (result) => enumValue(OSINT_STATUSES, result.status) }),
  requestedBy: t.field(
    oneField(memberEntity, Member, (result: { requestedById: string | null }) => result.requestedById),
  ),
  resultCount: t.exposeInt('resultCount'),
  results: t.field({
    type: 'JSON',
    nullable: true,
    permission: 'osint:decrypt',
    description: 'What was found. Stored encrypted; each reading is audited.',
    resolve: async ({ id }, _, ctx) => (await secretsOf(ctx, id)).results,
  }),
  searchParameters: t.field({
    type: 'JSON',
    nullable: true,
    permission: 'osint:decrypt',
    description: 'What was asked. Stored encrypted; each reading is audited.',
    resolve: async ({ id }, _, ctx) => (await secretsOf(ctx, id)).searchParameters,
  }),
  error: t.exposeString('error', { nullable: true }),
  parent: t.field(oneField(osintEntity, OsintResult, (result: { parentId: string | null }) => result.parentId)),
  identifiers: t.field(childListField(osintLinkList, OsintLink, 'osintResultId', 'identifier:read')),
  startedAt: t.expose('startedAt', { type: 'DateTime', nullable: true }),
  completedAt: t.expose('completedAt', { type: 'DateTime', nullable: true }),
  expiresAt: t.expose('expiresAt', {
    type: 'DateTime',
    nullable: true,
    description: 'until then the answer is given again',
  }),
  version: t.exposeInt('version'),
  createdAt: t.expose('createdAt', { type: 'DateTime' }),
}));

builder.queryFields((t) => ({
  identifiers: t.field({
    ...listField(identifierList, Identifier),
    permission: 'identifier:read',
    description: 'Identifiers found in content and by lookups.',
  }),
  osintResults: t.field({
    ...listField(osintList, OsintResult),
    permission: 'osint:read',
    description: 'Lookups, newest first.',
  }),
}));

addMutation({
  name: 'startOsintLookup',
  permission: 'osint:write',
  description:
    'Starts a lookup as a job, or gives the answer that is less than 24 hours old. Subscribe to events of type OSINT_COMPLETED to hear when it is done.',
  input: builder.inputType('StartOsintLookupInput', {
    description: 'What to look up.',
    fields: (t) => ({
      query: t.string({ required: true }),
      queryType: t.field({ type: OsintQueryType, required: true }),
      parameters: t.field({ type: 'JSON', description: 'an object for the provider; stored encrypted' }),
      force: t.boolean({ description: 'look again even when there is a fresh answer' }),
      parentId: t.id({ description: 'the lookup that led to this one' }),
    }),
  }),
  returns: { field: 'osintResult', type: OsintResult },
  run: (ctx, input) => {
    const { osintProvider, keyRing, write } = ctx.services;
    const parentId = input.parentId ? osintEntity.decode(input.parentId, ['parentId']) : null;
    return withWrite(write, viewerOf(ctx), 'osint.start', (tx) =>
      startLookup(tx, { ...input, parentId } as LookupInput, osintProvider.name, keyRing),
    );
  },
});

addMutation({
  name: 'cancelOsintLookup',
  permission: 'osint:write',
  description: 'Cancels a lookup that waits or runs.',
  input: builder.inputType('CancelOsintLookupInput', {
    description: 'Which lookup to cancel.',
    fields: (t) => ({ id: t.id({ required: true }), expectedVersion: t.int({ description: EXPECTED_VERSION }) }),
  }),
  returns: { field: 'osintResult', type: OsintResult },
  run: (ctx, input) => {
    const id = osintEntity.decode(input.id);
    return withWrite(ctx.services.write, viewerOf(ctx), 'osint.cancel', (tx) => cancelLookup(tx, { ...input, id }));
  },
});

addEventSubscription(osintList, OsintResult, 'osint:read');
