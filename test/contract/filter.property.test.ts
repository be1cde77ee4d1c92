import fc from 'fast-check';
import type pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  type FilterInput,
  MAX_FILTER_DEPTH,
  MAX_IN_VALUES,
  parseFilter,
  type ScalarField,
} from '../../src/data/filter.ts';
import { filterPredicate } from '../../src/data/filter-memory.ts';
import { type ListSpec, MAX_PAGE, planPage } from '../../src/data/list.ts';
import { InvalidInput } from '../../src/errors.ts';
import { contentList } from '../../src/modules/intel/lists.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import { AMOUNTS, events, FLOATS, IDS, MOMENTS, rows as row, TABLES, TEXTS, users } from '../support/filter-tables.ts';
import { CONTENTS, connect, DETECTIONS, inWorld, NOW, SOURCES, type World } from '../support/list-world.ts';

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

const VALUES: Record<Exclude<ScalarField['kind'], 'enum'>, fc.Arbitrary<unknown>> = {
  id: fc.constantFrom(...IDS),
  string: fc.oneof(
    fc.constantFrom(...TEXTS),
    fc.string({ maxLength: 2 }).filter((text) => !text.includes('\0')),
  ),
  date: fc.constantFrom(...MOMENTS),
  day: fc.constantFrom(...MOMENTS),
  int: fc.constantFrom(0, 1, 2, 2 ** 31 - 1, -(2 ** 31)),
  float: fc.oneof(fc.constantFrom(...FLOATS, ...AMOUNTS.map(Number)), fc.double({ noNaN: true })),
  bigint: fc.bigInt(9007199254740989n, 9007199254741020n).map((n) => (n <= Number.MAX_SAFE_INTEGER ? Number(n) : n)),
  boolean: fc.boolean(),
};
const COMPARATORS: Record<ScalarField['kind'], string[]> = {
  id: ['eq', 'neq', 'in', 'nin', 'null'],
  enum: ['eq', 'neq', 'in', 'nin', 'null'],
  string: ['eq', 'neq', 'in', 'nin', 'startsWith', 'null'],
  date: ['eq', 'neq', 'lt', 'lte', 'gt', 'gte', 'null'],
  day: ['eq', 'neq', 'lt', 'lte', 'gt', 'gte', 'null'],
  int: ['eq', 'neq', 'in', 'nin', 'lt', 'lte', 'gt', 'gte', 'null'],
  float: ['eq', 'neq', 'lt', 'lte', 'gt', 'gte', 'null'],
  bigint: ['eq', 'neq', 'lt', 'lte', 'gt', 'gte'],
  boolean: ['eq', 'neq'],
};

function comparison(field: ScalarField): fc.Arbitrary<object> {
  const one = fc.constantFrom(...COMPARATORS[field.kind]).chain((op) => {
    if (op === 'null') return fc.boolean().map((value) => ({ [op]: value }));
    const value = field.kind === 'enum' ? fc.constantFrom(...(field.values ?? [])) : VALUES[field.kind];
    return (op === 'in' || op === 'nin' ? fc.array(value, { maxLength: 4 }) : value).map((given) => ({ [op]: given }));
  });
  // several comparisons of a field must all hold; null and undefined are as good as left out
  return fc.oneof(
    { weight: 4, arbitrary: one },
    fc.tuple(one, one).map(([a, b]) => ({ ...a, ...b, eq: null })),
  );
}

/** Any filter of a list, up to the allowed depth. */
function filters(spec: ListSpec, depth = 1): fc.Arbitrary<FilterInput> {
  const scalar = Object.entries(spec.fields).filter(
    (entry): entry is [string, ScalarField] => entry[1].kind !== 'relation',
  );
  const leaf = fc.record(Object.fromEntries(scalar.map(([name, field]) => [name, comparison(field)])), {
    requiredKeys: [],
  });
  const some = leaf.map((all) => Object.fromEntries(Object.entries(all).slice(0, 2)));
  if (depth >= MAX_FILTER_DEPTH) return some;
  const part = filters(spec, depth + 1);
  const parts = fc.array(part, { maxLength: 3 });
  return fc.oneof(
    { weight: 3, arbitrary: some },
    parts.map((and) => ({ and })),
    parts.map((or) => ({ or })),
    part.map((not) => ({ not })),
    fc.record({ rest: some, or: parts, not: part }).map(({ rest, or, not }) => ({ ...rest, or, not })),
  );
}

