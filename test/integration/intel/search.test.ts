import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Answer, createTestApp, type Tenant, type TestApp } from '../../support/app.ts';
import { addKeyword, addSource, countOf, ingest, ingestBatch, mutate, range } from './records.ts';

let t: TestApp;
beforeAll(async () => {
  t = await createTestApp();
});
afterAll(() => t?.close());

const ARGS = `$query: String!, $language: String, $riskLevel: [RiskLevel!], $sourceId: [ID!], $status: [ContentStatus!], $from: Instant, $to: Instant, $first: Int, $after: String`;
const PASS = ARGS.replace(/(\$(\w+)): [^,]+/g, '$2: $1');
const QUERY = `query(${ARGS}) { searchContent(${PASS}) { hasNextPage endCursor
  hits { rank cursor highlights { field start end } content { id externalId title text } } nodes { id }
  facets { total riskLevel { value count } status { value count } language { value count } source { value count } } } }`;

const search = async (tenant: Tenant, query: string, args: object = {}): Promise<Answer> =>
  (await t.runOk(tenant.key, QUERY, { query, ...args })).searchContent;
const idsOf = (found: Answer): string[] =>
  found.hits.map((hit: { content: { externalId: string } }) => hit.content.externalId);

async function tenantWith(slug: string, items: Record<string, object | string>): Promise<Tenant> {
  const a = await t.tenant(slug);
  const sourceId = await addSource(t, a);
  const batch = Object.entries(items).map(([externalId, item]) => ({
    sourceId,
    externalId,
    ...(typeof item === 'string' ? { text: item, language: 'en' } : item),
  }));
  expect((await ingestBatch(t, a, batch)).userErrors).toEqual([]);
  return a;
}

test('words, phrases, or and -not mean what they mean in web searches', async () => {
  const a = await tenantWith('websearch', {
    both: 'blue pills and white powder',
    blue: 'blue pills',
    swapped: 'pills blue',
    white: 'white powder',
    other: 'green grass',
  });
  const found = async (query: string) => idsOf(await search(a, query)).toSorted();
  expect(await found('blue pills')).toEqual(['blue', 'both', 'swapped']);
  expect(await found('pill')).toEqual(['blue', 'both', 'swapped']);
  expect(await found('"blue pills"')).toEqual(['blue', 'both']);
  expect(await found('blue or white')).toEqual(['blue', 'both', 'swapped', 'white']);
  expect(await found('blue -white')).toEqual(['blue', 'swapped']);
  expect(await found('pills -"blue pills"')).toEqual(['swapped']);
  expect(await found('the')).toEqual([]);
  expect(await found('nowhere')).toEqual([]);
});

test('the better hit comes first: a title before a text, more before fewer', async () => {
  const a = await tenantWith('rank', {
    once: 'snow here and some other words that say nothing',
    twice: 'snow here and snow there and other words too',
    title: { title: 'snow', text: 'here are some other words that say nothing', language: 'en' },
  });
  const found = await search(a, 'snow');
  expect(idsOf(found)).toEqual(['title', 'twice', 'once']);
  const ranks = found.hits.map((hit: { rank: number }) => hit.rank);
  expect(ranks).toEqual(ranks.toSorted((x: number, y: number) => y - x));
  expect(found.nodes.map((node: { id: string }) => node.id)).toEqual(
    found.hits.map((hit: { content: { id: string } }) => hit.content.id),
  );
});

test('the pages one after another are the whole list, ties and all', async () => {
  const words = (i: number) => `snow ${'snow '.repeat(i % 3)} number ${i}`;
  const a = await tenantWith('paging', Object.fromEntries(range(57).map((i) => [`m${i}`, words(i)])));
  const whole = idsOf(await search(a, 'snow', { first: 100 }));
  expect(new Set(whole).size).toBe(57);
  const paged: string[] = [];
  let after: string | null = null;
  for (;;) {
    const page: Answer = await search(a, 'snow', { first: 10, after });
    paged.push(...idsOf(page));
    expect(page.facets.total).toBe(57);
    if (!page.hasNextPage) break;
    expect(page.hits).toHaveLength(10);
    expect(page.endCursor).toBe(page.hits.at(-1).cursor);
    after = page.endCursor;
  }
  expect(paged).toEqual(whole);
});

interface Highlight {
  field: 'TITLE' | 'TEXT';
  start: number;
  end: number;
}

const slices = (hit: Answer): string[] =>
  hit.highlights.map(({ field, start, end }: Highlight) =>
    (field === 'TITLE' ? hit.content.title : hit.content.text).slice(start, end),
  );

