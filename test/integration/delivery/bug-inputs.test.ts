import { afterAll, beforeAll, expect, test } from 'vitest';
import { createTestApp, type Tenant, type TestApp } from '../../support/app.ts';
import {
  addBug,
  addMemberWith,
  addProject,
  change,
  countOf,
  ERRORS,
  eventsOf,
  eventsOfBug,
  mutate,
  range,
  rowOf,
} from './records.ts';

let t: TestApp;
let a: Tenant;
let projectId: string;
beforeAll(async () => {
  t = await createTestApp();
  a = await t.tenant('inputs');
  projectId = (await addProject(t, a)).id;
});
afterAll(() => t?.close());

const run = (name: string, input: object, key = a.key) => change(t, key, name, input);

test.for<[string, object, string[]]>([
  ['an empty title', { title: '' }, ['title']],
  ['a title of 2,001 characters', { title: 'x'.repeat(2_001) }, ['title']],
  ['U+0000 in the title', { title: 'a\0b' }, ['title']],
  ['half a surrogate pair in the title', { title: 'a\ud800b' }, ['title']],
  ['half a surrogate pair in a label', { labels: ['ui', '\udc00'] }, ['labels', '1']],
  ['a description of 100,001 characters', { description: 'x'.repeat(100_001) }, ['description']],
  ['an affected share of 2', { affectedShare: '2' }, ['affectedShare']],
  ['a negative affected share', { affectedShare: '-0.1' }, ['affectedShare']],
  ['an affected share of 5 decimals', { affectedShare: '0.12345' }, ['affectedShare']],
  ['a negative override', { revenueImpactOverride: '-1' }, ['revenueImpactOverride']],
  ['an override of 16 digits', { revenueImpactOverride: '1234567890123456' }, ['revenueImpactOverride']],
  ['an override of 5 decimals', { revenueImpactOverride: '1.00001' }, ['revenueImpactOverride']],
  ['negative hours', { hoursSpent: '-0.5' }, ['hoursSpent']],
  ['hours of 3 decimals', { hoursSpent: '0.125' }, ['hoursSpent']],
  ['hours of 9 digits', { hoursSpent: '123456789' }, ['hoursSpent']],
  ['51 labels', { labels: range(51).map(String) }, ['labels']],
  ['a blank label', { labels: ['ui', ' '] }, ['labels']],
  ['a label of 201 characters', { labels: ['x'.repeat(201)] }, ['labels']],
  ['an address that is a script', { url: 'javascript:alert(1)' }, ['url']],
  ['an empty address', { url: '' }, ['url']],
  ['an address of 2,001 characters', { url: `https://${'x'.repeat(1_993)}` }, ['url']],
])('%s is refused, and the path says where', async ([, input, path]) => {
  const { id } = await addBug(t, a, projectId);
  const before = [await eventsOf(t, a), await rowOf(t, id)];
  const refused = { bug: null, eventSeq: null, userErrors: [{ code: 'INVALID_INPUT', path }] };
  expect(await run('createBug', { projectId, title: 'Good', ...input })).toMatchObject(refused);
  expect(await run('updateBug', { id, ...input })).toMatchObject(refused);
  expect([await eventsOf(t, a), await rowOf(t, id)]).toEqual(before);
});

test('the longest and greatest that is allowed is kept as it came', async () => {
  const most = {
    title: '😀'.repeat(1_000),
    description: 'ü'.repeat(100_000),
    affectedShare: '1.0000',
    revenueImpactOverride: '99999999999999.9999',
    hoursSpent: '99999999.00',
    labels: range(50).map((i) => `${String(i).padStart(2, '0')}${'x'.repeat(198)}`),
    url: `https://${'x'.repeat(1_992)}`,
    externalId: 'e'.repeat(300),
    dueAt: '9999-12-31T23:59:59.999Z',
  };
  const bug = await addBug(t, a, projectId, most);
  const shown = { ...most, affectedShare: '1', hoursSpent: '99999999', revenueImpact: most.revenueImpactOverride };
  expect(bug).toMatchObject(
    Object.fromEntries(Object.entries(shown).filter(([name]) => name !== 'revenueImpactOverride')),
  );
});

test.for<[string, string]>([
  ['affectedShare', '1e3'],
  ['affectedShare', 'NaN'],
  ['hoursSpent', ' 1'],
  ['revenueImpactOverride', `${'9'.repeat(31)}`],
  ['dueAt', 'tomorrow'],
  ['dueAt', '0000-01-01T00:00:00Z'],
  ['severity', 'URGENT'],
])('%s as %s is refused before anything is run', async ([field, value]) => {
  const query = 'mutation($input: CreateBugInput!) { createBug(input: $input) { bug { id } } }';
  const { data, errors } = await t.run(a.key, query, { input: { projectId, title: 'Good', [field]: value } });
  expect(data).toBeUndefined();
  expect(errors).toMatchObject([{ message: expect.stringContaining(field) }]);
  expect(errors?.[0]?.extensions?.code).not.toBe('INTERNAL');
});

