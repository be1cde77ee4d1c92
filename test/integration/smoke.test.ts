import { afterAll, beforeAll, expect, test } from 'vitest';
import { createTestApp, type Tenant, type TestApp } from '../support/app.ts';

let t: TestApp;
let a: Tenant;
beforeAll(async () => {
  t = await createTestApp();
  a = await t.tenant('alpha');
});
afterAll(() => t?.close());

test('a source, a keyword and a content give a detection', async () => {
  const { createSource } = await t.runOk(
    a.key,
    `mutation { createSource(input: { name: "Forum", kind: FORUM, externalRef: "f1", reliability: A }) { source { id name } userErrors { code message path } eventSeq } }`,
  );
  expect(createSource.userErrors).toEqual([]);
  await t.runOk(
    a.key,
    `mutation { createKeyword(input: { term: "fentanyl", category: SUBSTANCE, weight: 0.9 }) { keyword { id } userErrors { code message path } } }`,
  );
  const r = await t.runOk(
    a.key,
    `mutation($s: ID!) { ingestContent(input: { sourceId: $s, text: "Selling fentanyl, write to bob@example.com", author: { platformUserId: "1", username: "bob" } }) { ingested { created content { id riskLevel riskScore } } userErrors { code message path } eventSeq } }`,
    { s: createSource.source.id },
  );
  expect(r).toMatchObject({
    ingestContent: { userErrors: [], ingested: { created: true, content: { riskLevel: 'CRITICAL' } } },
  });
  const list = await t.run(
    a.key,
    `{ contents { totalCount { value kind } nodes { id text source { name } author { username isFlagged } detections { nodes { keyword { term } spans { field start end } } } identifiers { nodes { identifier { type value } } } } } searchContent(query: "fentanyl") { hits { rank highlights { field start end } content { id } } facets { total riskLevel { value count } } } overviewStatistics { contentAnalysis { total byRiskLevel { key count } } threatDetection { topKeywords { keyword { term } detectionCount } } investigationMetrics { avgCaseDuration caseResolutionRate } } contentTrends { start total counts { key count } } databaseHealth { status performance { avgQueryTime } applicationMetrics { totalUsers } tableStatistics { table } } }`,
  );
  expect(list.errors).toBeUndefined();
  console.log(JSON.stringify(list, null, 1).slice(0, 3000), list.statements);
});