async function select(world: World, spec: ListSpec, filter: FilterInput): Promise<string[]> {
  const page = await world.page(planPage(spec, { first: MAX_PAGE, filter }, NOW));
  return page.rows.map((one) => String(Reflect.get(one, spec.key)));
}

describe('a filter', () => {
  it('selects the same rows in SQL as in memory (1,500 filters, 3 of them over each set of rows)', async () => {
    expect(new Date('2026-01-01').getHours()).toBe(14);
    const tables = fc.constantFrom(...TABLES).chain(({ spec, sql }) =>
      fc.record({
        spec: fc.constant(spec as ListSpec),
        sql: fc.constant(sql),
        rows: fc.array(row, { minLength: 1, maxLength: 20, size: 'max' }),
        given: fc.array(filters(spec), { minLength: 3, maxLength: 3 }),
      }),
    );
    const shares = { none: 0, some: 0, all: 0 };
    const property = fc.asyncProperty(tables, ({ spec, sql, rows, given }) =>
      inWorld(client, async (world) => {
        await world.insert(sql, rows);
        for (const filter of given) {
          const expected = await world.whole(planPage(spec, { filter }, NOW));
          expect(await select(world, spec, filter)).toEqual(expected);
          shares[expected.length === 0 ? 'none' : expected.length === rows.length ? 'all' : 'some']++;
        }
      }),
    );
    await fc.assert(property, { numRuns: 500 });
    // filters that all select nothing, or everything, would compare nothing
    expect(Math.min(...Object.values(shares))).toBeGreaterThan(50);
  }, 120_000);

  it('over a relation means what it says (300 filters)', async () => {
    const part = fc.constantFrom<[FilterInput, (one: Found) => boolean]>(
      [{}, () => true],
      [{ status: { eq: 'NEW' } }, ({ status }) => status === 'NEW'],
      [{ score: { gte: 0.5 } }, ({ score }) => score >= 0.5],
      [{ not: { status: { in: ['NEW', 'CONFIRMED'] } } }, ({ status }) => status === 'DISMISSED'],
      [{ or: [] }, () => false],
    );
    const found = fc.record({
      content: fc.nat(4),
      status: fc.constantFrom('NEW', 'CONFIRMED', 'DISMISSED'),
      score: fc.constantFrom(0, 0.5, 1),
    });
    type Found = typeof found extends fc.Arbitrary<infer F> ? F : never;
    const op = fc.constantFrom('some' as const, 'none' as const, 'every' as const);
    const property = fc.asyncProperty(
      fc.array(found, { maxLength: 12 }),
      op,
      part,
      fc.boolean(),
      (rows, word, [filter, fits], not) =>
        inWorld(client, async (world) => {
          const { rows: contents } = await client.query<{ id: string }>(CONTENTS, [SOURCES[0]]);
          await world.insert(
            DETECTIONS,
            rows.map((one) => ({ ...one, content: contents[one.content]?.id })),
          );
          const holds = contents.map((_, i) => {
            const own = rows.filter(({ content }) => content === i);
            return (word === 'some' ? own.some(fits) : word === 'every' ? own.every(fits) : !own.some(fits)) !== not;
          });
          const asked = { detections: { [word]: filter } };
          const ids = await select(world, contentList, not ? { not: asked } : asked);
          expect(ids.sort()).toEqual(
            contents
              .filter((_, i) => holds[i])
              .map(({ id }) => id)
              .sort(),
          );
        }),
    );
    await fc.assert(property, { numRuns: 300 });
  }, 60_000);
});

