import { getNamedType } from 'graphql';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { PERMISSIONS } from '../../src/access/permissions.ts';
import { entities } from '../../src/graphql/entity.ts';
import type { Answer, GraphQLResponse, Tenant, TestApp } from '../support/app.ts';
import {
  answered,
  keyWith,
  leaksOf,
  makeWorld,
  ownSamples,
  type Side,
  selectionFor,
  textFor,
  type World,
} from '../support/isolation.ts';
import { takesIds, triesIdsOf } from '../support/isolation-changes.ts';
import { eventTests } from '../support/isolation-events.ts';
import { askAtRandom } from '../support/isolation-random.ts';
import { credentialTests, relationTests, rightsTests } from '../support/isolation-rights.ts';
import { forgetTenant, namesTenant, passesPolicies, recordStatements } from '../support/isolation-sql.ts';
import {
  argsFor,
  idPlaces,
  isConnection,
  operation,
  ordersOf,
  type Place,
  readsOf,
  rootFields,
  selection,
} from '../support/schema-walk.ts';

const QUERIES = rootFields('Query');
const MUTATIONS = rootFields('Mutation');

/** Answers that are the same for everybody, so that nothing in them could be another tenant's. */
const OF_NO_TENANT = ['health', 'databaseHealth', 'explainCost'];
/** Answers that hold numbers of a tenant, and no id or text. */
const FIGURES = [
  'contentTrends',
  'overviewStatistics',
  'bugStatistics',
  'bugTrends',
  'engineeringMetrics',
  'portfolioOverview',
  'projectActivity',
  'databaseStatistics',
  'unreadCount',
];

/** What the tenant reads by itself: answers of this set must not change when another tenant comes in. */
async function readAll(t: TestApp, key: string, { delivery }: Side['seed']): Promise<Map<string, GraphQLResponse>> {
  const answers = new Map<string, GraphQLResponse>();
  const own: Record<string, string | undefined> = { projectId: delivery.projects[0], memberId: delivery.memberId };
  // Clocks, ages and trends follow the time: it stands still at the same moment in every reading.
  vi.useFakeTimers({ toFake: ['Date'], now: MOMENT });
  for (const field of QUERIES.filter(({ name }) => !OF_NO_TENANT.includes(name) && name !== 'apiKeys')) {
    const id = (path: Place) => own[path.at(-1) ?? ''] ?? NOBODY;
    const args = argsFor(field.args, { text: textFor(field.name), id });
    for (const { query, variables } of readsOf(field, () => args)) {
      const { data, errors } = await t.run(key, query, variables);
      // Compiled queries, which the second reading runs, give errors without locations.
      answers.set(query, {
        data,
        errors: errors?.map(({ message, path, extensions }) => ({ message, path, extensions })),
      });
    }
  }
  vi.useRealTimers();
  return answers;
}
const NOBODY = 'cnt_00000000000000000000000000';
const MOMENT = Date.now() + 60_000;
const MOST_IDS = 500; // of one operation

let w: World;
let before: Map<string, GraphQLResponse>;
let after: Map<string, GraphQLResponse>;
let quiet: string;
beforeAll(async () => {
  w = await makeWorld(async (t, a) => {
    // Reading a secret is an audited write, which would change the audit log between two readings.
    quiet = await keyWith(
      t,
      a.tenant,
      Object.keys(PERMISSIONS).filter((name) => name !== 'osint:decrypt'),
    );
    before = await readAll(t, quiet, a.seed);
  });
  after = await readAll(w.t, quiet, w.a.seed);
});
afterAll(() => w?.close());

/** Runs an operation as tenant A twice, since the second time it runs compiled, and finds nothing of B in the answers. */
async function readsNothingOf(other: Side, as: Tenant, query: string, variables: Record<string, unknown>) {
  const responses = [await w.t.run(as.key, query, variables), await w.t.run(as.key, query, variables)];
  for (const response of responses) expect(leaksOf(answered(response, variables), other), query).toEqual([]);
  return responses[1] as GraphQLResponse;
}

/** Which kind of id a place takes: the refusal of another kind tells. */
async function kindsAt(run: (value: string) => Promise<GraphQLResponse>): Promise<string[]> {
  const answer = JSON.stringify(await run('zzz_00000000000000000000000000'));
  const one = /id starts with (\w+)_/.exec(answer)?.[1];
  const many = /ids start with one of ([\w, ]+)/.exec(answer)?.[1];
  expect(one ?? many, `no kind is told by ${answer}`).toBeDefined();
  return one ? [one] : (many ?? '').split(', ');
}

