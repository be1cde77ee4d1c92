import type { Operations } from '../latency.ts';

// Words of different frequency, so that no single plan or cached page decides.
const WORDS = [
  'buffer overflow',
  'keycloak',
  'ransomware',
  '"remote code" execution',
  'malware -android',
  'russia or china',
  'phishing',
];

/** What an analyst of the intelligence module asks for. */
export const INTEL: Operations = {
  searchContent: {
    query:
      'query ($q: String!) { searchContent(query: $q, first: 50) { hasNextPage hits { rank content { id title riskLevel } } } }',
    variables: (run) => ({ q: WORDS[run % WORDS.length] }),
  },
  'searchContent, highlights and facets': {
    query:
      'query ($q: String!) { searchContent(query: $q, first: 20) { hits { rank highlights { field start end } content { id title } } facets { total riskLevel { value count } } } }',
    variables: (run) => ({ q: WORDS[run % WORDS.length] }),
  },
  'contentTrends, 30 days': { query: '{ contentTrends(from: "-P30D") { start total counts { key count } } }' },
  overviewStatistics: {
    query:
      '{ overviewStatistics { contentAnalysis { total recent24h byRiskLevel { key count } } threatDetection { totalDetections uniqueKeywords topKeywords { detectionCount keyword { term } } } investigationMetrics { totalCases openCases avgCaseDuration caseResolutionRate } } }',
  },
  'page of 50 contents, 4 relations': {
    query:
      '{ contents(first: 50) { nodes { id title text riskLevel riskScore createdAt source { id name } author { id username isFlagged } detections(first: 10) { nodes { id matchCount score keyword { id term weight } } } } pageInfo { endCursor hasNextPage } } }',
  },
};
