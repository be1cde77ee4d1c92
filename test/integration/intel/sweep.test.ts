import { afterAll, beforeAll, expect, test } from 'vitest';
import { sweepDictionary } from '../../../src/modules/intel/sweep.ts';
import { createTestApp, type Tenant, type TestApp } from '../../support/app.ts';
import { addKeyword, addSource, asOwner, eventsOf, ingest, ingestBatch, mutate, range } from './records.ts';

let t: TestApp;
beforeAll(async () => {
  t = await createTestApp();
});
afterAll(() => t?.close());

const sweep = (tenant: Tenant, options: Parameters<typeof sweepDictionary>[2] = {}) =>
  sweepDictionary(t.app.services, tenant.system, options);

const UPDATE = 'updateKeyword { keyword { version } userErrors { code message } }';

async function contentOf(tenant: Tenant, id: string) {
  const { node } = await t.runOk(
    tenant.key,
    `query($id: ID!) { node(id: $id) { ... on Content { riskLevel riskScore version keywords
      riskBreakdown { parts { term counted reason contribution } } author { isFlagged riskScore }
      detections { nodes { origin score keywordVersion status spans { start end } keyword { term } } } } } }`,
    { id },
  );
  return node;
}

test('content that was there before is matched with a new keyword, and its author flagged', async () => {
  const a = await t.tenant('retro');
  const sourceId = await addSource(t, a);
  const text = 'selling fentanyl and 😀 fentanyl';
  const author = { platformUserId: '1', username: 'bob' };
  const { ingested } = await ingest(t, a, { sourceId, text, author });
  await ingest(t, a, { sourceId, text: 'harmless' });
  await addKeyword(t, a, 'fentanyl', 0.9);
  expect((await contentOf(a, ingested.content.id)).riskLevel).toBe('NONE');
  expect(await sweep(a)).toEqual({ scanned: 2, detections: 1, rescored: 1 });
  const content = await contentOf(a, ingested.content.id);
  expect(content).toMatchObject({ riskLevel: 'CRITICAL', riskScore: 0.9, version: 2, author: { isFlagged: true } });
  expect(content.detections.nodes).toMatchObject([{ origin: 'RETRO', score: 0.9, status: 'NEW' }]);
  const spans: { start: number; end: number }[] = content.detections.nodes[0].spans;
  expect(spans.map((s) => text.slice(s.start, s.end))).toEqual(['fentanyl', 'fentanyl']);
  const events = await eventsOf(t, a, 'CONTENT_RESCORED');
  expect(events).toHaveLength(1);
  expect(events[0].payload).toMatchObject({
    id: ingested.content.id,
    riskLevel: 'CRITICAL',
    before: { riskLevel: 'NONE', riskScore: 0 },
  });
});

test('a sweep that finds nothing to do writes no event', async () => {
  const a = await t.tenant('nothing');
  const sourceId = await addSource(t, a);
  await addKeyword(t, a, 'snow', 0.5);
  await ingest(t, a, { sourceId, text: 'snow' });
  const before = (await eventsOf(t, a)).length;
  // The first pass looks at content that was matched when it came in; the second has nothing to look at.
  expect(await sweep(a)).toEqual({ scanned: 1, detections: 0, rescored: 0 });
  expect(await sweep(a)).toEqual({ scanned: 0, detections: 0, rescored: 0 });
  expect(await sweep(await t.tenant('nothing-at-all'))).toEqual({ scanned: 0, detections: 0, rescored: 0 });
  expect(await eventsOf(t, a)).toHaveLength(before);
});

test('a new weight, a switched off and a switched on keyword reach the scores', async () => {
  const a = await t.tenant('weights');
  const sourceId = await addSource(t, a);
  const { id } = await addKeyword(t, a, 'snow', 0.9);
  await addKeyword(t, a, 'coke', 0.3);
  const { ingested } = await ingest(t, a, { sourceId, text: 'snow and coke' });
  const after = async (change: object) => {
    expect((await mutate(t, a.key, UPDATE, { id, ...change })).userErrors).toEqual([]);
    await sweep(a);
    return contentOf(a, ingested.content.id);
  };
  expect(await after({ weight: 0.5 })).toMatchObject({ riskScore: 0.65, riskLevel: 'HIGH' });
  const lighter = await after({ weight: 0.1 });
  expect(lighter).toMatchObject({ riskScore: 0.37, riskLevel: 'MEDIUM' });
  expect(lighter.detections.nodes.find((d: { keyword: { term: string } }) => d.keyword.term === 'snow')).toMatchObject({
    score: 0.1,
    keywordVersion: 3,
    origin: 'LIVE',
  });
  const off = await after({ isActive: false });
  expect(off).toMatchObject({ riskScore: 0.3, keywords: ['coke'] });
  expect(off.riskBreakdown.parts.find((part: { term: string }) => part.term === 'snow')).toMatchObject({
    counted: false,
    reason: 'excluded',
  });
  expect(off.detections.nodes).toHaveLength(2);
  // What is switched off is no longer found in new content either.
  const fresh = await ingest(t, a, { sourceId, text: 'snow only' });
  expect(fresh.ingested.content.riskLevel).toBe('NONE');
  expect(await after({ isActive: true })).toMatchObject({ riskScore: 0.37 });
  expect(await contentOf(a, fresh.ingested.content.id)).toMatchObject({ riskScore: 0.1, detections: { nodes: [{}] } });
  // Two terms that become synonyms count once.
  expect(await after({ conceptId: 'coke' })).toMatchObject({ riskScore: 0.3, keywords: ['coke'] });
});

