import { afterAll, beforeAll, expect, test } from 'vitest';
import { PERMISSIONS } from '../../../src/access/permissions.ts';
import { createBugs, moveBug } from '../../../src/modules/delivery/bug.service.ts';
import { PROJECT_MOVES } from '../../../src/modules/delivery/project.service.ts';
import type { ProjectStatus } from '../../../src/modules/delivery/values.ts';
import { createTestApp, type Tenant, type TestApp } from '../../support/app.ts';
import {
  addMemberWith,
  addProject,
  asOwner,
  countOf,
  DAY,
  ERRORS,
  eventsOf,
  mutate,
  projectUuid,
  sweepAt,
  totalsAndRecount,
  writeAt,
} from './records.ts';

let t: TestApp;
beforeAll(async () => {
  t = await createTestApp();
});
afterAll(() => t?.close());

const MONEY = 'arr infrastructureCost hourlyRate cashFlows dcfValuation';
const FIELDS = `id key name description tags status allowedMoves githubRepository currency ${MONEY} discountRate
  terminalGrowth roiScore appealScore complexityScore appealIndex version`;
const run = (tenant: Tenant, name: string, input: object, key = tenant.key) =>
  mutate(t, key, `${name} { project { ${FIELDS} } ${ERRORS} }`, input);
const create = (tenant: Tenant, input: object) =>
  run(tenant, 'createProject', { key: 'CAMEL', name: 'Camel', ...input });
const update = (tenant: Tenant, input: object) => run(tenant, 'updateProject', input);
const move = (tenant: Tenant, input: object, key?: string) => run(tenant, 'moveProject', input, key);

test('a key is kept in upper case, is there once in a tenant, and finds the project', async () => {
  const a = await t.tenant('keys');
  const made = await create(a, { key: ' octo/web.app-1_x ', tags: ['web', ' web ', 'app'] });
  expect(made).toMatchObject({ userErrors: [], project: { key: 'OCTO/WEB.APP-1_X', version: 1, status: 'ACTIVE' } });
  expect(made.project.tags).toEqual(['web', 'app']);
  const again = await create(a, { key: 'Octo/Web.App-1_X' });
  expect(again).toMatchObject({ project: null, eventSeq: null, userErrors: [{ code: 'CONFLICT', path: ['key'] }] });
  expect((await create(await t.tenant('keys-other'), { key: 'OCTO/WEB.APP-1_X' })).userErrors).toEqual([]);
  const { project } = await t.runOk(a.key, '{ project(key: "octo/web.app-1_x") { id } }');
  expect(project.id).toBe(made.project.id);
  expect((await t.runOk(a.key, '{ project(key: "NOBODY") { id } }')).project).toBeNull();
});

test('two who take the same key at once: one gets it, the other is told of the conflict', async () => {
  const a = await t.tenant('keys-race');
  const answers = await Promise.all(Array.from({ length: 6 }, () => create(a, { key: 'RACE' })));
  expect(answers.filter((answer) => answer.project)).toHaveLength(1);
  expect(answers.flatMap((answer) => answer.userErrors.map((error: { code: string }) => error.code))).toEqual(
    Array(5).fill('CONFLICT'),
  );
  expect(await countOf(t, a, 'projects')).toBe(1);
  expect(await countOf(t, a, 'sla_policies')).toBe(1);
});

const EXACT = '123456789012345.6789';

test('money comes back as the text that was written, on every way', async () => {
  const a = await t.tenant('money');
  const money = { arr: EXACT, infrastructureCost: '0.0001', hourlyRate: '99.9', cashFlows: [EXACT, '-5.5', '10.50'] };
  const shown = {
    arr: EXACT,
    infrastructureCost: '0.0001',
    hourlyRate: '99.9',
    cashFlows: [EXACT, '-5.5', '10.5'],
    // EXACT / 2 - 5.5 / 4 + 10.5 / 8 ends in .77695: half to even.
    dcfValuation: '61728394506172.777',
  };
  const { project } = await create(a, { ...money, discountRate: '1' });
  expect(project).toMatchObject(shown);
  const { projects, node } = await t.runOk(
    a.key,
    `query($id: ID!) { projects { nodes { ${MONEY} } } node(id: $id) { ... on Project { ${MONEY} } } }`,
    { id: project.id },
  );
  expect(projects.nodes).toEqual([shown]);
  expect(node).toEqual(shown);
  const renamed = await update(a, { id: project.id, name: 'Other' });
  expect(renamed.project).toMatchObject({ ...shown, version: 2 });
  const [row] = await asOwner(t, 'SELECT arr::text FROM projects WHERE tenant_id = $1', [a.tenantId]);
  expect(row.arr).toBe(EXACT);
  const { kept, recount } = await totalsAndRecount(t, a);
  expect(kept).toEqual(recount);
});

const VALUED = {
  cashFlows: ['1000', '1100', '1210'],
  discountRate: '0.1',
  terminalGrowth: '0.05',
  infrastructureCost: '404.0404',
  appealScore: 60,
  complexityScore: 4,
};

