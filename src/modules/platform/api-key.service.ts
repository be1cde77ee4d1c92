import type { ApiKey } from '../../../generated/prisma/client.ts';
import { isPermission, PERMISSIONS } from '../../access/permissions.ts';
import { newApiKey } from '../../access/tokens.ts';
import type { WriteTx } from '../../data/write.ts';
import { Conflict, Forbidden, InvalidInput } from '../../errors.ts';
import { newId } from '../../graphql/ids.ts';

export interface ApiKeyInput {
  name: string;
  /** all of the member's when left out */
  permissions?: readonly string[] | null;
  expiresAt?: Date | null;
  /** whom it acts for; the viewer when left out */
  memberId?: string | null;
}

export interface CreatedKey {
  apiKey: ApiKey;
  /** shown once; only its hash is kept */
  secret: string;
}

const MAX_NAME = 200;

/** Creates a key that acts for a member, with no more permissions than the caller has himself, nor a longer life. */
export async function createApiKey(tx: WriteTx, input: ApiKeyInput): Promise<CreatedKey> {
  if (input.name.trim() === '' || input.name.length > MAX_NAME)
    throw new InvalidInput(`a name has 1 to ${MAX_NAME} characters`, ['name']);
  const memberId = input.memberId ?? tx.viewer.memberId;
  if (!memberId) throw new InvalidInput('say for which member', ['memberId']);
  const permissions = [...(input.permissions ?? tx.viewer.permissions)];
  const unknown = permissions.find((permission) => !isPermission(permission));
  if (unknown)
    throw new InvalidInput(`there is no permission ${unknown}; there are ${Object.keys(PERMISSIONS).join(', ')}`, [
      'permissions',
    ]);
  const missing = permissions.find((permission) => isPermission(permission) && !tx.viewer.permissions.has(permission));
  if (missing) throw new Forbidden(`you do not have ${missing} yourself`, ['permissions']);
  const expiresAt = await endOf(tx, input.expiresAt ?? null);
  const id = newId();
  const { key, hash } = newApiKey(id);
  const apiKey = await tx.db.apiKey.create({
    data: {
      tenantId: tx.tenantId,
      id,
      memberId,
      name: input.name.trim(),
      keyHash: new Uint8Array(hash),
      permissions,
      expiresAt,
      createdAt: tx.now,
    },
  });
  tx.emit({
    type: 'API_KEY_CREATED',
    aggregateType: 'ApiKey',
    aggregateId: id,
    aggregateVersion: 1,
    payload: { name: apiKey.name },
  });
  tx.audit({ action: 'apiKey.create', resource: 'ApiKey', resourceId: id });
  return { apiKey, secret: key };
}

/** When a new key ends: what a key makes ends with it at the latest. Sessions end after hours, and limit no key. */
async function endOf(tx: WriteTx, wanted: Date | null): Promise<Date | null> {
  if (wanted && wanted <= tx.now) throw new InvalidInput('this time is past', ['expiresAt']);
  if (tx.viewer.kind !== 'API_KEY') return wanted;
  const maker = await tx.db.apiKey.findUniqueOrThrow({
    where: { tenantId_id: { tenantId: tx.tenantId, id: tx.viewer.credentialId ?? '' } },
    select: { expiresAt: true },
  });
  if (maker.expiresAt === null || (wanted && wanted <= maker.expiresAt)) return wanted;
  if (wanted === null) return maker.expiresAt;
  const end = maker.expiresAt.toISOString();
  throw new InvalidInput(`your own key ends at ${end}, and one that it makes cannot end later`, ['expiresAt']);
}

/** Ends a key at once. */
export async function revokeApiKey(
  tx: WriteTx,
  input: { id: string; expectedVersion?: number | null },
): Promise<ApiKey> {
  const version = (await tx.lock('ApiKey', input.id, input.expectedVersion)) + 1;
  const where = { tenantId_id: { tenantId: tx.tenantId, id: input.id } };
  const before = await tx.db.apiKey.findUniqueOrThrow({ where });
  if (before.revokedAt) throw new Conflict('this key was revoked before');
  const row = await tx.db.apiKey.update({ where, data: { revokedAt: tx.now, version } });
  tx.emit({
    type: 'API_KEY_REVOKED',
    aggregateType: 'ApiKey',
    aggregateId: row.id,
    aggregateVersion: version,
    payload: { name: row.name },
  });
  tx.audit({ action: 'apiKey.revoke', resource: 'ApiKey', resourceId: row.id });
  return row;
}
