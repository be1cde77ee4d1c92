import type { Operations } from '../latency.ts';

const BUG = 'id number title severity status priorityScore slaState createdAt';
const SEARCHES = [
  'crash',
  'null pointer',
  'timeout upload',
  '"memory leak"',
  'export -page',
  'deadlok',
  'encode or decode',
];

/** What the engineering dashboard asks for, beside the seed document's targets. */
export const DELIVERY: Operations = {
  'dashboard (< 10 ms)': {
    query: `{ portfolioOverview { projects { active shipped deferred cancelled } bugs { open critical blockers breached resolved } money { currency arr dcfValuation infrastructureCost revenueImpact } }
      bugStatistics { total { count } bySeverity { severity count } byStatus { status count } }
      top: bugs(first: 10, orderBy: { field: PRIORITY }) { nodes { ${BUG} } }
      breached: bugs(first: 10, filter: { slaState: { eq: BREACHED } }) { nodes { ${BUG} } }
      blockers: bugs(first: 10, filter: { isBlocker: { eq: true } }) { nodes { ${BUG} } }
      topProjectsByRoi(first: 10) { id key name roiScore arr } }`,
  },
  'bugs by severity and status, 50 (< 5 ms)': {
    query: `query ($status: BugStatus!) { bugs(first: 50, filter: { severity: { eq: CRITICAL }, status: { eq: $status } }) { nodes { ${BUG} } pageInfo { endCursor hasNextPage } } }`,
    variables: (run) => ({ status: ['PENDING', 'IN_PROGRESS', 'CLOSED', 'SHIPPED'][run % 4] }),
  },
  'bugs, 50, with project, assignee, history': {
    query: `{ bugs(first: 50) { nodes { ${BUG} project { key name } assignee { displayName } history(first: 3) { nodes { field oldValue newValue at } } } } }`,
  },
  'page 1,000 of 20, filtered by severity': {
    query: `query ($after: String) { bugs(first: 20, after: $after, filter: { severity: { eq: MEDIUM } }) { nodes { ${BUG} } pageInfo { endCursor } } }`,
    prepare: async (ask) => {
      let after: unknown = null;
      // Pages of 100 come to the same place sooner.
      for (let page = 0; page < 199; page++) {
        const { bugs } = (await ask(
          'query ($after: String) { bugs(first: 100, after: $after, filter: { severity: { eq: MEDIUM } }) { pageInfo { endCursor hasNextPage } } }',
          { after },
        )) as { bugs: { pageInfo: { endCursor: string; hasNextPage: boolean } } };
        if (!bugs.pageInfo.hasNextPage) break;
        after = bugs.pageInfo.endCursor;
      }
      return { after };
    },
    variables: (_, { after }) => ({ after }),
  },
  'bug statistics': {
    query:
      '{ bugStatistics { total { count } open { count } blockers { count } breached { count } bySeverity { severity count } byStatus { status count } bySeverityAndStatus { severity status count } bySlaState { slaState count } revenueImpactOpen { currency amount } } }',
  },
  'portfolio (< 50 ms)': {
    query:
      '{ portfolioOverview { date projects { active shipped deferred cancelled total } bugs { open critical blockers breached resolved } money { currency arr dcfValuation infrastructureCost revenueImpact } } topProjectsByRoi(first: 20) { key name roiScore dcfValuation bugStats { open critical breached } } }',
  },
  'bug trends, 30 days, compared': {
    query: '{ bugTrends(from: "-P30D", compare: true) { changePercent current { points { start total } } } }',
  },
  'engineering metrics, 30 days': {
    query:
      '{ engineeringMetrics(from: "-P30D") { resolved resolutionHoursMean resolutionHoursP50 resolutionHoursP90 reopenRate slaRate } }',
  },
  'search bugs (< 200 ms)': {
    query: `query ($q: String!) { searchBugs(query: $q, first: 20) { rank node { ${BUG} } } }`,
    variables: (run) => ({ q: SEARCHES[run % SEARCHES.length] }),
  },
  'search projects (< 200 ms)': {
    query: 'query ($q: String!) { searchProjects(query: $q, first: 20) { rank node { id key name status } } }',
    variables: (run) => ({ q: ['Project 17', 'projct login', 'P99', 'crash'][run % 4] }),
  },
};
