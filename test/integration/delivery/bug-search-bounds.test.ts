import { Client } from 'pg';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createTestDatabase } from '../../support/database.ts';
import { random, skewed } from '../../support/large-values.ts';

const TENANT = '00000000-0000-7000-8000-00000000000a';
const OTHER = '00000000-0000-7000-8000-00000000000b';
const PROJECT = '00000000-0000-7000-8000-0000000000c1';
const BUGS = 12_000;
/** What migration 0012 promises: so many of the newest matches are ranked at least. */
const enough = (query: string, limit: number) => (query.startsWith('"') ? limit : Math.max(60, 3 * limit));

let db: Awaited<ReturnType<typeof createTestDatabase>>;
let owner: Client;
let app: Client;

async function inTenant<Row extends object>(tenant: string, sql: string, values: unknown[] = []): Promise<Row[]> {
  await app.query(`BEGIN; SET LOCAL app.tenant_id = '${tenant}'`);
  const { rows } = await app.query<Row>(sql, values);
  await app.query('COMMIT');
  return rows;
}

const id = (i: number) => `00000000-0000-7000-8000-${i.toString(16).padStart(12, '0')}`;

/** Bugs of 28 months; words v1 to v400 have frequencies of 14 % to hardly any, in titles and in descriptions. */
const FILL = (tenant: string, description: string) => `
  INSERT INTO tenants (id, slug, name) VALUES ('${tenant}', 't${tenant.slice(-1)}', 'T');
  INSERT INTO projects (tenant_id, id, key, name, tags, cash_flows) VALUES ('${tenant}', '${PROJECT}', 'P', 'P', '{}', '{}');
  INSERT INTO bugs (tenant_id, id, project_id, number, title, description, created_at)
  SELECT '${tenant}', ('00000000-0000-7000-8000-' || lpad(to_hex(i), 12, '0'))::uuid, '${PROJECT}', i,
    'v' || ${skewed(400, 1)} || CASE WHEN i IN (1, ${BUGS - 50}) THEN ' common' ELSE '' END, ${description},
    timestamptz '2023-01-01' + interval '100 minutes' * i FROM generate_series(1, ${BUGS}) i`;

beforeAll(async () => {
  db = await createTestDatabase();
  owner = new Client({ connectionString: db.ownerUrl });
  app = new Client({ connectionString: db.appUrl });
  await Promise.all([owner.connect(), app.connect()]);
  const common = `CASE WHEN ${random(2)} < 0.2 THEN 'common ' ELSE '' END`;
  const past = `CASE WHEN i < 200 AND i % 10 = 0 THEN 'bygone ' ELSE '' END`;
  await inTenant(TENANT, FILL(TENANT, `${common} || ${past} || 'v' || ${skewed(400, 3)} || ' v' || ${skewed(400, 4)}`));
  await inTenant(OTHER, FILL(OTHER, `'foreign'`));
  await owner.query('VACUUM ANALYZE bugs');
}, 60_000);

afterAll(async () => {
  await Promise.all([owner.end(), app.end()]);
  await db.drop();
});

interface Hit {
  id: string;
  rank: number;
}

const search = (query: string, limit = 20) =>
  inTenant<Hit>(TENANT, 'SELECT * FROM search_bugs($1, p_limit => $2) ORDER BY rank DESC, id DESC', [query, limit]);

/** All that match, the newest first, with the rank that a search should give: read without the function. */
const matches = async (query: string) =>
  (
    await owner.query<Hit>(
      `SELECT id, (1 + ts_rank(search_vector, q, 1))::real AS rank FROM bugs, websearch_to_tsquery('english', $2) q
       WHERE tenant_id = $1 AND search_vector @@ q ORDER BY created_at DESC, id DESC`,
      [TENANT, query],
    )
  ).rows;

/** Rows of bugs that a search fetches, by the server's counters: they hold what was not yet sent to the statistics. */
async function rowsRead(query: string, tenant = TENANT): Promise<number> {
  const counter = `SELECT (idx_tup_fetch + seq_tup_read)::int AS n FROM pg_stat_xact_user_tables WHERE relname = 'bugs'`;
  const read = async () => (await app.query<{ n: number }>(counter)).rows[0]?.n ?? Number.NaN;
  await app.query(`BEGIN; SET LOCAL app.tenant_id = '${tenant}'`);
  const before = await read();
  await app.query('SELECT * FROM search_bugs($1)', [query]);
  const rows = (await read()) - before;
  await app.query('COMMIT');
  return rows;
}

test('of words of any frequency, no better match is left out among the newest of those that are ranked', async () => {
  const queries = ['common', 'common v1', '"v1 v2"', '"common v2"', '"v30 v1"', 'v1 or v2', 'v1 -common'];
  for (const n of [1, 2, 3, 5, 10, 20, 40, 60, 80, 120, 160, 240, 320, 399]) queries.push(`v${n}`, `v${n} v1`);
  for (const query of queries) {
    const all = await matches(query);
    for (const limit of [1, 20, 100]) {
      // after the words' matches come titles that are alike: their rank is below 1
      const found = (await search(query, limit)).filter(({ rank }) => rank >= 1);
      const label = `${query}, ${limit} of ${all.length}`;
      expect(found, label).toHaveLength(Math.min(limit, all.length));
      expect(all, label).toEqual(expect.arrayContaining(found));
      const last = found.at(-1)?.rank ?? 0;
      const ids = new Set(found.map((hit) => hit.id));
      const better = all.slice(0, enough(query, limit)).filter((hit) => hit.rank > last && !ids.has(hit.id));
      expect(better, label).toEqual([]);
    }
  }
});

test('of words that few bugs have, all matches are ranked, however old they are', async () => {
  const all = await matches('bygone');
  expect(all.length).toBeGreaterThan(10);
  const best = all.toSorted((x, y) => y.rank - x.rank || (x.id < y.id ? 1 : -1));
  expect(await search('bygone', all.length)).toEqual(best);
});

test('a title’s word beats a description’s; of a frequent word only among the newest matches', async () => {
  const found = (await search('common')).map((hit) => hit.id);
  expect(found[0]).toBe(id(BUGS - 50));
  expect(found).not.toContain(id(1));
  const newest = (await matches('common')).slice(0, enough('common', 20)).map((hit) => hit.id);
  expect(newest).toEqual(expect.arrayContaining(found));
});

test('few rows are read for words that very many bugs have', async () => {
  const all = await matches('common');
  expect(all.length).toBeGreaterThan(2_000);
  // 400 tell the frequency, 60 matches of one bug in five take 300
  expect(await rowsRead('common')).toBeLessThan(900);
  expect(await rowsRead('v1 -common')).toBeLessThan(1_600);
});

test('for a phrase, not all bugs are read that have its words somewhere', async () => {
  for (const phrase of ['v1 v2', 'v2 v1', 'common v1']) {
    expect((await matches(phrase)).length).toBeGreaterThan(300);
    // 400 tell the frequency
    expect(await rowsRead(`"${phrase}"`), phrase).toBeLessThan(400 + 150);
  }
});

test('a word that only another tenant has, in all its bugs, costs no more than one that nobody has', async () => {
  const nobody = await rowsRead('xyzzy');
  // 400 for their frequency, 500 titles, and the oldest: all months are looked through when they reach so far
  expect(nobody).toBeLessThanOrEqual(901);
  expect(await rowsRead('foreign')).toBe(nobody);
  expect(await search('foreign')).toEqual([]);
  expect(await rowsRead('foreign', OTHER)).toBeLessThanOrEqual(460);
});
