import { encodeId } from '../../graphql/ids.ts';

/** Prefixes of this module's global ids: the entities use them, and so do the payloads of events. */
export const PREFIX = {
  Source: 'src',
  PlatformUser: 'pu',
  Content: 'cnt',
  Keyword: 'kw',
  Detection: 'det',
  Identifier: 'idf',
  OsintResult: 'osr',
  Case: 'case',
} as const;

export const sourceGlobalId = (uuid: string): string => encodeId(PREFIX.Source, uuid);
export const contentGlobalId = (uuid: string): string => encodeId(PREFIX.Content, uuid);
export const keywordGlobalId = (uuid: string): string => encodeId(PREFIX.Keyword, uuid);
export const platformUserGlobalId = (uuid: string): string => encodeId(PREFIX.PlatformUser, uuid);
export const detectionGlobalId = (uuid: string): string => encodeId(PREFIX.Detection, uuid);
export const identifierGlobalId = (uuid: string): string => encodeId(PREFIX.Identifier, uuid);
export const osintGlobalId = (uuid: string): string => encodeId(PREFIX.OsintResult, uuid);
export const caseGlobalId = (uuid: string): string => encodeId(PREFIX.Case, uuid);
