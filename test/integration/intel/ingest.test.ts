import { afterAll, beforeAll, expect, test } from 'vitest';
import { createTestApp, type TestApp } from '../../support/app.ts';
import { addKeyword, addSource, asOwner, countOf, eventsOf, ingest, ingestBatch, mutate, range } from './records.ts';

let t: TestApp;
beforeAll(async () => {
  t = await createTestApp();
});
afterAll(() => t?.close());

const POSTED = '2026-03-01T10:00:00.000Z';

test('an external id tells the same content of a source, whatever else was sent', async () => {
  const a = await t.tenant('dedupe-id');
  const sourceId = await addSource(t, a);
  const otherSource = await addSource(t, a);
  const first = await ingest(t, a, { sourceId, externalId: 'm1', text: 'first words', postedAt: POSTED });
  expect(first).toMatchObject({ userErrors: [], ingested: { created: true, outcome: 'CREATED' } });
  expect(Number(first.eventSeq)).toBeGreaterThan(0);
  const again = await ingest(t, a, { sourceId, externalId: 'm1', text: 'first words' });
  expect(again.ingested).toMatchObject({
    created: false,
    outcome: 'UNCHANGED',
    content: { id: first.ingested.content.id },
  });
  expect(again.eventSeq).toBeNull();
  const elsewhere = await ingest(t, a, { sourceId: otherSource, externalId: 'm1', text: 'first words' });
  expect(elsewhere.ingested.created).toBe(true);
  const b = await t.tenant('dedupe-id-other');
  const theirs = await ingest(t, b, { sourceId: await addSource(t, b), externalId: 'm1', text: 'first words' });
  expect(theirs.ingested.created).toBe(true);
  expect(await eventsOf(t, a, 'CONTENT_INGESTED')).toHaveLength(2);
});

test('without an external id the words and the time of posting tell', async () => {
  const a = await t.tenant('dedupe-text');
  const sourceId = await addSource(t, a);
  const first = await ingest(t, a, { sourceId, text: 'Blue   pills, cheap', postedAt: POSTED });
  // Same words in another dress: spaces, case and a zero-width character do not make another content.
  const dressed = await ingest(t, a, { sourceId, text: 'blue pills,\u200b CHEAP', postedAt: POSTED });
  expect(dressed.ingested).toMatchObject({ created: false, content: { id: first.ingested.content.id } });
  const later = await ingest(t, a, { sourceId, text: 'Blue   pills, cheap', postedAt: '2026-03-01T10:00:00.001Z' });
  expect(later.ingested.created).toBe(true);
  const [undated, undatedAgain] = [
    await ingest(t, a, { sourceId, text: 'x' }),
    await ingest(t, a, { sourceId, text: 'x' }),
  ];
  expect(undatedAgain.ingested.content.id).toBe(undated.ingested.content.id);
  expect(await countOf(t, a, 'content')).toBe(3);
  // What was found again by its own words was not edited.
  expect(dressed.ingested).toMatchObject({
    outcome: 'UNCHANGED',
    content: { text: 'Blue   pills, cheap', version: 1 },
  });
});

test('an edited text brings the row up to date and keeps what people decided', async () => {
  const a = await t.tenant('edited');
  const sourceId = await addSource(t, a);
  await addKeyword(t, a, 'fentanyl', 0.9);
  await addKeyword(t, a, 'snow', 0.4);
  const { ingested } = await ingest(t, a, { sourceId, externalId: 'm1', text: 'fentanyl and snow' });
  const content = ingested.content.id;
  const detections = await detectionsOf(a.key, content);
  const dismissed = detections.find((d) => d.keyword.term === 'fentanyl');
  await mutate(t, a.key, 'decideDetection { detection { id } userErrors { code } }', {
    id: dismissed?.id,
    status: 'DISMISSED',
  });
  const text = 'only now and here: fentanyl';
  const edited = await ingest(t, a, { sourceId, externalId: 'm1', text });
  expect(edited.ingested).toMatchObject({ created: false, outcome: 'UPDATED', content: { id: content, text } });
  // The dismissed keyword does not count, the other one is gone.
  expect(edited.ingested.content).toMatchObject({ riskLevel: 'NONE', riskScore: 0 });
  const after = await detectionsOf(a.key, content);
  expect(after.map((d) => [d.id, d.status])).toEqual([[dismissed?.id, 'DISMISSED']]);
  expect(after[0]?.spans.map((s) => text.slice(s.start, s.end))).toEqual(['fentanyl']);
  const [event] = await eventsOf(t, a, 'CONTENT_UPDATED');
  expect(event).toMatchObject({ aggregateVersion: edited.ingested.content.version, payload: { id: content } });
});

interface DetectionAnswer {
  id: string;
  status: string;
  spans: { field: string; start: number; end: number }[];
  keyword: { term: string };
}

async function detectionsOf(key: string, contentId: string): Promise<DetectionAnswer[]> {
  const { detections } = await t.runOk(
    key,
    'query($c: ID!) { detections(filter: { contentId: { eq: $c } }) { nodes { id status spans { field start end } keyword { term } } } }',
    { c: contentId },
  );
  return detections.nodes;
}