test('a decision outlives a change of its keyword', async () => {
  const a = await t.tenant('decided');
  const sourceId = await addSource(t, a);
  const { id } = await addKeyword(t, a, 'snow', 0.9);
  const { ingested } = await ingest(t, a, { sourceId, text: 'snow' });
  const { detections } = await t.runOk(a.key, '{ detections { nodes { id } } }');
  await mutate(t, a.key, 'decideDetection { userErrors { code } }', {
    id: detections.nodes[0].id,
    status: 'DISMISSED',
  });
  await mutate(t, a.key, UPDATE, { id, weight: 0.8 });
  await sweep(a);
  expect(await contentOf(a, ingested.content.id)).toMatchObject({
    riskScore: 0,
    detections: { nodes: [{ status: 'DISMISSED', keywordVersion: 2, score: 0.8 }] },
  });
});

/** 620 contents, three batches of a sweep, with two keywords that were added after. */
async function large(slug: string): Promise<Tenant> {
  const a = await t.tenant(slug);
  const sourceId = await addSource(t, a);
  const items = range(620).map((i) => ({
    sourceId,
    externalId: `m${i}`,
    text: `number ${i} ${i % 2 === 0 ? 'snow' : ''} ${i % 3 === 0 ? 'coke' : ''}`,
    author: { platformUserId: `u${i % 7}`, username: `user ${i % 7}` },
  }));
  await ingestBatch(t, a, items.slice(0, 310));
  await ingestBatch(t, a, items.slice(310));
  await addKeyword(t, a, 'snow', 0.5);
  await addKeyword(t, a, 'coke', 0.4);
  return a;
}

/** All that a sweep leaves behind, without ids and times. */
async function state(tenant: Tenant) {
  const contents = await asOwner(
    t,
    `SELECT c.external_id, c.risk_score, c.risk_level, c.version, c.keywords, c.analysis_data #- '{parts}' AS analysis,
       (SELECT array_agg(k.term || ':' || d.origin || ':' || d.match_count || ':' || d.spans::text ORDER BY k.term)
        FROM detections d JOIN keywords k ON k.tenant_id = d.tenant_id AND k.id = d.keyword_id
        WHERE d.tenant_id = c.tenant_id AND d.content_id = c.id) AS found
     FROM content c WHERE c.tenant_id = $1 ORDER BY c.external_id`,
    [tenant.tenantId],
  );
  const users = await asOwner(
    t,
    'SELECT username, risk_score, is_flagged, version FROM platform_users WHERE tenant_id = $1 ORDER BY username',
    [tenant.tenantId],
  );
  const [dictionary] = await asOwner(
    t,
    'SELECT version, swept_version, sweep_version, sweep_cursor FROM dictionaries WHERE tenant_id = $1',
    [tenant.tenantId],
  );
  const events = Map.groupBy(await eventsOf(t, tenant), (event) => event.type);
  return { contents, users, dictionary, events: [...events].map(([type, all]) => [type, all.length]) };
}

test('a sweep that was stopped goes on where it stood; two at once do it once', { timeout: 90_000 }, async () => {
  const undisturbed = await large('sweep-whole');
  expect(await sweep(undisturbed)).toEqual({ scanned: 620, detections: 517, rescored: 413 });
  const expected = await state(undisturbed);
  expect(expected.dictionary).toEqual({ version: 2, swept_version: 2, sweep_version: null, sweep_cursor: null });

  const stopped = await large('sweep-stopped');
  const abort = new AbortController();
  const first = await sweep(stopped, { signal: abort.signal, onProgress: () => abort.abort() });
  expect(first.scanned).toBe(250);
  const halfway = await state(stopped);
  expect(halfway.dictionary).toMatchObject({ swept_version: 0, sweep_version: 2 });
  expect(halfway.dictionary.sweep_cursor).not.toBeNull();
  const second = await sweep(stopped);
  expect(second.scanned).toBe(370);
  expect(await state(stopped)).toEqual(expected);

  const twice = await large('sweep-twice');
  const both = await Promise.all([sweep(twice), sweep(twice)]);
  expect(both.reduce((sum, one) => sum + one.scanned, 0)).toBe(620);
  expect(await state(twice)).toEqual(expected);
});

test('a keyword that comes in the middle of a sweep, and content too, are not missed', {
  timeout: 60_000,
}, async () => {
  const a = await large('sweep-moving');
  const sourceId = await addSource(t, a);
  let steps = 0;
  const interfere = async () => {
    await addKeyword(t, a, 'number', 0.2);
    await ingest(t, a, { sourceId, externalId: 'late', text: 'snow number' });
  };
  let interference: Promise<void> | undefined;
  await sweep(a, {
    onProgress: () => {
      steps += 1;
      if (steps === 1) interference = interfere();
    },
  });
  await interference;
  await sweep(a);
  const [row] = await asOwner(
    t,
    `SELECT count(*) FILTER (WHERE k.term = 'number')::int AS number, count(*) FILTER (WHERE k.term = 'snow')::int AS snow
     FROM detections d JOIN keywords k ON k.tenant_id = d.tenant_id AND k.id = d.keyword_id WHERE d.tenant_id = $1`,
    [a.tenantId],
  );
  expect(row).toEqual({ number: 621, snow: 311 });
});
