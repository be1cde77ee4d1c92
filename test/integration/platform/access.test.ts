import pg from 'pg';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { App } from '../../../src/app.ts';
import { withWrite } from '../../../src/data/write.ts';
import { addMember, createTenant } from '../../../src/modules/platform/tenant.service.ts';
import { createTestApp, type TestApp } from '../../support/app.ts';
import { asOwner, mutate } from '../intel/records.ts';
import { anotherApp, ask } from './serving.ts';

let t: TestApp;
let other: App;
beforeAll(async () => {
  t = await createTestApp();
  other = await anotherApp(t);
});
afterAll(async () => {
  await other?.close();
  await t?.close();
});

const SIGN_IN = `mutation($input: SignInInput!) { signIn(input: $input) { session { token expiresAt }
  userErrors { code message path } eventSeq } }`;
const WHO = '{ viewer { kind member { displayName } tenant { slug } permissions { name granted } } }';
const PASSWORD = 'correct horse battery';

const signIn = async (input: object) => (await t.runOk(null, SIGN_IN, { input })).signIn;

/** A tenant whose owner has a password. */
function tenantOf(slug: string, email = `owner@${slug}.example`) {
  return createTenant(t.app.services, { slug, name: slug, email, displayName: 'Olga', password: PASSWORD });
}

const codeOf = async (key: string, app: App = t.app) => {
  const { status, body } = await ask(app, key, WHO);
  return [status, body.errors?.[0]?.extensions?.code ?? null];
};
const REFUSED = [401, 'UNAUTHENTICATED'];

test('after ten failures an account is refused for a while, whether there is one or not', async () => {
  const { userErrors: none } = await signIn({ email: 'nobody@throttle.example', password: 'wrong' });
  expect(none[0].code).toBe('UNAUTHENTICATED');
  await tenantOf('throttle');
  const told: string[][] = [];
  for (const email of ['owner@throttle.example', 'unknown@throttle.example']) {
    for (let i = 0; i < 10; i++) await signIn({ email, password: 'wrong' });
    const { session, userErrors } = await signIn({ email: ` ${email.toUpperCase()}`, password: PASSWORD });
    expect(session).toBeNull();
    expect(userErrors[0].code).toBe('RATE_LIMITED');
    told.push(userErrors.map(({ message }: { message: string }) => message.replace(/\d+ s$/, 'N s')));
  }
  expect(told[0]).toEqual(['there were too many failed attempts to sign in: try again in N s']);
  expect(told[1]).toEqual(told[0]);
});

test('a person signs in with address and password, and gets a session of 12 hours', async () => {
  const a = await tenantOf('sign-in');
  const { session, userErrors } = await signIn({ email: ' Owner@Sign-In.example ', password: PASSWORD });
  expect(userErrors).toEqual([]);
  expect(session.token).toMatch(/^argus_session_/);
  expect((Date.parse(session.expiresAt) - Date.now()) / 3_600_000).toBeCloseTo(12, 1);
  const { viewer } = await t.runOk(session.token, WHO);
  expect(viewer).toMatchObject({ kind: 'MEMBER', member: { displayName: 'Olga' }, tenant: { slug: 'sign-in' } });
  expect(viewer.permissions.every((p: { granted: boolean }) => p.granted)).toBe(true);
  const [row] = await asOwner(
    t,
    'SELECT u.password_hash, s.token_hash, u.last_login_at FROM users u, sessions s WHERE u.id = $1 AND s.tenant_id = $2',
    [a.userId, a.tenantId],
  );
  expect(row.password_hash).toMatch(/^\$argon2id\$v=19\$m=19456,t=2,p=1\$/);
  expect(row.password_hash).not.toContain(PASSWORD);
  expect(row.token_hash).toHaveLength(32);
  expect(row.last_login_at).toBeInstanceOf(Date);
});

