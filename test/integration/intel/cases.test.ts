import { afterAll, beforeAll, expect, test } from 'vitest';
import { CASE_MOVES, type CaseStatus } from '../../../src/modules/intel/case.service.ts';
import { createTestApp, type Tenant, type TestApp } from '../../support/app.ts';
import { addKeyword, addSource, asOwner, countOf, eventsOf, ingest, mutate, range } from './records.ts';

let t: TestApp;
beforeAll(async () => {
  t = await createTestApp();
});
afterAll(() => t?.close());

const CASE = `case { id number title status allowedMoves priority tlp version startDate actualCompletion resolution reopenReason impact
  assignedTo { id } createdBy { id } }`;
const ERRORS = `userErrors { __typename code message path ... on InvalidTransition { from to allowed } ... on VersionMismatch { actual } } eventSeq`;

const open = (tenant: Tenant, input: object = {}) =>
  mutate(t, tenant.key, `openCase { ${CASE} ${ERRORS} }`, { title: 'A case', ...input });
const move = (tenant: Tenant, input: object) => mutate(t, tenant.key, `moveCase { ${CASE} ${ERRORS} }`, input);
const link = (tenant: Tenant, input: object) => mutate(t, tenant.key, `linkToCase { ${CASE} ${ERRORS} }`, input);
const unlink = (tenant: Tenant, input: object) => mutate(t, tenant.key, `unlinkFromCase { ${CASE} ${ERRORS} }`, input);

test('20 opened at once have the numbers 1 to 20; a refused one leaves no gap', async () => {
  const a = await t.tenant('numbers');
  const answers = await Promise.all(range(20).map((i) => open(a, { title: i === 7 ? ' ' : `Case ${i}` })));
  expect(answers.filter((answer) => answer.userErrors.length > 0)).toMatchObject([
    { case: null, userErrors: [{ code: 'INVALID_INPUT', path: ['title'] }] },
  ]);
  const refused = await open(a, { assignedToId: 'mem_01h455vb4pex5vsknk084sn02q' });
  expect(refused).toMatchObject({ case: null, userErrors: [{ code: 'INVALID_INPUT' }] });
  const last = await open(a);
  const numbers = [...answers, last].flatMap((answer) => (answer.case ? [answer.case.number] : []));
  expect(numbers.toSorted((x, y) => x - y)).toEqual(range(20).map((i) => i + 1));
  expect((await open(await t.tenant('numbers-other'))).case.number).toBe(1);
});

const STATUSES = Object.keys(CASE_MOVES) as CaseStatus[];
/** How to come to each status from OPEN. */
const WAY: Record<CaseStatus, CaseStatus[]> = {
  OPEN: [],
  IN_PROGRESS: ['IN_PROGRESS'],
  ON_HOLD: ['IN_PROGRESS', 'ON_HOLD'],
  RESOLVED: ['IN_PROGRESS', 'RESOLVED'],
  CLOSED: ['IN_PROGRESS', 'RESOLVED', 'CLOSED'],
};

test('the state machine is that of the documents', () => {
  expect(CASE_MOVES).toEqual({
    OPEN: ['IN_PROGRESS'],
    IN_PROGRESS: ['ON_HOLD', 'RESOLVED'],
    ON_HOLD: ['IN_PROGRESS', 'RESOLVED'],
    RESOLVED: ['CLOSED', 'IN_PROGRESS'],
    CLOSED: ['IN_PROGRESS'],
  });
});

test.for(STATUSES)('from %s exactly the moves of the table are possible', async (from) => {
  const a = await t.tenant(`moves-${from.toLowerCase().replace('_', '-')}`);
  for (const to of STATUSES) {
    const { id } = (await open(a)).case;
    for (const status of WAY[from]) await move(a, { id, status, resolution: 'TRUE_POSITIVE' });
    const before = (await eventsOf(t, a)).length;
    const answer = await move(a, { id, status: to, resolution: 'OTHER', reason: 'because' });
    if (CASE_MOVES[from].includes(to)) {
      expect(answer.case, `${from} to ${to}`).toMatchObject({ status: to, allowedMoves: CASE_MOVES[to] });
      continue;
    }
    expect(answer, `${from} to ${to}`).toMatchObject({
      case: null,
      eventSeq: null,
      userErrors: [{ __typename: 'InvalidTransition', from, to, allowed: [...CASE_MOVES[from]], path: ['status'] }],
    });
    expect(await eventsOf(t, a)).toHaveLength(before);
  }
});

