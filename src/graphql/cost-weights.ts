/**
 * What fields cost beside the rows that they give, in points; one point is about one row read by its key. A field that
 * is not named here costs 1 when it has selections, 10 when it is a mutation, and nothing when it is a leaf.
 */
export const WEIGHTS: Readonly<Record<string, number>> = {
  // Search: an index is read, matches are ranked.
  'Query.searchBugs': 20,
  'Query.searchCases': 20,
  'Query.searchContent': 20,
  'Query.searchIdentifiers': 20,
  'Query.searchKeywords': 20,
  'Query.searchPlatformUsers': 20,
  'Query.searchProjects': 20,
  'Query.searchSources': 20,
  // Time series and figures over many rows.
  'Query.bugStatistics': 20,
  'Query.bugTrends': 50,
  'Query.contentTrends': 50,
  'Query.databaseHealth': 50,
  'Query.databaseStatistics': 50,
  'Query.engineeringMetrics': 50,
  'Query.overviewStatistics': 50,
  'Query.portfolioOverview': 20,
  'Query.projectActivity': 50,
  'Query.simulateSlaPolicy': 500,
  'Query.slaForecast': 100,
  'Query.syncStatus': 20,
  'Query.teamPerformance': 50,
  'Query.teamWorkload': 50,
  'Query.workload': 20,
  // A document is parsed and validated.
  'Query.explainCost': 10,
  'Query.lastEventSeq': 1,
  // Many rows, or work that was made slow on purpose.
  'Mutation.bugBatchCreate': 500,
  'Mutation.bugBatchUpdate': 500,
  'Mutation.computeMonthlyMetrics': 500,
  'Mutation.createKeywords': 500,
  'Mutation.ingestContent': 50,
  'Mutation.ingestContents': 500,
  'Mutation.recordProjectMetrics': 500,
  'Mutation.signIn': 100,
  'Mutation.startImport': 1_000,
  'Mutation.startOsintLookup': 50,
  'Mutation.takePortfolioSnapshot': 100,
};

/** `totalCount` of any list: up to its bound, and to the end. */
export const COUNT_WEIGHT = 10;
export const EXACT_COUNT_WEIGHT = 100;

export const MUTATION_WEIGHT = 10;

/** `GET /export/<list>`: pages without end. */
export const EXPORT_COST = 1_000;

/** What a list is taken to hold whose length its arguments do not tell. */
export const UNSIZED_LIST = 10;
