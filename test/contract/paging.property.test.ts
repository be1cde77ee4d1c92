import { randomUUID } from 'node:crypto';
import fc from 'fast-check';
import type pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { encodeCursor } from '../../src/data/cursor.ts';
import * as lists from '../../src/data/list.ts';
import { InvalidInput } from '../../src/errors.ts';
import { eventList } from '../../src/events/event-list.ts';
import { bugList, policyList, projectList, projectMetricList } from '../../src/modules/delivery/lists.ts';
import {
  caseList,
  casePlatformUserList,
  contentList,
  platformUserList,
  sourceList,
} from '../../src/modules/intel/lists.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import { connect, inWorld, NOW, SOURCES } from '../support/list-world.ts';

// Days must stay days where a machine's own midnight is in another one.
process.env.TZ = 'Pacific/Kiritimati';

let db: TestDatabase;
let client: pg.Client;

beforeAll(async () => {
  db = await createTestDatabase();
  client = await connect(db.ownerUrl);
});

afterAll(async () => {
  await client.end();
  await db.drop();
});

/** Values that collide: what pages are cut by is nearly always a tie. */
const seeds = fc.record({
  at: fc.constantFrom('2026-01-01T00:00:00.000Z', '2026-01-01T00:00:00.001Z', '2026-02-28T23:59:59.999Z'),
  text: fc.constantFrom('a', 'B', 'b', 'é', 'z', '😀', 'a b'),
  score: fc.constantFrom(0, 0.1, 0.30000000000000004, 1),
  flag: fc.boolean(),
  level: fc.constantFrom('LOW', 'MEDIUM', 'HIGH', 'CRITICAL'),
  source: fc.constantFrom(...SOURCES),
});

/** A list under test: how rows get in, and what they are filtered by. */
interface Kind {
  spec: lists.ListSpec;
  sql: string;
  filters: fc.Arbitrary<object | null>;
}

const ROW = `FROM jsonb_to_recordset($1) AS r(id uuid, n int, at timestamptz, text text, score float8, flag bool,
  level text, source uuid)`;
/** Each row in a project of its own. */
const IN_PROJECTS = `WITH given AS (SELECT * ${ROW}), made AS (
    INSERT INTO projects (tenant_id, id, key, name, tags, cash_flows) SELECT argus_tenant(), id, 'K' || n, text, '{}', '{}'
    FROM given)`;
const KINDS: Kind[] = [
  {
    spec: platformUserList,
    sql: `INSERT INTO platform_users (tenant_id, id, source_id, platform_user_id, username, risk_score, is_flagged,
      created_at) SELECT argus_tenant(), id, source, 'p' || n, text, score, flag, at ${ROW}`,
    filters: fc.constantFrom(
      null,
      { isFlagged: { eq: true } },
      { riskScore: { gte: 0.1 }, not: { username: { eq: 'a' } } },
      { or: [{ username: { startsWith: 'a' } }, { createdAt: { gte: '-P2D' } }] },
    ),
  },
  {
    spec: caseList,
    sql: `INSERT INTO cases (tenant_id, id, number, title, priority, start_date, created_at)
      SELECT argus_tenant(), id, n, text, level, at, at ${ROW}`,
    filters: fc.constantFrom(
      null,
      { priority: { nin: ['LOW'] } },
      { number: { gt: 10 } },
      { assignedToId: { null: true } },
    ),
  },
  {
    spec: eventList,
    sql: `INSERT INTO event_store (tenant_id, seq, id, type, aggregate_type, aggregate_id, aggregate_version, occurred_at)
      SELECT argus_tenant(), n, id, text, level, id, 1, at ${ROW}`,
    filters: fc.constantFrom(null, { type: { neq: 'a' } }, { aggregateType: { in: ['LOW', 'HIGH'] } }),
  },
  {
    spec: bugList,
    sql: `${IN_PROJECTS} INSERT INTO bugs (tenant_id, id, project_id, number, title, severity, is_blocker, priority_score,
      revenue_impact, sla_due_at, created_at, updated_at) SELECT argus_tenant(), id, id, n, text, level, flag, score * 100,
      score * 999, CASE WHEN flag THEN at END, at, at FROM given`,
    filters: fc.constantFrom(
      null,
      { severity: { nin: ['LOW'] } },
      { isBlocker: { neq: true }, slaDueAt: { null: true } },
      { revenueImpact: { lt: 999 } },
      { or: [{ priorityScore: { in: [0, 100] } }, { createdAt: { gte: '-P2D' } }] },
    ),
  },
  {
    spec: projectMetricList,
    sql: `${IN_PROJECTS} INSERT INTO project_metrics (tenant_id, id, project_id, date, tech_stack)
      SELECT argus_tenant(), id, id, (at AT TIME ZONE 'UTC')::date, '{}' FROM given`,
    filters: fc.constantFrom(null, { date: { gte: '-P2D' } }, { date: { neq: '2026-01-01' } }),
  },
];

