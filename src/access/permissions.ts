/**
 * Everything a member may be allowed to do, and what each role allows. This is the one place where a module adds its
 * permissions: a line in `PERMISSIONS`, then the roles below that should hold it.
 */

/** Permission name (`subject:action`) → what it allows, in words shown to administrators. */
export const PERMISSIONS = {
  'tenant:read': 'See the organisation and its settings',
  'member:read': 'See who belongs to the organisation',
  'member:write': 'Invite, change and remove members',
  'session:read': 'See the signed-in sessions of members',
  'key:read': 'See API keys (never their secrets)',
  'key:write': 'Create and revoke API keys',
  'audit:read': 'Read the audit trail',
  'event:read': 'Read and subscribe to events',
  'import:read': 'See imports and their results',
  'import:write': 'Start and cancel imports',
  'notification:read': 'See notification rules and one’s own inbox',
  'notification:write': 'Create, change and remove notification rules',
  'webhook:read': 'See webhooks and what was sent to them',
  'webhook:write': 'Create, change and remove webhooks, and send again',
  'health:read': 'See the state of the service',
  'source:read': 'See sources',
  'source:write': 'Create, change and remove sources',
  'content:read': 'See collected content',
  'content:write': 'Create, change and remove content',
  'keyword:read': 'See keywords',
  'keyword:write': 'Create, change and remove keywords',
  'detection:read': 'See detections',
  'detection:write': 'Create, triage and remove detections',
  'identifier:read': 'See identifiers',
  'identifier:write': 'Create, change and remove identifiers',
  'platformUser:read': 'See platform users',
  'platformUser:write': 'Create, change and remove platform users',
  'osint:read': 'See OSINT records with protected fields hidden',
  'osint:write': 'Create, change and remove OSINT records',
  'osint:decrypt': 'See the protected fields of OSINT records',
  'case:read': 'See cases',
  'case:write': 'Create, change and close cases',
  'project:read': 'See projects, their money and their scores',
  'project:write': 'Create, change and move projects',
  'project:reactivate': 'Take shipped and cancelled projects up again',
  'bug:read': 'See bugs, their history and their comments',
  'bug:write': 'Create, change, assign and move bugs, and comment on them',
  'sla:read': 'See SLA policies and business calendars',
  'sla:write': 'Create and change SLA policies and business calendars',
  'metric:read': 'See the metrics of projects, teams and the portfolio',
  'metric:write': 'Record metrics, compute months again and take snapshots',
  'statistics:read': 'See statistics',
} as const;

export type Permission = keyof typeof PERMISSIONS;

/** Whether the text names a permission of this version. */
export function isPermission(text: string): text is Permission {
  return Object.hasOwn(PERMISSIONS, text);
}

const ALL: readonly Permission[] = Object.keys(PERMISSIONS).filter(isPermission);

/** Reads that show what other people did or hold, so they are given to a role by name. */
const SENSITIVE_READS: ReadonlySet<Permission> = new Set<Permission>(['audit:read', 'key:read', 'webhook:read']);

const READS: readonly Permission[] = ALL.filter((name) => name.endsWith(':read') && !SENSITIVE_READS.has(name));

const INTELLIGENCE_WRITES: readonly Permission[] = [
  'import:write',
  'source:write',
  'content:write',
  'keyword:write',
  'detection:write',
  'identifier:write',
  'platformUser:write',
  'osint:write',
  'case:write',
];

const DELIVERY_WRITES: readonly Permission[] = [
  'import:write',
  'project:write',
  'project:reactivate',
  'bug:write',
  'sla:write',
  'metric:write',
];

/** Role → permissions. `osint:decrypt` is held only by those who work with protected fields. */
export const ROLES = {
  OWNER: ALL,
  ADMIN: ALL,
  MANAGER: [...READS, ...DELIVERY_WRITES, 'audit:read', 'case:write'],
  CTO: [...READS, ...DELIVERY_WRITES, 'audit:read', 'key:read'],
  ANALYST: [...READS, ...INTELLIGENCE_WRITES, 'osint:decrypt'],
  ENGINEER: [...READS, 'bug:write'],
  SENIOR_ENGINEER: [...READS, 'bug:write'],
  QA_ENGINEER: [...READS, 'bug:write'],
  MEMBER: READS,
  VIEWER: READS,
} as const satisfies Record<string, readonly Permission[]>;

export type Role = keyof typeof ROLES;

/** Whether the text names a role of this version. */
export function isRole(text: string): text is Role {
  return Object.hasOwn(ROLES, text);
}

const ROLE_SETS: ReadonlyMap<string, ReadonlySet<Permission>> = new Map(
  Object.entries(ROLES).map(([role, permissions]) => [role, new Set<Permission>(permissions)]),
);
const NONE: ReadonlySet<Permission> = new Set<Permission>();

/** What decides the permissions of a caller. */
export interface PermissionGrant {
  /** The member's role; an unknown one grants nothing. */
  role: string;
  /** Permissions given to the member beyond the role. */
  extra: readonly string[];
  /** Permissions of the API key in use; null or absent when the member is signed in rather than using a key. */
  keyPermissions?: readonly string[] | null;
}

/**
 * The permissions a caller has: the role's and the extra ones, cut down to the key's when a key is used, so a key
 * never has more than its member has now. Unknown names are ignored: they may belong to a newer version.
 */
export function effectivePermissions({ role, extra, keyPermissions }: PermissionGrant): ReadonlySet<Permission> {
  const ofRole = ROLE_SETS.get(role) ?? NONE;
  const added = extra.filter(isPermission);
  const ofMember = added.length === 0 ? ofRole : new Set([...ofRole, ...added]);
  if (keyPermissions === null || keyPermissions === undefined) return ofMember;
  return new Set(keyPermissions.filter(isPermission).filter((name) => ofMember.has(name)));
}
