import { afterAll, beforeAll, expect, test } from 'vitest';
import { DETECTION_MOVES } from '../../../src/modules/intel/detection.service.ts';
import { createTestApp, type Tenant, type TestApp } from '../../support/app.ts';
import { addKeyword, addSource, asOwner, eventsOf, ingest, mutate } from './records.ts';

let t: TestApp;
beforeAll(async () => {
  t = await createTestApp();
});
afterAll(() => t?.close());

const STATUSES = ['NEW', 'CONFIRMED', 'DISMISSED'] as const;

function decide(tenant: Tenant, id: string, status: string, over: object = {}) {
  return mutate(
    t,
    tenant.key,
    `decideDetection { detection { id status version decidedAt decisionReason decidedBy { id }
       content { riskScore riskLevel keywords version riskBreakdown { parts { term counted reason contribution } } } }
     userErrors { __typename code message path ... on InvalidTransition { from to allowed } ... on VersionMismatch { expected actual } } eventSeq }`,
    { id, status, ...over },
  );
}

/** A content with the terms snow (0.5) and its synonym powder (0.5), and coke (0.4). */
async function setUp(slug: string) {
  const a = await t.tenant(slug);
  const sourceId = await addSource(t, a);
  await addKeyword(t, a, 'snow', 0.5);
  await addKeyword(t, a, 'powder', 0.5, { conceptId: 'snow' });
  await addKeyword(t, a, 'coke', 0.4);
  const { ingested } = await ingest(t, a, {
    sourceId,
    text: 'snow powder coke',
    author: { platformUserId: '1', username: 'bob' },
  });
  const { detections } = await t.runOk(a.key, '{ detections { nodes { id keyword { term } } } }');
  const ids = new Map<string, string>(
    detections.nodes.map((d: { id: string; keyword: { term: string } }) => [d.keyword.term, d.id]),
  );
  return { a, content: ingested.content.id, of: (term: string) => ids.get(term) ?? '' };
}

test('a decision recomputes the risk in the same transaction and can be taken back', async () => {
  const { a, of } = await setUp('decide');
  const dismissed = await decide(a, of('coke'), 'DISMISSED', { reason: 'a drink' });
  expect(dismissed.detection).toMatchObject({
    status: 'DISMISSED',
    decisionReason: 'a drink',
    version: 2,
    decidedBy: { id: expect.stringMatching(/^mem_/) },
    content: { riskScore: 0.5, riskLevel: 'MEDIUM', version: 2 },
  });
  const parts = dismissed.detection.content.riskBreakdown.parts;
  expect(parts.find((part: { term: string }) => part.term === 'coke')).toMatchObject({
    counted: false,
    reason: 'dismissed',
  });
  const log = await eventsOf(t, a);
  const types = log.slice(-2).map((event) => event.type);
  expect(types).toEqual(['DETECTION_DISMISSED', 'CONTENT_RESCORED']);
  expect(dismissed.eventSeq).toBe(log.at(-1).seq);
  const [author] = await asOwner(t, 'SELECT risk_score FROM platform_users WHERE tenant_id = $1', [a.tenantId]);
  expect(author.risk_score).toBe(0.5);
  const confirmed = await decide(a, of('coke'), 'CONFIRMED');
  expect(confirmed.detection).toMatchObject({ status: 'CONFIRMED', content: { riskScore: 0.7, riskLevel: 'HIGH' } });
  const reopened = await decide(a, of('coke'), 'NEW');
  expect(reopened.detection).toMatchObject({
    status: 'NEW',
    decidedAt: null,
    decidedBy: null,
    content: { riskScore: 0.7 },
  });
  expect((await eventsOf(t, a, 'DETECTION_REOPENED')).length).toBe(1);
});

test('dismissing one of two synonyms leaves the score and tells the truth about the parts', async () => {
  const { a, of } = await setUp('synonyms');
  const counted = async (term: string) => {
    const { detection } = await decide(a, of(term), 'DISMISSED');
    expect(detection.content.riskScore).toBe(0.7);
    const parts = new Map<string, { counted: boolean; reason: string | null }>(
      detection.content.riskBreakdown.parts.map((part: { term: string }) => [part.term, part]),
    );
    expect(parts.get(term)).toMatchObject({ counted: false, reason: 'dismissed' });
    const other = term === 'snow' ? 'powder' : 'snow';
    expect(parts.get(other)).toMatchObject({ counted: true, reason: null });
    expect(new Set(detection.content.keywords)).toEqual(new Set([other, 'coke']));
    await decide(a, of(term), 'NEW');
  };
  await counted('snow');
  await counted('powder');
});

test('every move that the table does not have is refused with what it allows', async () => {
  const { a, of } = await setUp('moves');
  const id = of('snow');
  const reach = { NEW: [], CONFIRMED: ['CONFIRMED'], DISMISSED: ['DISMISSED'] } as const;
  for (const from of STATUSES) {
    for (const to of STATUSES) {
      for (const step of reach[from]) await decide(a, id, step);
      const answer = await decide(a, id, to);
      if ((DETECTION_MOVES[from] as readonly string[]).includes(to)) {
        expect(answer.detection.status, `${from} to ${to}`).toBe(to);
      } else {
        expect(answer, `${from} to ${to}`).toMatchObject({
          detection: null,
          eventSeq: null,
          userErrors: [{ __typename: 'InvalidTransition', from, to, allowed: [...DETECTION_MOVES[from]] }],
        });
        expect(answer.userErrors[0].message).toContain(DETECTION_MOVES[from].join(', '));
      }
      await asOwner(t, `UPDATE detections SET status = 'NEW' WHERE tenant_id = $1`, [a.tenantId]);
    }
  }
});

test('a decision on a row that changed meanwhile is refused with its version', async () => {
  const { a, of } = await setUp('stale');
  const id = of('snow');
  await decide(a, id, 'CONFIRMED', { expectedVersion: 1 });
  const before = (await eventsOf(t, a)).length;
  const stale = await decide(a, id, 'DISMISSED', { expectedVersion: 1 });
  expect(stale.userErrors).toMatchObject([
    { __typename: 'VersionMismatch', code: 'VERSION_MISMATCH', path: ['expectedVersion'], expected: 1, actual: 2 },
  ]);
  expect(await eventsOf(t, a)).toHaveLength(before);
  const both = await Promise.all([
    decide(a, id, 'DISMISSED', { expectedVersion: 2 }),
    decide(a, id, 'NEW', { expectedVersion: 2 }),
  ]);
  expect(both.filter((answer) => answer.detection)).toHaveLength(1);
});

test('a detection that is not there, or not ours, is not found', async () => {
  const { of } = await setUp('theirs');
  const b = await t.tenant('theirs-b');
  for (const id of [of('snow'), 'det_01h455vb4pex5vsknk084sn02q']) {
    expect((await decide(b, id, 'CONFIRMED')).userErrors).toMatchObject([{ code: 'NOT_FOUND', path: ['id'] }]);
  }
  expect((await decide(b, 'nonsense', 'CONFIRMED')).userErrors).toMatchObject([
    { code: 'INVALID_INPUT', path: ['id'] },
  ]);
});
