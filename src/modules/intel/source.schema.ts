import { enumValue } from '../../data/enum-value.ts';
import { withWrite } from '../../data/write.ts';
import { builder } from '../../graphql/builder.ts';
import { childListField, listField, oneField } from '../../graphql/connection.ts';
import { viewerOf } from '../../graphql/context.ts';
import { addMutation, EXPECTED_VERSION } from '../../graphql/mutation.ts';
import { addEventSubscription } from '../platform/event-stream.schema.ts';
import { platformUserEntity, sourceEntity } from './entities.ts';
import { FlaggedBy, Reliability, SourceKind } from './enums.schema.ts';
import { contentList, platformUserList, sourceList } from './lists.ts';
import { setFlag } from './platform-user.service.ts';
import { Content, PlatformUser, Source } from './refs.ts';
import { RELIABILITIES } from './scoring.ts';
import { createSource, updateSource } from './source.service.ts';
import { FLAGGED_BY, SOURCE_KINDS } from './values.ts';

builder.prismaObjectFields('Source', (t) => ({
  name: t.exposeString('name'),
  kind: t.field({ type: SourceKind, resolve: (source) => enumValue(SOURCE_KINDS, source.kind) }),
  externalRef: t.exposeString('externalRef', { description: 'what identifies it at its platform' }),
  description: t.exposeString('description', { nullable: true }),
  reliability: t.field({ type: Reliability, resolve: (source) => enumValue(RELIABILITIES, source.reliability) }),
  country: t.exposeString('country', {
    nullable: true,
    description: 'ISO 3166: hint for phone numbers without a country code',
  }),
  isActive: t.exposeBoolean('isActive'),
  lastIngestedAt: t.expose('lastIngestedAt', { type: 'DateTime', nullable: true }),
  version: t.exposeInt('version'),
  createdAt: t.expose('createdAt', { type: 'DateTime' }),
  updatedAt: t.expose('updatedAt', { type: 'DateTime' }),
  contents: t.field(childListField(contentList, Content, 'sourceId', 'content:read')),
  platformUsers: t.field(childListField(platformUserList, PlatformUser, 'sourceId', 'platformUser:read')),
}));

builder.prismaObjectFields('PlatformUser', (t) => ({
  source: t.field(oneField(sourceEntity, Source, (user: { sourceId: string }) => user.sourceId)),
  platformUserId: t.exposeString('platformUserId', { description: 'the platform’s own id' }),
  username: t.exposeString('username'),
  displayName: t.exposeString('displayName', { nullable: true }),
  riskScore: t.exposeFloat('riskScore', { description: 'highest risk of the account’s content, 0 to 1' }),
  isFlagged: t.exposeBoolean('isFlagged'),
  flaggedAt: t.expose('flaggedAt', { type: 'DateTime', nullable: true }),
  flagReason: t.exposeString('flagReason', { nullable: true }),
  flaggedBy: t.field({
    type: FlaggedBy,
    nullable: true,
    resolve: ({ flaggedBy }) => (flaggedBy ? enumValue(FLAGGED_BY, flaggedBy) : null),
  }),
  unflaggedUntil: t.expose('unflaggedUntil', {
    type: 'DateTime',
    nullable: true,
    description: 'a person took the flag off: the rule leaves the account alone until then',
  }),
  version: t.exposeInt('version'),
  createdAt: t.expose('createdAt', { type: 'DateTime' }),
  updatedAt: t.expose('updatedAt', { type: 'DateTime' }),
  contents: t.field(childListField(contentList, Content, 'authorId', 'content:read')),
}));

builder.queryFields((t) => ({
  sources: t.field({
    ...listField(sourceList, Source),
    permission: 'source:read',
    description: 'Where content comes from.',
  }),
  platformUsers: t.field({
    ...listField(platformUserList, PlatformUser),
    permission: 'platformUser:read',
    description: 'Watched accounts at sources.',
  }),
}));

addMutation({
  name: 'createSource',
  permission: 'source:write',
  description: 'Adds a source.',
  input: builder.inputType('CreateSourceInput', {
    description: 'A new source.',
    fields: (t) => ({
      name: t.string({ required: true }),
      kind: t.field({ type: SourceKind, required: true }),
      externalRef: t.string({
        required: true,
        description: 'what identifies it at its platform: unique with the kind',
      }),
      description: t.string(),
      reliability: t.field({ type: Reliability, description: 'C when left out' }),
      country: t.string({ description: 'ISO 3166, such as DE' }),
    }),
  }),
  returns: { field: 'source', type: Source },
  run: (ctx, input) => withWrite(ctx.services.write, viewerOf(ctx), 'source.create', (tx) => createSource(tx, input)),
});

addMutation({
  name: 'updateSource',
  permission: 'source:write',
  description: 'Changes a source. A new reliability weighs for content that comes in from now on.',
  input: builder.inputType('UpdateSourceInput', {
    description: 'Changes of a source.',
    fields: (t) => ({
      id: t.id({ required: true }),
      expectedVersion: t.int({ description: EXPECTED_VERSION }),
      name: t.string(),
      description: t.string(),
      reliability: t.field({ type: Reliability }),
      country: t.string(),
      isActive: t.boolean(),
    }),
  }),
  returns: { field: 'source', type: Source },
  run: (ctx, input) => {
    const id = sourceEntity.decode(input.id);
    return withWrite(ctx.services.write, viewerOf(ctx), 'source.update', (tx) => updateSource(tx, { ...input, id }));
  },
});

addMutation({
  name: 'flagPlatformUser',
  permission: 'platformUser:write',
  description: 'Flags an account, or takes the flag off: then the rule leaves it alone for 30 days.',
  input: builder.inputType('FlagPlatformUserInput', {
    description: 'Whether an account is flagged, and why.',
    fields: (t) => ({
      id: t.id({ required: true }),
      flagged: t.boolean({ required: true }),
      reason: t.string({ required: true }),
      expectedVersion: t.int({ description: EXPECTED_VERSION }),
    }),
  }),
  returns: { field: 'platformUser', type: PlatformUser },
  run: (ctx, input) => {
    const id = platformUserEntity.decode(input.id);
    return withWrite(ctx.services.write, viewerOf(ctx), 'platformUser.flag', (tx) => setFlag(tx, { ...input, id }));
  },
});

addEventSubscription(sourceList, Source, 'source:read');
addEventSubscription(platformUserList, PlatformUser, 'platformUser:read');
