import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Answer, createTestApp, type Tenant, type TestApp } from '../../support/app.ts';
import {
  addBug,
  addMemberWith,
  addProject,
  asOwner,
  ERRORS,
  eventsOf,
  moveThrough,
  mutate,
  range,
  totalsAndRecount,
} from './records.ts';

let t: TestApp;
beforeAll(async () => {
  t = await createTestApp();
});
afterAll(() => t?.close());

const RESULTS = `batch { failed results { index bug { id number title status version } ${ERRORS.replace(/eventSeq$/, '')} } } ${ERRORS}`;
const update = (tenant: Tenant, input: object) => mutate(t, tenant.key, `bugBatchUpdate { ${RESULTS} }`, input);
const create = (tenant: Tenant, input: object) => mutate(t, tenant.key, `bugBatchCreate { ${RESULTS} }`, input);

/** All that a batch may change. */
const state = async (tenant: Tenant): Promise<Answer> => [
  await eventsOf(t, tenant),
  await asOwner(t, 'SELECT * FROM bugs WHERE tenant_id = $1 ORDER BY id', [tenant.tenantId]),
  await asOwner(t, 'SELECT * FROM audit_logs WHERE tenant_id = $1 ORDER BY id', [tenant.tenantId]),
  await asOwner(t, 'SELECT * FROM counters WHERE tenant_id = $1 ORDER BY name', [tenant.tenantId]),
];

test('500 are reported and changed in one batch, 501 are not', { timeout: 60_000 }, async () => {
  const a = await t.tenant('many');
  const [one, two] = [await addProject(t, a), await addProject(t, a)];
  const bugs = range(500).map((i) => ({ projectId: i % 2 ? one.id : two.id, title: `Bug ${i}` }));
  const made = await create(a, { bugs });
  expect(made).toMatchObject({ userErrors: [], batch: { failed: 0 } });
  // In the order of the input, in which each project's numbers grow.
  expect(made.batch.results.map(({ index, bug }: Answer) => [index, bug.title, bug.number])).toEqual(
    range(500).map((i) => [i, `Bug ${i}`, Math.floor(i / 2) + 1]),
  );
  const ids = made.batch.results.map(({ bug }: Answer) => bug.id);
  const changed = await update(a, { ids, status: 'IN_PROGRESS' });
  expect(changed).toMatchObject({ userErrors: [], batch: { failed: 0 } });
  expect(changed.batch.results.map(({ bug }: Answer) => bug.id)).toEqual(ids);
  const events = await eventsOf(t, a);
  expect(changed.eventSeq).toBe(events.at(-1).seq);
  expect(events.filter(({ type }) => type === 'BUG_MOVED')).toHaveLength(500);
  const before = await state(a);
  const tooMany = { userErrors: [{ code: 'INVALID_INPUT' }], batch: null, eventSeq: null };
  for (const atomic of [true, false]) {
    expect(await create(a, { bugs: [...bugs, bugs[0]], atomic })).toMatchObject({
      ...tooMany,
      userErrors: [{ path: ['bugs'] }],
    });
    expect(await update(a, { ids: [...ids, ids[0]], severity: 'LOW', atomic })).toMatchObject({
      ...tooMany,
      userErrors: [{ path: ['ids'] }],
    });
    expect(await update(a, { ids: [], severity: 'LOW', atomic })).toMatchObject({
      ...tooMany,
      userErrors: [{ path: ['ids'] }],
    });
  }
  expect(await state(a)).toEqual(before);
  const { kept, recount } = await totalsAndRecount(t, a);
  expect(kept).toEqual(recount);
});

/** Seven bugs of which the fifth is closed and cannot go to IN_PROGRESS. */
async function seven(slug: string) {
  const a = await t.tenant(slug);
  const project = await addProject(t, a);
  const ids: string[] = [];
  for (const i of range(7)) ids.push((await addBug(t, a, project.id, { title: `Bug ${i}` })).id);
  await moveThrough(t, a, ids[4] ?? '', ['CLOSED']);
  return { a, project, ids };
}

