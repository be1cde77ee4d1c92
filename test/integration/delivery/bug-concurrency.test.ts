import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Answer, createTestApp, type Tenant, type TestApp } from '../../support/app.ts';
import { randomOf } from '../../support/random.ts';
import {
  addMemberWith,
  addProject,
  asOwner,
  bugUuid,
  change,
  ERRORS,
  eventsOf,
  HOUR,
  mutate,
  pick,
  range,
  sweepAt,
  totalsAndRecount,
} from './records.ts';

let t: TestApp;
beforeAll(async () => {
  t = await createTestApp();
});
afterAll(() => t?.close());

const CLIENTS = 20;
const CHANGES = 18;
const BUGS = 100;
const READ = `query($id: ID!) { node(id: $id) { ... on Bug { id title severity status allowedMoves hoursSpent labels reopenCount
  version assignee { id } } } }`;

interface Accepted {
  id: string;
  name: string;
  input: Answer;
  seq: number;
  /** null for comments, which do not say what they expect */
  expected: number | null;
}

/** What 20 clients did, each reading a bug and sending back its version. */
class Crowd {
  readonly accepted: Accepted[] = [];
  readonly stale: Answer[] = [];
  reported = 0;
  readonly #tenant: Tenant;
  readonly #projectId: string;
  readonly #ids: readonly string[];
  readonly #members: readonly (string | null)[];

  constructor(tenant: Tenant, projectId: string, ids: readonly string[], members: readonly (string | null)[]) {
    this.#tenant = tenant;
    this.#projectId = projectId;
    this.#ids = ids;
    this.#members = members;
  }

  async client(seed: number): Promise<void> {
    const random = randomOf(seed);
    for (let done = 0; done < CHANGES; done++) {
      // The first bugs are the ones that everybody is at.
      const id = this.#ids[Math.floor(random() ** 3 * this.#ids.length)] ?? '';
      if (random() < 0.1) await this.#report(`by client ${seed}, ${done}`);
      else if (random() < 0.15) await this.#comment(id);
      else await this.#change(id, random);
    }
  }

  async #report(title: string): Promise<void> {
    const { bug } = await change(t, this.#tenant.key, 'createBug', { projectId: this.#projectId, title });
    expect(bug).not.toBeNull();
    this.reported++;
  }

  async #comment(id: string): Promise<void> {
    const query = `commentOnBug { comment { id } ${ERRORS} }`;
    const { eventSeq } = await mutate(t, this.#tenant.key, query, { bugId: id, body: 'Hm' });
    this.accepted.push({ id, name: 'commentOnBug', input: {}, seq: eventSeq, expected: null });
  }

