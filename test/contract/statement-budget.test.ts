import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { entityOf } from '../../src/graphql/entity.ts';
import { createTestApp, type Tenant, type TestApp } from '../support/app.ts';

const CONTENTS = 100;
const BUGS = 100;

let t: TestApp;
let tenant: Tenant;
/** global ids of 500 rows of three types */
let ids: string[];

/** Each content has a source, an author, two detections of keywords of its own, and an identifier. */
const FILL = `
  INSERT INTO sources (tenant_id, id, name, kind, external_ref)
    SELECT argus_tenant(), gen_random_uuid(), 's' || i, 'FORUM', i::text FROM generate_series(1, ${CONTENTS}) i;
  INSERT INTO platform_users (tenant_id, id, source_id, platform_user_id, username)
    SELECT tenant_id, gen_random_uuid(), id, 'p', 'u' || external_ref FROM sources;
  INSERT INTO content (tenant_id, id, source_id, author_id, dedupe_key, text, text_hash, posted_at)
    SELECT tenant_id, gen_random_uuid(), source_id, id, username, username, repeat('a', 64), now() FROM platform_users;
  INSERT INTO keywords (tenant_id, id, term, normalised_term, category, concept_id, weight, match_type,
    dictionary_version) SELECT argus_tenant(), gen_random_uuid(), i::text, i::text, 'SLANG', 'c', 1, 'LITERAL', 1
    FROM generate_series(1, ${2 * CONTENTS}) i;
  INSERT INTO detections (tenant_id, id, content_id, keyword_id, keyword_version, spans, match_count, snippet, score,
    origin) SELECT c.tenant_id, gen_random_uuid(), c.id, k.id, 1, '[]', 1, '', 1, 'LIVE'
    FROM (SELECT *, row_number() OVER () n FROM content) c
    JOIN (SELECT *, row_number() OVER () n FROM keywords) k ON k.n IN (c.n, c.n + ${CONTENTS});
  INSERT INTO cases (tenant_id, id, number, title, start_date)
    SELECT argus_tenant(), gen_random_uuid(), i, 'c', now() FROM generate_series(1, ${CONTENTS}) i;
  INSERT INTO case_contents (tenant_id, case_id, content_id)
    SELECT c.tenant_id, c.id, o.id FROM cases c, content o WHERE c.number <= 20`;

/** Each bug has a project, a policy's rules, labels, a change and a comment, and each project a day of its own. */
const FILL_DELIVERY = `
  INSERT INTO sla_policies (tenant_id, id, name, position, critical_hours, high_hours, medium_hours, low_hours, warn_at,
    high_risk_at, pause_on, restart_on_reopen) SELECT argus_tenant(), gen_random_uuid(), i::text, i, 1, 2, 3, 4, 0.5, 0.8,
    '{}', false FROM generate_series(1, ${BUGS}) i;
  INSERT INTO sla_policy_versions (tenant_id, policy_id, rules_version, rules) SELECT tenant_id, id, 1,
    '{"targetHours": {"CRITICAL": 1, "HIGH": 2, "MEDIUM": 3, "LOW": 4}, "warnAt": 0.5, "highRiskAt": 0.8, "pauseOn": [],
    "restartOnReopen": false, "calendar": null}' FROM sla_policies;
  INSERT INTO projects (tenant_id, id, key, name, tags, cash_flows)
    SELECT argus_tenant(), gen_random_uuid(), 'P' || i, 'P', '{}', '{}' FROM generate_series(1, ${BUGS}) i;
  INSERT INTO project_metrics (tenant_id, id, project_id, date, commits, tech_stack)
    SELECT tenant_id, id, id, current_date, 1, '{}' FROM projects;
  INSERT INTO bugs (tenant_id, id, project_id, number, title, sla_policy_id, sla_rules_version, sla_state, sla_cycle,
    sla_started_at, sla_target_ms, sla_running_since, sla_due_at) SELECT p.tenant_id, p.id, p.id, 1, 'b', s.id, 1,
    'ON_TRACK', 1, now(), 10800000, now(), now() FROM projects p JOIN sla_policies s ON s.name = substr(p.key, 2);
  INSERT INTO bug_labels (tenant_id, bug_id, name) SELECT tenant_id, id, 'l' FROM bugs;
  INSERT INTO bug_comments (tenant_id, id, bug_id, body) SELECT tenant_id, id, id, 'c' FROM bugs;
  INSERT INTO bug_history (tenant_id, id, bug_id, field, new_value, at) SELECT tenant_id, id, id, 'f', 'v', now() FROM bugs`;

async function globalIds(owner: pg.Client): Promise<string[]> {
  const { rows } = await owner.query<{ model: string; id: string }>(
    `SELECT 'Content' AS model, id FROM content UNION ALL SELECT 'Keyword', id FROM keywords
      UNION ALL SELECT 'Detection', id FROM detections ORDER BY id`,
  );
  return rows.map(({ model, id }) => entityOf(model)?.encode(id) ?? '');
}