const HOSTILE = [
  'before snow after',
  '<b>snow</b> &amp; <script src="x">snow</script> &nbsp;snow',
  'see https://example.com/a/b?c=d&e=f#g snow www.example.com snow',
  'mail bob@example.com about snow, bob.smith+x@sub.example.co.uk too',
  '😀 snow 👨‍👩‍👧 snow 🇩🇪 snow ❄️',
  'well-known snow-white off-white-snow snow',
  '/usr/local/snow/file.txt snow C:\\snow\\x 1.5e-10 snow -3.14 10.0.0.1 snow',
  "snow's ''snow'' \"snow\" `snow` {snow} [snow] (snow)",
  'snow\n\tsnow\r\n snow\u00a0snow\u200bsnow',
  '\ue000snow\ue001 \ue000 snow \ue001\ue001',
  `${'x'.repeat(3_000)} snow ${'ä'.repeat(1_500)} snow`,
  `https://example.com/${'y'.repeat(5_000)} snow`,
  `${' '.repeat(3_000)}snow${'=,'.repeat(2_000)}snow`,
  '<unclosed snow &unclosed snow </snow> <!-- snow --> <snow attr="snow">snow',
  'Ｓｎｏｗ ſnow SNOW snOW snöw',
];

test.for(HOSTILE)('highlights slice to the word in hostile text %#', async (text, { task }) => {
  const a = await tenantWith(`hl-${task.id.replace(/[^a-z0-9]/g, '').slice(-12)}`, {
    m: { text, title: `about snow: ${text.slice(0, 100)}`, language: 'en' },
  });
  const { hits } = await search(a, 'snow');
  expect(hits).toHaveLength(1);
  const found = slices(hits[0]);
  expect(found.length).toBeGreaterThan(1);
  for (const slice of found) expect(slice.toLowerCase().normalize('NFKC')).toMatch(/^snow(-white)?('s)?$|snow/);
  expect(hits[0].content.text.slice(0, 10)).toBe(text.slice(0, 10));
});

test('whatever a text is made of, its highlights are the word', async () => {
  const piece = fc.oneof(
    fc.constantFrom(
      'snow',
      'Snow',
      ' ',
      '-',
      '<',
      '>',
      '&',
      ';',
      '/',
      '@',
      '.',
      'http://',
      'www.',
      '&lt;',
      '<a href="',
      '"',
      '\n',
      '😀',
      'é',
      '\ue000',
      '\ue001',
      '1',
      '_',
    ),
    fc.string({ unit: 'grapheme', maxLength: 12 }),
    fc.string({ unit: 'binary', maxLength: 6 }),
  );
  const texts = fc.sample(fc.array(piece, { minLength: 1, maxLength: 40 }), { numRuns: 400, seed: 7 });
  const items = texts.map((parts, i) => [`m${i}`, { text: `${parts.join('')} snow`, language: 'en' }] as const);
  const a = await tenantWith('hl-random', Object.fromEntries(items));
  let after: string | null = null;
  let seen = 0;
  do {
    const page: Answer = await search(a, 'snow', { first: 100, after });
    for (const hit of page.hits) {
      seen += 1;
      const found = slices(hit);
      expect(found.length, hit.content.text).toBeGreaterThan(0);
      for (const slice of found) expect(slice.toLowerCase(), hit.content.text).toContain('snow');
    }
    after = page.hasNextPage ? page.endCursor : null;
  } while (after);
  expect(seen).toBeGreaterThan(390);
});

test('filters narrow hits and facets alike, and facets add up', async () => {
  const a = await t.tenant('facets');
  await addKeyword(t, a, 'snow', 0.9);
  await addKeyword(t, a, 'powder', 0.4);
  const [one, two] = [await addSource(t, a), await addSource(t, a)];
  const post = (externalId: string, sourceId: string, text: string, day: number, language = 'en') =>
    ingest(t, a, { sourceId, externalId, text, language, postedAt: `2026-03-0${day}T00:00:00Z` });
  await post('m1', one, 'cheap snow', 1);
  const reviewed = await post('m2', one, 'cheap powder', 2);
  await post('m3', two, 'cheap words', 3, 'de');
  await post('m4', two, 'cheap snow powder', 4);
  await post('m5', two, 'dear words', 4);
  await mutate(t, a.key, 'setContentStatus { userErrors { code } }', {
    id: reviewed.ingested.content.id,
    status: 'REVIEWED',
  });
  const { facets, hits } = await search(a, 'cheap');
  expect(hits).toHaveLength(4);
  const asMap = (counts: { value: string; count: number }[]) =>
    Object.fromEntries(counts.map((c) => [c.value, c.count]));
  expect(facets.total).toBe(4);
  expect(asMap(facets.riskLevel)).toEqual({ CRITICAL: 2, MEDIUM: 1, NONE: 1 });
  expect(asMap(facets.status)).toEqual({ ANALYZED: 3, REVIEWED: 1 });
  expect(asMap(facets.language)).toEqual({ en: 3, de: 1 });
  expect(asMap(facets.source)).toEqual({ [one]: 2, [two]: 2 });
  const filtered: [object, string[]][] = [
    [{ riskLevel: ['CRITICAL'] }, ['m1', 'm4']],
    [{ riskLevel: ['MEDIUM', 'NONE'] }, ['m2', 'm3']],
    [{ sourceId: [two] }, ['m3', 'm4']],
    [{ status: ['REVIEWED'] }, ['m2']],
    [{ from: '2026-03-02T00:00:00Z', to: '2026-03-04T00:00:00Z' }, ['m2', 'm3']],
    [{ riskLevel: ['CRITICAL'], sourceId: [one] }, ['m1']],
    [{ riskLevel: [] }, []],
  ];
  for (const [args, expected] of filtered) {
    const found = await search(a, 'cheap', args);
    expect(idsOf(found).toSorted(), JSON.stringify(args)).toEqual(expected);
    expect(found.facets.total, JSON.stringify(args)).toBe(expected.length);
  }
});

test('words are taken as of the language of each content, or of the one that is named', async () => {
  const a = await tenantWith('language', {
    en: { text: 'he was selling houses', language: 'en' },
    de: { text: 'er verkaufte die Häuser', language: 'de' },
    und: { text: 'selling' },
  });
  const found = async (query: string, language?: string) => idsOf(await search(a, query, { language })).toSorted();
  expect(await found('sell')).toEqual(['en']);
  expect(await found('selling')).toEqual(['en', 'und']);
  expect(await found('Haus')).toEqual(['de']);
  expect(await found('Haus', 'de')).toEqual(['de']);
  expect(await found('verkauften', 'en')).toEqual([]);
  const german = await search(a, 'verkauften', { language: 'de' });
  expect(slices(german.hits[0])).toEqual(['verkaufte']);
});

test('what looks like SQL or a query language is just words', async () => {
  const a = await tenantWith('injection', { m: 'snow', n: `'; DROP TABLE users; -- & | ! ( ) :* <->` });
  const strings = [
    "'; DROP TABLE users; --",
    "' OR '1'='1",
    '$1',
    ':*',
    '!',
    '<->',
    '( & | !',
    '\\',
    '"',
    '"unclosed',
    '-',
    '%_',
    '\ud800',
    "snow') UNION SELECT 1 --",
  ];
  for (const query of strings) {
    const answer = await t.run(a.key, QUERY, { query });
    expect(answer.errors, query).toBeUndefined();
  }
  expect(idsOf(await search(a, "'; DROP TABLE users; --"))).toEqual(['n']);
  expect(await countOf(t, a, 'content')).toBe(2);
});

test('what is out of range is refused with its argument', async () => {
  const a = await tenantWith('limits', { m: 'snow' });
  const forged = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url');
  const bad: [object, string[], RegExp][] = [
    [{ query: '' }, ['query'], /1 to 500/],
    [{ query: 'x'.repeat(501) }, ['query'], /1 to 500/],
    [{ query: 'a\0b' }, ['query'], /U\+0000/],
    [{ first: 0 }, ['first'], /1 to 100/],
    [{ first: 101 }, ['first'], /1 to 100/],
    [{ language: 'english' }, ['language'], /language code/],
    [{ from: 'yesterday' }, ['from'], /neither a time/],
    [{ sourceId: ['nonsense'] }, ['sourceId'], /not an id/],
    [{ after: 'nonsense' }, ['after'], /not a cursor/],
    [{ after: forged([1e300, '01890a5d-ac96-774b-bcce-b302099a8057']) }, ['after'], /not a cursor/],
    [{ after: forged([0.1, '-'.repeat(36)]) }, ['after'], /not a cursor/],
  ];
  for (const [args, path, message] of bad) {
    const { errors } = await t.run(a.key, QUERY, { query: 'snow', ...args });
    expect(errors?.[0]?.extensions, JSON.stringify(args)).toMatchObject({ code: 'INVALID_INPUT', path });
    expect(errors?.[0]?.message).toMatch(message);
  }
  expect((await search(a, `snow ${'or x'.repeat(123)}`)).hits.length).toBeGreaterThanOrEqual(0);
});

test('nobody finds what belongs to others', async () => {
  const a = await tenantWith('own-a', { m: 'snow' });
  const b = await tenantWith('own-b', { n: 'snow', o: 'snow again' });
  expect(idsOf(await search(a, 'snow'))).toEqual(['m']);
  expect((await search(b, 'snow')).facets.total).toBe(2);
});
