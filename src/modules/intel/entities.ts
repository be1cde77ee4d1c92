import { defineEntity } from '../../graphql/entity.ts';
import { PREFIX } from './global-ids.ts';

export const sourceEntity = defineEntity('Source', { prefix: PREFIX.Source, read: 'source:read' });
export const platformUserEntity = defineEntity('PlatformUser', {
  prefix: PREFIX.PlatformUser,
  read: 'platformUser:read',
});
export const contentEntity = defineEntity('Content', { prefix: PREFIX.Content, read: 'content:read' });
export const keywordEntity = defineEntity('Keyword', { prefix: PREFIX.Keyword, read: 'keyword:read' });
export const detectionEntity = defineEntity('Detection', { prefix: PREFIX.Detection, read: 'detection:read' });
export const identifierEntity = defineEntity('Identifier', { prefix: PREFIX.Identifier, read: 'identifier:read' });
/** The encrypted columns are read by a loader of their own, which asks for another permission. */
export const osintEntity = defineEntity('OsintResult', {
  prefix: PREFIX.OsintResult,
  read: 'osint:read',
  omit: ['results', 'searchParameters'],
});
export const caseEntity = defineEntity('Case', { prefix: PREFIX.Case, read: 'case:read' });
