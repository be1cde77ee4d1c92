import { defineEntity } from '../../graphql/entity.ts';

export const ruleEntity = defineEntity('NotificationRule', { prefix: 'nrl', read: 'notification:read' });
