import {
  GraphQLObjectType,
  GraphQLSchema,
  GraphQLString,
  getNamedType,
  isObjectType,
  isRequiredArgument,
} from 'graphql';
import { describe, expect, it } from 'vitest';
import { PERMISSIONS } from '../../src/access/permissions.ts';
import { entities } from '../../src/graphql/entity.ts';
import type { GraphQLResponse } from './app.ts';
import { keyWith, type World } from './isolation.ts';
import {
  type AnyField,
  argsFor,
  operation,
  type Place,
  permissionOf,
  type Root,
  rootFields,
  schema,
  selection,
} from './schema-walk.ts';
import { subscribe } from './sse.ts';

/** A field below the root that asks for a permission, with a query that reaches it. */
export interface Guarded {
  /** `Content.detections` */
  name: string;
  permission: string;
  query: string;
  variables: Record<string, unknown>;
  /** permissions of the fields on the way */
  onTheWay: readonly string[];
}

/** Every field below the roots that asks for a permission: by the shortest way that does not ask for the same one. */
export function guardedFields(id: (path: Place) => string): { reached: Guarded[]; behindThemselves: string[] } {
  const reached = new Map<string, Guarded>();
  const all = new Map<string, string>();
  // What must be told what to look for may find nothing, and would reach no field.
  const roots = rootFields('Query').filter(({ args }) => !args.some(isRequiredArgument));
  const queue = roots.map((root) => ({ root, path: [] as AnyField[] }));
  const visited = new Set<string>();
  for (let step = queue.shift(); step; step = queue.shift()) {
    const { root, path } = step;
    const type = getNamedType((path.at(-1) ?? root).type);
    if (!isObjectType(type)) continue;
    const onTheWay = [root, ...path].map(permissionOf).filter((name) => name !== 'undefined' && name !== 'public');
    const known = `${type.name}:${[...new Set(onTheWay)].sort().join()}`;
    if (visited.has(known) || path.length > 6) continue;
    visited.add(known);
    for (const field of Object.values(type.getFields())) {
      const next = { root, path: [...path, field] };
      queue.push(next);
      if (!field.extensions.permission) continue;
      const name = `${type.name}.${field.name}`;
      const permission = permissionOf(field);
      all.set(name, permission);
      if (reached.has(name) || onTheWay.includes(permission)) continue;
      const variables = argsFor(root.args, { text: 'fentanyl', id });
      reached.set(name, { name, permission, onTheWay, variables, query: queryOf(root, next.path, variables) });
    }
  }
  return { reached: [...reached.values()], behindThemselves: [...all.keys()].filter((name) => !reached.has(name)) };
}

/** Oneself, whom everybody may know. */
const OPEN = new Set(['Viewer.member']);

/** Fields that give rows of a type without its permission being asked for, by them or on some way to them. */
export function rowsInTheOpen(of: GraphQLSchema = schema): string[] {
  const reads = new Map<string, string>(entities().map(({ typeName, read }) => [typeName, read]));
  const found = new Set<string>();
  const visited = new Set<string>();
  const queue = rootFields('Query', of).map((field) => ({ name: `Query.${field.name}`, field, asked: [] as string[] }));
  for (let step = queue.shift(); step; step = queue.shift()) {
    const type = getNamedType(step.field.type);
    const asked = [...new Set([...step.asked, permissionOf(step.field)])].sort();
    const read = reads.get(type.name);
    if (read && !asked.includes(read)) found.add(step.name);
    const known = `${type.name}:${asked.join()}`;
    if (visited.has(known) || !isObjectType(type) || OPEN.has(step.name)) continue;
    visited.add(known);
    queue.push(
      ...Object.values(type.getFields()).map((field) => ({ name: `${type.name}.${field.name}`, field, asked })),
    );
  }
  return [...found].filter((name) => !OPEN.has(name)).sort();
}

function queryOf(root: AnyField, path: readonly AnyField[], variables: Record<string, unknown>): string {
  const [last, ...before] = path.toReversed();
  const leaf = last ? selection(last.type, 1) : '';
  const inner = before.reduce(
    (text, field) => `${field.name} { ${text} }`,
    `${last?.name} ${leaf ? `{ ${leaf} }` : ''}`,
  );
  return operation('Query', root, variables, inner);
}

