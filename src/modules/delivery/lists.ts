import type { FilterSpec } from '../../data/filter.ts';
import { defineList } from '../../data/list.ts';
import { enumFilter } from '../../graphql/enums.ts';
import { idFilter } from '../../graphql/filter-inputs.ts';
import { memberEntity } from '../platform/entities.ts';
import { bugEntity, projectEntity } from './entities.ts';
import './enums.schema.ts';
import * as values from './values.ts';

// Every filter and order here has an index that the contract test proves with EXPLAIN on a large table.
const created = { kind: 'date', field: 'createdAt' } as const;

/** Labels have no list of their own: bugs are filtered by them. */
const labelFilter: FilterSpec = {
  name: 'BugLabel',
  model: 'BugLabel',
  fields: { name: { kind: 'string', field: 'name' } },
};

export const bugList = defineList('Bug', {
  filters: {
    projectId: idFilter(projectEntity, 'projectId'),
    status: enumFilter('BugStatus', values.BUG_STATUSES, 'status'),
    severity: enumFilter('BugSeverity', values.BUG_SEVERITIES, 'severity'),
    isBlocker: { kind: 'boolean', field: 'isBlocker' },
    slaState: enumFilter('SlaState', values.SLA_STATES, 'slaState'),
    slaDueAt: { kind: 'date', field: 'slaDueAt' },
    priorityScore: { kind: 'int', field: 'priorityScore' },
    revenueImpact: { kind: 'float', field: 'revenueImpactSort' },
    assigneeId: idFilter(memberEntity, 'assigneeId'),
    reporterId: idFilter(memberEntity, 'reporterId'),
    source: enumFilter('ImportSource', values.IMPORT_SOURCES, 'source'),
    externalId: { kind: 'string', field: 'externalId' },
    resolvedAt: { kind: 'date', field: 'resolvedAt' },
    dueAt: { kind: 'date', field: 'dueAt' },
    updatedAt: { kind: 'date', field: 'updatedAt' },
    createdAt: created,
    labels: { kind: 'relation', spec: () => labelFilter, foreignKey: 'bugId' },
  },
  orders: {
    CREATED_AT: 'createdAt',
    UPDATED_AT: 'updatedAt',
    PRIORITY: 'priorityScore',
    SEVERITY: 'severityRank',
    REVENUE_IMPACT: 'revenueImpactSort',
    SLA_DUE_AT: 'slaDueSort',
  },
  defaultOrder: 'CREATED_AT',
});

export const projectList = defineList('Project', {
  filters: {
    key: { kind: 'string', field: 'key' },
    name: { kind: 'string', field: 'name' },
    status: enumFilter('ProjectStatus', values.PROJECT_STATUSES, 'status'),
    githubRepository: { kind: 'string', field: 'githubRepository' },
    roiScore: { kind: 'float', field: 'roiScore' },
    appealIndex: { kind: 'float', field: 'appealIndex' },
    arr: { kind: 'float', field: 'arrSort' },
    createdAt: created,
    bugs: { kind: 'relation', spec: () => bugList, foreignKey: 'projectId' },
  },
  orders: {
    CREATED_AT: 'createdAt',
    NAME: 'name',
    KEY: 'key',
    ROI: 'roiScore',
    APPEAL: 'appealIndex',
    ARR: 'arrSort',
  },
  defaultOrder: 'CREATED_AT',
});

export const bugHistoryList = defineList('BugHistory', {
  name: 'BugChange',
  filters: {
    bugId: idFilter(bugEntity, 'bugId'),
    field: { kind: 'string', field: 'field' },
    actorId: idFilter(memberEntity, 'actorId'),
    at: { kind: 'date', field: 'at' },
  },
  orders: { AT: 'at' },
  defaultOrder: 'AT',
});

export const commentList = defineList('BugComment', {
  filters: {
    bugId: idFilter(bugEntity, 'bugId'),
    authorId: idFilter(memberEntity, 'authorId'),
    createdAt: created,
  },
  orders: { CREATED_AT: 'createdAt' },
  defaultOrder: 'CREATED_AT',
});

export const policyList = defineList('SlaPolicy', {
  filters: { isActive: { kind: 'boolean', field: 'isActive' }, createdAt: created },
  orders: { CREATED_AT: 'createdAt', POSITION: 'position' },
  defaultOrder: 'CREATED_AT',
});

export const calendarList = defineList('BusinessCalendar', {
  filters: { createdAt: created },
  orders: { CREATED_AT: 'createdAt' },
  defaultOrder: 'CREATED_AT',
});

export const projectMetricList = defineList('ProjectMetric', {
  filters: {
    projectId: idFilter(projectEntity, 'projectId'),
    date: { kind: 'day', field: 'date' },
  },
  orders: { DATE: 'date' },
  defaultOrder: 'DATE',
});

export const monthlyMetricList = defineList('MonthlyMetric', {
  filters: {
    projectId: idFilter(projectEntity, 'projectId'),
    month: { kind: 'day', field: 'month' },
  },
  orders: { MONTH: 'month' },
  defaultOrder: 'MONTH',
});

export const portfolioMetricList = defineList('PortfolioMetric', {
  filters: { date: { kind: 'day', field: 'date' } },
  orders: { DATE: 'date' },
  defaultOrder: 'DATE',
});