test('closing needs a resolution and sets the completion; reopening needs a reason and takes it back', async () => {
  const a = await t.tenant('closing');
  const { id } = (await open(a)).case;
  await move(a, { id, status: 'IN_PROGRESS' });
  await move(a, { id, status: 'RESOLVED' });
  expect(await move(a, { id, status: 'CLOSED' })).toMatchObject({
    case: null,
    userErrors: [{ code: 'INVALID_INPUT', path: ['resolution'] }],
  });
  const started = Date.now();
  const closed = await move(a, { id, status: 'CLOSED', resolution: 'FALSE_POSITIVE' });
  expect(closed.case).toMatchObject({ status: 'CLOSED', resolution: 'FALSE_POSITIVE' });
  expect(Date.parse(closed.case.actualCompletion)).toBeGreaterThanOrEqual(started - 1);
  for (const reason of [undefined, ' ']) {
    expect(await move(a, { id, status: 'IN_PROGRESS', reason })).toMatchObject({
      case: null,
      userErrors: [{ code: 'INVALID_INPUT', path: ['reason'] }],
    });
  }
  const reopened = await move(a, { id, status: 'IN_PROGRESS', reason: 'new evidence' });
  expect(reopened.case).toMatchObject({
    status: 'IN_PROGRESS',
    actualCompletion: null,
    resolution: null,
    reopenReason: 'new evidence',
  });
  const [event] = await eventsOf(t, a, 'CASE_REOPENED');
  expect(event.payload).toEqual({ id, from: 'CLOSED', to: 'IN_PROGRESS', reason: 'new evidence' });
  const stale = await move(a, { id, status: 'ON_HOLD', expectedVersion: 1 });
  expect(stale.userErrors).toMatchObject([{ __typename: 'VersionMismatch', actual: reopened.case.version }]);
});

/** A case, and a content with an identifier, a detection and an author to link. */
async function setUp(slug: string) {
  const a = await t.tenant(slug);
  const sourceId = await addSource(t, a);
  await addKeyword(t, a, 'snow', 0.5);
  const { ingested } = await ingest(t, a, {
    sourceId,
    text: 'snow bob@example.com',
    tlp: 'AMBER',
    author: { platformUserId: '1', username: 'bob' },
  });
  const found = await t.runOk(
    a.key,
    '{ identifiers(filter: { type: { eq: EMAIL } }) { nodes { id } } detections { nodes { id } } platformUsers { nodes { id } } }',
  );
  const links = {
    caseId: (await open(a)).case.id,
    contentIds: [ingested.content.id],
    identifierIds: [found.identifiers.nodes[0].id],
    detectionIds: [found.detections.nodes[0].id],
    platformUsers: [{ platformUserId: found.platformUsers.nodes[0].id, role: 'SUSPECT' }],
  };
  return { a, links };
}

test('linking again changes nothing, and unlinking takes away just what is named', async () => {
  const { a, links } = await setUp('links');
  const first = await link(a, links);
  expect(first).toMatchObject({ userErrors: [], case: { version: 2 } });
  const [event] = await eventsOf(t, a, 'CASE_LINKED');
  expect(event.payload).toEqual({
    id: links.caseId,
    contentIds: links.contentIds,
    identifierIds: links.identifierIds,
    detectionIds: links.detectionIds,
    platformUsers: [{ id: links.platformUsers[0]?.platformUserId, role: 'SUSPECT' }],
  });
  expect(await link(a, links)).toMatchObject({ userErrors: [], eventSeq: null, case: { version: 2 } });
  const role = { caseId: links.caseId, platformUsers: [{ ...links.platformUsers[0], role: 'VICTIM' }] };
  expect(await link(a, role)).toMatchObject({ case: { version: 3 } });
  const { node } = await t.runOk(
    a.key,
    `query($id: ID!) { node(id: $id) { ... on Case { contents { nodes { content { id } addedBy { id } } } identifiers { nodes { identifier { value } } }
      detections { totalCount { value } } platformUsers { nodes { role platformUser { username } } } } } }`,
    { id: links.caseId },
  );
  expect(node).toMatchObject({
    contents: { nodes: [{ content: { id: links.contentIds[0] }, addedBy: { id: expect.stringMatching(/^mem_/) } }] },
    identifiers: { nodes: [{ identifier: { value: 'bob@example.com' } }] },
    detections: { totalCount: { value: 1 } },
    platformUsers: { nodes: [{ role: 'VICTIM', platformUser: { username: 'bob' } }] },
  });
  expect((await unlink(a, { caseId: links.caseId, contentIds: links.contentIds })).case.version).toBe(4);
  expect(await unlink(a, { caseId: links.caseId, contentIds: links.contentIds })).toMatchObject({
    eventSeq: null,
    case: { version: 4 },
  });
  expect(await countOf(t, a, 'case_contents')).toBe(0);
  expect(await countOf(t, a, 'case_identifiers')).toBe(1);
});

