import { createHash } from 'node:crypto';
import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { systemViewer } from '../../src/access/viewer.ts';
import { generateDemo } from '../../src/demo/generate.ts';
import { demoKey } from '../../src/demo/key.ts';
import { loadDemo } from '../../src/demo/load.ts';
import { CASES } from '../../src/demo/material/cases.ts';
import { demoCaseId, demoSourceId } from '../../src/demo/stable-ids.ts';
import { lastSeq } from '../../src/events/stream.ts';
import { caseGlobalId, sourceGlobalId } from '../../src/modules/intel/global-ids.ts';
import { type Example, readExamples } from '../../src/server/graphiql/examples.ts';
import { type Answer, createTestApp, type TestApp } from '../support/app.ts';
import { subscribe } from '../support/sse.ts';

const NOW = new Date(Date.now() - 60_000);
const EXAMPLES = readExamples(join(import.meta.dirname, '../../examples/queries'));
const isSubscription = ({ query }: Example) => /^subscription\b/m.test(query);
const variablesOf = ({ variables }: Example): Record<string, unknown> => (variables ? JSON.parse(variables) : {});

let t: TestApp;
let tenantId: string;
let key: string;
beforeAll(async () => {
  t = await createTestApp({ env: { ARGUS_DIR: '.argus/test-demo' } });
  ({ tenantId } = await loadDemo(t.app.services, { now: NOW }));
  key = await demoKey(t.app.services, tenantId);
});
afterAll(() => t?.close());

async function asOwner<T extends object>(app: TestApp, text: string): Promise<T[]> {
  const client = new pg.Client({ connectionString: app.database.ownerUrl });
  await client.connect();
  try {
    return (await client.query<T>(text)).rows;
  } finally {
    await client.end();
  }
}

/** Rows of every table, and the last event: what a call that changes nothing leaves as it is. */
async function state(app: TestApp) {
  const tables = await asOwner<{ name: string }>(
    app,
    `SELECT tablename AS name FROM pg_tables WHERE schemaname = 'public' ORDER BY 1`,
  );
  const counts = tables.map(({ name }) => `SELECT '${name}' AS name, count(*)::int AS n FROM "${name}"`);
  const rows = await asOwner<{ name: string; n: number }>(app, counts.join(' UNION ALL '));
  const seq = await lastSeq(app.app.services.read, systemViewer(tenantId, 'test'));
  return { ...Object.fromEntries(rows.map(({ name, n }) => [name, n])), seq };
}

/** What the demo tells, without ids and without the times at which background work ran. */
const STORY = `
  SELECT 'content' AS what, to_jsonb(ARRAY[s.external_ref, c.external_id, u.username, c.title, c.text, c.language, c.url, c.status,
      c.risk_level, c.risk_score::text, c.tlp, c.posted_at::text, c.created_at::text, c.keywords::text, c.meta_data::text]) AS row
    FROM content c JOIN sources s USING (tenant_id) LEFT JOIN platform_users u ON u.tenant_id = c.tenant_id AND u.id = c.author_id
    WHERE s.id = c.source_id
  UNION ALL SELECT 'detection', to_jsonb(ARRAY[c.external_id, k.term, k.match_type, d.origin, d.status, d.decision_reason, m.display_name,
      d.score::text, d.snippet, d.spans::text])
    FROM detections d JOIN content c ON c.id = d.content_id JOIN keywords k ON k.id = d.keyword_id LEFT JOIN members m ON m.id = d.decided_by_id
  UNION ALL SELECT 'identifier', to_jsonb(ARRAY[i.type, i.value, c.external_id, l.raw, l.spans::text])
    FROM identifiers i LEFT JOIN content_identifiers l ON l.identifier_id = i.id LEFT JOIN content c ON c.id = l.content_id
  UNION ALL SELECT 'account', to_jsonb(ARRAY[u.platform_user_id, u.username, u.risk_score::text, u.flag_reason, u.flagged_by, u.flagged_at::text])
    FROM platform_users u
  UNION ALL SELECT 'case', to_jsonb(ARRAY[c.number::text, c.title, c.status, c.resolution, c.priority, m.display_name, c.actual_completion::text,
      (SELECT string_agg(x.external_id, ',' ORDER BY x.external_id) FROM case_contents l JOIN content x ON x.id = l.content_id WHERE l.case_id = c.id),
      (SELECT string_agg(x.value, ',' ORDER BY x.value) FROM case_identifiers l JOIN identifiers x ON x.id = l.identifier_id WHERE l.case_id = c.id),
      (SELECT count(*)::text FROM case_detections l WHERE l.case_id = c.id), (SELECT count(*)::text FROM case_platform_users l WHERE l.case_id = c.id)])
    FROM cases c LEFT JOIN members m ON m.id = c.assigned_to_id
  UNION ALL SELECT 'lookup', to_jsonb(ARRAY[o.query, o.status, o.result_count::text, o.created_at::text, m.display_name])
    FROM osint_results o LEFT JOIN members m ON m.id = o.requested_by_id
  UNION ALL SELECT 'event', to_jsonb(ARRAY[e.type, e.aggregate_version::text, m.display_name]) FROM event_store e LEFT JOIN members m ON m.id = e.actor_id
    WHERE e.type NOT LIKE 'API_KEY%'
  ORDER BY 1, 2`;