const UNKNOWN = 'bug_01h455vb4pex5vsknk084sn02q';

test('atomic, one bad item takes back all, and the path names its place', async () => {
  const { a, project, ids } = await seven('atomic');
  const before = await state(a);
  const refused = { batch: null, eventSeq: null };
  expect(await update(a, { ids, severity: 'HIGH', status: 'IN_PROGRESS' })).toMatchObject({
    ...refused,
    userErrors: [{ __typename: 'InvalidTransition', from: 'CLOSED', to: 'IN_PROGRESS', path: ['ids', '4', 'status'] }],
  });
  expect(await update(a, { ids: [...ids.slice(0, 3), UNKNOWN], severity: 'HIGH' })).toMatchObject({
    ...refused,
    userErrors: [{ code: 'NOT_FOUND', path: ['ids', '3', 'id'] }],
  });
  expect(await update(a, { ids: [ids[0], project.id], severity: 'HIGH' })).toMatchObject({
    ...refused,
    userErrors: [{ code: 'INVALID_INPUT', path: ['ids', '1'] }],
  });
  const good = { projectId: project.id, title: 'Good' };
  for (const [item, path] of [
    [{ title: ' ' }, 'title'],
    [{ affectedShare: '2' }, 'affectedShare'],
    [{ projectId: 'prj_01h455vb4pex5vsknk084sn02q' }, 'projectId'],
    [{ projectId: 'what' }, 'projectId'],
    [{ labels: [' '] }, 'labels'],
  ] as const) {
    const answer = await create(a, { bugs: [good, good, { ...good, ...item }, good] });
    expect(answer, path).toMatchObject({ ...refused, userErrors: [{ path: ['bugs', '2', path] }] });
  }
  expect(await state(a)).toEqual(before);
});

test('each by itself, every id has its result, in the order of the input', async () => {
  const { a, project, ids } = await seven('apart');
  const stranger = await addMemberWith(t, await t.tenant('apart-other'), 'ENGINEER', ['bug:read']);
  const theirs = await t.tenant('apart-theirs');
  const foreign = await addBug(t, theirs, (await addProject(t, theirs)).id);
  const wanted = [...ids.toReversed(), UNKNOWN, foreign.id];
  const { batch, userErrors, eventSeq } = await update(a, { ids: wanted, status: 'IN_PROGRESS', atomic: false });
  expect(userErrors).toEqual([]);
  expect(batch.failed).toBe(3);
  expect(batch.results).toMatchObject(
    wanted.map((id, index) => {
      if (index === 2) return { index, bug: null, userErrors: [{ from: 'CLOSED', path: ['ids', '2', 'status'] }] };
      if (index > 6)
        return { index, bug: null, userErrors: [{ code: 'NOT_FOUND', path: ['ids', String(index), 'id'] }] };
      return { index, bug: { id, status: 'IN_PROGRESS', version: 2 }, userErrors: [] };
    }),
  );
  expect(eventSeq).toBe((await eventsOf(t, a)).at(-1).seq);
  const made = await create(a, {
    atomic: false,
    bugs: [{}, { title: '' }, { assigneeId: stranger.id }, {}].map((one) => ({
      projectId: project.id,
      title: 'Good',
      ...one,
    })),
  });
  expect(made.batch.results).toMatchObject([
    { index: 0, bug: { number: 8 }, userErrors: [] },
    { index: 1, bug: null, userErrors: [{ path: ['bugs', '1', 'title'] }] },
    { index: 2, bug: null, userErrors: [{ path: ['bugs', '2', 'assigneeId'] }] },
    { index: 3, bug: { number: 9 }, userErrors: [] },
  ]);
  const { kept, recount } = await totalsAndRecount(t, a);
  expect(kept).toEqual(recount);
});