test('a wrong password, an unknown address and a wrong tenant are told with the same words', async () => {
  await tenantOf('wrong');
  const attempts = [
    { email: 'owner@wrong.example', password: 'wrong' },
    { email: 'owner@wrong.example', password: '' },
    { email: 'nobody@wrong.example', password: PASSWORD },
    { email: "x' OR '1'='1", password: PASSWORD },
    { email: 'nul\0@wrong.example', password: PASSWORD },
    { email: 'owner@wrong.example\\', password: PASSWORD },
    { email: `${'x'.repeat(400)}@wrong.example`, password: PASSWORD },
    { email: 'owner@wrong.example', password: PASSWORD, tenant: 'elsewhere' },
  ];
  const answers = await Promise.all(attempts.map(signIn));
  const [first] = answers;
  expect(first.userErrors).toMatchObject([{ code: 'UNAUTHENTICATED', message: expect.stringMatching(/is wrong$/) }]);
  for (const [i, answer] of answers.entries()) expect([i, answer]).toEqual([i, first]);
});

test('a person of several tenants names one; a member who was switched off has none', async () => {
  const email = 'both@many.example';
  const a = await tenantOf('many-a', email);
  await tenantOf('many-b', email);
  const unnamed = await signIn({ email, password: PASSWORD });
  expect(unnamed.userErrors).toMatchObject([{ code: 'INVALID_INPUT', path: ['tenant'] }]);
  expect(unnamed.userErrors[0].message).toMatch(/many-a, many-b/);
  const named = await signIn({ email, password: PASSWORD, tenant: 'many-b' });
  expect((await t.runOk(named.session.token, WHO)).viewer.tenant.slug).toBe('many-b');
  const inA = await signIn({ email, password: PASSWORD, tenant: 'many-a' });
  await asOwner(t, 'UPDATE members SET is_active = false WHERE tenant_id = $1', [a.tenantId]);
  expect(await codeOf(inA.session.token, other)).toEqual(REFUSED);
  const only = await signIn({ email, password: PASSWORD });
  expect((await t.runOk(only.session.token, WHO)).viewer.tenant.slug).toBe('many-b');
});

test('a session ends when its time has come, and at once when its holder signs out', async () => {
  const a = await tenantOf('sessions');
  const [first, second, third] = await Promise.all(
    [1, 2, 3].map(() => signIn({ email: 'owner@sessions.example', password: PASSWORD })),
  );
  await asOwner(
    t,
    `UPDATE sessions SET expires_at = now() - interval '1 second' WHERE tenant_id = $1 AND token_hash = sha256($2::bytea)`,
    [a.tenantId, first.session.token],
  );
  expect(await codeOf(first.session.token)).toEqual(REFUSED);
  expect(await codeOf(second.session.token)).toEqual([200, null]);
  expect(await codeOf(second.session.token, other)).toEqual([200, null]);
  const out = 'mutation { signOut { signedOut { memberId } userErrors { code message } eventSeq } }';
  const { signOut } = await t.runOk(second.session.token, out);
  expect(signOut).toMatchObject({ userErrors: [], signedOut: { memberId: expect.stringMatching(/^mem_/) } });
  for (const app of [t.app, other]) {
    await expect.poll(() => codeOf(second.session.token, app), { timeout: 1_000, interval: 10 }).toEqual(REFUSED);
  }
  expect(await codeOf(third.session.token)).toEqual([200, null]);
  expect((await t.runOk(a.key, out)).signOut.userErrors).toMatchObject([{ code: 'NOT_FOUND' }]);
});

const CREATE =
  'createApiKey { key { secret apiKey { id permissions expiresAt version } } userErrors { code message path } }';
const REVOKE = 'revokeApiKey { apiKey { id revokedAt version } userErrors { code message } }';

