// Spelt as the CHECK constraints in the migration: the contract tests compare them.
export const SOURCE_KINDS = [
  'TELEGRAM',
  'INSTAGRAM',
  'WHATSAPP',
  'FORUM',
  'MARKET',
  'WEBSITE',
  'FEED',
  'MANUAL',
] as const;
export const CONTENT_STATUSES = ['PENDING', 'ANALYZED', 'REVIEWED', 'ARCHIVED'] as const;
/** Traffic Light Protocol 2.0, least restricted first. */
export const TLP_LEVELS = ['CLEAR', 'GREEN', 'AMBER', 'AMBER_STRICT', 'RED'] as const;
export const KEYWORD_CATEGORIES = [
  'SUBSTANCE',
  'SLANG',
  'EMOJI',
  'LOGISTICS',
  'PAYMENT',
  'WEAPON',
  'FRAUD',
  'MALWARE',
  'ACTOR',
  'OTHER',
] as const;
export const DETECTION_STATUSES = ['NEW', 'CONFIRMED', 'DISMISSED'] as const;
export const DETECTION_ORIGINS = ['LIVE', 'RETRO'] as const;
export const OSINT_STATUSES = ['PENDING', 'RUNNING', 'COMPLETED', 'FAILED', 'CANCELLED'] as const;
export const OSINT_RELATIONS = ['QUERIED', 'FOUND'] as const;
export const CASE_STATUSES = ['OPEN', 'IN_PROGRESS', 'ON_HOLD', 'RESOLVED', 'CLOSED'] as const;
export const CASE_PRIORITIES = ['LOW', 'MEDIUM', 'HIGH', 'CRITICAL'] as const;
export const CASE_RESOLUTIONS = ['INDETERMINATE', 'FALSE_POSITIVE', 'TRUE_POSITIVE', 'OTHER', 'DUPLICATED'] as const;
export const CASE_IMPACTS = ['NO_IMPACT', 'WITH_IMPACT', 'NOT_APPLICABLE'] as const;
export const CASE_ROLES = ['SUSPECT', 'WITNESS', 'VICTIM', 'UNKNOWN'] as const;
export const FLAGGED_BY = ['RULE', 'HUMAN'] as const;

export type Tlp = (typeof TLP_LEVELS)[number];