describe('what gives a tenant away', () => {
  it('is found in the answers to itself, in every spelling, and not in those to nobody', async () => {
    const query =
      '{ events(first: 1) { nodes { seq } edges { cursor } } cases(first: 1) { nodes { id number title } edges { cursor } } }';
    const data = await w.t.runOk(w.b.tenant.key, query);
    const { events, cases } = data;
    for (const part of [events.nodes, events.edges, cases.edges, ...Object.values(cases.nodes[0])]) {
      expect(leaksOf(part, w.b), JSON.stringify(part)).not.toEqual([]);
      expect(leaksOf(part, w.a)).toEqual([]);
    }
    expect(leaksOf([...w.b.uuids][0], w.b)).toHaveLength(1);
    expect(leaksOf(await w.t.run(null, '{ health { status } viewer { kind } }'), w.b)).toEqual([]);
  });
});

describe('what a tenant reads', () => {
  it.each(QUERIES.map((field) => [field.name, field] as const))('%s: its own', async (name, field) => {
    const [theirs, own] = [w.b, w.a].map((side) =>
      readsOf(field, (type) => argsFor(field.args, ownSamples(name, side, type))),
    );
    for (const [i, { query, variables }] of (theirs ?? []).entries()) {
      const response = await w.t.run(w.b.tenant.key, query, variables);
      expect(response.errors, query).toBeUndefined();
      if (![...OF_NO_TENANT, ...FIGURES].includes(name)) expect(leaksOf(response.data, w.b), query).not.toEqual([]);
      const answer = await readsNothingOf(w.b, w.a.tenant, query, own?.[i]?.variables ?? {});
      expect(answer.errors, query).toBeUndefined();
      if (![...OF_NO_TENANT, ...FIGURES].includes(name)) expect(leaksOf(answer.data, w.a), query).not.toEqual([]);
    }
  });

  it('the same as before the other tenant came, counts and figures too', async () => {
    expect(after.size).toBeGreaterThan(100);
    for (const [query, answer] of after) expect(answer, query).toEqual(before.get(query));
    const other = await readAll(w.t, w.b.tenant.key, w.b.seed);
    expect(
      [...other].filter(([query, answer]) => JSON.stringify(answer) !== JSON.stringify(before.get(query))).length,
    ).toBeGreaterThan(30);
  });

  it.each(entities().map((entity) => [entity.typeName, entity.prefix] as const))(
    'node and nodes: no %s of another tenant',
    async (typeName, prefix) => {
      const type = QUERIES.find(({ name }) => name === 'node') ?? expect.fail();
      const [one, many] = [selectionFor(type, prefix, 2), selectionFor(type, prefix, 1)];
      const query = `query ($id: ID!, $ids: [ID!]!) { node(id: $id) { ${one} } nodes(ids: $ids) { ${many} } }`;
      const [own = '', theirs = ''] = [w.a.ids.get(prefix)?.at(0), w.b.ids.get(prefix)?.at(0)];
      const ids = w.b.ids.get(prefix) ?? [];
      expect(ids.length).toBeGreaterThan(0);
      const answer = await readsNothingOf(w.b, w.a.tenant, query, {
        id: theirs,
        ids: [own, ...ids].slice(0, MOST_IDS),
      });
      expect(answer.errors).toBeUndefined();
      expect(answer.data.node).toBeNull();
      expect(answer.data.nodes[0]).toMatchObject({ __typename: typeName, id_IDN: own });
      expect(answer.data.nodes.slice(1).every((node: Answer) => node === null)).toBe(true);
    },
  );

  it('nothing by the ids of another, through any argument and any filter', async () => {
    let count = 0;
    vi.useFakeTimers({ toFake: ['Date'], now: MOMENT });
    for (const field of QUERIES) {
      for (const place of idPlaces(field.args)) {
        const what = `${field.name} ${place.join('.')}`;
        const shape = (value: unknown) => argsFor(field.args, ownSamples(field.name, w.a), place, value);
        const runAs = (selected: string) => (value: unknown) =>
          w.t.run(w.a.tenant.key, operation('Query', field, shape(value), selected), shape(value));
        for (const kind of await kindsAt(runAs(selectionFor(field, 'cnt', 1)))) {
          const selected = selectionFor(field, kind, 2);
          const run = runAs(selected);
          const empty = new Set<string>();
          for (const id of w.b.ids.get(kind) ?? []) {
            const answer = await readsNothingOf(
              w.b,
              w.a.tenant,
              operation('Query', field, shape(id), selected),
              shape(id),
            );
            // What must be there to answer at all is not found, as an id that leads nowhere would not be.
            for (const { extensions } of answer.errors ?? []) expect(extensions?.code, what).toBe('NOT_FOUND');
            empty.add(JSON.stringify(answer.data));
            count++;
          }
          // The place works: the tenant's own ids find something there.
          const found = await Promise.all((w.a.ids.get(kind) ?? []).map((id) => run(id)));
          const tells = (one: GraphQLResponse) =>
            FIGURES.includes(field.name)
              ? !empty.has(JSON.stringify(one.data))
              : leaksOf(answered(one, {}), w.a).length > 0;
          expect(found.filter(tells).length, what).toBeGreaterThan(0);
        }
      }
    }
    vi.useRealTimers();
    expect(count).toBeGreaterThan(100);
    console.log(`${count} reads by another tenant's ids`);
  });

  it('nothing by the cursors of another, in any order and direction', async () => {
    let count = 0;
    for (const field of QUERIES.filter(({ type }) => isConnection(getNamedType(type)))) {
      for (const orderBy of ordersOf(field)) {
        const query = operation('Query', field, { first: 3, orderBy, after: '' }, selection(field.type, 1));
        const back = operation('Query', field, { last: 3, orderBy, before: '' }, selection(field.type, 1));
        const page = await w.t.runOk(w.b.tenant.key, query, { first: 3, orderBy });
        const cursors: string[] = page[field.name].edges.map((edge: { cursor: string }) => edge.cursor);
        expect(cursors.length).toBeGreaterThan(0);
        for (const cursor of cursors) {
          const forward = await readsNothingOf(w.b, w.a.tenant, query, { first: 100, orderBy, after: cursor });
          const backward = await readsNothingOf(w.b, w.a.tenant, back, { last: 100, orderBy, before: cursor });
          const rows = [forward, backward].flatMap(
            ({ data }) => data?.[field.name].nodes ?? expect.fail(JSON.stringify(forward)),
          );
          // A cursor is a place, not a row: what is before and after it is the tenant's own.
          expect(rows.length).toBeGreaterThan(0);
          count += 2;
        }
      }
    }
    console.log(`${count} pages by another tenant's cursors`);
  });
});

