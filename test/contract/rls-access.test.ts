import { Client } from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { RULES } from '../../scripts/rls.ts';
import { createTestDatabase } from '../support/database.ts';

// What the policies of rls.test.ts do, seen by the application with a row of every table in two tenants.

const A = '00000000-0000-7000-8000-00000000000a';
const B = '00000000-0000-7000-8000-00000000000b';
/** The same number is another id in each tenant. */
const id = (tenant: string, n: number) => `'${tenant.slice(0, 24)}${String(n).padStart(11, '0')}${tenant.slice(-1)}'`;
const TEXT_HASH = "repeat('a', 64)";

/** One row for every protected table, in an order that the foreign keys allow: columns after tenant_id, and values. */
function rowsOf(t: string): Record<string, [columns: string, values: string]> {
  const user = id(t, 1);
  const member = id(t, 2);
  const [source, account, content, keyword] = [id(t, 3), id(t, 4), id(t, 5), id(t, 6)];
  const [detection, identifier, lookup, caseId] = [id(t, 7), id(t, 8), id(t, 9), id(t, 10)];
  const hash = `sha256('${t}')`;
  return {
    tenants: ['slug, name', `'tenant-${t.slice(-1)}', 'T'`],
    users: ['id, email', `${user}, 'user-${t.slice(-1)}@example.org'`],
    members: ['id, user_id, display_name, role', `${member}, ${user}, 'M', 'ANALYST'`],
    sessions: ['id, member_id, token_hash, expires_at', `${id(t, 11)}, ${member}, ${hash}, now()`],
    api_keys: ['id, member_id, name, key_hash, permissions', `${id(t, 12)}, ${member}, 'K', ${hash}, '{}'`],
    idempotency_keys: ['member_id, key_hash, expires_at', `${member}, ${hash}, now()`],
    notifications: [
      'member_id, seq, event_id, title, event_type, aggregate_type',
      `${member}, 1, ${id(t, 15)}, 'T', 't', 'a'`,
    ],
    audit_logs: ['id, actor_kind, action', `${id(t, 14)}, 'SYSTEM', 'a'`],
    event_store: [
      'seq, id, type, aggregate_type, aggregate_id, aggregate_version',
      `1, ${id(t, 15)}, 't', 'a', ${user}, 1`,
    ],
    counters: ['name, value', "'events', 1"],
    import_logs: ['id, kind, source, status', `${id(t, 16)}, 'content', 'csv', 'RUNNING'`],
    sources: ['id, name, kind, external_ref', `${source}, 'Quokka market', 'FEED', 'r'`],
    platform_users: ['id, source_id, platform_user_id, username', `${account}, ${source}, 'p', 'quokka'`],
    content: [
      'id, source_id, dedupe_key, text, text_hash, language, posted_at, created_by_id',
      `${content}, ${source}, 'x:1', 'a quokka appears', ${TEXT_HASH}, 'en', now(), ${member}`,
    ],
    content_sightings: ['content_id, origin', `${content}, 'api'`],
    keywords: [
      'id, term, normalised_term, category, concept_id, weight, match_type, dictionary_version',
      `${keyword}, 'quokka', 'quokka', 'SLANG', 'c', 0.5, 'LITERAL', 1`,
    ],
    dictionaries: ['version', '1'],
    detections: [
      'id, content_id, keyword_id, keyword_version, spans, match_count, snippet, score, origin',
      `${detection}, ${content}, ${keyword}, 1, '[]', 1, 's', 0.5, 'LIVE'`,
    ],
    identifiers: ['id, type, value', `${identifier}, 'DOMAIN', 'quokka.example'`],
    content_identifiers: ['content_id, identifier_id, raw, spans', `${content}, ${identifier}, 'q', '[]'`],
    osint_results: ['id, query, query_type, normalised_query, provider', `${lookup}, 'q', 'DOMAIN', 'q', 'local'`],
    osint_identifier_links: ['osint_result_id, identifier_id, relation', `${lookup}, ${identifier}, 'QUERIED'`],
    cases: ['id, number, title, start_date', `${caseId}, 1, 'Operation quokka', now()`],
    case_contents: ['case_id, content_id', `${caseId}, ${content}`],
    case_identifiers: ['case_id, identifier_id', `${caseId}, ${identifier}`],
    case_detections: ['case_id, detection_id', `${caseId}, ${detection}`],
    case_platform_users: ['case_id, platform_user_id', `${caseId}, ${account}`],
    webhook_endpoints: ['id, url, secret, last_seq', `${id(t, 13)}, 'https://example.org/', '', 0`],
    webhook_deliveries: [
      'id, webhook_id, kind, event_type, status',
      `${id(t, 17)}, ${id(t, 13)}, 'TEST', 't', 'DELIVERED'`,
    ],
    notification_rules: ['id, name, member_ids, roles, last_seq', `${id(t, 18)}, 'N', '{}', '{}', 0`],
    ...deliveryRows(t, member),
  };
}

