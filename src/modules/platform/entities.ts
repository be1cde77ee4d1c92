import { defineEntity } from '../../graphql/entity.ts';

export const memberEntity = defineEntity('Member', { prefix: 'mem', read: 'member:read' });
export const apiKeyEntity = defineEntity('ApiKey', { prefix: 'key', read: 'key:read', omit: ['keyHash'] });
export const auditEntity = defineEntity('AuditEntry', { prefix: 'aud', read: 'audit:read' });
export const importEntity = defineEntity('ImportRun', { prefix: 'imp', read: 'import:read' });
export const sessionEntity = defineEntity('Session', {
  prefix: 'ses',
  read: 'session:read',
  omit: ['tokenHash', 'data'],
});