describe('what a tenant changes', () => {
  it.each(MUTATIONS.filter(takesIds).map((field) => [field.name, field] as const))(
    '%s: refused with any id of another tenant, and nothing of it changes',
    async (_, field) => {
      const untouched = await w.checksum(w.b.tenant.tenantId);
      expect(await triesIdsOf(w, w.b, field)).toBeGreaterThan(0);
      expect(await w.checksum(w.b.tenant.tenantId)).toBe(untouched);
    },
  );

  it('is seen in the checksum', async () => {
    const untouched = await w.checksum(w.b.tenant.tenantId);
    await w.owner.query('UPDATE content_sightings SET seen_at = now() WHERE tenant_id = $1', [w.b.tenant.tenantId]);
    expect(await w.checksum(w.b.tenant.tenantId)).not.toBe(untouched);
  });
});

eventTests(() => w);

rightsTests(() => w);
credentialTests(() => w);
relationTests(() => w);

describe('row-level security alone', () => {
  it('keeps tenants apart when the application forgets to name the tenant, in every statement that it has', async () => {
    expect(await passesPolicies(w.owner)).toBe(true);
    await w.look();
    const statements = await recordStatements(async () => {
      await readAll(w.t, w.a.tenant.key, w.a.seed);
      const further = QUERIES.filter(({ name }) => ['databaseHealth', 'apiKeys'].includes(name));
      for (const { query } of further.flatMap((field) => readsOf(field, () => ({}))))
        await w.t.runOk(w.a.tenant.key, query);
      const node = QUERIES.find(({ name }) => name === 'nodes') ?? expect.fail();
      for (const [kind, all] of w.a.ids) {
        const ids = all.slice(0, MOST_IDS);
        await w.t.runOk(w.a.tenant.key, operation('Query', node, { ids }, selectionFor(node, kind, 2)), { ids });
      }
    });
    const others = statements.filter((statement) => !namesTenant(statement)).map(({ text }) => text.slice(0, 40));
    expect(
      others.every((text) => /^\/\* health\.|server_version/.test(text)),
      others.join(),
    ).toBe(true);
    const tenants = statements.filter(namesTenant);
    const shown = await forgetTenant(w, tenants);
    console.log(`${tenants.length} statements without their tenant`, shown);
    expect(shown.own).toBeGreaterThan(80);
    expect(shown.others).toBeGreaterThan(80);
  });
});

describe('whatever is asked', () => {
  it('never gives anything of another tenant', { timeout: 3_600_000 }, async () => {
    const runs = Number(process.env.ARGUS_ISOLATION_RUNS ?? 1_500);
    const seed = Number(process.env.ARGUS_ISOLATION_SEED ?? Date.now() % 1_000_000_000);
    const { leaks, ...done } = await askAtRandom(w, runs, seed);
    console.log(`random operations, seed ${seed}: ${leaks.length} leaks`, done);
    expect(leaks).toEqual([]);
    expect(done.runs).toBe(runs);
    expect(done.own).toBeGreaterThan(runs / 4);
  });
});