describe('a filter is refused', () => {
  const parse = (filter: FilterInput, spec: ListSpec = users) => parseFilter(spec, filter, NOW);
  const refusal = (filter: FilterInput, spec?: ListSpec) => {
    try {
      parse(filter, spec);
    } catch (error) {
      expect(error).toBeInstanceOf(InvalidInput);
      return (error as InvalidInput).inputPath.join('.');
    }
    return 'taken';
  };
  const nested = (depth: number, wrap: (inner: FilterInput) => FilterInput): FilterInput =>
    depth === 1 ? { flagged: { eq: true } } : wrap(nested(depth - 1, wrap));

  it('from the sixth level on, however it is nested', () => {
    const wraps: [string, (inner: FilterInput) => FilterInput][] = [
      ['and.0', (inner) => ({ and: [inner] })],
      ['or.0', (inner) => ({ or: [inner, {}] })],
      ['not', (not) => ({ not })],
    ];
    for (const [step, wrap] of wraps) {
      expect(refusal(nested(5, wrap))).toBe('taken');
      expect(refusal(nested(6, wrap))).toBe(['filter', ...Array(5).fill(step)].join('.'));
    }
    const inRelation = (depth: number) => ({ detections: { some: nested(depth, (not) => ({ not })) } });
    expect(refusal({ detections: { some: { not: { not: { not: { status: { eq: 'NEW' } } } } } } }, contentList)).toBe(
      'taken',
    );
    expect(refusal(inRelation(5), contentList)).toMatch(/^filter\.detections\.some\.not/);
  });

  it('with more than 1,000 values', async () => {
    const list = (length: number) => Array.from({ length }, (_, i) => `v${i}`);
    for (const op of ['in', 'nin']) {
      expect(refusal({ name: { [op]: list(MAX_IN_VALUES) } })).toBe('taken');
      expect(refusal({ name: { [op]: list(MAX_IN_VALUES + 1) } })).toBe(`filter.name.${op}`);
    }
    await inWorld(client, async (world) => {
      expect(await select(world, users, { name: { in: list(MAX_IN_VALUES) } })).toEqual([]);
    });
  });

  it('with a field, text, id, number or time that the database could not take', () => {
    expect(refusal({ secret: { eq: 1 } })).toBe('filter.secret');
    for (const name of ['constructor', '__proto__', 'toString']) {
      expect(refusal(Object.fromEntries([[name, { eq: 1 }]]))).toBe(`filter.${name}`);
    }
    for (const op of ['eq', 'neq', 'startsWith']) expect(refusal({ name: { [op]: 'a\0' } })).toBe(`filter.name.${op}`);
    expect(refusal({ name: { in: ['a', '\0'] } })).toBe('filter.name.in.1');
    expect(refusal({ sourceId: { in: ['x'] } }, contentList)).toBe('filter.sourceId.in.0');
    expect(refusal({ seq: { gt: 2n ** 63n } }, events)).toBe('filter.seq.gt');
    expect(refusal({ seq: { gt: 2n ** 63n - 1n } }, events)).toBe('taken');
    const wrong = ['', 'P', 'PT', 'P7', '7D', 'now', '2026', '2026-13-01', '2026-02-30', '2026-02-30T00:00:00Z'];
    wrong.push('2026-01-01T25:00:00Z', '2026-01-01T00:00:00', '-P9999Y', 'P9999Y', '0000-01-01', 'a\0b');
    const takes = ['2026-02-28', '-P2025Y', 'P7973Y', '0001-01-01', '2026-01-01T00:00+14:00'];
    expect(wrong.filter((at) => refusal({ flaggedAt: { gt: at } }) !== 'filter.flaggedAt.gt')).toEqual([]);
    expect(takes.filter((at) => refusal({ flaggedAt: { gt: at } }) !== 'taken')).toEqual([]);
  });

  it('by the predicate in memory, when it is over a relation', () => {
    const condition = parse({ detections: { some: {} } }, contentList);
    expect(() => filterPredicate(condition)).toThrow(/relation/);
  });
});