async function story(app: TestApp): Promise<{ rows: number; hash: string }> {
  const rows = await asOwner<{ what: string; row: unknown }>(app, STORY);
  return { rows: rows.length, hash: createHash('sha256').update(JSON.stringify(rows)).digest('hex') };
}

/** What a response shows: the lengths of its outermost lists; 0 is a list or an object that shows nothing. */
function shown(data: Answer): number[] {
  return Object.values(data).map((field: Answer) => {
    if (Array.isArray(field)) return field.length;
    if (field === null) return 0;
    const list = [field.nodes, field.edges, field.hits].find(Array.isArray);
    if (list) return list.length;
    if (!Array.isArray(field.userErrors)) return 1;
    const values = Object.entries(field).filter(([name, value]) => name !== 'userErrors' && value !== null);
    return values.length + field.userErrors.length;
  });
}

describe('the demo', () => {
  test('is complete: a second loading changes nothing', async () => {
    const before = await state(t);
    expect(await loadDemo(t.app.services, { now: new Date() })).toEqual({ tenantId, created: false });
    expect(await state(t)).toEqual(before);
  });

  test('is the same in another database, also when its loading was broken off twice', async () => {
    const other = await createTestApp({ env: { ARGUS_DIR: '.argus/test-demo-2' } });
    try {
      for (const stop of [1, 57]) {
        const breakOff = (done: number) => {
          if (done === stop) throw new Error('broken off');
        };
        const broken = loadDemo(other.app.services, { now: NOW, onProgress: breakOff });
        await expect(broken).rejects.toThrow('broken off');
      }
      // The first call has fixed what the demo tells: another time does not make it another demo.
      const made = await loadDemo(other.app.services, { now: new Date(0) });
      expect(made.created).toBe(true);
      expect(await story(other)).toEqual(await story(t));
    } finally {
      await other.close();
    }
  }, 60_000);

  test('has contents of every level, most of them harmless, on every day', async () => {
    const data = await t.runOk(
      key,
      `{ overviewStatistics { contentAnalysis { total recent24h byRiskLevel { key count } } }
         contentTrends(from: "-P30D") { total } }`,
    );
    const { total, recent24h, byRiskLevel } = data.overviewStatistics.contentAnalysis;
    const share = Object.fromEntries(
      byRiskLevel.map(({ key: level, count }: { key: string; count: number }) => [level, count / total]),
    );
    expect(total).toBe(1500);
    expect(recent24h).toBeGreaterThan(5);
    expect(share.NONE).toBeGreaterThan(0.5);
    for (const [level, most] of Object.entries({ LOW: 0.2, MEDIUM: 0.2, HIGH: 0.1, CRITICAL: 0.08 })) {
      expect(share[level], level).toBeGreaterThan(0.03);
      expect(share[level], level).toBeLessThan(most);
    }
    // The first and the last day are cut short.
    const wholeDays = data.contentTrends.slice(1, -1);
    expect(wholeDays.filter((day: { total: number }) => day.total === 0)).toEqual([]);
  });

  test('has something in every case and enough decisions, whenever it is made', () => {
    for (let hours = 0; hours < 24 * 14; hours += 31) {
      const now = new Date(Date.UTC(2026, 0, 1, hours, 7));
      const { contents, actions } = generateDemo(now);
      const linked = new Set(
        actions.flatMap((a) => (a.kind === 'linkCase' && a.externalIds.length > 0 ? [a.title] : [])),
      );
      expect(linked.size, now.toISOString()).toBe(CASES.length);
      const decided = actions.flatMap((a) => (a.kind === 'decide' ? a.decisions.map((one) => one.externalId) : []));
      expect(decided.length).toBeGreaterThanOrEqual(40);
      const reviewed = [...decided, ...actions.flatMap((a) => (a.kind === 'archive' ? a.externalIds : []))];
      expect(new Set(reviewed).size, 'nothing is reviewed twice').toBe(reviewed.length);
      for (const flag of actions.filter((a) => a.kind === 'flag')) {
        const known = contents.filter((c) => c.receivedAt.getTime() < flag.at.getTime() - 3 * 86_400_000);
        expect(
          known.some((c) => c.author?.username === flag.username),
          flag.username,
        ).toBe(true);
      }
      expect([...contents.map((c) => c.receivedAt), ...actions.map((a) => a.at)].filter((at) => at > now)).toEqual([]);
    }
  });

  test('its people can sign in', async () => {
    const { signIn } = await t.runOk(
      null,
      `mutation { signIn(input: { email: "ada@demo.example", password: "demo-analyst-2026" }) { session { token } userErrors { message } } }`,
    );
    const { viewer } = await t.runOk(signIn.session.token, '{ viewer { member { displayName role } } }');
    expect(viewer.member).toEqual({ displayName: 'Ada Analyst', role: 'ANALYST' });
  });

  test('its key is kept privately, given again while it works, and replaced when it does not', async () => {
    const file = join('.argus/test-demo', 'demo-key');
    expect(readFileSync(file, 'utf8')).toBe(`${key}\n`);
    expect(statSync(file).mode & 0o777).toBe(0o600);
    expect(await demoKey(t.app.services, tenantId)).toBe(key);
    const { apiKeys } = await t.runOk(key, '{ apiKeys { nodes { id revokedAt } } }');
    const id = apiKeys.nodes.find((one: { revokedAt: string | null }) => one.revokedAt === null).id;
    await t.runOk(key, 'mutation($id: ID!) { revokeApiKey(input: { id: $id }) { userErrors { code } } }', { id });
    const next = await demoKey(t.app.services, tenantId);
    expect(next).not.toBe(key);
    key = next;
    await t.runOk(key, '{ viewer { kind } }');
  });
});

