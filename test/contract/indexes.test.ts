import { Client } from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createTestDatabase } from '../support/database.ts';

/** Foreign keys without an index that begins with their columns: deleting what they point to would scan the table. */
const UNCOVERED = `
  SELECT conrelid::regclass || ' ' || conname AS item FROM pg_constraint k
  WHERE contype = 'f' AND connamespace = 'public'::regnamespace AND NOT EXISTS (
    SELECT FROM pg_index i WHERE i.indrelid = k.conrelid AND i.indpred IS NULL AND i.indisvalid
      AND (SELECT am.amname FROM pg_class c JOIN pg_am am ON am.oid = c.relam WHERE c.oid = i.indexrelid) = 'btree'
      AND (SELECT array_agg(n ORDER BY n) FROM unnest((i.indkey::int2[])[0:cardinality(k.conkey) - 1]) n)
        = (SELECT array_agg(n ORDER BY n) FROM unnest(k.conkey) n))
  ORDER BY 1`;

/** B-trees that another one of the table begins with, column by column and in the same order: they only cost writes. */
const REDUNDANT = `
  WITH btree AS (
    SELECT i.indexrelid::regclass::text AS name, i.indrelid, i.indisunique, string_to_array(i.indkey::text, ' ') AS keys,
      string_to_array(i.indoption::text, ' ') AS options, i.indexrelid
    FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid JOIN pg_am am ON am.oid = c.relam
    WHERE am.amname = 'btree' AND c.relnamespace = 'public'::regnamespace AND i.indpred IS NULL AND i.indexprs IS NULL)
  SELECT a.name || ' < ' || b.name AS item FROM btree a JOIN btree b ON a.indrelid = b.indrelid AND a.indexrelid <> b.indexrelid
  WHERE NOT a.indisunique AND a.keys = b.keys[1:cardinality(a.keys)] AND a.options = b.options[1:cardinality(a.keys)]
    AND (cardinality(a.keys) < cardinality(b.keys) OR b.indisunique OR a.indexrelid > b.indexrelid)
  ORDER BY 1`;

/** Indexes whose first column is not the tenant, and why. */
const NOT_BY_TENANT: Readonly<Record<string, string>> = {
  tenants_pkey: 'the tenant itself',
  tenants_slug_key: 'names a tenant before one is known',
  users_pkey: 'users belong to no tenant',
  users_email_key: 'users belong to no tenant',
  members_user_id_idx: 'the tenants of a user who signs in',
  sessions_token_hash_idx: 'signing in: the tenant is read from the row',
  api_keys_id_key: 'signing in: the tenant is read from the row',
  statement_log_pkey: 'of no tenant',
};

const TENANTS = ['00000000-0000-7000-8000-00000000000a', '00000000-0000-7000-8000-00000000000b'];

let db: Awaited<ReturnType<typeof createTestDatabase>>;
let owner: Client;
let app: Client;

async function listed(sql: string): Promise<string[]> {
  return (await owner.query<{ item: string }>(sql)).rows.map(({ item }) => item);
}

/** Runs SQL as a tenant and keeps what it does. */
async function inTenant(tenant: string | undefined, sql: string): Promise<Record<string, unknown>[]> {
  await app.query(`BEGIN; SET LOCAL app.tenant_id = '${tenant}'`);
  const { rows } = await app.query<Record<string, unknown>>(sql);
  await app.query('COMMIT');
  return rows;
}

