/** Values of the enumerations, spelt as in the CHECKs of the migration. */
export const PROJECT_STATUSES = ['ACTIVE', 'SHIPPED', 'DEFERRED', 'CANCELLED'] as const;
export type ProjectStatus = (typeof PROJECT_STATUSES)[number];

export const BUG_STATUSES = ['PENDING', 'IN_PROGRESS', 'VERIFIED', 'SHIPPED', 'CLOSED', 'DEFERRED'] as const;
export type BugStatus = (typeof BUG_STATUSES)[number];

/** Nothing is left to do: the SLA's clock stands still. */
export const RESOLVED_STATUSES: readonly BugStatus[] = ['SHIPPED', 'CLOSED'];

export const BUG_SEVERITIES = ['CRITICAL', 'HIGH', 'MEDIUM', 'LOW'] as const;
export type BugSeverity = (typeof BUG_SEVERITIES)[number];

/** Where a bug came from. */
export const IMPORT_SOURCES = ['CSV', 'GITHUB', 'MANUAL'] as const;
export type ImportSource = (typeof IMPORT_SOURCES)[number];

export const SLA_STATES = [
  'NONE',
  'ON_TRACK',
  'MEDIUM_RISK',
  'HIGH_RISK',
  'BREACHED',
  'PAUSED',
  'MET',
  'MISSED',
] as const;
export type SlaState = (typeof SLA_STATES)[number];

/** Derived, not stored: what a status does not tell. */
export const BUG_SUBSTATUSES = ['NEW', 'ONGOING', 'REGRESSED', 'ESCALATING'] as const;
export type BugSubstatus = (typeof BUG_SUBSTATUSES)[number];