test('valuation and scores are those reckoned by hand, and follow every change', async () => {
  const a = await t.tenant('valuation');
  const { project } = await create(a, VALUED);
  // 1000/1.1 + 1100/1.21 + 1210/1.331 = 3 × 909.0909…; 1210 × 1.05 / 0.05 = 25410, over 1.331: 19090.9090…
  // Cost 404.0404 × 36 = 14545.4544, so 50 + 50 × tanh(0.5) = 73.11; 73.11/2 + 60 × 0.3 + 60 × 0.2 = 66.555.
  expect(project).toMatchObject({ dcfValuation: '21818.1818', roiScore: 73.11, appealIndex: 66.56 });
  const { node } = await t.runOk(
    a.key,
    `query($id: ID!) { node(id: $id) { ... on Project { valuation { dcf dcfParts { kind year cashFlow value }
      roiScore roiBase roiGain appealIndex appealParts { name weight input points } } } } }`,
    { id: project.id },
  );
  expect(node.valuation).toMatchObject({ dcf: '21818.1818', roiScore: 73.11, roiBase: 50, roiGain: 23.11 });
  expect(node.valuation.dcfParts).toMatchObject([
    { kind: 'CASH_FLOW', year: 1, cashFlow: '1000', value: '909.0909' },
    { year: 2, cashFlow: '1100', value: '909.0909' },
    { year: 3, cashFlow: '1210', value: '909.0909' },
    { kind: 'TERMINAL_VALUE', year: 3, cashFlow: '25410', value: '19090.9091' },
  ]);
  const after = async (change: object) => (await update(a, { id: project.id, ...change })).project;
  expect(await after({ terminalGrowth: null })).toMatchObject({ dcfValuation: '2727.2727', terminalGrowth: null });
  expect(await after({ infrastructureCost: '0' })).toMatchObject({ roiScore: 100 });
  expect(await after({ cashFlows: [] })).toMatchObject({ dcfValuation: '0', roiScore: 50, appealIndex: 55 });
  expect(await after({ appealScore: 100, complexityScore: 10 })).toMatchObject({ appealIndex: 55, version: 5 });
  const { kept, recount } = await totalsAndRecount(t, a);
  expect(kept).toEqual(recount);
});

test('the state machine is that of the documents', () => {
  expect(PROJECT_MOVES).toEqual({
    ACTIVE: ['SHIPPED', 'DEFERRED', 'CANCELLED'],
    DEFERRED: ['ACTIVE', 'CANCELLED'],
    SHIPPED: ['ACTIVE'],
    CANCELLED: ['ACTIVE'],
  });
});

const STATUSES = Object.keys(PROJECT_MOVES) as ProjectStatus[];

test.for(STATUSES)('from %s exactly the moves of the table are possible', async (from) => {
  const a = await t.tenant(`moves-${from.toLowerCase()}`);
  for (const [i, to] of STATUSES.entries()) {
    const { id } = await addProject(t, a, { key: `P${i}` });
    if (from !== 'ACTIVE') await move(a, { id, status: from });
    const before = (await eventsOf(t, a)).length;
    const answer = await move(a, { id, status: to });
    if (PROJECT_MOVES[from].includes(to)) {
      expect(answer.project, `${from} to ${to}`).toMatchObject({ status: to, allowedMoves: PROJECT_MOVES[to] });
      const event = (await eventsOf(t, a)).at(-1);
      expect(event).toMatchObject({ type: 'PROJECT_MOVED', seq: answer.eventSeq, payload: { id, from, to } });
      continue;
    }
    const allowed = [...PROJECT_MOVES[from]];
    expect(answer, `${from} to ${to}`).toMatchObject({
      project: null,
      userErrors: [{ __typename: 'InvalidTransition', from, to, allowed, path: ['status'] }],
    });
    expect(await eventsOf(t, a)).toHaveLength(before);
  }
  const { kept, recount } = await totalsAndRecount(t, a);
  expect(kept).toEqual(recount);
});

test('only who may reactivate takes a shipped or cancelled project up again', async () => {
  const a = await t.tenant('reactivate');
  const all = Object.keys(PERMISSIONS);
  const manager = await addMemberWith(t, a, 'MANAGER', all);
  const cto = await addMemberWith(t, a, 'CTO', all);
  const writer = await addMemberWith(t, a, 'MANAGER', ['project:read', 'project:write']);
  const engineer = await addMemberWith(t, a, 'ENGINEER', all);
  const { id } = await addProject(t, a);
  for (const status of ['SHIPPED', 'CANCELLED']) {
    for (const who of [manager, cto]) {
      expect((await move(a, { id, status }, writer.key)).project).toMatchObject({ status });
      expect(await move(a, { id, status: 'ACTIVE' }, writer.key)).toMatchObject({
        project: null,
        userErrors: [{ code: 'FORBIDDEN', message: expect.stringContaining('project:reactivate') }],
      });
      expect((await move(a, { id, status: 'ACTIVE' }, who.key)).project).toMatchObject({ status: 'ACTIVE' });
    }
  }
  // Taking up what was only put off needs no more than writing.
  await move(a, { id, status: 'DEFERRED' }, writer.key);
  expect((await move(a, { id, status: 'ACTIVE' }, writer.key)).project).toMatchObject({ status: 'ACTIVE' });
  await move(a, { id, status: 'SHIPPED' });
  const query = `mutation($id: ID!) { moveProject(input: { id: $id, status: ACTIVE }) { project { id } } }`;
  const refused = await t.run(engineer.key, query, { id });
  expect(refused.errors?.[0]?.extensions?.code).toBe('FORBIDDEN');
  expect(refused.errors?.[0]?.message).toContain('project:write');
});

