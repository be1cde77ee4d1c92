// Latency of typical operations through the whole stack: node bench/http-latency.ts <address> <key> [runs]
// One client, one request after the other; the first 20 of each operation warm up. Figures in milliseconds.
const [address, key, runs = '200'] = process.argv.slice(2);
if (!address || !key) {
  console.error('usage: node bench/http-latency.ts http://127.0.0.1:4000/graphql <key> [runs]');
  process.exit(2);
}

const WARM_UP = 20;
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

const OPERATIONS: Record<string, { query: string; variables?: (run: number) => object }> = {
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

async function request(
  query: string,
  variables: object | undefined,
): Promise<{ took: number; statements: string; bytes: number }> {
  const start = performance.now();
  const response = await fetch(String(address), {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: `Bearer ${key}` },
    body: JSON.stringify({ query, variables }),
  });
  const text = await response.text();
  const took = performance.now() - start;
  if (!response.ok || text.includes('"errors"')) throw new Error(text.slice(0, 500));
  return {
    took,
    statements: /desc="(\d+)/.exec(response.headers.get('server-timing') ?? '')?.[1] ?? '?',
    bytes: text.length,
  };
}

const rows: Record<string, object> = {};
for (const [name, { query, variables }] of Object.entries(OPERATIONS)) {
  const times: number[] = [];
  let last = { statements: '?', bytes: 0 };
  for (let run = 0; run < Number(runs) + WARM_UP; run++) {
    const { took, ...rest } = await request(query, variables?.(run));
    if (run >= WARM_UP) times.push(took);
    last = rest;
  }
  times.sort((a, b) => a - b);
  const at = (share: number) =>
    Number((times[Math.min(times.length - 1, Math.floor(times.length * share))] ?? 0).toFixed(1));
  rows[name] = { p50: at(0.5), p95: at(0.95), max: at(1), statements: last.statements, bytes: last.bytes };
}
console.table(rows);