/** Statements that an operation took; it must succeed and have found something. */
async function cost(query: string, variables?: Record<string, unknown>): Promise<number> {
  const { data, errors, statements } = await t.run(tenant.key, query, variables);
  expect(errors).toBeUndefined();
  expect(JSON.stringify(data)).toMatch(/"id":/);
  expect(statements).toBeGreaterThan(0);
  return statements;
}

beforeAll(async () => {
  t = await createTestApp();
  tenant = await t.tenant('budget');
  const owner = new pg.Client({ connectionString: t.database.ownerUrl });
  await owner.connect();
  await owner.query(
    `BEGIN; SET LOCAL ROLE argus_app; SET LOCAL app.tenant_id = '${tenant.tenantId}'; ${FILL}; ${FILL_DELIVERY}`,
  );
  ids = await globalIds(owner);
  await owner.query('COMMIT');
  await owner.end();
});

afterAll(() => t.close());

describe('an operation takes', () => {
  it('one statement for each relation, however many rows it is read for', async () => {
    const nested = (first: number) => `{ contents(first: ${first}) { nodes { id
      source { id } author { id } detections { nodes { id keyword { id } } } } } }`;
    // contents, their sources, their authors, their detections, the detections' keywords
    expect(await cost(nested(1))).toBe(5);
    expect(await cost(nested(20))).toBe(5);
    expect(await cost(nested(100))).toBe(5);
  });

  it('one statement for each level of a case', async () => {
    const cases = (
      first: number,
    ) => `{ cases(first: ${first}, orderBy: { field: NUMBER, direction: ASC }) { nodes { id tlp
      timeline { nodes { seq } } contents(first: 3) { nodes { content { id source { id } } } } } } }`;
    // cases, the levels of what they hold, their events, their links, the contents, the sources
    expect(await cost(cases(1))).toBe(6);
    expect(await cost(cases(20))).toBe(6);
  });

  it('one statement for each relation of bugs, and of their projects', async () => {
    const bugs = (
      first: number,
    ) => `{ bugs(first: ${first}) { nodes { id ref labels project { id } priorityBreakdown { points }
      sla { elapsedHours policy { id } } comments { nodes { id } } history { nodes { id } } } } }`;
    // bugs, their projects, labels, rules, policies, comments, changes
    expect(await cost(bugs(1))).toBe(7);
    expect(await cost(bugs(100))).toBe(7);
    const projects = (first: number) => `{ projects(first: ${first}) { nodes { id bugs(first: 3) { nodes { id labels } }
      bugStats { open } health { score } metrics(first: 3) { nodes { id } } } } }`;
    // projects, their bugs, the bugs' labels, totals, last commits, imports, days
    expect(await cost(projects(1))).toBe(7);
    expect(await cost(projects(100))).toBe(7);
  });

  it('none for a row that another part of it has read', async () => {
    const back = `{ contents(first: 20) { nodes { id source { id } detections { nodes { id content { id source { id } } } } } } }`;
    // contents, sources, detections, and the contents by id: a list does not put its rows where ids are looked up
    expect(await cost(back)).toBe(4);
  });

  it('none for the same list under another name, and one for other arguments', async () => {
    const twice = (a: string, b: string) =>
      `{ contents(first: 20) { nodes { id a: detections${a} { nodes { id } } b: detections${b} { nodes { id } } } } }`;
    expect(await cost(twice('(first: 5)', '(first: 5)'))).toBe(2);
    expect(await cost(twice('(first: 5)', '(first: 6)'))).toBe(3);
    expect(await cost(twice('(filter: { status: { eq: NEW } })', '(filter: { status: { eq: NEW } })'))).toBe(2);
    const source = '{ contents(first: 20) { nodes { id a: source { id } b: source { id name } } } }';
    expect(await cost(source)).toBe(2);
  });

  it('one for totals, at the root and under all parents of a level', async () => {
    const totals = (first: number) =>
      `{ contents(first: ${first}) { totalCount { value } nodes { id detections(first: 1) { totalCount { value } } } } }`;
    // contents, their number, a detection of each, the numbers of detections
    expect(await cost(totals(1))).toBe(4);
    expect(await cost(totals(20))).toBe(4);
    expect(await cost('{ keywords(first: 20) { nodes { id detectionCount } } }')).toBe(2);
  });

  it('one for an id, and one for each type among 500 ids', async () => {
    expect(await cost('query ($id: ID!) { node(id: $id) { id } }', { id: ids[0] })).toBe(1);
    expect(ids.length).toBe(500);
    expect(await cost('query ($ids: [ID!]!) { nodes(ids: $ids) { id } }', { ids })).toBe(3);
    const refused = await t.run(tenant.key, 'query ($ids: [ID!]!) { nodes(ids: $ids) { id } }', {
      ids: [...ids, ids[0]],
    });
    expect(refused.errors?.[0]?.extensions?.code).toBe('INVALID_INPUT');
    expect(refused.statements).toBe(0);
  });
});