test('a key may do what it was made for, and never more than its maker or its member', async () => {
  const a = await t.tenant('keys');
  const narrow = await mutate(t, a.key, CREATE, {
    name: 'narrow',
    permissions: ['case:read', 'key:write', 'tenant:read'],
  });
  const key: string = narrow.key.secret;
  expect(key).not.toBe(a.key);
  expect((await ask(t.app, key, '{ cases { nodes { id } } }')).body.errors).toBeUndefined();
  const denied = await ask(t.app, key, '{ sources { nodes { id } } }');
  expect(denied.body.errors?.[0]).toMatchObject({ extensions: { code: 'FORBIDDEN' }, path: ['sources'] });
  expect(denied.body.errors?.[0]?.message).toContain('source:read');
  const wider = await mutate(t, key, CREATE, { name: 'wider', permissions: ['case:read', 'case:write'] });
  expect(wider).toMatchObject({ key: null, userErrors: [{ code: 'FORBIDDEN', path: ['permissions'] }] });
  expect(wider.userErrors[0].message).toContain('case:write');
  const same = await mutate(t, key, CREATE, { name: 'same' });
  // Read back by one who may see keys: the maker of this one may not.
  const { apiKeys } = await t.runOk(a.key, '{ apiKeys { nodes { name permissions } } }');
  const made = apiKeys.nodes.find((node: { name: string }) => node.name === 'same');
  expect(new Set(made.permissions)).toEqual(new Set(['case:read', 'key:write', 'tenant:read']));
  expect(same.userErrors).toEqual([]);
  const unknown = await mutate(t, a.key, CREATE, { name: 'x', permissions: ['case:fly'] });
  expect(unknown.userErrors).toMatchObject([{ code: 'INVALID_INPUT', path: ['permissions'] }]);
  expect((await mutate(t, a.key, CREATE, { name: ' ' })).userErrors).toMatchObject([{ path: ['name'] }]);
  const past = await mutate(t, a.key, CREATE, { name: 'x', expiresAt: '2020-01-01T00:00:00Z' });
  expect(past.userErrors).toMatchObject([{ code: 'INVALID_INPUT', path: ['expiresAt'] }]);
  const { value: viewerMember } = await withWrite(t.app.services.write, a.system, 'test', (tx) =>
    addMember(tx, { email: 'v@keys.example', displayName: 'Viewer', role: 'VIEWER', passwordHash: null }),
  );
  const { members } = await t.runOk(a.key, '{ members { nodes { id displayName } } }');
  const memberId = members.nodes.find((m: { displayName: string }) => m.displayName === 'Viewer').id;
  expect(viewerMember.memberId).toBeTruthy();
  const forViewer = await mutate(t, a.key, CREATE, { name: 'for the viewer', memberId });
  const write = await ask(t.app, forViewer.key.secret, 'mutation { openCase(input: { title: "x" }) { case { id } } }');
  expect(write.body.errors?.[0]?.extensions?.code).toBe('FORBIDDEN');
});

test('a key ends when its time has come', async () => {
  const a = await t.tenant('key-expiry');
  const soon = new Date(Date.now() + 1_500).toISOString();
  const { key } = await mutate(t, a.key, CREATE, { name: 'short', expiresAt: soon });
  expect(await codeOf(key.secret)).toEqual([200, null]);
  await expect.poll(() => codeOf(key.secret), { timeout: 3_000, interval: 100 }).toEqual(REFUSED);
  expect(Date.now()).toBeGreaterThanOrEqual(Date.parse(soon));
});

test('a key that ends makes none that lives longer', async () => {
  const a = await t.tenant('key-heirs');
  const end = new Date(Date.now() + 3_600_000);
  const earlier = new Date(end.getTime() - 1_000).toISOString();
  const { key } = await mutate(t, a.key, CREATE, { name: 'short', expiresAt: end.toISOString() });
  const heir = async (input: object) => mutate(t, key.secret, CREATE, { name: 'heir', ...input });
  expect((await heir({})).key.apiKey.expiresAt).toBe(end.toISOString());
  expect((await heir({ expiresAt: null })).key.apiKey.expiresAt).toBe(end.toISOString());
  expect((await heir({ expiresAt: earlier })).key.apiKey.expiresAt).toBe(earlier);
  const later = await heir({ expiresAt: new Date(end.getTime() + 1_000).toISOString() });
  expect(later).toMatchObject({ key: null, userErrors: [{ code: 'INVALID_INPUT', path: ['expiresAt'] }] });
  expect(later.userErrors[0].message).toContain(end.toISOString());
  expect((await mutate(t, a.key, CREATE, { name: 'endless' })).key.apiKey.expiresAt).toBeNull();
});

