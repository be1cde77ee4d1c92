import { afterAll, beforeAll, expect, test } from 'vitest';
import { createBugs } from '../../../src/modules/delivery/bug.service.ts';
import { BUG_SEVERITIES, type BugSeverity, SLA_STATES } from '../../../src/modules/delivery/values.ts';
import { type Answer, createTestApp, type Tenant, type TestApp } from '../../support/app.ts';
import { randomOf } from '../../support/random.ts';
import {
  addProject,
  asOwner,
  at,
  bugAt,
  clockAt,
  countOf,
  ERRORS,
  eventsOf,
  HOUR,
  moveAt,
  mutate,
  pick,
  projectUuid,
  range,
  severityAt,
  slaTold,
  sweepAt,
  totalsAndRecount,
  writeAt,
} from './records.ts';

let t: TestApp;
beforeAll(async () => {
  t = await createTestApp();
});
afterAll(async () => {
  // Whatever was done in this file: each event once in a cycle of a bug.
  const twice = await asOwner(
    t,
    `SELECT aggregate_id, type, payload ->> 'cycle', count(*) FROM event_store WHERE type ~ '^BUG_SLA_(MEDIUM|HIGH|BREACHED)'
     GROUP BY 1, 2, 3 HAVING count(*) > 1`,
  );
  expect(twice).toEqual([]);
  await t?.close();
});

async function setUp(slug: string, policy?: object): Promise<{ a: Tenant; projectId: string }> {
  const a = await t.tenant(slug);
  const { id: projectId } = await addProject(t, a);
  if (policy) {
    const input = { name: 'First', position: 1, ...policy };
    const answer = await mutate(t, a.key, `createSlaPolicy { slaPolicy { id } ${ERRORS} }`, input);
    expect(answer.userErrors).toEqual([]);
  }
  return { a, projectId };
}

const HOURS: Record<BugSeverity, number> = { CRITICAL: 24, HIGH: 72, MEDIUM: 168, LOW: 720 };

test('a tenant has the default policy from its first project on, once, and its targets', async () => {
  const a = await t.tenant('default');
  const projects = await Promise.all(range(6).map(() => addProject(t, a)));
  expect(await countOf(t, a, 'sla_policies')).toBe(1);
  expect(await countOf(t, a, 'sla_policy_versions')).toBe(1);
  const { slaPolicies } = await t.runOk(
    a.key,
    `{ slaPolicies { nodes { name position isActive filter criticalHours highHours mediumHours lowHours warnAt highRiskAt
      pauseOn restartOnReopen calendar { id } rulesVersion } } }`,
  );
  const rules = { warnAt: 0.5, highRiskAt: 0.8, pauseOn: ['DEFERRED'], restartOnReopen: false, calendar: null };
  const hours = { criticalHours: 24, highHours: 72, mediumHours: 168, lowHours: 720 };
  const rest = { position: 100, isActive: true, filter: {}, rulesVersion: 1 };
  expect(slaPolicies.nodes).toEqual([{ name: 'Default', ...rules, ...hours, ...rest }]);
  for (const severity of BUG_SEVERITIES) {
    const id = await bugAt(t, a, projects[0].id, 5, { severity });
    const [medium_risk, high_risk, due] = [5, 8, 10].map((tenths) => (50 + tenths * HOURS[severity]) / 10);
    const clock = { state: 'ON_TRACK', cycle: 1, rules: 1, pausedHours: 0, started: 5, running_since: 5 };
    expect(await clockAt(t, id)).toEqual({ ...clock, medium_risk, high_risk, due });
  }
});

test('each threshold is told once and in order, by whatever clocks and however many sweeps at once', {
  timeout: 90_000,
}, async () => {
  const { a, projectId } = await setUp('thresholds');
  const random = randomOf(5);
  const drafts = range(300).map((i) => ({ born: Math.floor(random() * 48), severity: BUG_SEVERITIES[i % 4] ?? 'LOW' }));
  const bugs: { id: string; born: number; target: number }[] = [];
  for (const [born, group] of Map.groupBy(drafts, (draft) => draft.born)) {
    const input = group.map(({ severity }) => ({ projectId: projectUuid(projectId), title: 'It fails', severity }));
    const made = await writeAt(t, a, at(born), (tx) => createBugs(tx, input));
    bugs.push(...made.map(({ id, severity }) => ({ id, born, target: HOURS[severity as BugSeverity] })));
  }
  const kinds = ['MEDIUM_RISK 1', 'HIGH_RISK 1', 'BREACHED 1'];
  let latest = 0;
  for (const hours of [40, 30, 61, 62, 50, 100, 30, 230, 229, 900]) {
    await Promise.all([sweepAt(t, a, at(hours)), sweepAt(t, a, at(hours))]);
    latest = Math.max(latest, hours);
    const rows = await asOwner(
      t,
      `SELECT aggregate_id AS id, array_agg(substr(type, 9) || ' ' || (payload ->> 'cycle') ORDER BY seq) AS told
       FROM event_store WHERE tenant_id = $1 AND type LIKE 'BUG_SLA%' GROUP BY 1`,
      [a.tenantId],
    );
    const told = new Map(rows.map((row) => [row.id, row.told]));
    for (const { id, born, target } of bugs) {
      const age = latest - born;
      const passed = [age >= target * 0.5, age >= target * 0.8, age > target];
      expect(told.get(id) ?? [], `${target} h at ${latest - born}`).toEqual(kinds.filter((_, i) => passed[i]));
    }
    const before = [
      await eventsOf(t, a),
      await asOwner(t, 'SELECT * FROM bugs WHERE tenant_id = $1 ORDER BY id', [a.tenantId]),
    ];
    expect(await sweepAt(t, a, at(hours))).toEqual({ bugs: 0, told: 0 });
    const after = [
      await eventsOf(t, a),
      await asOwner(t, 'SELECT * FROM bugs WHERE tenant_id = $1 ORDER BY id', [a.tenantId]),
    ];
    expect(after).toEqual(before);
  }
  const { kept, recount } = await totalsAndRecount(t, a);
  expect(kept).toEqual(recount);
});

