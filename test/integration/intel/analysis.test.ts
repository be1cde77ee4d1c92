import { afterAll, beforeAll, expect, test } from 'vitest';
import { createTestApp, type Tenant, type TestApp } from '../../support/app.ts';
import { addKeyword, addSource, asOwner, eventsOf, ingest, mutate, range } from './records.ts';

let t: TestApp;
beforeAll(async () => {
  t = await createTestApp();
});
afterAll(() => t?.close());

interface Span {
  field: 'TITLE' | 'TEXT';
  start: number;
  end: number;
}

async function contentOf(tenant: Tenant, id: string) {
  const { node } = await t.runOk(
    tenant.key,
    `query($id: ID!) { node(id: $id) { ... on Content { title text riskLevel riskScore keywords
      riskBreakdown { version sourceFactor parts { term conceptId weight contribution counted reason } }
      author { id username riskScore isFlagged flaggedBy flagReason flaggedAt version }
      detections(first: 100) { nodes { score matchCount snippet origin spans { field start end } keyword { term } } }
      identifiers(first: 100) { nodes { raw spans { field start end } identifier { type value } } } } } }`,
    { id },
  );
  return node;
}

const slices = (content: { title: string | null; text: string }, spans: Span[]) =>
  spans.map(
    ({ field, start, end }) => `${field}:${(field === 'TITLE' ? content.title : content.text)?.slice(start, end)}`,
  );

test('spans slice to the term as it was written, in title and text', async () => {
  const a = await t.tenant('spans');
  const sourceId = await addSource(t, a);
  await addKeyword(t, a, 'fentanyl', 0.5);
  await addKeyword(t, a, 'snow white', 0.5, { matchType: 'PHRASE', gap: 1 });
  await addKeyword(t, a, '❄️', 0.2, { matchType: 'EMOJI' });
  await addKeyword(t, a, 'oxy*', 0.2, { matchType: 'WILDCARD' });
  await addKeyword(t, a, 'm[0o]lly', 0.2, { matchType: 'REGEX' });
  const { ingested } = await ingest(t, a, {
    sourceId,
    title: '👨‍👩‍👧 FENTANYL',
    text: '😀 ｆｅｎｔａｎｙｌ, fen\u200btanyl; Snow so white ❄️! Oxycontin, m0lly, fentanylx',
  });
  const content = await contentOf(a, ingested.content.id);
  const found = new Map<string, string[]>(
    content.detections.nodes.map((d: { keyword: { term: string }; spans: Span[] }) => [
      d.keyword.term,
      slices(content, d.spans),
    ]),
  );
  expect(found.get('fentanyl')).toEqual(['TITLE:FENTANYL', 'TEXT:ｆｅｎｔａｎｙｌ', 'TEXT:fen\u200btanyl']);
  expect(found.get('snow white')).toEqual(['TEXT:Snow so white']);
  expect(found.get('❄️')).toEqual(['TEXT:❄️']);
  expect(found.get('oxy*')).toEqual(['TEXT:Oxycontin']);
  expect(found.get('m[0o]lly')).toEqual(['TEXT:m0lly']);
  const fentanyl = content.detections.nodes.find((d: { keyword: { term: string } }) => d.keyword.term === 'fentanyl');
  expect(fentanyl).toMatchObject({ matchCount: 3, origin: 'LIVE', score: 0.5 });
  expect(fentanyl.snippet).toContain('FENTANYL');
});