const views = fc.constantFrom(...KINDS).chain((kind) =>
  fc.record({
    kind: fc.constant(kind),
    rows: fc.array(seeds, { maxLength: 30, size: 'max' }),
    size: fc.integer({ min: 1, max: 7 }),
    filter: kind.filters,
    orderBy: fc.record({
      field: fc.constantFrom(...Object.keys(kind.spec.orders)),
      direction: fc.constantFrom('ASC' as const, 'DESC' as const),
    }),
  }),
);

describe('pages', () => {
  it('make up the whole list, from the front and from the back (800 lists)', async () => {
    let cut = 0;
    const property = fc.asyncProperty(views, ({ kind, rows, size, filter, orderBy }) =>
      inWorld(client, async (world) => {
        await world.insert(kind.sql, rows);
        const args = { orderBy, filter } as lists.PageArgs;
        const whole = await world.whole(lists.planPage(kind.spec, args, NOW));
        expect(await world.walk(kind.spec, { ...args, first: size })).toEqual(whole);
        expect(await world.walk(kind.spec, { ...args, last: size })).toEqual(whole);
        if (whole.length > size) cut++;
      }),
    );
    await fc.assert(property, { numRuns: 800 });
    expect(cut).toBeGreaterThan(300); // else most lists were one page
  }, 120_000);

  it('neither repeat nor skip a row while others are added between them (500 lists)', async () => {
    const added = fc.array(fc.array(seeds, { maxLength: 4 }), { minLength: 1, maxLength: 6 });
    const property = fc.asyncProperty(
      views,
      added,
      fc.boolean(),
      ({ kind, rows, size, filter, orderBy }, news, backward) =>
        inWorld(client, async (world) => {
          await world.insert(kind.sql, rows);
          const args = { orderBy, filter } as lists.PageArgs;
          const before = await world.whole(lists.planPage(kind.spec, args, NOW));
          const waiting = [...news];
          const add = async () => world.insert(kind.sql, waiting.shift() ?? []);
          const seen = await world.walk(kind.spec, { ...args, [backward ? 'last' : 'first']: size }, add);
          const known = new Set(before);
          expect(seen.filter((key) => known.has(key))).toEqual(before);
          expect(new Set(seen).size).toBe(seen.length);
        }),
    );
    await fc.assert(property, { numRuns: 500 });
  }, 120_000);

  it('under parents are those of each parent alone (150 lists)', async () => {
    const [kind] = KINDS as [Kind];
    const orders = fc.constantFrom('CREATED_AT', 'USERNAME', 'RISK_SCORE');
    const property = fc.asyncProperty(
      fc.array(seeds, { maxLength: 20 }),
      orders,
      fc.integer({ min: 1, max: 20 }),
      (rows, field, first) =>
        inWorld(client, async (world) => {
          await world.insert(kind.sql, rows);
          const plan = lists.planPage(platformUserList, { first, orderBy: { field, direction: 'DESC' } }, NOW);
          const statement = lists.childPageStatement(plan, world.tenantId, 'sourceId', SOURCES);
          const found = (await client.query<{ $parent: number; id: string }>(statement)).rows;
          for (const source of SOURCES) {
            const filter = {
              ...plan,
              condition: { op: 'eq', field: { kind: 'string', field: 'sourceId' }, value: source },
            } as const;
            const whole = await world.whole(filter);
            const own = found.filter(({ $parent }) => $parent === SOURCES.indexOf(source) + 1).map(({ id }) => id);
            expect(own).toEqual(whole.slice(0, first + 1));
          }
        }),
    );
    await fc.assert(property, { numRuns: 150 });
  }, 60_000);
});

