import pg from 'pg';
import { DELIVERY_ROWS, deliveryFills } from './large-delivery.ts';
import { at, type Fill, fill, idOf, maybe, one, parent, random, score, skewed } from './large-values.ts';
import { webhookFills } from './large-webhooks.ts';

/** The tenant that is asked, and a smaller one beside it: with a single tenant its column would select nothing. */
export const TENANTS = {
  large: '00000000-0000-7000-8000-00000000000a',
  small: '00000000-0000-7000-8000-00000000000b',
} as const;

/** Rows of the larger tenant; the smaller one has a tenth. Page 1,000 of 20 must exist in every list. */
const ROWS = {
  users: 25_000,
  sources: 25_000,
  keywords: 25_000,
  platform_users: 50_000,
  content: 200_000,
  detections: 205_000,
  identifiers: 60_000,
  osint_results: 30_000,
  cases: 30_000,
  event_store: 80_000,
  audit_logs: 60_000,
  import_logs: 25_000,
  links: 60_000,
  ...DELIVERY_ROWS,
} as const;

function fills(tenant: string, scale: number): Fill[][] {
  const n = (name: keyof typeof ROWS) => Math.round(ROWS[name] * scale);
  const id = idOf(tenant);
  const row = { tenant_id: `'${tenant}'`, id: id('i'), created_at: at() };
  const link = (table: string, from: [string, keyof typeof ROWS], to: [string, keyof typeof ROWS], more = {}) =>
    fill(table, n('links'), {
      tenant_id: `'${tenant}'`,
      [from[0]]: id(parent(n(from[1]))),
      [to[0]]: id(skewed(n(to[1]), 31, 2)),
      created_at: at(),
      ...more,
    });
  return [
    [{ table: 'tenants', count: 1, columns: 'id, slug, name', values: `'${tenant}', 't${tenant.slice(-1)}', 'T'` }],
    [
      fill('users', n('users'), {
        id: id('i'),
        email: `'u' || i || '@t${tenant.slice(-1)}.example'`,
        created_at: at(),
      }),
    ],
    [...people(row, n, id), ...dictionary(row, n)],
    [...collected(row, n, id)],
    [...found(row, n, id)],
    [
      link('content_identifiers', ['content_id', 'content'], ['identifier_id', 'identifiers'], {
        raw: `'r'`,
        spans: `'[]'`,
      }),
      fill('content_sightings', n('links'), {
        tenant_id: `'${tenant}'`,
        content_id: id(parent(n('content'))),
        origin: `'api:' || i`,
        seen_at: at(),
      }),
      link('osint_identifier_links', ['osint_result_id', 'osint_results'], ['identifier_id', 'identifiers'], {
        relation: `'FOUND'`,
      }),
      link('case_contents', ['case_id', 'cases'], ['content_id', 'content']),
      link('case_identifiers', ['case_id', 'cases'], ['identifier_id', 'identifiers']),
      link('case_detections', ['case_id', 'cases'], ['detection_id', 'cases']),
      link('case_platform_users', ['case_id', 'cases'], ['platform_user_id', 'platform_users']),
    ],
    ...deliveryFills(row, n, id),
    ...webhookFills(row, scale, id),
  ].map((stage) => stage.filter(({ count }) => count > 0));

  function people(base: object, count: typeof n, key: typeof id): Fill[] {
    const roles = ['ANALYST', 'MEMBER', 'VIEWER', 'ENGINEER', 'MANAGER', 'ADMIN', 'OWNER'];
    return [
      fill('members', count('users'), {
        ...base,
        user_id: key('i'),
        display_name: `'Person ' || md5(i::text)`,
        role: one(roles, 1),
        is_active: `${random(2)} > 0.02`,
      }),
      fill('sources', count('sources'), {
        ...base,
        name: `'Source ' || md5(i::text)`,
        kind: one(['TELEGRAM', 'FORUM', 'MARKET', 'WEBSITE', 'FEED', 'MANUAL'], 3),
        external_ref: 'i::text',
        reliability: one(['C', 'B', 'D', 'A', 'F', 'E'], 4),
        is_active: `${random(5)} > 0.02`,
      }),
    ];
  }

  function dictionary(base: object, count: typeof n): Fill[] {
    return [
      fill('keywords', count('keywords'), {
        ...base,
        term: `'k' || i`,
        normalised_term: `'k' || md5(i::text)`,
        language: one(['en', 'und', 'de', 'fr', 'fi'], 6),
        category: one(['SLANG', 'SUBSTANCE', 'FRAUD', 'PAYMENT', 'OTHER'], 7),
        concept_id: `'c' || ${skewed(8_000, 8)}`,
        weight: score(9),
        match_type: one(['LITERAL', 'PHRASE', 'REGEX'], 10),
        is_active: `${random(11)} > 0.02`,
        dictionary_version: 'i',
      }),
      fill('identifiers', count('identifiers'), {
        ...base,
        type: one(['EMAIL', 'PHONE', 'HANDLE', 'URL', 'BTC', 'XMR'], 12),
        value: `'v' || md5(i::text)`,
      }),
    ];
  }

  function collected(base: object, count: typeof n, key: typeof id): Fill[] {
    const member = key(skewed(count('users'), 13));
    return [
      fill('platform_users', count('platform_users'), {
        ...base,
        source_id: key(skewed(count('sources'), 14)),
        platform_user_id: `'p' || i`,
        username: `'u' || md5(i::text)`,
        risk_score: score(15),
        is_flagged: `${random(16)} < 0.01`,
      }),
      fill('osint_results', count('osint_results'), {
        ...base,
        query: `'q'`,
        query_type: one(['EMAIL', 'PHONE', 'DOMAIN', 'NAME'], 17),
        normalised_query: `'q' || ${skewed(20_000, 18, 2)}`,
        provider: `'local'`,
        status: one(['COMPLETED', 'FAILED', 'CANCELLED', 'PENDING'], 19),
        requested_by_id: maybe(0.9, 20, member),
      }),
      fill('cases', count('cases'), {
        ...base,
        number: 'i',
        title: `'Case ' || md5(i::text)`,
        status: one(['OPEN', 'IN_PROGRESS', 'RESOLVED', 'ON_HOLD'], 21),
        priority: one(['MEDIUM', 'LOW', 'HIGH', 'CRITICAL'], 22),
        severity: one(['MEDIUM', 'LOW', 'HIGH', 'CRITICAL'], 23),
        start_date: at(),
        assigned_to_id: maybe(0.7, 24, member),
      }),
      fill('import_logs', count('import_logs'), {
        ...base,
        kind: one(['content', 'keywords', 'sources', 'platformUsers'], 25),
        source: `'jsonl'`,
        status: one(['COMPLETED', 'FAILED', 'RUNNING'], 26),
      }),
      fill('api_keys', count('users'), {
        ...base,
        member_id: member,
        name: `'key'`,
        key_hash: `decode(md5(i::text) || md5(i::text), 'hex')`,
        permissions: `'{}'`,
      }),
      fill('sessions', count('users'), {
        ...base,
        member_id: member,
        token_hash: `decode(md5(i::text) || md5(i::text), 'hex')`,
        expires_at: at(),
      }),
      fill('audit_logs', count('audit_logs'), {
        ...base,
        actor_id: maybe(0.9, 27, member),
        actor_kind: `'MEMBER'`,
        action: `'action.' || ${skewed(30, 28)}`,
        resource: maybe(
          0.95,
          29,
          one(['Content', 'Detection', 'Keyword', 'Case', 'Source', 'ApiKey', 'ImportRun'], 30),
        ),
      }),
      fill('event_store', count('event_store'), {
        tenant_id: `'${tenant}'`,
        seq: 'i',
        id: key('i'),
        type: `'TYPE_' || ${skewed(20, 33)}`,
        aggregate_type: one(['Content', 'Detection', 'Case', 'Keyword', 'Source'], 34),
        aggregate_id: key(parent(count('cases'))),
        aggregate_version: '1',
        occurred_at: at(),
      }),
    ];
  }

  function found(base: object, count: typeof n, key: typeof id): Fill[] {
    return [
      fill('content', count('content'), {
        ...base,
        source_id: key(skewed(count('sources'), 35, 4)),
        author_id: maybe(0.8, 36, key(skewed(count('platform_users'), 37))),
        created_by_id: maybe(0.5, 38, key(skewed(count('users'), 39))),
        external_id: maybe(0.8, 40, `'x' || i`),
        dedupe_key: `'x:' || i`,
        text: `'w' || ${skewed(5_000, 41)} || ' w' || ${skewed(5_000, 42)} || ' w' || ${skewed(5_000, 43)}`,
        text_hash: `repeat('a', 64)`,
        // a rare language of old content: who walks by time and filters on the way finds it last
        language: `CASE WHEN i % 500 = 0 AND i < 20000 THEN 'fi' ELSE ${one(['en', 'und', 'de', 'fr'], 44)} END`,
        status: one(['ANALYZED', 'PENDING', 'REVIEWED', 'ARCHIVED'], 45),
        risk_level: one(['NONE', 'LOW', 'MEDIUM', 'HIGH', 'CRITICAL'], 46),
        risk_score: score(47),
        tlp: one(['GREEN', 'AMBER', 'CLEAR', 'RED'], 48),
        posted_at: `${at()} - interval '1 hour' * ${skewed(1_000, 49)}`,
      }),
      fill('detections', count('detections'), {
        ...base,
        content_id: key(parent(count('content'))),
        keyword_id: key(
          `CASE WHEN i <= 5000 THEN 1 + i % ${count('keywords')} ELSE ${skewed(count('keywords'), 50)} END`,
        ),
        keyword_version: '1',
        spans: `'[]'`,
        match_count: '1',
        snippet: `'s'`,
        score: score(51),
        origin: one(['LIVE', 'RETRO'], 52, 8),
        status: one(['NEW', 'CONFIRMED', 'DISMISSED'], 53),
      }),
    ];
  }
}