test('a stale version is refused with the row as it is; what is equal writes nothing', async () => {
  const a = await t.tenant('versions');
  const { project } = await create(a, { ...VALUED, arr: '10.5', tags: ['web'], description: 'What it is' });
  const { id } = project;
  await update(a, { id, name: 'Second', expectedVersion: 1 });
  expect(await update(a, { id, name: 'Third', expectedVersion: 1 })).toMatchObject({
    project: null,
    userErrors: [
      {
        __typename: 'VersionMismatch',
        expected: 1,
        actual: 2,
        path: ['expectedVersion'],
        current: { id, name: 'Second', version: 2 },
      },
    ],
  });
  expect((await move(a, { id, status: 'SHIPPED', expectedVersion: 1 })).userErrors).toMatchObject([
    { __typename: 'VersionMismatch', current: { version: 2 } },
  ]);
  const before = await eventsOf(t, a);
  const audits = await countOf(t, a, 'audit_logs');
  const same = { ...VALUED, id, arr: '10.5000', tags: [' web'], description: 'What it is', name: ' Second ' };
  const equal = { ...same, cashFlows: ['1000.0', '1100', '1210'], discountRate: '0.10', infrastructureCost: 404.0404 };
  expect(await update(a, equal)).toMatchObject({ userErrors: [], eventSeq: null, project: { version: 2 } });
  expect(await eventsOf(t, a)).toEqual(before);
  expect(await countOf(t, a, 'audit_logs')).toBe(audits);
  const changed = await update(a, { id, tags: ['app'], arr: '10.5' });
  expect((await eventsOf(t, a)).at(-1)).toMatchObject({
    seq: changed.eventSeq,
    type: 'PROJECT_UPDATED',
    aggregateVersion: 3,
    payload: { id, fields: ['tags'] },
  });
});

test('another tenant’s project is as good as none', async () => {
  const a = await t.tenant('own');
  const b = await t.tenant('foreign');
  const { id } = await addProject(t, a);
  for (const [name, input] of [
    ['updateProject', { id, name: 'Mine' }],
    ['moveProject', { id, status: 'SHIPPED' }],
  ] as const) {
    expect(await run(b, name, input)).toMatchObject({
      project: null,
      userErrors: [{ code: 'NOT_FOUND', path: ['id'] }],
    });
  }
  expect((await t.runOk(b.key, 'query($id: ID!) { node(id: $id) { id } }', { id })).node).toBeNull();
});

test('what open bugs put at risk follows the revenue with the next sweep', async () => {
  const a = await t.tenant('arr');
  const project = await addProject(t, a, { arr: '1000' });
  const fields = { projectId: projectUuid(project.id), severity: 'CRITICAL', affectedShare: '0.5' } as const;
  const now = Date.now();
  await writeAt(t, a, now - 45 * DAY - 60_000, async (tx) => {
    await createBugs(tx, [{ ...fields, title: 'open' }]);
    const [resolved] = await createBugs(tx, [{ ...fields, title: 'resolved' }]);
    tx.now = new Date(now);
    await moveBug(tx, { id: resolved?.id ?? '', status: 'CLOSED' });
  });
  const impacts = () =>
    asOwner(t, 'SELECT title, revenue_impact::text AS impact, version FROM bugs WHERE tenant_id = $1 ORDER BY title', [
      a.tenantId,
    ]);
  await sweepAt(t, a, now);
  // 1000 × 0.5 × 0.2 × 45 / 90
  expect(await impacts()).toMatchObject([
    { title: 'open', impact: '50.0000' },
    { title: 'resolved', impact: '50.0000' },
  ]);
  expect((await update(a, { id: project.id, name: 'Renamed' })).userErrors).toEqual([]);
  expect(await sweepAt(t, a, now + 1_000)).toEqual({ bugs: 0, told: 0 });
  expect((await update(a, { id: project.id, arr: '2000' })).userErrors).toEqual([]);
  expect(await sweepAt(t, a, Date.now() + 1_000)).toEqual({ bugs: 1, told: 0 });
  expect(await impacts()).toMatchObject([{ impact: '100.0000' }, { impact: '50.0000' }]);
  const { kept, recount } = await totalsAndRecount(t, a);
  expect(kept).toEqual(recount);
});
