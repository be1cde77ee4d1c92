import { afterAll, beforeAll, expect, test } from 'vitest';
import { PERMISSIONS } from '../../../src/access/permissions.ts';
import { BUG_MOVES, createBugs } from '../../../src/modules/delivery/bug.service.ts';
import type { BugStatus } from '../../../src/modules/delivery/values.ts';
import { type Answer, createTestApp, type Tenant, type TestApp } from '../../support/app.ts';
import {
  addBug,
  addMemberWith,
  addProject,
  bugUuid,
  change,
  DAY,
  ERRORS,
  eventsOf,
  eventsOfBug,
  HOUR,
  moveThrough,
  mutate,
  projectUuid,
  range,
  sweepAt,
  writeAt,
} from './records.ts';

let t: TestApp;
beforeAll(async () => {
  t = await createTestApp();
});
afterAll(() => t?.close());

const ALL = Object.keys(PERMISSIONS);
const run = (tenant: Tenant, name: string, input: object, key = tenant.key) => change(t, key, name, input);

async function nodeOf(tenant: Tenant, id: string, fields: string): Promise<Answer> {
  const { node } = await t.runOk(tenant.key, `query($id: ID!) { node(id: $id) { ... on Bug { ${fields} } } }`, { id });
  return node;
}

test('20 reported at once, some of them refused, have the numbers from 1 without a gap in each project', async () => {
  const a = await t.tenant('numbers');
  const [one, two] = [await addProject(t, a, { key: 'ONE' }), await addProject(t, a, { key: 'TWO' })];
  const stranger = await addMemberWith(t, await t.tenant('numbers-other'), 'ENGINEER', ['bug:read']);
  const wrong = [
    { title: ' ' },
    { assigneeId: stranger.id },
    { url: 'javascript:alert(1)' },
    { reporterId: stranger.id },
  ];
  const answers = await Promise.all(
    range(20).map((i) =>
      run(a, 'createBug', {
        projectId: i % 3 === 0 ? two.id : one.id,
        title: `Bug ${i}`,
        ...(i % 4 === 1 ? wrong[Math.floor(i / 4) % 4] : {}),
      }),
    ),
  );
  const refs = answers.flatMap(({ bug }) => (bug ? [bug.ref] : [])).toSorted();
  expect(answers.filter(({ bug }) => bug === null)).toHaveLength(5);
  const counts = ['ONE', 'TWO'].map((key) => refs.filter((ref) => ref.startsWith(key)).length);
  expect(counts.reduce((x, y) => x + y)).toBe(15);
  const expected = ['ONE', 'TWO'].flatMap((key, i) => range(counts[i] ?? 0).map((n) => `${key}-${n + 1}`));
  expect(refs).toEqual(expected.toSorted());
  for (const { bug, userErrors } of answers)
    if (!bug) expect(userErrors).toMatchObject([{ code: expect.stringMatching(/^(INVALID_INPUT|NOT_FOUND)$/) }]);
  const created = await eventsOf(t, a, 'BUG_CREATED');
  expect(created.map(({ payload }) => payload.key).toSorted()).toEqual(expected.toSorted());
});

const STATUSES = Object.keys(BUG_MOVES) as BugStatus[];
/** How to come to each status from PENDING. */
const WAY: Record<BugStatus, BugStatus[]> = {
  PENDING: [],
  IN_PROGRESS: ['IN_PROGRESS'],
  VERIFIED: ['IN_PROGRESS', 'VERIFIED'],
  SHIPPED: ['IN_PROGRESS', 'VERIFIED', 'SHIPPED'],
  CLOSED: ['CLOSED'],
  DEFERRED: ['DEFERRED'],
};

test('the state machine is that of the documents', () => {
  expect(BUG_MOVES).toEqual({
    PENDING: ['IN_PROGRESS', 'DEFERRED', 'CLOSED'],
    IN_PROGRESS: ['VERIFIED', 'PENDING', 'DEFERRED', 'CLOSED'],
    VERIFIED: ['SHIPPED', 'IN_PROGRESS'],
    SHIPPED: ['CLOSED', 'IN_PROGRESS'],
    DEFERRED: ['PENDING', 'IN_PROGRESS', 'CLOSED'],
    CLOSED: ['PENDING'],
  });
});

