import { defineList } from '../../data/list.ts';
import { withWrite } from '../../data/write.ts';
import { builder } from '../../graphql/builder.ts';
import { listField, oneField } from '../../graphql/connection.ts';
import { viewerOf } from '../../graphql/context.ts';
import { addMutation, EXPECTED_VERSION } from '../../graphql/mutation.ts';
import { Node } from '../../graphql/node.ts';
import { type ApiKeyInput, type CreatedKey, createApiKey, revokeApiKey } from './api-key.service.ts';
import { apiKeyEntity, memberEntity, sessionEntity } from './entities.ts';
import { addEventSubscription } from './event-stream.schema.ts';
import { Member } from './member.schema.ts';
import { type SignedIn, signIn, signOut } from './session.service.ts';

const apiKeyList = defineList('ApiKey', {
  filters: { createdAt: { kind: 'date', field: 'createdAt' } },
  orders: { CREATED_AT: 'createdAt' },
  defaultOrder: 'CREATED_AT',
  omit: ['keyHash'],
});

const ApiKey = builder.prismaObject('ApiKey', {
  description: 'A key for programs. Its secret is shown once, when it is created.',
  interfaces: [Node],
  fields: (t) => ({
    id: t.id({ resolve: (key) => apiKeyEntity.encode(key.id) }),
    name: t.exposeString('name'),
    member: t.field(oneField(memberEntity, Member, (key: { memberId: string }) => key.memberId)),
    permissions: t.exposeStringList('permissions', { description: 'what it may do, as far as its member may' }),
    lastUsedAt: t.expose('lastUsedAt', { type: 'DateTime', nullable: true, description: 'to the minute' }),
    expiresAt: t.expose('expiresAt', { type: 'DateTime', nullable: true }),
    revokedAt: t.expose('revokedAt', { type: 'DateTime', nullable: true }),
    version: t.exposeInt('version'),
    createdAt: t.expose('createdAt', { type: 'DateTime' }),
  }),
});

builder.queryField('apiKeys', (t) =>
  t.field({
    ...listField(apiKeyList, ApiKey),
    permission: 'key:read',
    description: 'Keys of this tenant, newest first.',
  }),
);

// Sessions are in events and in the audit log by id: `node` must be able to show one.
builder.prismaObject('Session', {
  description: 'Somebody is signed in, or was.',
  interfaces: [Node],
  fields: (t) => ({
    id: t.id({ resolve: (session) => sessionEntity.encode(session.id) }),
    member: t.field(oneField(memberEntity, Member, (session: { memberId: string }) => session.memberId)),
    expiresAt: t.expose('expiresAt', { type: 'DateTime' }),
    revokedAt: t.expose('revokedAt', { type: 'DateTime', nullable: true }),
    createdAt: t.expose('createdAt', { type: 'DateTime' }),
  }),
});

const SignedInType = builder.objectRef<SignedIn>('SignedIn').implement({
  description: 'A new session.',
  fields: (t) => ({
    token: t.exposeString('token', { description: 'send it as `Authorization: Bearer …`; shown only here' }),
    expiresAt: t.expose('expiresAt', { type: 'DateTime' }),
  }),
});

addMutation({
  name: 'signIn',
  // Such an address is as wrong as any other, and is told so in the same words.
  mendsText: true,
  permission: 'public',
  description: 'Signs a person in with e-mail address and password.',
  input: builder.inputType('SignInInput', {
    description: 'Who signs in.',
    fields: (t) => ({
      email: t.string({ required: true }),
      password: t.string({ required: true }),
      tenant: t.string({ description: 'short name; needed only by people of several tenants' }),
    }),
  }),
  returns: { field: 'session', type: SignedInType },
  run: (ctx, input) => signIn(ctx.services, input, ctx.request),
});

const SignedOut = builder.objectRef<{ memberId: string }>('SignedOut').implement({
  description: 'Who has signed out.',
  fields: (t) => ({ memberId: t.id({ resolve: ({ memberId }) => memberEntity.encode(memberId) }) }),
});

addMutation({
  name: 'signOut',
  permission: 'tenant:read',
  description: 'Ends the session that this request came with.',
  returns: { field: 'signedOut', type: SignedOut },
  run: (ctx) => withWrite(ctx.services.write, viewerOf(ctx), 'session.signOut', signOut),
});

const NewKey = builder.objectRef<CreatedKey>('NewApiKey').implement({
  description: 'A key that was just created.',
  fields: (t) => ({
    apiKey: t.field({ type: ApiKey, resolve: ({ apiKey }) => apiKey }),
    secret: t.exposeString('secret', { description: 'the key itself: keep it now, it is not shown again' }),
  }),
});

addMutation({
  name: 'createApiKey',
  permission: 'key:write',
  description: 'Creates a key that acts for a member.',
  input: builder.inputType('CreateApiKeyInput', {
    description: 'A new key.',
    fields: (t) => ({
      name: t.string({ required: true }),
      permissions: t.stringList({ description: 'all of yours when left out; never more than yours' }),
      expiresAt: t.field({
        type: 'DateTime',
        description: 'a key made by a key that ends ends with it, or before',
      }),
      memberId: t.id({ description: 'you, when left out' }),
    }),
  }),
  returns: { field: 'key', type: NewKey },
  run: (ctx, input) => {
    const memberId = input.memberId ? memberEntity.decode(input.memberId, ['memberId']) : null;
    return withWrite(ctx.services.write, viewerOf(ctx), 'apiKey.create', (tx) =>
      createApiKey(tx, { ...input, memberId } as ApiKeyInput),
    );
  },
});

addMutation({
  name: 'revokeApiKey',
  permission: 'key:write',
  description: 'Ends a key at once.',
  input: builder.inputType('RevokeApiKeyInput', {
    description: 'Which key to end.',
    fields: (t) => ({ id: t.id({ required: true }), expectedVersion: t.int({ description: EXPECTED_VERSION }) }),
  }),
  returns: { field: 'apiKey', type: ApiKey },
  run: (ctx, input) => {
    const id = apiKeyEntity.decode(input.id);
    return withWrite(ctx.services.write, viewerOf(ctx), 'apiKey.revoke', (tx) => revokeApiKey(tx, { ...input, id }));
  },
});

addEventSubscription(apiKeyList, ApiKey, 'key:read');