test('a pause freezes what remains, and its end shifts the dates by its length', async () => {
  const { a, projectId } = await setUp('pause');
  const id = await bugAt(t, a, projectId, 0, { severity: 'HIGH' });
  await moveAt(t, a, id, 10, 'DEFERRED');
  expect(await clockAt(t, id)).toMatchObject({ state: 'PAUSED', paused: 10 });
  expect(await clockAt(t, id)).not.toHaveProperty('due');
  await sweepAt(t, a, at(200));
  expect(await slaTold(t, id)).toEqual([]);
  await moveAt(t, a, id, 210, 'PENDING');
  const running = { state: 'ON_TRACK', cycle: 1, pausedHours: 200, running_since: 210 };
  expect(await clockAt(t, id)).toMatchObject({ ...running, medium_risk: 236, high_risk: 257.6, due: 272 });
  await moveAt(t, a, id, 240, 'DEFERRED');
  await moveAt(t, a, id, 241, 'IN_PROGRESS');
  expect(await clockAt(t, id)).toMatchObject({ state: 'MEDIUM_RISK', pausedHours: 201, medium_risk: 236, due: 273 });
  await moveAt(t, a, id, 273, 'CLOSED');
  expect(await clockAt(t, id)).toMatchObject({ state: 'MET', met: 273, due: 273 });
  expect(await slaTold(t, id)).toEqual(['MEDIUM_RISK 1', 'HIGH_RISK 1', 'MET 1']);
});

test.for<[number, string, string[]]>([
  [6, 'MET', ['MET 1']],
  [24, 'MET', ['MEDIUM_RISK 1', 'HIGH_RISK 1', 'MET 1']],
  [24.01, 'MISSED', ['MEDIUM_RISK 1', 'HIGH_RISK 1', 'BREACHED 1']],
])(
  'resolved after %d of 24 hours between two sweeps is %s, and what was passed is told with it',
  async ([hours, state, told]) => {
    const { a, projectId } = await setUp(`late-${state.toLowerCase()}-${Math.floor(hours)}`);
    const id = await bugAt(t, a, projectId, 0, { severity: 'CRITICAL' });
    await sweepAt(t, a, at(3));
    await moveAt(t, a, id, hours, 'CLOSED');
    const clock = await clockAt(t, id);
    expect(clock).toMatchObject({ state, [state.toLowerCase()]: hours });
    expect(clock.breached).toBe(state === 'MISSED' ? 24 : undefined);
    expect(await slaTold(t, id)).toEqual(told);
    expect((await eventsOf(t, a)).slice(-1 - told.length).map(({ type }) => type)).toEqual([
      'BUG_MOVED',
      ...told.map((one) => `BUG_SLA_${one.split(' ')[0]}`),
    ]);
    await sweepAt(t, a, at(100));
    expect(await slaTold(t, id)).toEqual(told);
  },
);

test('reopened, the clock goes on where it stopped; a breach stays one', async () => {
  const { a, projectId } = await setUp('reopen');
  const id = await bugAt(t, a, projectId, 0, { severity: 'CRITICAL' });
  await moveAt(t, a, id, 10, 'CLOSED');
  await moveAt(t, a, id, 50, 'PENDING');
  const reopened = { state: 'ON_TRACK', cycle: 1, pausedHours: 40, medium_risk: 52, due: 64 };
  expect(await clockAt(t, id)).toMatchObject(reopened);
  await sweepAt(t, a, at(65));
  await moveAt(t, a, id, 70, 'CLOSED');
  expect(await clockAt(t, id)).toMatchObject({ state: 'MISSED', breached: 64, missed: 70 });
  await moveAt(t, a, id, 80, 'PENDING');
  expect(await clockAt(t, id)).toMatchObject({ state: 'BREACHED', cycle: 1, breached: 64 });
  await sweepAt(t, a, at(300));
  expect(await slaTold(t, id)).toEqual(['MET 1', 'MEDIUM_RISK 1', 'HIGH_RISK 1', 'BREACHED 1']);
});