test.for(STATUSES)('from %s exactly the moves of the table are possible', async (from) => {
  const a = await t.tenant(`moves-${from.toLowerCase().replace('_', '-')}`);
  const project = await addProject(t, a);
  for (const to of STATUSES) {
    const { id } = await addBug(t, a, project.id);
    await moveThrough(t, a, id, WAY[from]);
    const before = await eventsOf(t, a);
    const answer = await run(a, 'moveBug', { id, status: to, reason: 'because' });
    if (BUG_MOVES[from].includes(to)) {
      expect(answer.bug, `${from} to ${to}`).toMatchObject({ status: to, allowedMoves: BUG_MOVES[to] });
      const [event] = (await eventsOfBug(t, id)).filter(({ payload }) => payload.to === to && payload.from === from);
      const back = ['SHIPPED', 'CLOSED'].includes(from) && to !== 'CLOSED';
      expect(event).toMatchObject({ type: back ? 'BUG_REOPENED' : 'BUG_MOVED', version: answer.bug.version });
      continue;
    }
    expect(answer, `${from} to ${to}`).toMatchObject({
      bug: null,
      eventSeq: null,
      userErrors: [{ __typename: 'InvalidTransition', from, to, allowed: [...BUG_MOVES[from]], path: ['status'] }],
    });
    expect(await eventsOf(t, a)).toEqual(before);
  }
});

test('reopening needs a reason, and is refused for what was seen before it was resolved', async () => {
  const a = await t.tenant('reopening');
  const project = await addProject(t, a);
  const { id } = await addBug(t, a, project.id);
  const shipped = await moveThrough(t, a, id, WAY.SHIPPED);
  expect(Date.parse(shipped.resolvedAt)).toBeGreaterThan(Date.now() - 60_000);
  const closed = await moveThrough(t, a, id, ['CLOSED']);
  expect(closed).toMatchObject({ resolvedAt: shipped.resolvedAt, reopenCount: 0, priorityScore: 0, substatus: null });
  for (const reason of [undefined, null, ' ']) {
    expect(await run(a, 'moveBug', { id, status: 'PENDING', reason })).toMatchObject({
      bug: null,
      userErrors: [{ code: 'INVALID_INPUT', path: ['reason'] }],
    });
  }
  const again = { id, status: 'PENDING', reason: 'seen again' };
  for (const seenAt of [shipped.resolvedAt, new Date(Date.parse(shipped.resolvedAt) - HOUR)]) {
    expect(await run(a, 'moveBug', { ...again, seenAt })).toMatchObject({
      bug: null,
      userErrors: [{ code: 'CONFLICT', path: ['seenAt'] }],
    });
  }
  const seenAt = new Date(Date.parse(shipped.resolvedAt) + 1);
  const opened = await run(a, 'moveBug', { ...again, seenAt });
  expect(opened.bug).toMatchObject({ status: 'PENDING', resolvedAt: null, reopenCount: 1, substatus: 'REGRESSED' });
  const [event] = await eventsOfBug(t, id, 'BUG_REOPENED');
  expect(event).toMatchObject({
    version: opened.bug.version,
    payload: { id, from: 'CLOSED', to: 'PENDING', reason: 'seen again', changes: { status: ['CLOSED', 'PENDING'] } },
  });
  expect(await moveThrough(t, a, id, ['CLOSED', 'PENDING'])).toMatchObject({ reopenCount: 2 });
});

test('the response is the first thing that somebody but the reporter does', async () => {
  const a = await t.tenant('response');
  const project = await addProject(t, a);
  const other = await addMemberWith(t, a, 'ENGINEER', ALL);
  const { id } = await addBug(t, a, project.id, { assigneeId: other.id });
  expect(await moveThrough(t, a, id, ['IN_PROGRESS'])).toMatchObject({ firstResponseAt: null });
  await mutate(t, other.key, `commentOnBug { comment { id } ${ERRORS} }`, { bugId: id, body: 'I look at it' });
  const { firstResponseAt } = await nodeOf(a, id, 'firstResponseAt');
  expect(Date.parse(firstResponseAt)).toBeGreaterThan(Date.now() - 60_000);
  const moved = await run(a, 'moveBug', { id, status: 'VERIFIED' }, other.key);
  expect(moved.bug).toMatchObject({ firstResponseAt });
});

