import type { Logger } from 'pino';
import { beforeTenant, setLocal } from '../data/before-tenant.ts';
import { assertUuid, type ReadPool, tenantSettings, withReadScope } from '../data/read-scope.ts';
import { Unauthenticated } from '../errors.ts';
import type { Services } from '../services.ts';
import { effectivePermissions, type Permission } from './permissions.ts';
import { type Credential, hashText, parseCredential, sameHash } from './tokens.ts';
import type { Viewer } from './viewer.ts';

/** How long a credential that was found good is believed without asking again. A revocation is an event and ends it. */
const TRUST_MS = 10_000;
const MAX_CACHED = 10_000;
/** Aggregate types whose events may change what a credential is good for. */
export const DECISIVE: ReadonlySet<string> = new Set(['ApiKey', 'Session', 'Member', 'User', 'Tenant']);

interface Grant {
  viewer: Omit<Viewer, 'request'>;
  expiresAt: Date | null;
  lastUsedAt: Date | null;
}

interface GrantRow {
  tenantId: string;
  id: string;
  memberId: string;
  hash: Buffer;
  expiresAt: Date | null;
  revokedAt: Date | null;
  keyPermissions: string[] | null;
  lastUsedAt: Date | null;
  userId: string;
  role: string;
  permissions: string[];
}

/** Tells who a request comes from. Keeps what it found for a few seconds, so that a busy key costs no statement. */
export class Authenticator {
  readonly #services: Pick<Services, 'pool' | 'bus' | 'log' | 'read' | 'counts'>;
  readonly #cache = new Map<string, { grant: Grant; until: number }>();
  readonly #loading = new Map<string, Promise<Grant>>();
  /** counts what was forgotten; the count at which each tenant last was, and at which all were */
  #forgets = 0;
  readonly #forgotten = new Map<string | undefined, number>();
  readonly #log: Logger;
  readonly #off: () => void;

  constructor(services: Pick<Services, 'pool' | 'bus' | 'log' | 'read' | 'counts'>) {
    this.#services = services;
    this.#log = services.log;
    this.#off = services.bus.onChange((change) => {
      const told = change?.types;
      if (!told || told.keys().some((type) => DECISIVE.has(type))) this.#forget(change?.tenantId);
    });
  }

  /** A tenant's credentials or members may have changed; undefined: anybody's. Asking again is one statement. */
  #forget(tenantId: string | undefined): void {
    this.#forgotten.set(tenantId, ++this.#forgets);
    this.#loading.clear();
    if (tenantId === undefined) this.#cache.clear();
    for (const [key, { grant }] of this.#cache) if (grant.viewer.tenantId === tenantId) this.#cache.delete(key);
  }

  /**
   * The viewer of a credential, `argus_…` as sent in `Authorization: Bearer`.
   * @throws Unauthenticated when it is malformed, unknown, expired or revoked: the message does not tell which
   */
  async viewer(text: string, request: Viewer['request']): Promise<Viewer> {
    const key = hashText(text);
    const known = this.#cache.get(key);
    const grant = known && known.until > Date.now() ? known.grant : await this.#loadOnce(text, key);
    if (grant.expiresAt && grant.expiresAt <= new Date()) throw this.#refused();
    return { ...grant.viewer, request };
  }

  #refused(): Unauthenticated {
    this.#services.counts.credentialsRefused++;
    return refused();
  }

  /** Requests that come at once share a look-up, but none that began before a change that has been announced since. */
  async #loadOnce(text: string, key: string): Promise<Grant> {
    const running = this.#loading.get(key);
    if (running) return running;
    const credential = parseCredential(text);
    if (!credential) throw this.#refused();
    const load = this.#load(credential, key).finally(() => {
      if (this.#loading.get(key) === load) this.#loading.delete(key);
    });
    this.#loading.set(key, load);
    return load;
  }

  async #load(credential: Credential, cacheKey: string): Promise<Grant> {
    const begun = this.#forgets;
    const row = await this.#find(credential);
    if (!row || row.revokedAt || !sameHash(row.hash, credential.hash)) throw this.#refused();
    const grant: Grant = {
      viewer: {
        kind: credential.kind === 'key' ? 'API_KEY' : 'MEMBER',
        tenantId: row.tenantId,
        memberId: row.memberId,
        userId: row.userId,
        permissions: effectivePermissions({
          role: row.role,
          extra: row.permissions,
          keyPermissions: row.keyPermissions,
        }),
        credentialId: row.id,
      },
      expiresAt: row.expiresAt,
      lastUsedAt: row.lastUsedAt,
    };
    if (this.#cache.size >= MAX_CACHED) this.#cache.clear();
    // What was read before a change that has been announced since may be older than the change.
    const changed = [row.tenantId, undefined].some((tenantId) => (this.#forgotten.get(tenantId) ?? 0) > begun);
    if (!changed) this.#cache.set(cacheKey, { grant, until: Date.now() + TRUST_MS });
    if (credential.kind === 'key') this.#touch(grant);
    return grant;
  }

  /** Before the tenant is known, row-level security shows just the row that the setting names. */
  #find(credential: Credential): Promise<GrantRow | undefined> {
    const byKey = credential.kind === 'key';
    const [setting, named] = byKey
      ? (['auth_key', credential.id] as const)
      : (['auth_token', credential.hash.toString('hex')] as const);
    return beforeTenant(this.#services.read, setting, named, async (client) => {
      const { rows: found } = await client.query<Omit<GrantRow, 'userId' | 'role' | 'permissions'>>(
        byKey ? KEY_COLUMNS : SESSION_COLUMNS,
        [byKey ? credential.id : credential.hash],
      );
      const [row] = found;
      if (!row) return undefined;
      await setLocal(client, 'tenant_id', row.tenantId);
      const { rows: members } = await client.query<{ userId: string; role: string; permissions: string[] }>(
        `SELECT user_id AS "userId", role, permissions FROM members WHERE tenant_id = $1::uuid AND id = $2::uuid AND is_active`,
        [row.tenantId, row.memberId],
      );
      const [member] = members;
      return member ? { ...row, ...member } : undefined;
    });
  }

  /** Notes the key's use, at most once a minute: good enough to find keys that nobody uses. */
  #touch(grant: Grant): void {
    const { tenantId, credentialId } = grant.viewer;
    if (!credentialId || (grant.lastUsedAt && Date.now() - grant.lastUsedAt.getTime() < 60_000)) return;
    const settings = tenantSettings({ tenantId, memberId: null }, this.#services.read.setRole).join('; ');
    this.#services.pool
      .query(
        // Several statements in one text are one transaction, which an error rolls back by itself. The pool is for reads,
        // and two uses noted at once are no conflict.
        `SET TRANSACTION ISOLATION LEVEL READ COMMITTED READ WRITE; ${settings};
         UPDATE api_keys SET last_used_at = now() WHERE tenant_id = '${tenantId}' AND id = '${assertUuid(credentialId)}'`,
      )
      .catch((error: unknown) => this.#log.warn({ err: error }, 'cannot note the use of an API key'));
  }

  close(): void {
    this.#off();
  }
}