test('an id that is named again is done once and has one result, at its first place', async () => {
  const { a, ids } = await seven('twice');
  const [x, y, z] = [ids[0], ids[1], ids[4]];
  for (const [atomic, severity, version] of [
    [true, 'HIGH', 2],
    [false, 'LOW', 3],
  ] as const) {
    const { batch, userErrors } = await update(a, { ids: [x, x, y, x, y], severity, atomic });
    expect(userErrors).toEqual([]);
    expect(batch.results).toMatchObject([
      { index: 0, bug: { id: x, version } },
      { index: 2, bug: { id: y, version } },
    ]);
  }
  const mixed = await update(a, { ids: [x, x, z, z], status: 'IN_PROGRESS', atomic: false });
  expect(mixed.batch).toMatchObject({
    failed: 1,
    results: [
      { index: 0, bug: { id: x } },
      { index: 2, bug: null, userErrors: [{ path: ['ids', '2', 'status'] }] },
    ],
  });
});

test('what changes nothing in a batch writes nothing', async () => {
  const { a, ids } = await seven('nothing');
  const closed = ids[4];
  await update(a, { ids, severity: 'HIGH', labels: ['ui'] });
  const before = await state(a);
  for (const atomic of [true, false]) {
    const same = { severity: 'HIGH', labels: ['ui'], assigneeId: null, atomic };
    expect(await update(a, { ids, ...same })).toMatchObject({ eventSeq: null, userErrors: [], batch: { failed: 0 } });
    expect(await update(a, { ids: [closed], status: 'CLOSED', atomic })).toMatchObject({
      eventSeq: null,
      batch: { results: [{ bug: { id: closed, status: 'CLOSED' } }] },
    });
  }
  expect(await state(a)).toEqual(before);
  const reopened = await update(a, { ids: [closed], status: 'PENDING', reason: 'seen again' });
  expect(reopened.batch.results).toMatchObject([{ bug: { status: 'PENDING', version: 4 } }]);
});

test('batches that go through the same bugs from both ends do not stop each other', async () => {
  const a = await t.tenant('circles');
  const project = await addProject(t, a);
  const made = await create(a, { bugs: range(40).map((i) => ({ projectId: project.id, title: `Bug ${i}` })) });
  const ids = made.batch.results.map(({ bug }: Answer) => bug.id);
  const answers = await Promise.all(
    range(8).map((i) => update(a, { ids: i % 2 ? ids : ids.toReversed(), hoursSpent: String(i + 1) })),
  );
  expect(answers.map(({ userErrors }) => userErrors)).toEqual(Array(8).fill([]));
  const rows = await asOwner(t, 'SELECT DISTINCT version, hours_spent FROM bugs WHERE tenant_id = $1', [a.tenantId]);
  expect(rows).toMatchObject([{ version: 9 }]);
});

test('what only the database refuses is told of the item that it is', async () => {
  const a = await t.tenant('refused');
  const { id: projectId } = await addProject(t, a);
  const bugs = ['one', 'refused', 'three'].map((title) => ({ projectId, title }));
  const made = await create(a, { bugs });
  const ids = made.batch.results.map(({ bug }: Answer) => bug.id);
  await asOwner(t, `ALTER TABLE bugs ADD CONSTRAINT no_refused CHECK (title NOT LIKE 'refused%') NOT VALID`, []);
  try {
    const before = await state(a);
    const refused = (path: string) => ({
      userErrors: [{ code: 'INVALID_INPUT', path: [path, '1'] }],
      batch: null,
      eventSeq: null,
    });
    expect(await create(a, { bugs, atomic: true })).toMatchObject(refused('bugs'));
    // The second was there before the database began to refuse it.
    expect(await update(a, { ids, severity: 'LOW', atomic: true })).toMatchObject(refused('ids'));
    expect(await state(a)).toEqual(before);
    expect((await create(a, { bugs, atomic: false })).batch).toMatchObject({
      failed: 1,
      results: [{ bug: { title: 'one' } }, { bug: null, userErrors: [{ path: ['bugs', '1'] }] }, { bug: {} }],
    });
  } finally {
    await asOwner(t, 'ALTER TABLE bugs DROP CONSTRAINT no_refused', []);
  }
});
