import { builder } from '../../graphql/builder.ts';
import { Node } from '../../graphql/node.ts';
import * as entities from './entities.ts';

// The types of this module point to each other: they are declared here, and each gets its fields in a file of its own.
export const Project = builder.prismaObject('Project', {
  description: 'A product that is built: its money, its scores, its bugs.',
  interfaces: [Node],
  fields: (t) => ({ id: t.id({ resolve: (row) => entities.projectEntity.encode(row.id) }) }),
});
export const Bug = builder.prismaObject('Bug', {
  description: 'A fault to be mended, in one project.',
  interfaces: [Node],
  fields: (t) => ({ id: t.id({ resolve: (row) => entities.bugEntity.encode(row.id) }) }),
});
export const BugChange = builder.prismaObject('BugHistory', {
  name: 'BugChange',
  description: 'One field of a bug that was changed.',
  interfaces: [Node],
  fields: (t) => ({ id: t.id({ resolve: (row) => entities.bugHistoryEntity.encode(row.id) }) }),
});
export const BugComment = builder.prismaObject('BugComment', {
  description: 'What somebody wrote under a bug.',
  interfaces: [Node],
  fields: (t) => ({ id: t.id({ resolve: (row) => entities.commentEntity.encode(row.id) }) }),
});
export const SlaPolicy = builder.prismaObject('SlaPolicy', {
  description: 'How fast bugs are to be resolved.',
  interfaces: [Node],
  fields: (t) => ({ id: t.id({ resolve: (row) => entities.policyEntity.encode(row.id) }) }),
});
export const BusinessCalendar = builder.prismaObject('BusinessCalendar', {
  description: 'When people work: what SLA clocks run by.',
  interfaces: [Node],
  fields: (t) => ({ id: t.id({ resolve: (row) => entities.calendarEntity.encode(row.id) }) }),
});
export const ProjectMetric = builder.prismaObject('ProjectMetric', {
  description: 'A project’s day: what was committed.',
  interfaces: [Node],
  fields: (t) => ({ id: t.id({ resolve: (row) => entities.projectMetricEntity.encode(row.id) }) }),
});
export const MonthlyMetric = builder.prismaObject('MonthlyMetric', {
  description: 'A month of a project, or of all projects, computed from the bugs.',
  interfaces: [Node],
  fields: (t) => ({ id: t.id({ resolve: (row) => entities.monthlyMetricEntity.encode(row.id) }) }),
});
export const PortfolioMetric = builder.prismaObject('PortfolioMetric', {
  description: 'The portfolio as it was on a day.',
  interfaces: [Node],
  fields: (t) => ({ id: t.id({ resolve: (row) => entities.portfolioMetricEntity.encode(row.id) }) }),
});
