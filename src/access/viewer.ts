import { newId } from '../graphql/ids.ts';
import { requestNow } from '../observe/place.ts';
import { isPermission, PERMISSIONS, type Permission } from './permissions.ts';

/** Who is asking, within which tenant, with which permissions. One is made for each request and passed down. */
export interface Viewer {
  kind: 'MEMBER' | 'API_KEY' | 'SYSTEM';
  tenantId: string;
  /** Null for the system. */
  memberId: string | null;
  /** Null for the system. */
  userId: string | null;
  permissions: ReadonlySet<Permission>;
  /** The session or API key that was presented; null for the system. */
  credentialId: string | null;
  /** Where the request came from, for the audit trail and the log. */
  request: { id: string; ip: string | null; userAgent: string | null };
}

/** Where a request came from, with its id; work that no request asked for gets one when that is asked for. */
export function requestFrom(ip: string | null, userAgent: string | null): Viewer['request'] {
  let id = requestNow()?.id;
  return {
    get id() {
      id ??= newId();
      return id;
    },
    ip,
    userAgent,
  };
}

const EVERYTHING: ReadonlySet<Permission> = new Set(Object.keys(PERMISSIONS).filter(isPermission));

/**
 * The viewer of work that no person asked for (schedules, imports, maintenance). It holds every permission but still
 * belongs to one tenant.
 *
 * @param tenantId UUID of the tenant the work is for
 * @param name what is working, e.g. `retention`; appears as the user agent in the audit trail
 */
export function systemViewer(tenantId: string, name: string): Viewer {
  return {
    kind: 'SYSTEM',
    tenantId,
    memberId: null,
    userId: null,
    permissions: EVERYTHING,
    credentialId: null,
    request: { id: newId(), ip: null, userAgent: `argus/${name}` },
  };
}

/** Whether the viewer holds the permission; nobody (null) holds none. */
export function can(viewer: Viewer | null, permission: Permission): boolean {
  return viewer?.permissions.has(permission) ?? false;
}
