import { defineEnum } from '../../graphql/enums.ts';
import { IDENTIFIER_TYPES } from './identifiers/types.ts';
import { MATCH_TYPES } from './matching/dictionary.ts';
import { OSINT_QUERY_TYPES } from './osint.service.ts';
import { RELIABILITIES, RISK_LEVELS } from './scoring.ts';
import * as values from './values.ts';

export const RiskLevel = defineEnum(
  'RiskLevel',
  RISK_LEVELS,
  'NONE 0, LOW above 0, MEDIUM from 0.3, HIGH from 0.6, CRITICAL above 0.8.',
);
export const Reliability = defineEnum(
  'Reliability',
  RELIABILITIES,
  'Admiralty scale: A reliable … F cannot be judged. Weighs every detection of the source: A 1.0 … F 0.5.',
);
export const SourceKind = defineEnum('SourceKind', values.SOURCE_KINDS, 'What kind of place content comes from.');
export const ContentStatus = defineEnum(
  'ContentStatus',
  values.CONTENT_STATUSES,
  'How far a content has been worked on.',
);
export const Tlp = defineEnum(
  'Tlp',
  values.TLP_LEVELS,
  'Traffic Light Protocol 2.0: with whom something may be shared.',
);
export const KeywordCategory = defineEnum('KeywordCategory', values.KEYWORD_CATEGORIES, 'What a keyword stands for.');
export const MatchType = defineEnum(
  'MatchType',
  MATCH_TYPES,
  'LITERAL: the term, word bounded. PHRASE: its words in order, at most `gap` others between. WILDCARD: * any word characters, ? one. REGEX: RE2 syntax. EMOJI: the emoji, skin tones ignored.',
);
export const DetectionStatus = defineEnum(
  'DetectionStatus',
  values.DETECTION_STATUSES,
  'What a person has said of a detection.',
);
export const DetectionOrigin = defineEnum(
  'DetectionOrigin',
  values.DETECTION_ORIGINS,
  'LIVE: found at ingest. RETRO: the keyword came later.',
);
export const IdentifierTypeEnum = defineEnum(
  'IdentifierType',
  IDENTIFIER_TYPES,
  'What kind of thing an identifier is.',
);
export const OsintStatus = defineEnum('OsintStatus', values.OSINT_STATUSES, 'State of a lookup.');
export const OsintQueryType = defineEnum('OsintQueryType', OSINT_QUERY_TYPES, 'An identifier type, or TEXT.');
export const OsintRelation = defineEnum(
  'OsintRelation',
  values.OSINT_RELATIONS,
  'Whether a lookup asked for an identifier or found it.',
);
export const CaseStatus = defineEnum(
  'CaseStatus',
  values.CASE_STATUSES,
  'OPEN → IN_PROGRESS ⇄ ON_HOLD → RESOLVED → CLOSED; reopening goes back to IN_PROGRESS.',
);
export const CasePriority = defineEnum('CasePriority', values.CASE_PRIORITIES, 'LOW to CRITICAL.');
export const CaseResolution = defineEnum('CaseResolution', values.CASE_RESOLUTIONS, 'What a case turned out to be.');
export const CaseImpact = defineEnum('CaseImpact', values.CASE_IMPACTS, 'Whether what a case is about had an effect.');
export const CaseRole = defineEnum('CaseRole', values.CASE_ROLES, 'What an account is in a case.');
export const FlaggedBy = defineEnum('FlaggedBy', values.FLAGGED_BY, 'Who flagged an account.');