function deliveryRows(t: string, member: string): Record<string, [columns: string, values: string]> {
  const [project, calendar, policy, bug] = [id(t, 20), id(t, 21), id(t, 22), id(t, 23)];
  const counted = "'MEDIUM', 'PENDING', 'NONE', false, 1, 0";
  return {
    bug_hour_totals: [
      'measure, hour, count, critical, high, medium, low',
      "'CREATED', '2026-01-01T00:00Z', 1, 0, 0, 1, 0",
    ],
    projects: ['id, key, name, tags, cash_flows', `${project}, 'QUOKKA', 'Quokka', '{}', '{}'`],
    business_calendars: ['id, name, time_zone, hours', `${calendar}, 'Quokka hours', 'UTC', '[]'`],
    sla_policies: [
      `id, name, position, critical_hours, high_hours, medium_hours, low_hours, warn_at, high_risk_at, pause_on,
        restart_on_reopen, calendar_id`,
      `${policy}, 'Quokka policy', 1, 1, 2, 3, 4, 0.5, 0.8, '{}', false, ${calendar}`,
    ],
    sla_policy_versions: ['policy_id, rules_version, rules, created_by_id', `${policy}, 1, '{}', ${member}`],
    bugs: [
      'id, project_id, number, title, assignee_id, reporter_id, sla_policy_id',
      `${bug}, ${project}, 1, 'The quokka sleeps', ${member}, ${member}, ${policy}`,
    ],
    bug_labels: ['bug_id, name', `${bug}, 'quokka'`],
    bug_history: ['id, bug_id, field, new_value, actor_id, at', `${id(t, 24)}, ${bug}, 'title', 'q', ${member}, now()`],
    bug_comments: ['id, bug_id, body, author_id', `${id(t, 25)}, ${bug}, 'It does', ${member}`],
    project_metrics: ['id, project_id, date, tech_stack', `${id(t, 26)}, ${project}, '2026-01-01', '{}'`],
    monthly_metrics: [
      `id, project_id, month, open_at_start, created, created_critical, created_high, created_medium, created_low,
        resolved, sla_met, sla_missed, hours_spent, engineering_cost, computed_at`,
      `${id(t, 27)}, ${project}, '2026-01-01', 0, 1, 0, 0, 1, 0, 0, 0, 0, 0, '[]', now()`,
    ],
    portfolio_metrics: ['id, date, projects, bugs, money', `${id(t, 28)}, '2026-01-01', '{}', '{}', '[]'`],
    bug_totals: ['currency, severity, status, sla_state, is_blocker, count, revenue_impact', `'USD', ${counted}`],
    project_bug_totals: [
      'project_id, severity, status, sla_state, is_blocker, count, revenue_impact',
      `${project}, ${counted}`,
    ],
    project_totals: ['currency, status, count, arr, dcf_valuation, infrastructure_cost', "'USD', 'ACTIVE', 1, 0, 0, 0"],
    sync_states: ['source, last_run_id', `'github:quokka/den', ${id(t, 16)}`],
  };
}

const tenantColumn = (table: string) => (table === 'tenants' ? 'id' : 'tenant_id');

