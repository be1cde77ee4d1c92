import { hashPassword } from '../../access/passwords.ts';
import { PERMISSIONS, type Role } from '../../access/permissions.ts';
import { newApiKey } from '../../access/tokens.ts';
import { systemViewer } from '../../access/viewer.ts';
import { beforeTenant } from '../../data/before-tenant.ts';
import { filledUp, prepared } from '../../data/statement.ts';
import { type WriteTx, withWrite } from '../../data/write.ts';
import { InvalidInput, NotFound } from '../../errors.ts';
import { newId } from '../../graphql/ids.ts';
import type { Services } from '../../services.ts';

export interface TenantInput {
  slug: string;
  name: string;
  /** of the first member, its owner */
  email: string;
  displayName: string;
  password?: string;
}

export interface NewTenant {
  tenantId: string;
  memberId: string;
  userId: string;
  /** a key of the owner with every permission; shown once */
  key: string;
  keyId: string;
}

const SLUG = /^[a-z0-9](-?[a-z0-9])*$/;

/** Creates a tenant with its owner and a first key. */
export async function createTenant(services: Pick<Services, 'write'>, input: TenantInput): Promise<NewTenant> {
  if (!SLUG.test(input.slug) || input.slug.length > 63)
    throw new InvalidInput('a short name has a-z, 0-9 and single hyphens between them', ['slug']);
  const tenantId = newId();
  const passwordHash = input.password ? await hashPassword(input.password) : null;
  const { value } = await withWrite(services.write, systemViewer(tenantId, 'setup'), 'tenant.create', async (tx) => {
    await tx.db.tenant.create({ data: { id: tenantId, slug: input.slug, name: input.name } });
    const member = await addMember(tx, { ...input, role: 'OWNER', passwordHash });
    const keyId = newId();
    const { key, hash } = newApiKey(keyId);
    await tx.db.apiKey.create({
      data: {
        tenantId,
        id: keyId,
        memberId: member.memberId,
        name: 'first key',
        keyHash: new Uint8Array(hash),
        permissions: Object.keys(PERMISSIONS),
      },
    });
    tx.emit({
      type: 'TENANT_CREATED',
      aggregateType: 'Tenant',
      aggregateId: tenantId,
      aggregateVersion: 1,
      payload: { slug: input.slug },
    });
    tx.audit({ action: 'tenant.create', resource: 'Tenant', resourceId: tenantId });
    return { tenantId, ...member, key, keyId };
  });
  return value;
}

/** Adds a person to the tenant; a person with this e-mail address who is known elsewhere is the same person. */
export async function addMember(
  tx: WriteTx,
  input: { email: string; displayName: string; role: Role; passwordHash: string | null },
): Promise<{ memberId: string; userId: string }> {
  const email = input.email.trim().toLowerCase();
  if (!/^[^\s@'\\]+@[^\s@'\\]+$/.test(email))
    throw new InvalidInput(`${JSON.stringify(email)} is not an e-mail address`, ['email']);
  // Row-level security shows a user who is not yet a member only to who names the address.
  await tx.db.$executeRawUnsafe(`SET LOCAL app.auth_email = '${email}'`);
  const known = await tx.db.user.findUnique({ where: { email } });
  const user =
    known ??
    (await tx.db.user.create({
      data: { id: newId(), email, name: input.displayName, passwordHash: input.passwordHash },
    }));
  const member = await tx.db.member.create({
    data: { tenantId: tx.tenantId, id: newId(), userId: user.id, displayName: input.displayName, role: input.role },
  });
  tx.emit({
    type: 'MEMBER_ADDED',
    aggregateType: 'Member',
    aggregateId: member.id,
    aggregateVersion: 1,
    payload: { role: input.role },
  });
  tx.audit({ action: 'member.add', resource: 'Member', resourceId: member.id, metadata: { role: input.role } });
  return { memberId: member.id, userId: user.id };
}

/** Id of the tenant with this short name; InvalidInput with what to do when there is none. */
export async function tenantBySlug(services: Pick<Services, 'read'>, slug: string): Promise<string> {
  if (!SLUG.test(slug)) throw new InvalidInput(`${JSON.stringify(slug)} is not a tenant's short name`, ['tenant']);
  const { rows } = await beforeTenant(services.read, 'auth_slug', slug, (client) =>
    client.query<{ id: string }>('SELECT id FROM tenants WHERE slug = $1::text', [slug]),
  );
  const id = rows[0]?.id;
  if (!id)
    throw new InvalidInput(
      `there is no tenant ${slug}: "argus seed" makes the tenant demo, "argus tenant create" others`,
      ['tenant'],
    );
  return id;
}

const MEMBERS = '/* Member.known */ SELECT id FROM members WHERE tenant_id = $1::uuid AND id = ANY($2::uuid[])';

/** Throws NotFound, with the field's name, for one who is no member of the tenant; who is null is nobody. */
export async function checkMembers(
  tx: WriteTx,
  ids: readonly (string | null | undefined)[],
  field: string,
): Promise<void> {
  const wanted = [...new Set(ids.filter((id) => typeof id === 'string'))];
  if (wanted.length === 0) return;
  const found = await tx.query(prepared(MEMBERS, tx.tenantId, filledUp(wanted)));
  if (found.length < wanted.length) throw new NotFound('there is no such Member', [field]);
}