test('duplicates within a batch are one row, and a later edit in it counts', async () => {
  const a = await t.tenant('in-batch');
  const sourceId = await addSource(t, a);
  const { batch, userErrors } = await ingestBatch(t, a, [
    { sourceId, externalId: 'm1', text: 'one' },
    { sourceId, externalId: 'm1', text: 'one' },
    { sourceId, text: 'free', postedAt: POSTED },
    { sourceId, text: 'free', postedAt: POSTED },
    { sourceId, externalId: 'm1', text: 'one, edited' },
    { sourceId, externalId: 'm1', text: 'one, edited' },
  ]);
  expect(userErrors).toEqual([]);
  expect(batch.items.map((item: { outcome: string }) => item.outcome)).toEqual([
    'CREATED',
    'UNCHANGED',
    'CREATED',
    'UNCHANGED',
    'UPDATED',
    'UNCHANGED',
  ]);
  expect(batch).toMatchObject({ created: 2, updated: 1, unchanged: 3 });
  expect(new Set(batch.items.map((item: { content: { id: string } }) => item.content.id)).size).toBe(2);
  const rows = await asOwner(t, 'SELECT text, version FROM content WHERE tenant_id = $1 ORDER BY id', [a.tenantId]);
  expect(rows).toEqual([
    { text: 'one, edited', version: 2 },
    { text: 'free', version: 1 },
  ]);
  expect(await eventsOf(t, a, 'CONTENT_INGESTED')).toHaveLength(2);
  expect(await eventsOf(t, a, 'CONTENT_UPDATED')).toHaveLength(1);
});

test('each origin is one sighting', async () => {
  const a = await t.tenant('sightings');
  const sourceId = await addSource(t, a);
  for (const origin of ['feed-1', 'feed-1', 'feed-2', undefined]) {
    await ingest(t, a, { sourceId, externalId: 'm1', text: 'seen', ...(origin ? { origin } : {}) });
  }
  const rows = await asOwner(t, 'SELECT origin FROM content_sightings WHERE tenant_id = $1 ORDER BY 1', [a.tenantId]);
  expect(rows.map((row) => row.origin)).toEqual(['api', 'feed-1', 'feed-2']);
});

test('a batch holds 500 and not one more; one bad item refuses all', async () => {
  const a = await t.tenant('limits');
  const sourceId = await addSource(t, a);
  const items = range(501).map((i) => ({ sourceId, externalId: `m${i}`, text: `text ${i}` }));
  const refused = await ingestBatch(t, a, items);
  expect(refused).toMatchObject({ batch: null, eventSeq: null });
  expect(refused.userErrors[0]).toMatchObject({ code: 'INVALID_INPUT', path: ['items'] });
  expect(refused.userErrors[0].message).toContain('500');
  const bad = await ingestBatch(t, a, [...items.slice(0, 3), { sourceId, text: ' \n ' }]);
  expect(bad.userErrors[0]).toMatchObject({ code: 'INVALID_INPUT', path: ['items', '3', 'text'] });
  expect(await countOf(t, a, 'content')).toBe(0);
  const taken = await ingestBatch(t, a, items.slice(0, 500));
  expect(taken).toMatchObject({ userErrors: [], batch: { created: 500 } });
  expect(await countOf(t, a, 'content')).toBe(500);
  const again = await ingestBatch(t, a, items.slice(0, 500));
  expect(again).toMatchObject({ eventSeq: null, batch: { created: 0, unchanged: 500 } });
});

const refusals: [string, object, string[], RegExp][] = [
  ['an empty text', { text: '' }, ['text'], /empty/],
  ['a text that is too long', { text: 'x'.repeat(1_000_001) }, ['text'], /1000001 .*1000000/],
  ['a title that is too long', { title: 'x'.repeat(501) }, ['title'], /500/],
  ['a source id of another kind', { sourceId: 'cnt_01h455vb4pex5vsknk084sn02q' }, ['sourceId'], /src_/],
  ['a source that is not there', { sourceId: 'src_01h455vb4pex5vsknk084sn02q' }, ['sourceId'], /no such source/],
  ['a language that is none', { language: 'english' }, ['language'], /language/],
  ['an external id that is too long', { externalId: 'x'.repeat(501) }, ['externalId'], /500/],
  ['an address that is too long', { url: `https://x.example/${'x'.repeat(4_000)}` }, ['url'], /4000/],
  ['an author without a name', { author: { platformUserId: '1', username: '' } }, ['author', 'username'], /200/],
  ['an author without an id', { author: { platformUserId: '', username: 'a' } }, ['author', 'platformUserId'], /200/],
  ['an empty origin', { origin: '' }, ['origin'], /500/],
];

