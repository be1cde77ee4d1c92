import { afterAll, beforeAll, expect, test } from 'vitest';
import { policyEntity } from '../../../src/modules/delivery/entities.ts';
import { updatePolicy } from '../../../src/modules/delivery/sla-policy.service.ts';
import { type Answer, createTestApp, type Tenant, type TestApp } from '../../support/app.ts';
import {
  addBug,
  addProject,
  asOwner,
  at,
  bugAt,
  change,
  clockAt,
  countOf,
  ERRORS,
  eventsOf,
  moveAt,
  mutate,
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
afterAll(() => t?.close());

const POLICY = `slaPolicy { id name position isActive filter criticalHours highHours mediumHours lowHours warnAt highRiskAt
  pauseOn restartOnReopen calendar { id } rulesVersion version }`;
const run = (tenant: Tenant, name: string, input: object): Promise<Answer> =>
  mutate(t, tenant.key, `${name} { ${POLICY} ${ERRORS} }`, input);
const create = (tenant: Tenant, input: object) => run(tenant, 'createSlaPolicy', { name: 'Policy', ...input });
const update = (tenant: Tenant, input: object) => run(tenant, 'updateSlaPolicy', input);

async function setUp(slug: string): Promise<{ a: Tenant; projectId: string; policyId: string }> {
  const a = await t.tenant(slug);
  const { id: projectId } = await addProject(t, a);
  const { slaPolicies } = await t.runOk(a.key, '{ slaPolicies { nodes { id } } }');
  return { a, projectId, policyId: slaPolicies.nodes[0].id };
}

async function policyOf(tenant: Tenant, projectId: string, over: object = {}): Promise<string | null> {
  const { id } = await addBug(t, tenant, projectId, over);
  const query = 'query($id: ID!) { node(id: $id) { ... on Bug { sla { policy { name } } } } }';
  return (await t.runOk(tenant.key, query, { id })).node.sla.policy?.name ?? null;
}

test('the first active policy by position whose filter fits is a new bug’s', async () => {
  const { a, projectId, policyId } = await setUp('order');
  const other = await addProject(t, a);
  const policies = {
    Off: { position: 0, isActive: false },
    Blockers: { position: 1, filter: { isBlocker: { eq: true }, severity: { in: ['CRITICAL', 'HIGH'] } } },
    Other: { position: 2, filter: { projectId: { eq: other.id } } },
    Urgent: { position: 3, filter: { or: [{ severity: { eq: 'CRITICAL' } }, { not: { dueAt: { null: true } } }] } },
  };
  for (const [name, input] of Object.entries(policies))
    expect((await create(a, { name, ...input })).userErrors).toEqual([]);
  expect(await policyOf(a, projectId)).toBe('Default');
  expect(await policyOf(a, projectId, { isBlocker: true, severity: 'HIGH' })).toBe('Blockers');
  expect(await policyOf(a, projectId, { isBlocker: true, severity: 'LOW' })).toBe('Default');
  expect(await policyOf(a, projectId, { severity: 'CRITICAL' })).toBe('Urgent');
  expect(await policyOf(a, projectId, { severity: 'LOW', dueAt: '2030-01-01T00:00:00Z' })).toBe('Urgent');
  expect(await policyOf(a, other.id, { severity: 'CRITICAL' })).toBe('Other');
  await update(a, { id: policyId, position: 0 });
  expect(await policyOf(a, other.id)).toBe('Default');
  // Inactive, it is no longer chosen, but those under it stay.
  const { id } = await addBug(t, a, projectId);
  await update(a, { id: policyId, isActive: false });
  expect(await policyOf(a, projectId)).toBeNull();
  const query = 'query($id: ID!) { node(id: $id) { ... on Bug { slaState sla { policy { name } targetHours } } } }';
  const kept = (await t.runOk(a.key, query, { id })).node;
  expect(kept).toEqual({ slaState: 'ON_TRACK', sla: { policy: { name: 'Default' }, targetHours: 168 } });
  const { bug } = await change(t, a.key, 'createBug', { projectId, title: 'Nobody’s' });
  expect(bug.slaState).toBe('NONE');
  expect((await change(t, a.key, 'moveBug', { id: bug.id, status: 'CLOSED' })).bug.slaState).toBe('NONE');
});

let refusals = 0;

test.for<[string, object, string]>([
  ['a blank name', { name: ' ' }, 'name'],
  ['a name that is taken', { name: ' Default ' }, 'name'],
  ['a negative position', { position: -1 }, 'position'],
  ['a position of 10,001', { position: 10_001 }, 'position'],
  ['0 hours', { criticalHours: 0 }, 'criticalHours'],
  ['more than ten years', { lowHours: 87_601 }, 'lowHours'],
  ['a warning at 0', { warnAt: 0 }, 'warnAt'],
  ['a warning at the high risk', { warnAt: 0.8 }, 'warnAt'],
  ['a high risk at the end', { highRiskAt: 1 }, 'warnAt'],
  ['a pause in a status that resolves', { pauseOn: ['DEFERRED', 'CLOSED'] }, 'pauseOn'],
  ['a calendar that is not there', { calendarId: 'cal_01h455vb4pex5vsknk084sn02q' }, 'calendarId'],
  ['a calendar that is a bug', { calendarId: 'bug_01h455vb4pex5vsknk084sn02q' }, 'calendarId'],
  ['a filter over labels', { filter: { labels: { some: { name: { eq: 'ui' } } } } }, 'filter'],
  ['labels deep in a filter', { filter: { or: [{ not: { labels: { none: {} } } }] } }, 'filter'],
  ['a filter over what follows from the policy', { filter: { and: [{ slaState: { eq: 'NONE' } }] } }, 'filter'],
  ['a filter over the priority', { filter: { priorityScore: { gt: 5 } } }, 'filter'],
])('%s is refused', async ([, input, field]) => {
  const { a, policyId } = await setUp(`refused-${refusals++}`);
  const own = await create(a, { name: 'Own' });
  const before = await eventsOf(t, a);
  for (const answer of [await create(a, input), await update(a, { id: own.slaPolicy.id, ...input })]) {
    expect(answer).toMatchObject({ slaPolicy: null, eventSeq: null });
    expect(answer.userErrors[0].path[0]).toBe(field);
    expect(answer.userErrors[0].code).toMatch(/^(INVALID_INPUT|CONFLICT|NOT_FOUND)$/);
  }
  expect(await eventsOf(t, a)).toEqual(before);
  expect(
    (await update(await t.tenant(`refused-other-${refusals}`), { id: policyId, position: 1 })).userErrors,
  ).toMatchObject([{ code: 'NOT_FOUND' }]);
});

test('other rules make a version, other words none, and equal values write nothing', async () => {
  const { a } = await setUp('versions');
  const filter = { isBlocker: { eq: true }, severity: { in: ['HIGH', 'CRITICAL'] } };
  const made = await create(a, { filter, pauseOn: ['DEFERRED', 'VERIFIED'] });
  const { id } = made.slaPolicy;
  const before = await eventsOf(t, a);
  const same = { filter: { severity: filter.severity, isBlocker: filter.isBlocker }, warnAt: 0.5, name: 'Policy ' };
  const equal = await update(a, { id, ...same, pauseOn: ['DEFERRED', 'VERIFIED', 'DEFERRED'], applyTo: 'NEW' });
  expect(equal).toMatchObject({ eventSeq: null, userErrors: [], slaPolicy: { version: 1, rulesVersion: 1 } });
  expect(await eventsOf(t, a)).toEqual(before);
  const renamed = await update(a, { id, name: 'Other', position: 7, filter: {} });
  expect(renamed.slaPolicy).toMatchObject({ name: 'Other', version: 2, rulesVersion: 1, filter: {} });
  const stale = await update(a, { id, criticalHours: 1, expectedVersion: 1 });
  expect(stale.userErrors).toMatchObject([{ __typename: 'VersionMismatch', expected: 1, actual: 2, current: { id } }]);
  const changed = await update(a, { id, criticalHours: 1.5, expectedVersion: 2 });
  expect(changed.slaPolicy).toMatchObject({ criticalHours: 1.5, version: 3, rulesVersion: 2 });
  expect((await eventsOf(t, a)).slice(-2)).toMatchObject([
    { type: 'SLA_POLICY_UPDATED', payload: { id, name: 'Other', rulesVersion: 1 } },
    { type: 'SLA_POLICY_UPDATED', payload: { id, name: 'Other', rulesVersion: 2, applyTo: 'NEW' } },
  ]);
  const versions = await asOwner(
    t,
    `SELECT rules_version AS version, rules -> 'targetHours' ->> 'CRITICAL' AS hours FROM sla_policy_versions
     WHERE tenant_id = $1 AND policy_id = $2 ORDER BY 1`,
    [a.tenantId, policyEntity.decode(id)],
  );
  expect(versions).toEqual([
    { version: 1, hours: '24' },
    { version: 2, hours: '1.5' },
  ]);
});

test('new rules for NEW leave open bugs alone; for OPEN they take these with their past', async () => {
  const { a, projectId, policyId } = await setUp('apply');
  const rules = (hours: number, input: object) =>
    writeAt(t, a, at(hours), (tx) => updatePolicy(tx, { id: policyEntity.decode(policyId), applyTo: 'NEW', ...input }));
  const open = await bugAt(t, a, projectId, 0, { severity: 'HIGH' });
  await moveAt(t, a, open, 10, 'DEFERRED');
  await moveAt(t, a, open, 30, 'IN_PROGRESS');
  const other = await bugAt(t, a, projectId, 0, { severity: 'LOW' });
  await severityAt(t, a, other, 20, 'HIGH');
  const paused = await bugAt(t, a, projectId, 0, { severity: 'CRITICAL' });
  await moveAt(t, a, paused, 6, 'DEFERRED');
  const resolved = await bugAt(t, a, projectId, 0, { severity: 'HIGH' });
  await moveAt(t, a, resolved, 40, 'CLOSED');
  const states = () => Promise.all([open, other, paused, resolved].map((id) => clockAt(t, id)));
  await sweepAt(t, a, at(41));
  const before = await states();
  expect(before).toMatchObject([
    { rules: 1, due: 92 },
    { rules: 1, due: 72 },
    { rules: 1, paused: 6 },
    { rules: 1, met: 40 },
  ]);

  await rules(42, { highHours: 100 });
  await sweepAt(t, a, at(42));
  expect(await states()).toEqual(before);
  expect(await clockAt(t, await bugAt(t, a, projectId, 42, { severity: 'HIGH' }))).toMatchObject({
    rules: 2,
    due: 142,
  });

  await rules(44, { highHours: 60, criticalHours: 5, applyTo: 'OPEN' });
  expect(await states()).toEqual(before);
  const swept = await sweepAt(t, a, at(44));
  expect(swept.told).toBeGreaterThan(0);
  const [first, second, third, fourth] = await states();
  // The pause of 20 hours counts by the new rules too; what is paused went over its 5 hours before it stopped.
  expect(first).toMatchObject({ rules: 3, cycle: 1, pausedHours: 20, medium_risk: 50, high_risk: 68, due: 80 });
  expect(second).toMatchObject({ rules: 3, due: 60 });
  expect(third).toMatchObject({ state: 'PAUSED', rules: 3, paused: 6, breached: 5 });
  expect(fourth).toEqual(before[3]);
  expect(await slaTold(t, open)).toEqual(['CHANGED 1']);
  expect(await slaTold(t, paused)).toEqual(['CHANGED 1', 'MEDIUM_RISK 1', 'HIGH_RISK 1', 'BREACHED 1']);
  const changes = await eventsOf(t, a, 'BUG_SLA_CHANGED');
  const due = changes.map(({ aggregateId, payload }) => [aggregateId, payload.rulesVersion, payload.dueAt]);
  expect(due).toHaveLength(4);
  expect(due).toContainEqual([open, 3, at(80).toISOString()]);
  expect(due).toContainEqual([paused, 3, null]);
  expect(await sweepAt(t, a, at(44))).toEqual({ bugs: 0, told: 0 });

  // Without a pause in the rules the past ones were none.
  await rules(45, { pauseOn: [], applyTo: 'OPEN' });
  await sweepAt(t, a, at(45));
  expect(await clockAt(t, open)).toMatchObject({ rules: 4, pausedHours: 0, due: 60 });
  expect(await clockAt(t, paused)).toMatchObject({ rules: 4, state: 'BREACHED', breached: 5 });
  // One that was resolved takes the newest of the rules for open bugs when it comes back.
  await moveAt(t, a, resolved, 46, 'PENDING');
  await sweepAt(t, a, at(47));
  expect(await clockAt(t, resolved)).toMatchObject({ rules: 4, due: 66, pausedHours: 6 });
  const { kept, recount } = await totalsAndRecount(t, a);
  expect(kept).toEqual(recount);
  expect(await countOf(t, a, 'sla_policy_versions')).toBe(4);
});

test('an open bug whose recorded past does not lead to where it is keeps its clock under new rules', async () => {
  const { a, projectId, policyId } = await setUp('unknown-past');
  const id = await bugAt(t, a, projectId, 0, { severity: 'HIGH' });
  await asOwner(
    t,
    `INSERT INTO bug_history (tenant_id, id, bug_id, field, new_value, status, at, import_key)
     VALUES ($1, gen_random_uuid(), $2, 'state', 'closed', 'CLOSED', $3, 'row')`,
    [a.tenantId, id, at(5)],
  );
  const before = await clockAt(t, id);
  await writeAt(t, a, at(10), (tx) =>
    updatePolicy(tx, { id: policyEntity.decode(policyId), highHours: 1, applyTo: 'OPEN' }),
  );
  await sweepAt(t, a, at(10));
  expect(await clockAt(t, id)).toEqual({ ...before, rules: 2 });
});