describe('the examples', () => {
  test('name a source and a case of the demo by the ids that these have everywhere', () => {
    const variables = EXAMPLES.flatMap((example) => Object.values(variablesOf(example)));
    expect(variables).toContain(sourceGlobalId(demoSourceId('harbour-board.example')));
    expect(variables).toContain(caseGlobalId(demoCaseId('PaperLantern leak site')));
  });

  test('each has a sentence for newcomers', () => {
    for (const { name, title } of EXAMPLES) expect(title, name).not.toBe(name);
  });

  test('each shows something, with few statements, and can be run again', async () => {
    const record = vi.spyOn(t.app.services.read.statements, 'record');
    const table: string[] = [];
    for (const example of EXAMPLES.filter((one) => !isSubscription(one))) {
      await t.runOk(key, '{ viewer { kind } }');
      record.mockClear();
      const data = await t.runOk(key, example.query, variablesOf(example));
      // Prisma tells of its statements a moment later.
      await new Promise((resolve) => setTimeout(resolve, 20));
      table.push(`${String(record.mock.calls.length).padStart(3)}  ${example.name}`);
      expect(shown(data), example.name).not.toContain(0);
      expect(shown(await t.runOk(key, example.query, variablesOf(example))), example.name).not.toContain(0);
    }
    record.mockRestore();
    // Statements and name. To renew the table: vitest run --update=all test/integration/examples.test.ts
    expect(`\n${table.join('\n')}\n`).toMatchInlineSnapshot(`
      "
        4  ContentsWithRisk
        4  SearchContent
        2  Trends
        2  Overview
        6  DatabaseHealth
        6  Cases
       15  CaseWithTimeline
        5  DetectionsToReview
        3  FlaggedAccounts
        5  Identifiers
        5  OsintResults
       10  OsintDecrypted
        3  Keywords
        3  Sources
        3  EventLog
        2  AuditLog
        3  WhoAmI
        2  Filters
        1  Pages
       11  CreateKeyword
        5  RefusedMove
       28  IngestContent
        2  KnownValues
      "
    `);
  });

  test('the mutations answer as their comments say', async () => {
    const answers = new Map<string, Answer>();
    for (const example of EXAMPLES.filter(({ query }) => /^mutation\b/m.test(query))) {
      const data = await t.runOk(key, example.query, variablesOf(example));
      answers.set(example.name, Object.values(data)[0]);
    }
    expect(answers.get('CreateKeyword')).toMatchObject({ keyword: null, userErrors: [{ code: 'CONFLICT' }] });
    expect(answers.get('RefusedMove')).toMatchObject({
      case: null,
      userErrors: [{ code: 'INVALID_TRANSITION', from: 'OPEN', to: 'CLOSED', allowed: ['IN_PROGRESS'] }],
    });
    expect(answers.get('IngestContent')).toMatchObject({
      ingested: { outcome: 'UNCHANGED', content: { riskLevel: 'CRITICAL' } },
      userErrors: [],
    });
  });

  test('the subscription gives what happened, then what happens', async () => {
    const [example] = EXAMPLES.filter(isSubscription);
    if (!example) throw new Error('there is no subscription among the examples');
    const { cases } = await t.runOk(key, '{ cases(filter: { number: { eq: 12 } }) { nodes { id } } }');
    const stream = await subscribe(t, key, example.query, variablesOf(example));
    try {
      const first = await stream.next(5_000);
      expect(first?.data).toMatchObject({ events: { type: 'CASE_OPENED', actor: { displayName: 'Ada Analyst' } } });
      await t.runOk(
        key,
        'mutation($id: ID!) { moveCase(input: { id: $id, status: IN_PROGRESS }) { userErrors { code } } }',
        { id: cases.nodes[0].id },
      );
      let last: Answer = first?.data;
      while (last?.events.type !== 'CASE_MOVED' || last.events.payload.id !== cases.nodes[0].id) {
        last = (await stream.next(5_000))?.data;
        expect(last, 'the move arrives').toBeTruthy();
      }
    } finally {
      await stream.close();
    }
  });
});
