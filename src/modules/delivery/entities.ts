import { defineEntity } from '../../graphql/entity.ts';
import { PREFIX } from './global-ids.ts';

export const projectEntity = defineEntity('Project', { prefix: PREFIX.Project, read: 'project:read' });
export const bugEntity = defineEntity('Bug', { prefix: PREFIX.Bug, read: 'bug:read' });
export const bugHistoryEntity = defineEntity('BugHistory', {
  prefix: PREFIX.BugHistory,
  read: 'bug:read',
  typeName: 'BugChange',
});
export const commentEntity = defineEntity('BugComment', { prefix: PREFIX.BugComment, read: 'bug:read' });
export const policyEntity = defineEntity('SlaPolicy', { prefix: PREFIX.SlaPolicy, read: 'sla:read' });
export const calendarEntity = defineEntity('BusinessCalendar', {
  prefix: PREFIX.BusinessCalendar,
  read: 'sla:read',
});
export const projectMetricEntity = defineEntity('ProjectMetric', { prefix: PREFIX.ProjectMetric, read: 'metric:read' });
export const monthlyMetricEntity = defineEntity('MonthlyMetric', { prefix: PREFIX.MonthlyMetric, read: 'metric:read' });
export const portfolioMetricEntity = defineEntity('PortfolioMetric', {
  prefix: PREFIX.PortfolioMetric,
  read: 'metric:read',
});