/** Enough rows for an index to be worth it, in two tenants. */
const FILL = (tenant: string) => `
  INSERT INTO tenants (id, slug, name) VALUES ('${tenant}', 'tenant-${tenant.slice(-1)}', 'T');
  INSERT INTO sources (tenant_id, id, name, kind, external_ref)
    SELECT '${tenant}', gen_random_uuid(), 'Source ' || md5(i::text), 'FEED', i::text FROM generate_series(1, 2000) i;
  INSERT INTO platform_users (tenant_id, id, source_id, platform_user_id, username)
    SELECT '${tenant}', gen_random_uuid(), (SELECT id FROM sources LIMIT 1), i::text, 'user_' || md5(i::text)
    FROM generate_series(1, 4000) i;
  INSERT INTO content (tenant_id, id, source_id, dedupe_key, text, text_hash, language, posted_at)
    SELECT '${tenant}', gen_random_uuid(), (SELECT id FROM sources LIMIT 1), 'x:' || i,
      (SELECT string_agg('w' || abs(hashint4(i * 31 + j)) % 5000, ' ') FROM generate_series(1, 40) j),
      repeat('a', 64), 'en', now() FROM generate_series(1, 3000) i;
  INSERT INTO keywords (tenant_id, id, term, normalised_term, category, concept_id, weight, match_type, dictionary_version)
    SELECT '${tenant}', gen_random_uuid(), md5(i::text), md5(i::text), 'SLANG', 'c', 0.5, 'LITERAL', 1
    FROM generate_series(1, 4000) i;
  INSERT INTO identifiers (tenant_id, id, type, value)
    SELECT '${tenant}', gen_random_uuid(), 'EMAIL', md5(i::text) || '@example.org' FROM generate_series(1, 4000) i;
  INSERT INTO cases (tenant_id, id, number, title, start_date)
    SELECT '${tenant}', gen_random_uuid(), i, 'Operation ' || md5(i::text), now() FROM generate_series(1, 3000) i;
  INSERT INTO projects (tenant_id, id, key, name, description, tags, cash_flows)
    SELECT '${tenant}', gen_random_uuid(), 'P' || i, 'Project ' || md5(i::text), 'w' || i % 1000, ARRAY['t' || i % 50], '{}'
    FROM generate_series(1, 3000) i;
  INSERT INTO bugs (tenant_id, id, project_id, number, title, description, source, external_id)
    SELECT '${tenant}', gen_random_uuid(), id, 1 + substr(key, 2)::int % 20, 'Bug ' || md5(key),
      (SELECT string_agg('w' || abs(hashtext(key) + j * 37) % 5000, ' ') FROM generate_series(1, 20) j), 'GITHUB', key
    FROM projects`;

beforeAll(async () => {
  db = await createTestDatabase();
  owner = new Client({ connectionString: db.ownerUrl });
  app = new Client({ connectionString: db.appUrl });
  await Promise.all([owner.connect(), app.connect()]);
  for (const tenant of TENANTS) await inTenant(tenant, FILL(tenant));
  // autovacuum does it in real life; a GIN index is slow and rated badly while its entries wait in the pending list
  await owner.query('VACUUM ANALYZE');
});

afterAll(async () => {
  await Promise.all([owner.end(), app.end()]);
  await db.drop();
});