const SPECS: lists.ListSpec[] = [
  platformUserList,
  caseList,
  eventList,
  contentList,
  sourceList,
  casePlatformUserList,
  bugList,
  projectList,
  projectMetricList,
  policyList,
];
const pack = (value: unknown) => Buffer.from(JSON.stringify(value) ?? '').toString('base64url');

/** What a forger would try in place of a value or a key: other types, and texts that only look right. */
const forged = fc.oneof(
  fc.constantFrom<unknown>(
    '2026-02-30T00:00:00.000Z',
    '0000-01-01T00:00:00.000Z',
    '+010000-01-01T00:00:00.0Z',
    '1 Jan 2025 (xxxxxxxxxxx)',
    'Thu Jan 01 2025 00:00:00',
    '2026-01-01T00:00:00.000Z',
    '00000000-0000-7000-8000-00000000000A',
    '00000000-0000-7000-8000-00000000000a',
    '999999999999999999',
    '9999999999999999999',
    '１２',
    'a\0b',
    '\ud800',
    "'; DROP TABLE cases; --",
    2 ** 31,
    -(2 ** 31),
    1e308,
    0.5,
    null,
    { toString: 1, valueOf: 1 },
    [[]],
  ),
  fc.jsonValue(),
  fc.integer(),
  fc.double(),
  fc.uuid(),
  fc.date({ noInvalidDate: true }).map((date) => date.toISOString()),
);

describe('cursors', () => {
  it('of garbage or with forged parts are refused as invalid input, or read rows: never a database error (3,000)', async () => {
    let refused = 0;
    let run = 0;
    const places = fc.constantFrom(...SPECS).chain((spec) =>
      fc.record({
        spec: fc.constant(spec),
        field: fc.constantFrom(...(Object.keys(spec.orders).length > 0 ? Object.keys(spec.orders) : [spec.key])),
        direction: fc.constantFrom('ASC' as const, 'DESC' as const),
      }),
    );
    const mostly = fc.nat(9).map((n) => n > 0);
    const parts = fc.tuple(mostly, mostly, mostly, forged, forged, forged);
    const garbage = fc.oneof(fc.string({ minLength: 1 }), fc.jsonValue().map(pack), fc.base64String({ minLength: 1 }));
    const property = fc.asyncProperty(
      places,
      parts,
      fc.oneof({ weight: 4, arbitrary: fc.constant(null) }, garbage),
      fc.boolean(),
      (place, [a, b, c, x, value, key], text, backward) =>
        inWorld(client, async (world) => {
          const { spec, field, direction } = place;
          const cursor = text ?? pack([a ? spec.name : x, b ? field : x, direction, value, c ? randomUUID() : key]);
          try {
            const args = backward ? { last: 2, before: cursor } : { first: 2, after: cursor };
            const plan = lists.planPage(spec, { ...args, orderBy: { field, direction } }, NOW);
            run++;
            await world.page(plan);
          } catch (error) {
            expect(error).toBeInstanceOf(InvalidInput);
            expect(error).toMatchObject({ code: 'INVALID_INPUT', inputPath: [backward ? 'before' : 'after'] });
            refused++;
          }
        }),
    );
    await fc.assert(property, { numRuns: 3_000 });
    expect(refused).toBeGreaterThan(1_000);
    expect(run).toBeGreaterThan(50);
  }, 120_000);

  it('of another list, order or direction are refused', () => {
    const row = { id: randomUUID(), createdAt: NOW, username: 'a', riskScore: 0.5 };
    const made = (spec: lists.ListSpec, field: string, direction: lists.Direction) =>
      encodeCursor(lists.planPage(spec, { orderBy: { field, direction } }, NOW), row);
    const use = (after: string) => () =>
      lists.planPage(platformUserList, { after, orderBy: { field: 'CREATED_AT', direction: 'DESC' } }, NOW);
    expect(use(made(platformUserList, 'CREATED_AT', 'DESC'))).not.toThrow();
    expect(use(made(sourceList, 'CREATED_AT', 'DESC'))).toThrow(/another list/);
    expect(use(made(platformUserList, 'RISK_SCORE', 'DESC'))).toThrow(/another order/);
    expect(use(made(platformUserList, 'CREATED_AT', 'ASC'))).toThrow(/another order/);
  });
});