test('identifiers stand in their normal form, with the places of each way of writing them', async () => {
  const a = await t.tenant('identifiers');
  const sourceId = await addSource(t, a, { country: 'DE' });
  const text =
    'mail Bob@Example.COM or bob[at]example[.]com, call 030 901820, pay DE89 3704 0044 0532 0130 00, see hxxp://Evil[.]example/x';
  const { ingested } = await ingest(t, a, { sourceId, title: 'bob@example.com', text });
  const content = await contentOf(a, ingested.content.id);
  const found = content.identifiers.nodes.map(
    ({ identifier, spans }: { identifier: { type: string; value: string }; spans: Span[] }) => ({
      ...identifier,
      at: slices(content, spans),
    }),
  );
  expect(found).toContainEqual({
    type: 'EMAIL',
    value: 'bob@example.com',
    at: ['TITLE:bob@example.com', 'TEXT:Bob@Example.COM', 'TEXT:bob[at]example[.]com'],
  });
  expect(found).toContainEqual({ type: 'PHONE', value: '+4930901820', at: ['TEXT:030 901820'] });
  expect(found).toContainEqual({
    type: 'IBAN',
    value: 'DE89370400440532013000',
    at: ['TEXT:DE89 3704 0044 0532 0130 00'],
  });
  expect(found).toContainEqual({ type: 'URL', value: 'http://evil.example/x', at: ['TEXT:hxxp://Evil[.]example/x'] });
  // One identifier of the tenant, however many contents hold it.
  await ingest(t, a, { sourceId, text: 'again bob@example.com' });
  const rows = await asOwner(t, `SELECT count(*)::int AS n FROM identifiers WHERE tenant_id = $1 AND type = 'EMAIL'`, [
    a.tenantId,
  ]);
  expect(rows[0].n).toBe(1);
});

test.for([
  ['A', [0.9], 'CRITICAL', 0.9],
  ['A', [0.8], 'HIGH', 0.8],
  ['A', [0.6], 'HIGH', 0.6],
  ['A', [0.5, 0.5], 'HIGH', 0.75],
  ['F', [0.6], 'MEDIUM', 0.3],
  ['F', [0.5], 'LOW', 0.25],
  ['C', [0.9, 0.5, 0.3], 'CRITICAL', 0.8723],
  ['A', [], 'NONE', 0],
] as const)('a source of %s with weights %j is %s', async ([reliability, weights, level, score], { task }) => {
  const a = await t.tenant(`risk-${task.id.replace(/[^a-z0-9]/g, '').slice(-12)}`);
  const sourceId = await addSource(t, a, { reliability });
  for (const [i, weight] of weights.entries()) await addKeyword(t, a, `term${i}`, weight);
  // A synonym shares a concept and must not count twice.
  await addKeyword(t, a, 'synonym', 0.1, { conceptId: 'term0' });
  const { ingested } = await ingest(t, a, {
    sourceId,
    text: `${weights.map((_, i) => `term${i}`).join(' ')} ${weights.length > 0 ? 'synonym' : 'nothing'}`,
  });
  expect(ingested.content).toMatchObject({ riskLevel: level, riskScore: score });
  const { riskBreakdown, keywords } = await contentOf(a, ingested.content.id);
  const sum = riskBreakdown.parts.reduce(
    (total: number, part: { contribution: number }) => total + part.contribution,
    0,
  );
  expect(sum).toBeCloseTo(score, 4);
  expect(riskBreakdown.parts).toHaveLength(weights.length > 0 ? weights.length + 1 : 0);
  expect(new Set(keywords)).toEqual(new Set(weights.map((_, i) => `term${i}`)));
  const synonym = riskBreakdown.parts.find((part: { term: string }) => part.term === 'synonym');
  if (weights.length > 0)
    expect(synonym).toMatchObject({ counted: false, contribution: 0, reason: 'same concept as term0' });
});

const DAY = 86_400_000;
const ago = (days: number) => new Date(Date.now() - days * DAY).toISOString();

test('three HIGH contents within 30 days flag their author, by the rule', async () => {
  const a = await t.tenant('flag-three');
  const sourceId = await addSource(t, a);
  await addKeyword(t, a, 'coke', 0.6);
  const author = { platformUserId: '1', username: 'bob', displayName: 'Bob' };
  const post = async (n: number, days: number) => {
    const { ingested } = await ingest(t, a, {
      sourceId,
      externalId: `m${n}`,
      text: `coke ${n}`,
      author,
      postedAt: ago(days),
    });
    return (await contentOf(a, ingested.content.id)).author;
  };
  expect(await post(1, 31)).toMatchObject({ username: 'bob', isFlagged: false, riskScore: 0.6 });
  expect(await post(2, 29)).toMatchObject({ isFlagged: false });
  expect(await post(3, 1)).toMatchObject({ isFlagged: false });
  const flagged = await post(4, 0);
  expect(flagged).toMatchObject({ isFlagged: true, flaggedBy: 'RULE', riskScore: 0.6 });
  expect(flagged.flagReason).toMatch(/3 contents of high risk/);
  await post(5, 0);
  const events = await eventsOf(t, a, 'PLATFORM_USER_FLAGGED');
  expect(events).toHaveLength(1);
  expect(events[0]).toMatchObject({ payload: { id: flagged.id }, aggregateVersion: flagged.version });
});