describe('the indexes', () => {
  it('cover every foreign key', async () => {
    expect(await listed(UNCOVERED)).toEqual([]);
    await owner.query('BEGIN; DROP INDEX cases_tenant_id_created_by_id_idx');
    const without = await listed(UNCOVERED);
    await owner.query('ROLLBACK');
    expect(without).toEqual(['cases cases_tenant_id_created_by_id_fkey']);
  });

  it('are none of them the beginning of another', async () => {
    expect(await listed(REDUNDANT)).toEqual([]);
    await owner.query('BEGIN; CREATE INDEX twice ON cases (tenant_id, status, created_at DESC)');
    const doubled = await listed(REDUNDANT);
    await owner.query('ROLLBACK');
    expect(doubled).toEqual(['twice < cases_tenant_id_status_created_at_id_idx']);
  });

  it('begin with the tenant', async () => {
    const others = await listed(`
      SELECT i.indexrelid::regclass::text AS item FROM pg_index i JOIN pg_class c ON c.oid = i.indrelid
      LEFT JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = i.indkey[0]
      WHERE c.relnamespace = 'public'::regnamespace AND c.relname <> '_prisma_migrations'
        AND a.attname IS DISTINCT FROM 'tenant_id' ORDER BY 1`);
    expect(others).toEqual(Object.keys(NOT_BY_TENANT).sort());
  });

  it('serve a page under row-level security: the tenant is an index condition, with and without being named', async () => {
    for (const where of ['', `WHERE tenant_id = '${TENANTS[0]}'`]) {
      const sql = `EXPLAIN SELECT id FROM content ${where} ORDER BY created_at DESC, id DESC LIMIT 20`;
      const plan = (await inTenant(TENANTS[0], sql)).map((row) => row['QUERY PLAN']).join('\n');
      expect(plan).toMatch(/Index Only Scan using content_tenant_id_created_at_id_idx.*\n.*Index Cond: \(tenant_id = /);
      expect(plan).not.toMatch(/Sort|Seq Scan/);
      const rows = Number(/Index Only Scan.*rows=(\d+)/.exec(plan)?.[1]);
      expect(rows).toBeGreaterThan(2000); // of 3,000: the planner knows that the two conditions are one
    }
  });
});

describe('the search functions', () => {
  const uses = async (table: string, index: string) => {
    await owner.query('SELECT pg_stat_clear_snapshot()');
    const sql = `SELECT t.seq_scan, i.idx_scan FROM pg_stat_user_tables t JOIN pg_stat_user_indexes i USING (relid)
      WHERE t.relname = $1 AND i.indexrelname = $2`;
    const row = (await owner.query<{ seq_scan: string; idx_scan: string }>(sql, [table, index])).rows[0];
    return { sequential: Number(row?.seq_scan), indexed: Number(row?.idx_scan) };
  };

  // what they really did, from the server's counters: a plan shown for a copy of their SQL could differ from theirs
  it.each([
    ['content', 'content_search_idx', "search_content('w77')"],
    ['content', 'content_search_idx', "search_content('w77 -w78', p_risk_levels => '{NONE}', p_from => '2020-01-01')"],
    ['content', 'content_search_idx', "search_content_ids('w77', 'en')"],
    ['content', 'content_keywords_idx', "filter_content_ids('{cocaine}')"],
    ['content', 'content_analysis_idx', `filter_content_ids(p_analysis => '{"a": 1}')`],
    ['keywords', 'keywords_term_trgm_idx', "search_keywords('c4ca42')"],
    ['platform_users', 'platform_users_username_trgm_idx', "search_platform_users('c4ca42')"],
    ['identifiers', 'identifiers_value_trgm_idx', "search_identifiers('c4ca42')"],
    ['sources', 'sources_name_trgm_idx', "search_sources('c4ca42')"],
    ['cases', 'cases_title_trgm_idx', "search_cases('c4ca42')"],
    ['projects', 'projects_text_trgm_idx', "search_projects('c4ca42')"],
    ['projects', 'projects_search_idx', "search_projects('w77')"],
    ['bugs', 'bugs_search_idx', "search_bugs('w77')"],
    ['bugs', 'bugs_search_idx', "search_bugs('w77 -w78', p_statuses => '{PENDING}')"],
    ['bugs', 'bugs_title_trgm_idx', "search_bugs('c4ca42')"],
    ['bugs', 'bugs_number_idx', "search_bugs('#18')"],
    ['bugs', 'bugs_tenant_id_project_id_number_key', "search_bugs('P77-18')"],
    ['bugs', 'bugs_tenant_id_external_id_created_at_id_idx', "search_bugs('P77')"],
  ])('read %s through %s: %s', async (table, index, call) => {
    const before = await uses(table, index);
    await inTenant(TENANTS[0], `SELECT * FROM ${call}`);
    await app.query('SELECT pg_stat_force_next_flush()');
    await app.query('SELECT 1');
    const after = await uses(table, index);
    expect(after.indexed).toBeGreaterThan(before.indexed);
    expect(after.sequential).toBe(before.sequential);
  });
});