test('what cannot be linked is refused as a whole', async () => {
  const { a, links } = await setUp('refused-links');
  const theirs = await setUp('refused-links-b');
  for (const contentIds of [theirs.links.contentIds, ['cnt_01h455vb4pex5vsknk084sn02q']]) {
    expect(await link(a, { ...links, contentIds })).toMatchObject({
      case: null,
      userErrors: [{ code: 'INVALID_INPUT' }],
    });
  }
  const tooMany = await link(a, { caseId: links.caseId, contentIds: range(501).map(() => links.contentIds[0]) });
  expect(tooMany.userErrors).toMatchObject([{ code: 'INVALID_INPUT', path: ['contentIds'] }]);
  expect(tooMany.userErrors[0].message).toContain('500');
  expect(await link(a, { ...links, caseId: theirs.links.caseId })).toMatchObject({
    userErrors: [{ code: 'NOT_FOUND' }],
  });
  expect(await countOf(t, a, 'case_identifiers')).toBe(0);
});

test('a case is as restricted as the most restricted of its parts', async () => {
  const { a, links } = await setUp('tlp');
  const { caseId } = links;
  const tlp = async () =>
    (await t.runOk(a.key, 'query($id: ID!) { node(id: $id) { ... on Case { tlp } } }', { id: caseId })).node.tlp;
  expect(await tlp()).toBe('GREEN');
  expect((await link(a, { caseId, contentIds: links.contentIds })).case.tlp).toBe('AMBER');
  await asOwner(t, `UPDATE identifiers SET tlp = 'RED' WHERE tenant_id = $1`, [a.tenantId]);
  await link(a, { caseId, identifierIds: links.identifierIds });
  expect(await tlp()).toBe('RED');
  await unlink(a, { caseId, identifierIds: links.identifierIds, contentIds: links.contentIds });
  expect(await tlp()).toBe('GREEN');
  await mutate(t, a.key, 'updateCase { userErrors { code } }', { id: caseId, tlp: 'AMBER_STRICT' });
  await link(a, { caseId, contentIds: links.contentIds });
  expect(await tlp()).toBe('AMBER_STRICT');
});

test('the timeline tells what happened to the case, oldest first', async () => {
  const { a, links } = await setUp('timeline');
  const { caseId: id } = links;
  await open(a, { title: 'another case' });
  await link(a, links);
  await mutate(t, a.key, 'updateCase { userErrors { code } }', { id, title: 'Renamed', dueDate: null });
  await move(a, { id, status: 'IN_PROGRESS' });
  const { node } = await t.runOk(
    a.key,
    'query($id: ID!) { node(id: $id) { ... on Case { version timeline(first: 100) { nodes { seq type aggregateId aggregateVersion payload actor { id } } } } } }',
    { id },
  );
  const events: { seq: number; type: string; aggregateId: string; aggregateVersion: number }[] = node.timeline.nodes;
  expect(events.map((event) => event.type)).toEqual(['CASE_OPENED', 'CASE_LINKED', 'CASE_UPDATED', 'CASE_MOVED']);
  expect(events.map((event) => event.aggregateVersion)).toEqual([1, 2, 3, 4]);
  expect(node.version).toBe(4);
  expect(new Set(events.map((event) => event.aggregateId))).toEqual(new Set([id]));
  expect(events.map((event) => Number(event.seq))).toEqual(
    events.map((event) => Number(event.seq)).toSorted((x, y) => x - y),
  );
});