test('the substatus tells what the status does not', async () => {
  const a = await t.tenant('substatus');
  const project = await addProject(t, a);
  const now = Date.now();
  const ages = { fresh: 6.9 * DAY, old: 7.1 * DAY, late: 23 * HOUR };
  for (const [title, age] of Object.entries(ages)) {
    const severity = title === 'late' ? ('CRITICAL' as const) : ('LOW' as const);
    await writeAt(t, a, now - age, (tx) => createBugs(tx, [{ projectId: projectUuid(project.id), title, severity }]));
  }
  await addBug(t, a, project.id, { title: 'worked' });
  await sweepAt(t, a, now);
  const all = async () => {
    const { bugs } = await t.runOk(a.key, '{ bugs { nodes { id title substatus } } }');
    return new Map(bugs.nodes.map((bug: Answer) => [bug.title, bug]));
  };
  const bugs = await all();
  await moveThrough(t, a, (bugs.get('worked') as Answer).id, ['IN_PROGRESS']);
  const told = [...(await all()).values()].map((bug: Answer) => [bug.title, bug.substatus]);
  expect(Object.fromEntries(told)).toEqual({ fresh: 'NEW', old: 'ONGOING', late: 'ESCALATING', worked: 'ONGOING' });
});

const FIGURES = `priorityScore priorityBreakdown { name input points } revenueImpact
  revenueImpactBreakdown { value computed override arr affectedShare churnRisk daysCounted fullAfterDays }`;

test('priority and revenue impact are the sum and the product of what their breakdowns show', async () => {
  const a = await t.tenant('figures');
  const project = await addProject(t, a, { arr: '99999.99' });
  const fields = {
    projectId: projectUuid(project.id),
    severity: 'HIGH',
    affectedShare: '0.3333',
    isBlocker: true,
  } as const;
  const [made] = await writeAt(t, a, Date.now() - 10.5 * DAY, (tx) => createBugs(tx, [{ ...fields, title: 'Old' }]));
  await sweepAt(t, a, Date.now());
  const [{ id }] = (await t.runOk(a.key, '{ bugs { nodes { id } } }')).bugs.nodes;
  expect(bugUuid(id)).toBe(made?.id);
  const bug = await nodeOf(a, id, FIGURES);
  // 99999.99 × 0.3333 × 0.08 × 10 / 90 = 296.2666370…; log10(297.27) / 6 × 20 = 8.24; 10 / 30 × 5 = 1.67.
  expect(bug.revenueImpactBreakdown).toEqual({
    value: '296.27',
    computed: '296.27',
    override: null,
    arr: '99999.99',
    affectedShare: '0.3333',
    churnRisk: '0.08',
    daysCounted: 10,
    fullAfterDays: 90,
  });
  expect(bug.revenueImpact).toBe('296.27');
  expect(bug.priorityBreakdown).toEqual([
    { name: 'SEVERITY', input: 0.7, points: 28 },
    { name: 'SLA', input: 1, points: 25 },
    { name: 'REVENUE', input: 0.4122, points: 8.24 },
    { name: 'BLOCKER', input: 1, points: 10 },
    { name: 'AGE', input: 0.3333, points: 1.67 },
    { name: 'ROUNDING', input: null, points: 0.09 },
  ]);
  expect(bug.priorityScore).toBe(73);
  const overridden = await run(a, 'updateBug', { id, revenueImpactOverride: '12345678901234.5678' });
  expect(overridden.bug).toMatchObject({ revenueImpact: '12345678901234.5678', priorityScore: 85 });
  const { revenueImpactBreakdown } = await nodeOf(a, id, FIGURES);
  expect(revenueImpactBreakdown).toMatchObject({ value: '12345678901234.5678', computed: '296.27' });
  expect((await run(a, 'updateBug', { id, revenueImpactOverride: null })).bug.revenueImpact).toBe('296.27');
});

test('characters of two halves may stand anywhere in a text', async () => {
  const a = await t.tenant('halves');
  const project = await addProject(t, a);
  const title = `${'a'.repeat(199)}😀`;
  const bug = await addBug(t, a, project.id, { title });
  const longer = `${'a'.repeat(499)}😀 y`;
  const { bug: changed } = await run(a, 'updateBug', { id: bug.id, title: longer, description: longer });
  expect(changed).toMatchObject({ title: longer, description: longer });
  const [made, told] = await eventsOfBug(t, bug.id);
  expect(made.payload.title).toBe('a'.repeat(199));
  expect(told.payload.changes.title).toEqual([title, `${'a'.repeat(499)}…`]);
});