test.for(refusals)('%s is refused with its place', async ([what, change, path, message], { task }) => {
  const a = await t.tenant(`refusal-${task.id.replace(/[^a-z0-9]/g, '').slice(-12)}`);
  const input = { sourceId: await addSource(t, a), text: 'fine', ...change };
  const single = await ingest(t, a, input);
  expect(single.ingested, what).toBeNull();
  expect(single.userErrors[0], what).toMatchObject({ code: 'INVALID_INPUT', path });
  expect(single.userErrors[0].message, what).toMatch(message);
  const batch = await ingestBatch(t, a, [{ sourceId: await addSource(t, a), text: 'fine' }, input]);
  expect(batch.userErrors[0], what).toMatchObject({ code: 'INVALID_INPUT', path: ['items', '1', ...path] });
  expect(await countOf(t, a, 'content')).toBe(0);
});

test('a source of another tenant is not there', async () => {
  const [a, b] = [await t.tenant('theirs-a'), await t.tenant('theirs-b')];
  const theirs = await addSource(t, b);
  const { ingested, userErrors } = await ingest(t, a, { sourceId: theirs, text: 'hello' });
  expect(ingested).toBeNull();
  expect(userErrors[0].message).toMatch(/no such source/);
});

test('what PostgreSQL cannot hold is replaced by U+FFFD, everywhere', async () => {
  const a = await t.tenant('hostile');
  const sourceId = await addSource(t, a);
  await addKeyword(t, a, 'heroin', 0.9);
  const text = 'nul \0 lone \ud83d high, \ude00 low: heroin at bob@example.com';
  const hostile = {
    sourceId,
    externalId: 'id\0\ud83d',
    title: '\0title\udfff',
    text,
    url: 'https://x.example/\0',
    origin: 'o\0',
    author: { platformUserId: 'p\0\ud800', username: 'u\0', displayName: '\0' },
    metaData: { 'k\0ey': ['v\0', { deep: '\ud800' }] },
  };
  const { ingested, userErrors } = await ingest(t, a, hostile);
  expect(userErrors).toEqual([]);
  expect(ingested.content).toMatchObject({
    title: '\ufffdtitle\ufffd',
    text: text.replace('\0', '\ufffd').toWellFormed(),
  });
  const [detection] = await detectionsOf(a.key, ingested.content.id);
  expect(detection?.spans.map((s) => ingested.content.text.slice(s.start, s.end))).toEqual(['heroin']);
  // The same again is the same content: the key is made from what is stored.
  expect((await ingest(t, a, hostile)).ingested).toMatchObject({ created: false, outcome: 'UNCHANGED' });
});

test('a text of 1,000,000 characters is taken in, searched and matched to its end', async () => {
  const a = await t.tenant('long');
  const sourceId = await addSource(t, a);
  await addKeyword(t, a, 'fentanyl', 0.9);
  const text = `${'lorem ipsum '.repeat(90_000).slice(0, 999_991)} fentanyl`;
  expect(text).toHaveLength(1_000_000);
  const { ingested, userErrors } = await ingest(t, a, { sourceId, text });
  expect(userErrors).toEqual([]);
  const [detection] = await detectionsOf(a.key, ingested.content.id);
  expect(detection?.spans.map((s) => text.slice(s.start, s.end))).toEqual(['fentanyl']);
  // Every word another one: more than a search index can hold.
  const words = range(150_000)
    .map((i) => `w${i.toString(36)}`)
    .join(' ')
    .slice(0, 1_000_000);
  expect((await ingest(t, a, { sourceId, text: words })).userErrors).toEqual([]);
});

test('20 at once with the same content make one row, one event and one author', async () => {
  const a = await t.tenant('race');
  const sourceId = await addSource(t, a);
  // With a dictionary there, nothing before the content itself makes them take turns.
  await addKeyword(t, a, 'raced', 0.5);
  const author = { platformUserId: '7', username: 'seven' };
  const answers = await Promise.all(
    range(20).map(() => ingest(t, a, { sourceId, externalId: 'm1', text: 'raced, bob@example.com', author })),
  );
  expect(answers.flatMap((answer) => answer.userErrors)).toEqual([]);
  expect(answers.filter((answer) => answer.ingested.created)).toHaveLength(1);
  expect(new Set(answers.map((answer) => answer.ingested.content.id)).size).toBe(1);
  for (const table of ['content', 'content_sightings', 'platform_users', 'identifiers', 'content_identifiers']) {
    expect([table, await countOf(t, a, table)]).toEqual([table, 1]);
  }
  expect(await eventsOf(t, a, 'CONTENT_INGESTED')).toHaveLength(1);
});

test('an edit that races with the first report is not lost', async () => {
  const a = await t.tenant('race-edit');
  const sourceId = await addSource(t, a);
  // With a dictionary there, nothing before the content itself makes them take turns.
  await addKeyword(t, a, 'raced', 0.5);
  const answers = await Promise.all(
    range(8).map((i) => ingest(t, a, { sourceId, externalId: 'm1', text: `version ${i}` })),
  );
  expect(answers.flatMap((answer) => answer.userErrors)).toEqual([]);
  const outcomes = Map.groupBy(answers, (answer) => answer.ingested.outcome);
  expect([outcomes.get('CREATED')?.length, outcomes.get('UPDATED')?.length]).toEqual([1, 7]);
  const [row] = await asOwner(t, 'SELECT version FROM content WHERE tenant_id = $1', [a.tenantId]);
  expect(row.version).toBe(8);
});
