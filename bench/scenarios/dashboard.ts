import type { Dialect } from '../contender.ts';
import type { Scenario } from '../scenario.ts';
import { BUG, NEWEST, over, PG_BUG } from './reads.ts';

const PANEL = `first: $first`;
const PG_PANEL = (condition: string) => `first: $first, ${NEWEST}, condition: { tenantId: $tenant, ${condition} }`;

const DASHBOARD: Record<Dialect, string> = {
  argus: `query ($first: Int!) {
    statistics: bugStatistics { severities: bySeverity { severity count } statuses: byStatus { status count } }
    top: bugs(${PANEL}, orderBy: { field: PRIORITY }) { nodes { ${BUG} } }
    breached: bugs(${PANEL}, filter: { slaState: { eq: BREACHED } }) { nodes { ${BUG} } }
    blockers: bugs(${PANEL}, filter: { isBlocker: { eq: true } }) { nodes { ${BUG} } }
    projects: topProjectsByRoi(${PANEL}) { key name roiScore } }`,
  plain: `query ($first: Int!) {
    statistics { severities { severity count } statuses { status count } }
    top: topBugs(${PANEL}) { ${BUG} }
    breached: bugs(${PANEL}, slaState: "BREACHED") { ${BUG} }
    blockers: bugs(${PANEL}, isBlocker: true) { ${BUG} }
    projects: topProjects(${PANEL}) { key name roiScore } }`,
  postgraphile: `query ($tenant: UUID!, $first: Int!) {
    statistics: query {
      severities: allBenchSeverityCounts(condition: { tenantId: $tenant }) { nodes { severity count } }
      statuses: allBenchStatusCounts(condition: { tenantId: $tenant }) { nodes { status count } } }
    top: allBugs(${PANEL}, orderBy: [PRIORITY_SCORE_DESC, ROW_ID_DESC], condition: { tenantId: $tenant }) { nodes { ${PG_BUG} } }
    breached: allBugs(${PG_PANEL('slaState: "BREACHED"')}) { nodes { ${PG_BUG} } }
    blockers: allBugs(${PG_PANEL('isBlocker: true')}) { nodes { ${PG_BUG} } }
    projects: allProjects(${PANEL}, orderBy: [ROI_SCORE_DESC, ROW_ID_DESC], condition: { tenantId: $tenant }) { nodes { key name roiScore } } }`,
  floor: 'dashboard',
};

export const dashboard: Scenario = {
  name: 'dashboard',
  title: 'a dashboard of six panels in one operation',
  note: 'Figures by severity and by status (from the totals that Argus keeps), bugs by priority, breached ones, blockers, projects by ROI. PostGraphile reads the totals through views.',
  requests: (dialect, facts) => over(dialect, facts, DASHBOARD[dialect], 'first', [8, 9, 10, 11, 12]),
};

export const repeated: Scenario = {
  name: 'repeated',
  title: 'the same dashboard asked again and again',
  requests: (dialect, facts) => over(dialect, facts, DASHBOARD[dialect], 'first', [10]),
};