function insertOf(table: string, tenant: string): string {
  const [columns, values] = rowsOf(tenant)[table] ?? ['', ''];
  if (table === 'users') return `INSERT INTO users (${columns}) VALUES (${values})`;
  return `INSERT INTO ${table} (${tenantColumn(table)}, ${columns}) VALUES ('${tenant}', ${values})`;
}

let db: Awaited<ReturnType<typeof createTestDatabase>>;
let app: Client;

type Row = Record<string, unknown>;

/** Runs one statement as the application, with the given settings (`tenant_id` for `app.tenant_id`). */
async function asApp(settings: Record<string, string>, sql: string): Promise<Row[]> {
  await app.query('BEGIN');
  try {
    for (const [name, value] of Object.entries(settings)) await app.query(`SET LOCAL app.${name} = '${value}'`);
    return (await app.query<Row>(sql)).rows;
  } finally {
    await app.query('ROLLBACK');
  }
}

async function countAs(settings: Record<string, string>, from: string): Promise<number> {
  return Number((await asApp(settings, `SELECT count(*) AS n FROM ${from}`))[0]?.n);
}

beforeAll(async () => {
  db = await createTestDatabase();
  app = new Client({ connectionString: db.appUrl });
  await app.connect();
  for (const tenant of [A, B]) {
    await app.query(`BEGIN; SET LOCAL app.tenant_id = '${tenant}'`);
    for (const table of Object.keys(rowsOf(tenant))) await app.query(insertOf(table, tenant));
    await app.query('COMMIT');
  }
});

afterAll(async () => {
  await app.end();
  await db.drop();
});

describe('as the application', () => {
  const tables = RULES.map(({ table }) => table);
  const CROSS = /row-level security|permission denied/;

  it.each(tables)('%s: nothing is there without a tenant, and nothing goes in', async (table) => {
    expect(await countAs({}, table)).toBe(0);
    expect(await countAs({ tenant_id: '' }, table)).toBe(0);
    const fresh = insertOf(table, '00000000-0000-7000-8000-00000000000c');
    await expect(asApp({}, fresh)).rejects.toThrow('row-level security');
  });

  it.each(tables)('%s: a tenant sees its own row and cannot touch another', async (table) => {
    const own = table === 'users' ? `id = ${id(A, 1)}` : `${tenantColumn(table)} = '${A}'`;
    expect(await countAs({ tenant_id: A }, table)).toBe(1);
    expect(await countAs({ tenant_id: A }, `${table} WHERE ${own}`)).toBe(1);
    expect(await countAs({ tenant_id: B }, `${table} WHERE ${own}`)).toBe(0);
    const column = table === 'users' ? 'id' : tenantColumn(table);
    for (const change of [`UPDATE ${table} SET ${column} = ${column}`, `DELETE FROM ${table}`]) {
      const rows = await asApp({ tenant_id: B }, `${change} WHERE ${own} RETURNING 1`).catch(
        (error: Error) => error.message,
      );
      if (typeof rows === 'string') expect(rows).toMatch('permission denied');
      else expect(rows).toEqual([]);
    }
  });

  it.each(tables.filter((table) => table !== 'users'))(
    '%s: no row goes into or over to another tenant',
    async (table) => {
      await expect(asApp({ tenant_id: B }, insertOf(table, A))).rejects.toThrow(CROSS);
      const move = `UPDATE ${table} SET ${tenantColumn(table)} = '${A}'`;
      await expect(asApp({ tenant_id: B }, move)).rejects.toThrow(CROSS);
    },
  );

  it('refuses a link into another tenant, whichever way it is written', async () => {
    const into = [
      `UPDATE content SET source_id = ${id(A, 3)}`,
      `UPDATE content SET created_by_id = ${id(A, 2)}`,
      `UPDATE cases SET assigned_to_id = ${id(A, 2)}`,
      `UPDATE detections SET content_id = ${id(A, 5)}`,
      `UPDATE case_contents SET content_id = ${id(A, 5)}`,
      `UPDATE bugs SET project_id = ${id(A, 20)}`,
      `UPDATE bugs SET assignee_id = ${id(A, 2)}`,
      `UPDATE bugs SET sla_policy_id = ${id(A, 22)}`,
      `UPDATE sla_policies SET calendar_id = ${id(A, 21)}`,
      `UPDATE bug_comments SET bug_id = ${id(A, 23)}`,
      `UPDATE bug_labels SET bug_id = ${id(A, 23)}`,
      `UPDATE monthly_metrics SET project_id = ${id(A, 20)}`,
      `UPDATE sync_states SET last_run_id = ${id(A, 16)}`,
    ];
    for (const sql of into) await expect(asApp({ tenant_id: B }, sql)).rejects.toThrow('foreign key constraint');
  });

  it('never changes what is append-only', async () => {
    for (const table of ['event_store', 'audit_logs', 'sla_policy_versions']) {
      await expect(asApp({ tenant_id: A }, `UPDATE ${table} SET tenant_id = tenant_id`)).rejects.toThrow(
        'permission denied',
      );
      // Events are removed when they are old: these are not.
      const removal = asApp({ tenant_id: A }, `DELETE FROM ${table} RETURNING 1`);
      if (table === 'event_store') expect(await removal).toEqual([]);
      else await expect(removal).rejects.toThrow('permission denied');
      await expect(asApp({ tenant_id: A }, `TRUNCATE ${table}`)).rejects.toThrow('permission denied');
    }
  });

  it('finds by search what is the tenant’s, and nothing without one', async () => {
    const finders = [
      "search_content('quokka')",
      "search_content_ids('quokka')",
      "search_keywords('quokka')",
      "search_platform_users('quok')",
      "search_identifiers('quokka')",
      "search_sources('quokka')",
      "search_cases('quokka')",
      "search_projects('quok')",
      "search_bugs('quokka')",
      "search_bugs('QUOKKA-1')",
      "search_bugs('quokk')",
    ];
    for (const finder of finders) {
      expect(await asApp({ tenant_id: B }, `SELECT right(id::text, 1) AS tenant FROM ${finder}`)).toEqual([
        { tenant: 'b' },
      ]);
      expect(await countAs({}, finder)).toBe(0);
    }
  });
});