test('three HIGH contents that come in at the same moment flag too', async () => {
  const a = await t.tenant('flag-race');
  const sourceId = await addSource(t, a);
  await addKeyword(t, a, 'coke', 0.6);
  const author = { platformUserId: '1', username: 'bob' };
  await ingest(t, a, { sourceId, text: 'hello', author });
  await Promise.all(range(3).map((n) => ingest(t, a, { sourceId, externalId: `m${n}`, text: `coke ${n}`, author })));
  const [row] = await asOwner(t, 'SELECT is_flagged FROM platform_users WHERE tenant_id = $1', [a.tenantId]);
  expect(row.is_flagged).toBe(true);
  expect(await eventsOf(t, a, 'PLATFORM_USER_FLAGGED')).toHaveLength(1);
});

test('one content of 0.8 flags its author, also when an edit makes it so', async () => {
  const a = await t.tenant('flag-one');
  const sourceId = await addSource(t, a);
  await addKeyword(t, a, 'fentanyl', 0.8);
  await addKeyword(t, a, 'weed', 0.79);
  const post = (externalId: string, text: string, username: string) =>
    ingest(t, a, { sourceId, externalId, text, author: { platformUserId: username, username } });
  const authorOf = async (answer: { ingested: { content: { id: string } } }) =>
    (await contentOf(a, answer.ingested.content.id)).author;
  expect(await authorOf(await post('m1', 'fentanyl', 'ann'))).toMatchObject({ isFlagged: true, riskScore: 0.8 });
  expect(await authorOf(await post('m2', 'weed', 'ben'))).toMatchObject({ isFlagged: false, riskScore: 0.79 });
  expect(await authorOf(await post('m2', 'fentanyl after all', 'ben'))).toMatchObject({
    isFlagged: true,
    riskScore: 0.8,
  });
});

test('whom a person has unflagged the rule leaves alone for 30 days', async () => {
  const a = await t.tenant('unflag');
  const sourceId = await addSource(t, a);
  await addKeyword(t, a, 'fentanyl', 0.9);
  const author = { platformUserId: '1', username: 'bob' };
  const post = async (n: number) => {
    const { ingested } = await ingest(t, a, { sourceId, externalId: `m${n}`, text: `fentanyl ${n}`, author });
    return (await contentOf(a, ingested.content.id)).author;
  };
  const { id } = await post(1);
  const flag =
    'flagPlatformUser { platformUser { isFlagged flaggedBy unflaggedUntil version } userErrors { code path } }';
  const wordless = await mutate(t, a.key, flag, { id, flagged: false, reason: ' ' });
  expect(wordless.userErrors).toEqual([{ code: 'INVALID_INPUT', path: ['reason'] }]);
  const { platformUser } = await mutate(t, a.key, flag, { id, flagged: false, reason: 'a journalist' });
  expect(platformUser).toMatchObject({ isFlagged: false, flaggedBy: null });
  expect((Date.parse(platformUser.unflaggedUntil) - Date.now()) / DAY).toBeCloseTo(30, 2);
  expect(await post(2)).toMatchObject({ isFlagged: false });
  await asOwner(t, `UPDATE platform_users SET unflagged_until = now() - interval '1 second' WHERE tenant_id = $1`, [
    a.tenantId,
  ]);
  expect(await post(3)).toMatchObject({ isFlagged: true, flaggedBy: 'RULE' });
  const byHand = await mutate(t, a.key, flag, { id, flagged: true, reason: 'seen him myself' });
  expect(byHand.platformUser).toMatchObject({ isFlagged: true, flaggedBy: 'HUMAN', unflaggedUntil: null });
});