test('a revoked key is refused at once, by every process', async () => {
  const a = await t.tenant('revoke');
  const { key } = await mutate(t, a.key, CREATE, { name: 'k' });
  const { id } = key.apiKey;
  for (const app of [t.app, other]) expect(await codeOf(key.secret, app)).toEqual([200, null]);
  expect((await mutate(t, a.key, REVOKE, { id, expectedVersion: 7 })).userErrors).toMatchObject([
    { code: 'VERSION_MISMATCH' },
  ]);
  const { apiKey } = await mutate(t, a.key, REVOKE, { id });
  expect(apiKey).toMatchObject({ id, version: 2, revokedAt: expect.stringMatching(/^20/) });
  for (const app of [t.app, other]) {
    await expect.poll(() => codeOf(key.secret, app), { timeout: 1_000, interval: 10 }).toEqual(REFUSED);
  }
  expect((await mutate(t, a.key, REVOKE, { id })).userErrors).toMatchObject([{ code: 'CONFLICT' }]);
  const b = await t.tenant('revoke-other');
  expect((await mutate(t, b.key, REVOKE, { id })).userErrors).toMatchObject([{ code: 'NOT_FOUND' }]);
});

test('a key that is revoked while it is being looked up is not believed after', async () => {
  const a = await t.tenant('revoke-race');
  const { key } = await mutate(t, a.key, CREATE, { name: 'k' });
  await ask(other, a.key, WHO);
  const owner = new pg.Client({ connectionString: t.database.ownerUrl });
  const second = new pg.Client({ connectionString: t.database.ownerUrl });
  await Promise.all([owner.connect(), second.connect()]);
  // The look-up reads the key, then the member: there it is held while the key is revoked and that is announced.
  await owner.query('BEGIN; LOCK TABLE members IN ACCESS EXCLUSIVE MODE');
  const slow = ask(other, key.secret, '{ __typename }');
  await expect
    .poll(async () => {
      const { rows } = await second.query(
        `SELECT 1 FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()`,
      );
      return rows.length;
    })
    .toBe(1);
  await second.query('UPDATE api_keys SET revoked_at = now() WHERE tenant_id = $1 AND name = $2', [a.tenantId, 'k']);
  const announced = new Promise((resolve) => other.services.bus.onTenant(a.tenantId, () => resolve(true)));
  await second.query(`SELECT pg_notify('argus_events', $1)`, [a.tenantId]);
  await announced;
  await owner.query('COMMIT');
  await slow;
  expect(await codeOf(key.secret, other)).toEqual(REFUSED);
  await Promise.all([owner.end(), second.end()]);
});

test.for([
  ['of no form', 'nonsense'],
  ['with a wrong checksum', 'argus_01h455vb4pex5vsknk084sn02q_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA000000'],
  ['an unknown session', `argus_session_${'A'.repeat(43)}`],
] as const)('a credential %s is refused with 401', async ([, credential]) => {
  expect(await codeOf(credential)).toEqual(REFUSED);
});

test('another secret for the id of a key is refused', async () => {
  const [a, b] = [await t.tenant('forged-a'), await t.tenant('forged-b')];
  await asOwner(t, 'UPDATE api_keys SET key_hash = sha256($2::bytea) WHERE tenant_id = $1', [a.tenantId, 'another']);
  expect(await codeOf(a.key)).toEqual(REFUSED);
  expect(await codeOf(b.key)).toEqual([200, null]);
});
