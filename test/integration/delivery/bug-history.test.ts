import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Answer, createTestApp, type Tenant, type TestApp } from '../../support/app.ts';
import {
  addBug,
  addMemberWith,
  addProject,
  asOwner,
  bugUuid,
  change,
  countOf,
  ERRORS,
  eventsOf,
  eventsOfBug,
  mutate,
} from './records.ts';

let t: TestApp;
beforeAll(async () => {
  t = await createTestApp();
});
afterAll(() => t?.close());

const run = (tenant: Tenant, name: string, input: object, key = tenant.key) => change(t, key, name, input);

async function nodeOf(tenant: Tenant, id: string, fields: string): Promise<Answer> {
  const { node } = await t.runOk(tenant.key, `query($id: ID!) { node(id: $id) { ... on Bug { ${fields} } } }`, { id });
  return node;
}

/** Each row of a bug's history tells the same as the event whose seq it holds. */
async function expectHistory(tenant: Tenant, id: string): Promise<Answer[]> {
  const { history } = await nodeOf(
    tenant,
    id,
    'history { nodes { field oldValue newValue status eventSeq actor { id } } }',
  );
  const events = new Map((await eventsOfBug(t, id)).map((event) => [event.seq, event]));
  const told = [...events.values()].flatMap(({ seq, payload }) =>
    Object.entries(payload.changes ?? {}).map(([field, values]) => [seq, field, values]),
  );
  const kept = history.nodes.map((row: Answer) => [row.eventSeq, row.field, [row.oldValue, row.newValue]]);
  const order = (x: Answer, y: Answer) => (JSON.stringify(x) < JSON.stringify(y) ? -1 : 1);
  expect(kept.toSorted(order)).toEqual(told.toSorted(order));
  return history.nodes;
}

test('history has one row for each changed field, and equal values write nothing', async () => {
  const a = await t.tenant('history');
  const project = await addProject(t, a);
  const member = await addMemberWith(t, a, 'ENGINEER', ['bug:read', 'bug:write']);
  const { id } = await addBug(t, a, project.id, { labels: ['ui'], hoursSpent: '1', description: 'Long ago' });
  const fields = {
    title: 'Other',
    description: null,
    severity: 'CRITICAL',
    isBlocker: true,
    affectedShare: '0.50',
    revenueImpactOverride: '100.10',
    hoursSpent: '2.50',
    url: 'https://bugs.example/1',
    dueAt: '2030-01-01T00:00:00.000Z',
    labels: ['api', ' ui ', 'api'],
  };
  const updated = await run(a, 'updateBug', { id, ...fields });
  expect(updated.bug).toMatchObject({ version: 2, labels: ['api', 'ui'], affectedShare: '0.5', hoursSpent: '2.5' });
  await run(a, 'assignBug', { id, assigneeId: member.id });
  await run(a, 'moveBug', { id, status: 'IN_PROGRESS' });
  const rows = await expectHistory(a, id);
  const told = rows.map(({ field, oldValue, newValue, status }) => [field, oldValue, newValue, status]);
  expect(told.toSorted()).toEqual([
    ['affectedShare', '0', '0.5', null],
    ['assigneeId', null, member.id, null],
    ['description', 'Long ago', null, null],
    ['dueAt', null, '2030-01-01T00:00:00.000Z', null],
    ['hoursSpent', '1', '2.5', null],
    ['isBlocker', 'false', 'true', null],
    ['labels', 'ui', 'api, ui', null],
    ['revenueImpactOverride', null, '100.1', null],
    ['severity', 'MEDIUM', 'CRITICAL', null],
    ['status', 'PENDING', 'IN_PROGRESS', 'IN_PROGRESS'],
    ['title', 'It fails', 'Other', null],
    ['url', null, 'https://bugs.example/1', null],
  ]);
  const before = [await eventsOf(t, a), await countOf(t, a, 'audit_logs')];
  const same = { ...fields, labels: ['ui', 'api'], affectedShare: '0.5000', hoursSpent: 2.5, title: ' Other ' };
  for (const input of [{}, same, fields]) {
    expect(await run(a, 'updateBug', { id, ...input })).toMatchObject({
      eventSeq: null,
      userErrors: [],
      bug: { version: 4 },
    });
  }
  expect(await run(a, 'assignBug', { id, assigneeId: member.id })).toMatchObject({
    eventSeq: null,
    bug: { version: 4 },
  });
  expect([await eventsOf(t, a), await countOf(t, a, 'audit_logs')]).toEqual(before);
  expect(await expectHistory(a, id)).toHaveLength(12);
  await run(a, 'assignBug', { id, assigneeId: null });
  await run(a, 'updateBug', { id, labels: [], url: null, revenueImpactOverride: null, dueAt: null });
  expect(await expectHistory(a, id)).toHaveLength(17);
  expect(await nodeOf(a, id, 'labels url dueAt assignee { id }')).toEqual({
    labels: [],
    url: null,
    dueAt: null,
    assignee: null,
  });
});

test('a deleted bug is gone with all that hangs on it; log and audit trail keep that it was there', async () => {
  const a = await t.tenant('deleting');
  const project = await addProject(t, a, { key: 'GONE' });
  const { id } = await addBug(t, a, project.id, { labels: ['ui'] });
  await run(a, 'updateBug', { id, title: 'Other' });
  await mutate(t, a.key, `commentOnBug { comment { id body } ${ERRORS} }`, { bugId: id, body: 'Hm' });
  expect((await run(a, 'deleteBug', { id, expectedVersion: 1 })).userErrors).toMatchObject([
    { code: 'VERSION_MISMATCH' },
  ]);
  const answer = await run(a, 'deleteBug', { id, expectedVersion: 3 });
  expect(answer).toMatchObject({ userErrors: [], bug: { ref: 'GONE-1', title: 'Other' } });
  const event = (await eventsOf(t, a)).at(-1);
  expect(event).toMatchObject({ type: 'BUG_DELETED', seq: answer.eventSeq, aggregateVersion: 4 });
  expect(event.payload).toEqual({ id, projectId: project.id, key: 'GONE-1' });
  for (const table of ['bugs', 'bug_labels', 'bug_history', 'bug_comments']) expect(await countOf(t, a, table)).toBe(0);
  const [audit] = await asOwner(
    t,
    `SELECT actor_id, resource, resource_id, metadata FROM audit_logs WHERE tenant_id = $1 AND action = 'bug.delete'`,
    [a.tenantId],
  );
  expect(audit).toEqual({ actor_id: a.memberId, resource: 'Bug', resource_id: bugUuid(id), metadata: { number: 1 } });
  expect((await run(a, 'deleteBug', { id })).userErrors).toMatchObject([{ code: 'NOT_FOUND', path: ['id'] }]);
  expect(await nodeOf(a, id, 'id')).toBeNull();
  // Numbers are not given twice.
  expect((await addBug(t, a, project.id)).ref).toBe('GONE-2');
});
