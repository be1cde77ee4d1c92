import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { BATCH_BUGS, NAMED_BUGS, PENDING_BUG, STORY_BUG } from '../../src/demo/delivery/named-bugs.ts';
import { PROJECTS } from '../../src/demo/delivery/projects.ts';
import { bugRef } from '../../src/demo/delivery/story.ts';
import { demoKey } from '../../src/demo/key.ts';
import { loadDemo } from '../../src/demo/load.ts';
import { demoBugId, demoCaseId, demoMemberId, demoProjectId, demoSourceId } from '../../src/demo/stable-ids.ts';
import { encodeId } from '../../src/graphql/ids.ts';
import { bugGlobalId, projectGlobalId } from '../../src/modules/delivery/global-ids.ts';
import { caseGlobalId, sourceGlobalId } from '../../src/modules/intel/global-ids.ts';
import { type Example, readExamples } from '../../src/server/graphiql/examples.ts';
import { type Answer, createTestApp, type TestApp } from '../support/app.ts';
import { privateTexts, state, story } from '../support/demo-story.ts';
import { KeptLines } from '../support/kept-lines.ts';
import { settled } from '../support/settled.ts';
import { subscribe } from '../support/sse.ts';

const NOW = new Date(Date.now() - 60_000);
const EXAMPLES = readExamples(join(import.meta.dirname, '../../examples/queries'));
/** Start something that goes on behind them: how many statements are counted is chance. */
const IN_BACKGROUND = ['ImportBugs', 'CreateWebhook', 'Inbox'];
const isSubscription = ({ query }: Example) => /^subscription\b/m.test(query);
const variablesOf = ({ variables }: Example): Record<string, unknown> => (variables ? JSON.parse(variables) : {});
const lines = new KeptLines();
let t: TestApp;
let tenantId: string;
let key: string;
beforeAll(async () => {
  t = await createTestApp({ env: { ARGUS_DIR: '.argus/test-demo', SLOW_STATEMENT_MS: '0' }, lines });
  ({ tenantId } = await loadDemo(t.app.services, { now: NOW }));
  key = await demoKey(t.app.services, tenantId);
  // From here on everything is logged: loading is far more than what is tested.
  t.app.services.log.level = 'trace';
});
afterAll(() => t?.close());

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
    const before = await state(t, tenantId);
    expect(await loadDemo(t.app.services, { now: new Date() })).toEqual({ tenantId, created: false });
    expect(await state(t, tenantId)).toEqual(before);
  });

  test('is the same in another database, also when its loading was broken off three times', async () => {
    const other = await createTestApp({ env: { ARGUS_DIR: '.argus/test-demo-2' } });
    try {
      for (const stop of [1, 57, 290]) {
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

  test('has bugs of every severity, status and SLA state, most of them resolved in time', async () => {
    const { bugStatistics, slaForecast, projects } = await t.runOk(
      key,
      `{ bugStatistics { total { count } open { count } bySeverity { count } byStatus { count } bySlaState { slaState count } }
         slaForecast { willBreach late } projects { nodes { key currency status bugStats { total } } } }`,
    );
    expect(bugStatistics.total.count).toBeGreaterThan(280);
    expect(bugStatistics.open.count).toBeGreaterThan(40);
    for (const { count } of [...bugStatistics.bySeverity, ...bugStatistics.byStatus]) expect(count).toBeGreaterThan(0);
    const states = Object.fromEntries(
      bugStatistics.bySlaState.map(({ slaState, count }: { slaState: string; count: number }) => [slaState, count]),
    );
    expect(states.NONE).toBe(0);
    for (const state of ['ON_TRACK', 'MEDIUM_RISK', 'HIGH_RISK', 'BREACHED', 'PAUSED'])
      expect(states[state], state).toBeGreaterThan(0);
    expect(states.MET).toBeGreaterThan(2 * states.MISSED);
    expect(states.MISSED).toBeGreaterThan(20);
    expect(slaForecast.willBreach).toBeGreaterThan(0);
    expect(projects.nodes.length).toBe(PROJECTS.length);
    expect(new Set(projects.nodes.map((one: { status: string }) => one.status)).size).toBe(4);
    expect(projects.nodes.every((one: Answer) => one.bugStats.total > 0)).toBe(true);
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
  test('name rows of the demo by the ids that these have everywhere', () => {
    const variables = EXAMPLES.flatMap((example) => Object.values(variablesOf(example))).flat();
    const projectOf = (title: string) => NAMED_BUGS.find((bug) => bug.title === title)?.project ?? '';
    for (const title of [PENDING_BUG, STORY_BUG, ...BATCH_BUGS])
      expect(variables, title).toContain(bugGlobalId(demoBugId(bugRef(projectOf(title), title))));
    expect(variables).toContain(projectGlobalId(demoProjectId('ATLAS')));
    expect(variables).toContain(encodeId('mem', demoMemberId('Erin Engineer')));
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
      await Promise.all([...t.app.services.background, t.runOk(key, '{ viewer { kind } }')]);
      record.mockClear();
      const data = await t.runOk(key, example.query, variablesOf(example));
      const count = IN_BACKGROUND.includes(example.name) ? '-' : `${await settled(() => record.mock.calls.length)}`;
      table.push(`${count.padStart(3)}  ${example.name}`);
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
       12  CreateKeyword
        5  RefusedMove
       29  IngestContent
        2  KnownValues
        4  PortfolioOverview
        4  ActiveProjects
        7  ProjectWithBugs
        1  TopProjectsByRoi
        1  SearchProjects
        5  BugsWithFilters
        5  CriticalBugs
        3  TopBugs
        5  SlaBreaches
        1  BugStatistics
        3  SearchBugs
        6  BugWithHistory
        5  BugActivity
        4  BugTrends
        2  SlaPolicies
        4  SimulateSlaPolicy
        6  SlaForecast
        2  DailyMetrics
        4  MonthlyMetrics
        2  EngineeringMetrics
        4  UserWorkload
        2  TeamPerformance
        4  SyncStatus
        1  DatabaseStatistics
       18  CreateBug
        6  RefusedBugMove
       27  ChangeManyBugs
        -  ImportBugs
        4  Webhooks
        -  CreateWebhook
        -  Inbox
        5  TryNotificationRule
        0  ExplainCost
        6  SignIn
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
    expect(answers.get('CreateBug')).toMatchObject({
      bug: { status: 'PENDING', sla: { state: 'ON_TRACK' } },
      userErrors: [],
    });
    expect(answers.get('RefusedBugMove')).toMatchObject({
      bug: null,
      userErrors: [
        { code: 'INVALID_TRANSITION', from: 'PENDING', to: 'SHIPPED', allowed: ['IN_PROGRESS', 'DEFERRED', 'CLOSED'] },
      ],
    });
    expect(answers.get('ChangeManyBugs')).toMatchObject({ batch: { failed: 0 }, userErrors: [], eventSeq: null });
    expect(answers.get('ImportBugs')).toMatchObject({ importRun: { isDryRun: true }, userErrors: [] });
    expect(answers.get('IngestContent')).toMatchObject({
      ingested: { outcome: 'UNCHANGED', content: { riskLevel: 'CRITICAL' } },
      userErrors: [],
    });
  });

  test('the subscription gives what happened, then what happens', async () => {
    const example = EXAMPLES.find(({ name }) => name === 'FollowCases');
    if (!example) throw new Error('there is no FollowCases');
    const { cases } = await t.runOk(key, '{ cases(filter: { number: { eq: 12 } }) { nodes { id } } }');
    const stream = await subscribe(t, key, example.query, variablesOf(example));
    try {
      const first = await stream.next(5_000);
      expect(first?.data).toMatchObject({
        events: { event: { type: 'CASE_OPENED', actor: { displayName: 'Ada Analyst' } } },
      });
      await t.runOk(
        key,
        'mutation($id: ID!) { moveCase(input: { id: $id, status: IN_PROGRESS }) { userErrors { code } } }',
        { id: cases.nodes[0].id },
      );
      let last: Answer = first?.data;
      while (last?.events.event?.type !== 'CASE_MOVED' || last.events.event.payload.id !== cases.nodes[0].id) {
        last = (await stream.next(5_000))?.data;
        expect(last, 'the move arrives').toBeTruthy();
      }
    } finally {
      await stream.close();
    }
  });

  test('none of it is in the log: no key, no address, no text', async () => {
    const texts = await privateTexts(t);
    expect(texts.length).toBeGreaterThan(500);
    expect(lines.showing([key, 'demo-analyst-2026', ...texts])).toEqual([]);
    expect(lines.entries('slow statement').length).toBeGreaterThan(500);
  });
});