/**
 * Fills a migrated database: 200,000 contents, detections and bugs and tens of thousands of all else in one tenant,
 * a tenth of it in another. Without its indexes while it is being filled, which takes a third of the time.
 */
export async function fillLargeDatabase(ownerUrl: string): Promise<void> {
  const pool = new pg.Pool({ connectionString: ownerUrl, max: 2 });
  try {
    const { rows } = await pool.query<{ name: string; definition: string }>(
      `SELECT i.indexrelid::regclass::text AS name, pg_get_indexdef(i.indexrelid) AS definition
       FROM pg_index i JOIN pg_class c ON c.oid = i.indrelid
       WHERE c.relnamespace = 'public'::regnamespace AND NOT i.indisunique`,
    );
    await pool.query(`DROP INDEX ${rows.map(({ name }) => name).join(', ')}`);
    const stages = [fills(TENANTS.large, 1), fills(TENANTS.small, 0.1)];
    for (const [step] of (stages[0] ?? []).entries()) {
      const jobs = Object.values(TENANTS).flatMap((tenant, i) => stages[i]?.[step]?.map((fill) => ({ tenant, fill })));
      await Promise.all(jobs.map((job) => job && insert(pool, job.tenant, job.fill)));
    }
    await Promise.all(rows.map(({ definition }) => pool.query(`SET maintenance_work_mem = '128MB'; ${definition}`)));
    await pool.query('VACUUM ANALYZE');
  } finally {
    await pool.end();
  }
}

/** As the application within the tenant, since tables force row-level security on their owner too. */
async function insert(pool: pg.Pool, tenant: string, { table, columns, values, count }: Fill): Promise<void> {
  const client = await pool.connect();
  try {
    const { rows } = await client.query<{ super: boolean }>(
      'SELECT rolsuper AS super FROM pg_roles WHERE rolname = current_user',
    );
    // The rows are consistent by construction; checking each key again takes as long as writing it.
    const unchecked = rows[0]?.super ? 'SET LOCAL session_replication_role = replica;' : '';
    await client.query(`BEGIN; ${unchecked} SET LOCAL ROLE argus_app; SET LOCAL app.tenant_id = '${tenant}';
      INSERT INTO ${table} (${columns}) SELECT ${values} FROM generate_series(1, ${count}) i ON CONFLICT DO NOTHING;
      COMMIT`);
  } finally {
    client.release();
  }
}