/** An operation that calls a root field with all that it requires. */
export function callOf(root: Root, field: AnyField, id: (path: Place) => string) {
  const variables = argsFor(field.args, { text: 'fentanyl', id });
  return { query: operation(root, field, variables, selection(field.type, 1)), variables };
}

const ROOTS: readonly Root[] = ['Query', 'Mutation', 'Subscription'];
const FIELDS = ROOTS.flatMap((root) =>
  rootFields(root).map((field) => ({ root, field, name: `${root}.${field.name}` })),
);
const NOBODY = 'cnt_00000000000000000000000000';

/** Keys of the first tenant that lack one permission each, made once. */
const lacking = new WeakMap<World, Map<string, string>>();

async function keyWithout(w: World, permission: string): Promise<string> {
  const known = lacking.get(w) ?? new Map<string, string>();
  lacking.set(w, known);
  const rest = Object.keys(PERMISSIONS).filter((name) => name !== permission);
  const key = known.get(permission) ?? (await keyWith(w.t, w.a.tenant, rest));
  known.set(permission, key);
  return key;
}

async function ask(w: World, key: string | null, root: Root, query: string, variables: Record<string, unknown>) {
  if (root !== 'Subscription') return w.t.run(key, query, variables);
  const stream = await subscribe(w.t, key, query, variables);
  const answer = await stream.next(5_000);
  await stream.close();
  return answer ?? {};
}
const codes = ({ errors }: GraphQLResponse) => errors?.map(({ extensions }) => extensions?.code);

/** What a caller may ask for, with a key that lacks the permission and with credentials that are no longer any. */
export function rightsTests(world: () => World): void {
  const id = (path: Place): string => (path.includes('sourceId') ? (world().a.ids.get('src')?.[0] ?? '') : NOBODY);

  describe('who may', () => {
    it.each(FIELDS.filter(({ field }) => permissionOf(field) !== 'public'))(
      '$name: not without its permission',
      async ({ root, field }) => {
        const { query, variables } = callOf(root, field, id);
        const permission = permissionOf(field);
        const short = await keyWithout(world(), permission);
        const untouched = await world().checksum(world().a.tenant.tenantId);
        const refused = await ask(world(), short, root, query, variables);
        expect(codes(refused), query).toEqual(['FORBIDDEN']);
        expect(refused.errors?.[0]?.message).toContain(permission);
        expect(codes(await ask(world(), null, root, query, variables)), query).toEqual(['UNAUTHENTICATED']);
        expect(await world().checksum(world().a.tenant.tenantId)).toBe(untouched);
      },
    );

    it.each(FIELDS)(
      '$name: not with a key or session that is expired, revoked or of nobody',
      async ({ root, field }) => {
        const { query, variables } = callOf(root, field, id);
        for (const [what, secret] of await deadCredentials(world())) {
          const refused = await ask(world(), secret, root, query, variables);
          expect(codes(refused), `${what}: ${JSON.stringify(refused)}`).toEqual(['UNAUTHENTICATED']);
          expect(refused.data ?? null).toBeNull();
        }
      },
    );
  });
}

/** Credentials that are good, and their end while they are in use. */
export function credentialTests(world: () => World): void {
  describe('credentials', () => {
    it('the same credentials are good before they end', async () => {
      for (const secret of [world().a.seed.apiKey.secret, world().a.seed.session.token])
        await world().t.runOk(secret, '{ sources { nodes { id } } }');
    });

    it('a key that is in use is refused as soon as it is revoked, and a session that signs out', async () => {
      const { t, a } = world();
      const [key, session] = [await keyWith(t, a.tenant, ['source:read', 'key:read']), await sessionOf(world())];
      const query = '{ sources { nodes { id } } }';
      for (const secret of [key, session]) await t.runOk(secret, query);
      const { apiKeys } = await t.runOk(a.tenant.key, '{ apiKeys(first: 1) { nodes { id } } }');
      const revoke = 'mutation ($id: ID!) { revokeApiKey(input: { id: $id }) { userErrors { message } } }';
      await t.runOk(a.tenant.key, revoke, { id: apiKeys.nodes[0].id });
      await t.runOk(session, 'mutation { signOut { userErrors { message } } }');
      for (const secret of [key, session])
        await expect
          .poll(async () => codes(await t.run(secret, query)), { timeout: 1_000 })
          .toEqual(['UNAUTHENTICATED']);
    });
  });
}

