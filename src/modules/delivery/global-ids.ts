import { encodeId } from '../../graphql/ids.ts';

/** Prefixes of this module's global ids: the entities use them, and so do the payloads of events. */
export const PREFIX = {
  Project: 'prj',
  Bug: 'bug',
  BugHistory: 'bgh',
  BugComment: 'cmt',
  SlaPolicy: 'sla',
  BusinessCalendar: 'cal',
  ProjectMetric: 'pmt',
  MonthlyMetric: 'mmt',
  PortfolioMetric: 'pfm',
} as const;

export const projectGlobalId = (uuid: string): string => encodeId(PREFIX.Project, uuid);
export const bugGlobalId = (uuid: string): string => encodeId(PREFIX.Bug, uuid);
export const commentGlobalId = (uuid: string): string => encodeId(PREFIX.BugComment, uuid);
export const policyGlobalId = (uuid: string): string => encodeId(PREFIX.SlaPolicy, uuid);
export const calendarGlobalId = (uuid: string): string => encodeId(PREFIX.BusinessCalendar, uuid);
