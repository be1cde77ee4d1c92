import type pg from 'pg';
import { hashPassword, needsRehash, verifyPassword } from '../../access/passwords.ts';
import { newSessionToken } from '../../access/tokens.ts';
import type { Viewer } from '../../access/viewer.ts';
import { beforeTenant, setLocal } from '../../data/before-tenant.ts';
import { type WriteTx, type Written, withWrite } from '../../data/write.ts';
import { InvalidInput, NotFound, Unauthenticated } from '../../errors.ts';
import { newId } from '../../graphql/ids.ts';
import type { Services } from '../../services.ts';

const HOUR_MS = 3_600_000;
const MAX_EMAIL = 320;
/** In UTF-16 units: more than 200 characters can have. */
const LONGEST_PASSWORD = 1_000;

export interface SignInInput {
  email: string;
  password: string;
  /** slug; needed only by people who belong to several tenants */
  tenant?: string | null;
}

export interface SignedIn {
  /** shown once; only its hash is kept */
  token: string;
  expiresAt: Date;
  memberId: string;
}

interface Candidate {
  tenantId: string;
  slug: string;
  memberId: string;
  userId: string;
  hash: string | null;
}

/** Signs a person in. The answer to a wrong address and to a wrong password is the same, and takes the same time. */
export async function signIn(
  services: Services,
  input: SignInInput,
  request: Viewer['request'],
): Promise<Written<SignedIn>> {
  const email = input.email.trim().toLowerCase();
  if (email.length > MAX_EMAIL || /[\0\\]/.test(email)) throw wrong(services);
  const found = await services.signIns.attempt(email, request.ip, () => findAccount(services, email, input.password));
  if (!found) throw wrong(services);
  const { userId, hash, members } = found;
  const [first, second] = members;
  if (!first) throw new Unauthenticated('this account belongs to no organisation any more');
  if (second && !input.tenant) {
    throw new InvalidInput(`you belong to several organisations, name one: ${members.map((m) => m.slug).join(', ')}`, [
      'tenant',
    ]);
  }
  const member = input.tenant ? members.find((m) => m.slug === input.tenant) : first;
  if (!member) throw wrong(services);
  const viewer: Viewer = {
    kind: 'MEMBER',
    tenantId: member.tenantId,
    memberId: member.memberId,
    userId,
    permissions: new Set(),
    credentialId: null,
    request,
  };
  const renewed = hash && needsRehash(hash) ? await hashPassword(input.password) : null;
  return withWrite(services.write, viewer, 'session.signIn', (tx) =>
    createSession(tx, member.memberId, userId, renewed, services.env.SESSION_HOURS),
  );
}

async function createSession(
  tx: WriteTx,
  memberId: string,
  userId: string,
  renewed: string | null,
  hours: number,
): Promise<SignedIn> {
  const { token, hash } = newSessionToken();
  const expiresAt = new Date(tx.now.getTime() + hours * HOUR_MS);
  const id = newId();
  await tx.db.session.create({
    data: { tenantId: tx.tenantId, id, memberId, tokenHash: new Uint8Array(hash), expiresAt, createdAt: tx.now },
  });
  await tx.db.user.update({
    where: { id: userId },
    data: { lastLoginAt: tx.now, ...(renewed ? { passwordHash: renewed } : {}) },
  });
  tx.audit({ action: 'session.signIn', resource: 'Session', resourceId: id });
  return { token, expiresAt, memberId };
}

/** The account of an address and its password; null where there is none, after the same time. */
async function findAccount(services: Services, email: string, password: string) {
  const { userId, hash, members } = await findMembers(services, email);
  // A longer one was never set, and would cost more to hash.
  const stored = password.length > LONGEST_PASSWORD ? null : hash;
  const right = await verifyPassword(stored, password.slice(0, LONGEST_PASSWORD));
  return right && userId !== null ? { userId, hash, members } : null;
}

function wrong({ counts }: Services): Unauthenticated {
  counts.signInsRefused++;
  return new Unauthenticated('the e-mail address or the password is wrong');
}

/** Before the tenant is known, row-level security shows just the user and the memberships that the settings name. */
function findMembers(
  services: Services,
  email: string,
): Promise<{ userId: string | null; hash: string | null; members: Candidate[] }> {
  return beforeTenant(services.read, 'auth_email', email, async (client) => {
    const { rows: users } = await client.query<{ id: string; hash: string | null }>(
      'SELECT id, password_hash AS hash FROM users WHERE email = $1::text',
      [email],
    );
    const [user] = users;
    if (!user) return { userId: null, hash: null, members: [] };
    return { userId: user.id, hash: user.hash, members: await membersOf(client, user) };
  });
}

async function membersOf(client: pg.PoolClient, user: { id: string; hash: string | null }): Promise<Candidate[]> {
  await setLocal(client, 'auth_user', user.id);
  const { rows } = await client.query<{ tenantId: string; slug: string; memberId: string }>(
    `SELECT m.tenant_id AS "tenantId", t.slug, m.id AS "memberId" FROM members m JOIN tenants t ON t.id = m.tenant_id
     WHERE m.user_id = $1::uuid AND m.is_active ORDER BY t.slug`,
    [user.id],
  );
  return rows.map((row) => ({ ...row, userId: user.id, hash: user.hash }));
}

/** Ends the session that the request came with. */
export async function signOut(tx: WriteTx): Promise<{ memberId: string }> {
  const { viewer } = tx;
  if (viewer.kind !== 'MEMBER' || !viewer.credentialId || !viewer.memberId)
    throw new NotFound('you did not come with a session: there is nothing to end');
  await tx.db.session.update({
    where: { tenantId_id: { tenantId: tx.tenantId, id: viewer.credentialId } },
    data: { revokedAt: tx.now },
  });
  tx.emit({ type: 'SESSION_ENDED', aggregateType: 'Session', aggregateId: viewer.credentialId, aggregateVersion: 2 });
  tx.audit({ action: 'session.signOut', resource: 'Session', resourceId: viewer.credentialId });
  return { memberId: viewer.memberId };
}