/** Relations to what another permission is for. */
export function relationTests(world: () => World): void {
  const { reached, behindThemselves } = guardedFields(() => NOBODY);
  describe('what hangs on what one may read', () => {
    it('asks for its permission wherever another one leads to it', () => {
      expect(reached.length).toBeGreaterThan(30);
      // Only lists that ask for the same permission lead to these.
      expect(behindThemselves.sort()).toEqual([
        'Bug.comments',
        'Bug.history',
        'BugChange.bug',
        'BugComment.bug',
        'CaseContent.content',
        'CaseDetection.detection',
        'CaseIdentifier.identifier',
        'CasePlatformUser.platformUser',
        'Content.sightings',
        'ContentIdentifier.identifier',
        'IdentifierContent.content',
        'Notification.rule',
        'OsintIdentifierLink.identifier',
        'OsintResult.parent',
        'SlaForecastBug.bug',
        'SlaPolicy.calendar',
        'SyncStatus.lastRun',
        'Webhook.deliveries',
        'WebhookDelivery.webhook',
      ]);
    });

    it('lies behind its permission, by whichever way it is reached', () => {
      expect(rowsInTheOpen()).toEqual([]);
    });

    it('is seen to lie in the open', () => {
      const of = (permission: string) => ({ extensions: { permission } });
      const bug = { type: new GraphQLObjectType({ name: 'Bug', fields: { id: { type: GraphQLString } } }) };
      const fields = { bare: bug, guarded: { ...bug, ...of('bug:read') } };
      const breach = { type: new GraphQLObjectType({ name: 'Breach', fields }) };
      const roots = { breach: { ...breach, ...of('sla:read') }, bugs: { ...bug, ...of('bug:read') } };
      const query = new GraphQLObjectType({ name: 'Query', fields: roots });
      expect(rowsInTheOpen(new GraphQLSchema({ query }))).toEqual(['Breach.bare']);
    });

    it.each(reached)('$name: not without $permission', async ({ query, variables, permission, name }) => {
      const field = name.split('.')[1] ?? '';
      const refused = await world().t.run(await keyWithout(world(), permission), query, variables);
      const codesThere = refused.errors
        ?.filter(({ path }) => path?.includes(field))
        .map(({ extensions }) => extensions?.code);
      expect(codesThere?.length, `${query} ${JSON.stringify(refused)}`).toBeGreaterThan(0);
      expect(new Set(codes(refused))).toEqual(new Set(['FORBIDDEN']));
      expect((await world().t.run(world().a.tenant.key, query, variables)).errors).toBeUndefined();
    });
  });
}

type Credentials = readonly (readonly [what: string, secret: string])[];

const dead = new WeakMap<World, Credentials>();

/** Credentials that were good once, made once. */
async function deadCredentials(w: World): Promise<Credentials> {
  const known = dead.get(w);
  if (known) return known;
  const [key, session] = [() => keyWith(w.t, w.a.tenant, ['source:read']), () => sessionOf(w)];
  const ends = [
    ['an expired key', key, `UPDATE api_keys SET expires_at = now() - interval '1 second' WHERE key_hash`],
    ['a revoked key', key, 'UPDATE api_keys SET revoked_at = now() WHERE key_hash'],
    ['an expired session', session, `UPDATE sessions SET expires_at = now() - interval '1 second' WHERE token_hash`],
    ['a revoked session', session, 'UPDATE sessions SET revoked_at = now() WHERE token_hash'],
    ['a key of nobody', key, 'DELETE FROM api_keys WHERE key_hash'],
    ['a session of nobody', session, 'DELETE FROM sessions WHERE token_hash'],
  ] as const;
  const made: (readonly [string, string])[] = [];
  for (const [what, make, end] of ends) {
    const secret = await make();
    const { rowCount } = await w.owner.query(`${end} = sha256($1::text::bytea)`, [secret]);
    expect(rowCount, what).toBe(1);
    made.push([what, secret]);
  }
  made.push(['no key at all', 'argus_nonsense']);
  dead.set(w, made);
  return made;
}

async function sessionOf({ t, a }: World): Promise<string> {
  const { email, password } = a.seed.session;
  const query = `mutation ($email: String!, $password: String!) {
    signIn(input: { email: $email, password: $password }) { session { token } } }`;
  const { signIn } = await t.runOk(null, query, { email, password });
  return signIn.session.token;
}