  /** Tries until it is taken, as a client would. */
  async #change(id: string, random: () => number): Promise<void> {
    for (;;) {
      const { node } = await t.runOk(this.#tenant.key, READ, { id });
      const [name, input] = this.#choose(node, random);
      const sent = { id, expectedVersion: node.version, ...input };
      const { bug, userErrors, eventSeq } = await change(t, this.#tenant.key, name, sent);
      if (bug) {
        if (eventSeq !== null) this.accepted.push({ id, name, input, seq: eventSeq, expected: node.version });
        return;
      }
      expect(userErrors).toMatchObject([{ __typename: 'VersionMismatch', expected: node.version }]);
      this.stale.push({ id, ...userErrors[0] });
    }
  }

  #choose(bug: Answer, random: () => number): [string, Answer] {
    const dice = random();
    if (dice < 0.3) return ['assignBug', { assigneeId: pick(random, this.#members) }];
    if (dice < 0.6) return ['moveBug', { status: pick(random, bug.allowedMoves), reason: 'it came back' }];
    if (dice < 0.7) return ['updateBug', { severity: pick(random, ['CRITICAL', 'HIGH', 'MEDIUM', 'LOW']) }];
    if (dice < 0.8) return ['updateBug', { labels: pick(random, [[], ['api'], ['api', 'ui']]) }];
    // As one adds to what is there: a lost update would be missing from the sum.
    return ['updateBug', { hoursSpent: String(Number(bug.hoursSpent) + 1), title: `${bug.title}+` }];
  }
}

/** A change of one field as the history tells it, with the version of the bug that it made. */
type Told = [bugId: string, version: number, field: string, before: string | null, after: string | null];

/** Does the accepted changes to a bug one after the other and gives what that comes to. */
function replayed(first: Answer, changes: readonly Accepted[]): { bug: Answer; told: Told[] } {
  const bug = structuredClone(first);
  const told: Told[] = [];
  const set = (field: string, shown: string | null, value: Answer) => {
    const text = (one: Answer) => (Array.isArray(one) ? one.join(', ') || null : (one?.id ?? one));
    if (text(bug[field]) !== shown)
      told.push([bugUuid(bug.id), bug.version, field === 'assignee' ? 'assigneeId' : field, text(bug[field]), shown]);
    bug[field] = value;
  };
  for (const { input } of changes) {
    bug.version++;
    if ('assigneeId' in input) {
      set('assignee', input.assigneeId, input.assigneeId === null ? null : { id: input.assigneeId });
    }
    if (input.status) {
      const resolved = (status: string) => status === 'SHIPPED' || status === 'CLOSED';
      if (resolved(bug.status) && !resolved(input.status)) bug.reopenCount++;
      set('status', input.status, input.status);
    }
    if (input.labels) set('labels', input.labels.join(', ') || null, input.labels);
    for (const field of ['severity', 'hoursSpent', 'title']) if (input[field]) set(field, input[field], input[field]);
  }
  return { bug, told };
}

const order = (a: readonly unknown[], b: readonly unknown[]) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1);

test('20 clients at the same 100 bugs: nothing is lost, stale versions are told, and all counts agree', {
  timeout: 120_000,
}, async () => {
  const a = await t.tenant('crowd');
  const project = await addProject(t, a, { arr: '1000000.01' });
  const members = [null];
  for (const _ of range(4)) members.push((await addMemberWith(t, a, 'ENGINEER', ['bug:read'])).id as never);
  const bugs = range(BUGS).map((i) => ({ projectId: project.id, title: `Bug ${i}`, affectedShare: '0.1234' }));
  const made = await mutate(t, a.key, 'bugBatchCreate { batch { results { bug { id } } } }', { bugs });
  const ids: string[] = made.batch.results.map(({ bug }: Answer) => bug.id);
  const before = await Promise.all(ids.map(async (id) => (await t.runOk(a.key, READ, { id })).node));

  const crowd = new Crowd(a, project.id, ids, members);
  await Promise.all(range(CLIENTS).map((i) => crowd.client(1_000 + i)));

  // Contention there was, and whoever came too late was shown the row that came first.
  expect(crowd.accepted.length).toBeGreaterThan(200);
  expect(crowd.stale.length).toBeGreaterThan(10);
  for (const { id, expected, actual, current } of crowd.stale) {
    expect(actual).toBeGreaterThan(expected);
    expect(current.id).toBe(id);
    expect(current.version).toBeGreaterThanOrEqual(actual);
  }

  const events = await eventsOf(t, a);
  expect(events.map(({ seq }) => seq)).toEqual(range(events.length).map((i) => i + 1));
  const versions = new Map(events.map((event) => [event.seq, event.aggregateVersion]));
  const byBug = Map.groupBy(crowd.accepted, ({ id }) => id);
  const told: Told[] = [];
  for (const first of before) {
    const changes = (byBug.get(first.id) ?? []).toSorted((x, y) => x.seq - y.seq);
    expect(changes.map(({ seq }) => versions.get(seq))).toEqual(changes.map((_, i) => i + 2));
    for (const { seq, expected } of changes) if (expected !== null) expect(versions.get(seq)).toBe(expected + 1);
    const result = replayed(first, changes);
    const { allowedMoves: _, ...bug } = result.bug;
    expect((await t.runOk(a.key, READ, { id: first.id })).node).toMatchObject(bug);
    expect(bug.version).toBe(1 + changes.length);
    told.push(...result.told);
  }

  const rows = await asOwner(
    t,
    `SELECT h.bug_id, e.aggregate_version AS version, h.field, h.old_value, h.new_value FROM bug_history h
     LEFT JOIN event_store e ON e.tenant_id = h.tenant_id AND e.seq = h.event_seq AND e.aggregate_id = h.bug_id
     WHERE h.tenant_id = $1`,
    [a.tenantId],
  );
  const kept = rows.map((row): Told => [row.bug_id, row.version, row.field, row.old_value, row.new_value]);
  expect(kept.toSorted(order)).toEqual(told.toSorted(order));

  // Who waited for another is told after them: times go with versions, so what runs a history again meets it as it was.
  const turned = await asOwner(
    t,
    `SELECT * FROM (SELECT at, lag(at) OVER (PARTITION BY bug_id ORDER BY event_seq) AS before FROM bug_history
     WHERE tenant_id = $1) h WHERE at < before`,
    [a.tenantId],
  );
  expect(turned).toEqual([]);
  const numbers = await asOwner(t, 'SELECT number FROM bugs WHERE tenant_id = $1 ORDER BY number', [a.tenantId]);
  expect(numbers.map(({ number }) => number)).toEqual(range(BUGS + crowd.reported).map((i) => i + 1));
  const totals = await totalsAndRecount(t, a);
  expect(totals.kept).toEqual(totals.recount);
});

test('of many who change the same version one is taken', async () => {
  const a = await t.tenant('same');
  const project = await addProject(t, a);
  const { bug } = await change(t, a.key, 'createBug', { projectId: project.id, title: 'Bug' });
  const answers = await Promise.all(
    range(20).map((i) => change(t, a.key, 'updateBug', { id: bug.id, title: `Bug ${i}`, expectedVersion: 1 })),
  );
  expect(answers.filter((answer) => answer.bug)).toHaveLength(1);
  const errors = answers.flatMap(({ userErrors }) => userErrors);
  expect(errors).toHaveLength(19);
  for (const error of errors)
    expect(error).toMatchObject({ expected: 1, actual: 2, current: { id: bug.id, version: 2 } });
  expect((await eventsOf(t, a, 'BUG_UPDATED')).map(({ aggregateVersion }) => aggregateVersion)).toEqual([2]);
});

test('of many who report the same external id at once one is taken', async () => {
  const a = await t.tenant('external');
  const project = await addProject(t, a);
  const input = { projectId: project.id, title: 'Bug', externalId: 'EXT-1' };
  const answers = await Promise.all(range(8).map(() => change(t, a.key, 'createBug', input)));
  expect(answers.flatMap(({ bug }) => (bug ? [bug.number] : []))).toEqual([1]);
  expect(answers.flatMap(({ userErrors }) => userErrors.map(({ code }: Answer) => code))).toEqual(
    Array(7).fill('CONFLICT'),
  );
});

test('of many moves at once that expect no version, history tells those that were taken in their order', async () => {
  const a = await t.tenant('unversioned');
  const project = await addProject(t, a);
  const { bug } = await change(t, a.key, 'createBug', { projectId: project.id, title: 'Bug' });
  const statuses = ['IN_PROGRESS', 'PENDING', 'DEFERRED'];
  await Promise.all(range(60).map((i) => change(t, a.key, 'moveBug', { id: bug.id, status: statuses[i % 3] })));
  const { node } = await t.runOk(a.key, READ, { id: bug.id });
  const rows = await asOwner(
    t,
    'SELECT old_value, new_value FROM bug_history WHERE tenant_id = $1 ORDER BY event_seq',
    [a.tenantId],
  );
  expect(rows.length).toBeGreaterThan(10);
  expect(rows.map((row) => row.old_value)).toEqual(['PENDING', ...rows.slice(0, -1).map((row) => row.new_value)]);
  expect(rows.at(-1).new_value).toBe(node.status);

  // A writer that waited may have the earlier time: what runs a life again goes by the order all the same.
  const query =
    '{ slaPolicies { nodes { id } } simulateSlaPolicy(draft: {}, from: "-P1D") { unknown actual { bugs } } }';
  const { slaPolicies, simulateSlaPolicy } = await t.runOk(a.key, query);
  expect(simulateSlaPolicy).toEqual({ unknown: 0, actual: [{ bugs: 1 }] });
  const policy = { id: slaPolicies.nodes[0].id, mediumHours: 200, applyTo: 'OPEN' };
  await mutate(t, a.key, 'updateSlaPolicy { slaPolicy { id } }', policy);
  const [before] = await asOwner(t, 'SELECT * FROM bugs WHERE tenant_id = $1', [a.tenantId]);
  expect(await sweepAt(t, a, new Date())).toEqual({ bugs: 1, told: 0 });
  const [after] = await asOwner(t, 'SELECT * FROM bugs WHERE tenant_id = $1', [a.tenantId]);
  expect(after).toMatchObject({
    sla_state: before.sla_state,
    sla_rules_version: 2,
    sla_target_ms: 200 * HOUR,
  });
});