test('with restartOnReopen each cycle has its own dates and its own events', async () => {
  const { a, projectId } = await setUp('restart', { restartOnReopen: true });
  const id = await bugAt(t, a, projectId, 0, { severity: 'CRITICAL' });
  await sweepAt(t, a, at(13));
  await moveAt(t, a, id, 30, 'CLOSED');
  await moveAt(t, a, id, 50, 'PENDING');
  expect(await clockAt(t, id)).toMatchObject({ state: 'ON_TRACK', cycle: 2, started: 50, pausedHours: 0, due: 74 });
  expect(await clockAt(t, id)).not.toHaveProperty('breached');
  await sweepAt(t, a, at(63));
  await moveAt(t, a, id, 70, 'CLOSED');
  await moveAt(t, a, id, 100, 'PENDING');
  await sweepAt(t, a, at(200));
  const first = ['MEDIUM_RISK 1', 'HIGH_RISK 1', 'BREACHED 1'];
  const second = ['MEDIUM_RISK 2', 'HIGH_RISK 2', 'MET 2'];
  expect(await slaTold(t, id)).toEqual([...first, ...second, 'MEDIUM_RISK 3', 'HIGH_RISK 3', 'BREACHED 3']);
});

test('another severity brings its target from the same start; what was told stays told', async () => {
  const { a, projectId } = await setUp('severity');
  const raised = await bugAt(t, a, projectId, 0, { severity: 'HIGH' });
  await severityAt(t, a, raised, 30, 'CRITICAL');
  expect(await clockAt(t, raised)).toMatchObject({ state: 'BREACHED', breached: 30 });
  expect(await slaTold(t, raised)).toEqual(['MEDIUM_RISK 1', 'HIGH_RISK 1', 'BREACHED 1']);
  const lowered = await bugAt(t, a, projectId, 0, { severity: 'CRITICAL' });
  await sweepAt(t, a, at(13));
  await severityAt(t, a, lowered, 20, 'HIGH');
  expect(await clockAt(t, lowered)).toMatchObject({ state: 'ON_TRACK', medium_risk: 36, high_risk: 57.6, due: 72 });
  await sweepAt(t, a, at(40));
  expect(await slaTold(t, lowered)).toEqual(['MEDIUM_RISK 1', 'HIGH_RISK 1']);
  await severityAt(t, a, lowered, 41, 'LOW');
  await severityAt(t, a, lowered, 42, 'MEDIUM');
  expect(await clockAt(t, lowered)).toMatchObject({ state: 'ON_TRACK', due: 168 });
  await sweepAt(t, a, at(169));
  expect(await slaTold(t, lowered)).toEqual(['MEDIUM_RISK 1', 'HIGH_RISK 1', 'BREACHED 1']);
});

test('the filter over SLA states finds what the field shows', async () => {
  const { a, projectId } = await setUp('filter');
  const project = projectUuid(projectId);
  const random = randomOf(9);
  const now = Date.now();
  for (const i of range(60)) {
    const born = now - (Math.floor(random() * 40) + 0.5) * HOUR;
    const [bug] = await writeAt(t, a, born, (tx) =>
      createBugs(tx, [{ projectId: project, title: 'x', severity: 'CRITICAL' }]),
    );
    const status = pick(random, ['DEFERRED', 'CLOSED', 'IN_PROGRESS'] as const);
    const later = born + random() * (now - born);
    if (i % 2) await moveAt(t, a, bug?.id ?? '', (later - at(0).getTime()) / HOUR, status);
  }
  await mutate(t, a.key, 'createSlaPolicy { slaPolicy { id } }', { name: 'Never', isActive: false });
  const { slaPolicies } = await t.runOk(a.key, '{ slaPolicies { nodes { id } } }');
  for (const { id } of slaPolicies.nodes) {
    await mutate(t, a.key, 'updateSlaPolicy { slaPolicy { id } }', { id, isActive: false });
  }
  await writeAt(t, a, now, (tx) => createBugs(tx, [{ projectId: project, title: 'without' }]));
  await sweepAt(t, a, now);
  const { bugs } = await t.runOk(a.key, '{ bugs(first: 100) { nodes { id slaState sla { state dueAt } } } }');
  const query = 'query($filter: BugFilter) { bugs(first: 100, filter: $filter) { nodes { id } } }';
  for (const state of SLA_STATES) {
    const found = (await t.runOk(a.key, query, { filter: { slaState: { eq: state } } })).bugs.nodes;
    const shown = bugs.nodes.filter((bug: Answer) => bug.slaState === state && bug.sla.state === state);
    expect(found, state).toEqual(shown.map(({ id }: Answer) => ({ id })));
    expect(found.length, state).toBeGreaterThan(0);
  }
});