describe('before the tenant is known', () => {
  it.each([
    ['api_keys', { auth_key: id(A, 12).slice(1, -1) }],
    ['members', { auth_user: id(A, 1).slice(1, -1) }],
    ['users', { auth_user: id(A, 1).slice(1, -1) }],
    ['users', { auth_email: 'user-a@example.org' }],
    ['tenants', { auth_slug: 'tenant-a' }],
    ['tenants', { auth_user: id(A, 1).slice(1, -1) }],
  ])('%s: a setting shows exactly the row that it names', async (table, settings) => {
    expect(await countAs(settings, table)).toBe(1);
  });

  it('shows the session of a token, and every tenant to background work', async () => {
    const [session] = await asApp({ tenant_id: A }, "SELECT encode(token_hash, 'hex') AS token FROM sessions");
    expect(await countAs({ auth_token: String(session?.token) }, 'sessions')).toBe(1);
    expect(await countAs({ auth_token: '00' }, 'sessions')).toBe(0);
    expect(await countAs({ directory: 'on' }, 'tenants')).toBe(2);
  });

  it('shows nothing but what it is for, and allows no change of it', async () => {
    const settings = { auth_key: id(A, 12).slice(1, -1), auth_email: 'user-a@example.org', auth_slug: 'tenant-a' };
    for (const table of ['members', 'sessions', 'notifications', 'content', 'cases'])
      expect(await countAs(settings, table)).toBe(0);
    for (const table of ['api_keys', 'tenants']) {
      expect(await asApp(settings, `UPDATE ${table} SET name = 'x' RETURNING 1`)).toEqual([]);
    }
  });

  it('returns a new user to who names the address, as INSERT … RETURNING needs', async () => {
    const insert = `INSERT INTO users (id, email) VALUES (${id(A, 99)}, 'new@example.org') RETURNING email`;
    await expect(asApp({ tenant_id: A }, insert)).rejects.toThrow('row-level security');
    expect(await asApp({ tenant_id: A, auth_email: 'new@example.org' }, insert)).toEqual([
      { email: 'new@example.org' },
    ]);
  });
});