const KEY_COLUMNS = `SELECT tenant_id AS "tenantId", id, member_id AS "memberId", key_hash AS hash, expires_at AS "expiresAt", revoked_at AS "revokedAt",
    permissions AS "keyPermissions", last_used_at AS "lastUsedAt" FROM api_keys WHERE id = $1::uuid`;
const SESSION_COLUMNS = `SELECT tenant_id AS "tenantId", id, member_id AS "memberId", token_hash AS hash, expires_at AS "expiresAt", revoked_at AS "revokedAt",
    NULL::text[] AS "keyPermissions", NULL::timestamptz AS "lastUsedAt" FROM sessions WHERE token_hash = $1::bytea`;

/**
 * What the viewer may do now: for work that outlives the request it came with, such as a subscription.
 * @throws Unauthenticated when the credential or the membership has ended since
 */
export async function currentPermissions(read: ReadPool, viewer: Viewer): Promise<ReadonlySet<Permission>> {
  return viewer.kind === 'SYSTEM' ? viewer.permissions : (await currentGrant(read, viewer)).permissions;
}

/** What a credential is good for, and until when; null: without an end. */
export interface LiveGrant {
  permissions: ReadonlySet<Permission>;
  expiresAt: Date | null;
}

/** As `currentPermissions`, for a key or a session. @throws Unauthenticated when it or the membership has ended */
export async function currentGrant(read: ReadPool, viewer: Viewer): Promise<LiveGrant> {
  const [table, keyPermissions] =
    viewer.kind === 'API_KEY' ? ['api_keys', 'c.permissions'] : ['sessions', 'NULL::text[]'];
  const [row] = await withReadScope(read, viewer, (scope) =>
    scope.query<{ role: string; extra: string[]; keyPermissions: string[] | null; expiresAt: Date | null }>({
      text: `/* access.current */ SELECT m.role, m.permissions AS extra, ${keyPermissions} AS "keyPermissions",
          c.expires_at AS "expiresAt"
        FROM ${table} c JOIN members m ON m.tenant_id = c.tenant_id AND m.id = c.member_id AND m.is_active
        WHERE c.tenant_id = $1::uuid AND c.id = $2::uuid AND c.revoked_at IS NULL
          AND (c.expires_at IS NULL OR c.expires_at > now())`,
      values: [viewer.tenantId, viewer.credentialId],
    }),
  );
  if (!row) throw refused();
  return { permissions: effectivePermissions(row), expiresAt: row.expiresAt };
}

function refused(): Unauthenticated {
  return new Unauthenticated('this key or session is not known here, has expired or was revoked');
}