test('whom another tenant has, and what it has, is refused as if it were not there', async () => {
  const b = await t.tenant('inputs-other');
  const theirs = await addProject(t, b);
  const stranger = await addMemberWith(t, b, 'ENGINEER', ['bug:read']);
  const { id } = await addBug(t, a, projectId);
  const before = [await eventsOf(t, a), await rowOf(t, id)];
  const cases: [string, object, string][] = [
    ['createBug', { projectId, title: 'Good', assigneeId: stranger.id }, 'assigneeId'],
    ['createBug', { projectId, title: 'Good', reporterId: stranger.id }, 'reporterId'],
    ['createBug', { projectId: theirs.id, title: 'Good' }, 'projectId'],
    ['assignBug', { id, assigneeId: stranger.id }, 'assigneeId'],
  ];
  for (const [name, input, field] of cases) {
    expect(await run(name, input), name).toMatchObject({
      bug: null,
      eventSeq: null,
      userErrors: [{ code: 'NOT_FOUND', path: [field] }],
    });
  }
  for (const [name, input] of [
    ['updateBug', { title: 'Mine' }],
    ['moveBug', { status: 'CLOSED' }],
    ['assignBug', { assigneeId: null }],
    ['deleteBug', {}],
  ] as const) {
    expect(await run(name, { id, ...input }, b.key), name).toMatchObject({
      bug: null,
      userErrors: [{ code: 'NOT_FOUND', path: ['id'] }],
    });
  }
  const mine = await run('createBug', { projectId: 'bug_01h455vb4pex5vsknk084sn02q', title: 'Good' });
  expect(mine.userErrors).toMatchObject([{ code: 'INVALID_INPUT', path: ['projectId'] }]);
  expect([await eventsOf(t, a), await rowOf(t, id)]).toEqual(before);
});

test('an external id is there once', async () => {
  expect((await addBug(t, a, projectId, { externalId: 'EXT-1' })).externalId).toBe('EXT-1');
  const again = await run('createBug', { projectId, title: 'Good', externalId: 'EXT-1' });
  expect(again).toMatchObject({ bug: null, userErrors: [{ code: 'CONFLICT', path: ['externalId'] }] });
  for (const externalId of ['', 'x'.repeat(301)]) {
    expect((await run('createBug', { projectId, title: 'Good', externalId })).userErrors).toMatchObject([
      { code: 'INVALID_INPUT', path: ['externalId'] },
    ]);
  }
  const other = await t.tenant('inputs-external');
  const { id } = await addProject(t, other);
  expect((await addBug(t, other, id, { externalId: 'EXT-1' })).number).toBe(1);
});

test('a stale version is refused with the bug as it is', async () => {
  const { id } = await addBug(t, a, projectId);
  await run('updateBug', { id, title: 'Second', expectedVersion: 1 });
  const before = await eventsOf(t, a);
  for (const [name, input] of [
    ['updateBug', { title: 'Third' }],
    ['assignBug', { assigneeId: null }],
    ['moveBug', { status: 'CLOSED' }],
    ['deleteBug', {}],
  ] as const) {
    expect(await run(name, { id, expectedVersion: 1, ...input }), name).toMatchObject({
      bug: null,
      userErrors: [
        { __typename: 'VersionMismatch', expected: 1, actual: 2, current: { id, version: 2, title: 'Second' } },
      ],
    });
  }
  expect(await eventsOf(t, a)).toEqual(before);
});

test('labels are a set, shown in order, that lists filter by', async () => {
  const { id, labels } = await addBug(t, a, projectId, { labels: ['zeta', ' alpha ', 'zeta', 'Ärger'] });
  expect(labels).toEqual(['alpha', 'zeta', 'Ärger']);
  const changed = await run('updateBug', { id, labels: ['beta', 'zeta'] });
  expect(changed.bug.labels).toEqual(['beta', 'zeta']);
  const query = 'query($filter: BugFilter) { bugs(filter: $filter) { nodes { id } } }';
  const found = async (label: string) =>
    (await t.runOk(a.key, query, { filter: { labels: { some: { name: { eq: label } } } } })).bugs.nodes;
  expect(await found('beta')).toEqual([{ id }]);
  expect(await found('alpha')).toEqual([]);
});

test('a comment is kept as it was written, and tells an event', async () => {
  const { id } = await addBug(t, a, projectId);
  const comment = (body: string) =>
    mutate(t, a.key, `commentOnBug { comment { id body author { id } bug { id version } } ${ERRORS} }`, {
      bugId: id,
      body,
    });
  const body = ' <b>Two</b>\n lines 😀 ';
  const answer = await comment(body);
  expect(answer).toMatchObject({ userErrors: [], comment: { body, bug: { id, version: 2 } } });
  expect((await eventsOfBug(t, id)).at(-1)).toEqual({
    seq: answer.eventSeq,
    type: 'BUG_COMMENTED',
    version: 2,
    payload: { id, commentId: answer.comment.id, changes: {} },
  });
  const kept = await countOf(t, a, 'bug_comments');
  for (const wrong of ['', ' \n', 'x'.repeat(50_001), 'a\0b', '\ud800']) {
    expect(await comment(wrong)).toMatchObject({
      comment: null,
      userErrors: [{ code: 'INVALID_INPUT', path: ['body'] }],
    });
  }
  expect(await countOf(t, a, 'bug_comments')).toBe(kept);
});
