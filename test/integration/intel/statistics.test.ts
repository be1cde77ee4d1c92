import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Answer, createTestApp, type Tenant, type TestApp } from '../../support/app.ts';
import { addKeyword, addSource, asOwner, ingest, ingestBatch, mutate, range } from './records.ts';

let t: TestApp;
beforeAll(async () => {
  t = await createTestApp();
});
afterAll(() => t?.close());

const QUERY = `{ overviewStatistics {
  contentAnalysis { total byRiskLevel { key count } recent24h }
  threatDetection { totalDetections detectedKeywords uniqueKeywords topKeywords { keyword { id term } detectionCount } }
  investigationMetrics { totalCases openCases avgCaseDuration caseResolutionRate } } }`;

const overview = async (tenant: Tenant): Promise<Answer> => (await t.runOk(tenant.key, QUERY)).overviewStatistics;

test('a tenant with nothing has zeroes, and no average', async () => {
  const a = await t.tenant('empty');
  expect(await overview(a)).toEqual({
    contentAnalysis: { total: 0, byRiskLevel: [], recent24h: 0 },
    threatDetection: { totalDetections: 0, detectedKeywords: 0, uniqueKeywords: 0, topKeywords: [] },
    investigationMetrics: { totalCases: 0, openCases: 0, avgCaseDuration: null, caseResolutionRate: 0 },
  });
});

const round1 = (x: number) => Math.round(x * 10) / 10;

/** The figures as anybody would compute them, from all rows. */
async function naive(tenant: Tenant): Promise<Answer> {
  const rows = (text: string) => asOwner(t, text, [tenant.tenantId]);
  const contents = await rows('SELECT risk_level AS level, created_at AS at FROM content WHERE tenant_id = $1');
  const detections = await rows(
    'SELECT k.id, k.term FROM detections d JOIN keywords k ON k.tenant_id = d.tenant_id AND k.id = d.keyword_id WHERE d.tenant_id = $1',
  );
  const cases = await rows(
    'SELECT status, start_date AS start, actual_completion AS done FROM cases WHERE tenant_id = $1',
  );
  const count = <T>(all: T[], key: (one: T) => string) =>
    [...Map.groupBy(all, key)].map(([name, group]) => ({ name, count: group.length }));
  const durations = cases.filter((c) => c.done).map((c) => (c.done - c.start) / 86_400_000);
  const byKeyword = count(detections, (d) => `${d.id}/${d.term}`)
    .toSorted((x, y) => y.count - x.count || (x.name < y.name ? -1 : 1))
    .slice(0, 10);
  return {
    total: contents.length,
    byRiskLevel: Object.fromEntries(count(contents, (c) => c.level).map((c) => [c.name, c.count])),
    recent24h: contents.filter((c) => Date.now() - c.at <= 86_400_000).length,
    totalDetections: detections.length,
    detectedKeywords: new Set(detections.map((d) => d.id)).size,
    topKeywords: byKeyword.map((k) => ({ term: k.name.split('/')[1], count: k.count })),
    totalCases: cases.length,
    openCases: cases.filter((c) => c.status === 'OPEN').length,
    avgCaseDuration: durations.length > 0 ? round1(durations.reduce((sum, d) => sum + d, 0) / durations.length) : null,
    caseResolutionRate: round1((cases.filter((c) => c.status === 'CLOSED').length / cases.length) * 100),
  };
}

test('the figures are those of a naive computation over all rows', async () => {
  const a = await t.tenant('figures');
  const other = await t.tenant('figures-other');
  await ingest(t, other, { sourceId: await addSource(t, other), text: 'not ours' });
  const sourceId = await addSource(t, a);
  for (const i of range(14)) await addKeyword(t, a, `term${i}`, (i + 1) / 15);
  const text = (i: number) =>
    range(14)
      .flatMap((k) => (i % (k + 1) === 0 && k < 13 ? [`term${k}`] : []))
      .join(' ');
  await ingestBatch(
    t,
    a,
    range(60).map((i) => ({ sourceId, externalId: `m${i}`, text: `number ${i}: ${text(i)}` })),
  );
  await asOwner(
    t,
    `UPDATE content SET created_at = now() - interval '25 hours' WHERE tenant_id = $1 AND external_id < 'm3'`,
    [a.tenantId],
  );
  const moves = ['IN_PROGRESS', 'RESOLVED', 'CLOSED'];
  for (const [i, upTo] of [0, 0, 1, 2, 3, 3, 3].entries()) {
    const startDate = new Date(Date.now() - (i + 1.234) * 86_400_000).toISOString();
    const { case: opened } = await mutate(t, a.key, 'openCase { case { id } }', { title: `Case ${i}`, startDate });
    for (const status of moves.slice(0, upTo)) {
      await mutate(t, a.key, 'moveCase { userErrors { code } }', { id: opened.id, status, resolution: 'OTHER' });
    }
  }
  const expected = await naive(a);
  const { contentAnalysis, threatDetection, investigationMetrics } = await overview(a);
  expect({
    total: contentAnalysis.total,
    byRiskLevel: Object.fromEntries(contentAnalysis.byRiskLevel.map((c: Answer) => [c.key, c.count])),
    recent24h: contentAnalysis.recent24h,
    totalDetections: threatDetection.totalDetections,
    detectedKeywords: threatDetection.detectedKeywords,
    topKeywords: threatDetection.topKeywords.map((k: Answer) => ({ term: k.keyword.term, count: k.detectionCount })),
    ...investigationMetrics,
  }).toEqual(expected);
  expect(threatDetection.uniqueKeywords).toBe(threatDetection.detectedKeywords);
  expect(threatDetection.topKeywords).toHaveLength(10);
  expect(expected).toMatchObject({
    total: 60,
    detectedKeywords: 13,
    totalCases: 7,
    openCases: 2,
    caseResolutionRate: 42.9,
  });
});
