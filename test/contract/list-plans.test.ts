import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { systemViewer } from '../../src/access/viewer.ts';
import { encodeCursor } from '../../src/data/cursor.ts';
import type { Condition, ScalarField, ScalarValue } from '../../src/data/filter.ts';
import * as lists from '../../src/data/list.ts';
import { declaredChildLists, type LoaderContext } from '../../src/data/loaders.ts';
import { columnOf, type ModelName, tableOf } from '../../src/data/models.ts';
import type { Statement } from '../../src/data/statement.ts';
import { entities } from '../../src/graphql/entity.ts';
import '../../src/schema.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import { fillLargeDatabase, TENANTS } from '../support/large-data.ts';
import { faults, PlanReader } from '../support/plans.ts';

const PAGE = 20;
const PARENTS = 50;
const NOW = new Date('2026-01-01T00:00:00Z');
const TENANT = TENANTS.large;

/**
 * How many rows a first page of 20 may read under each comparison, in the default order. `eq` has an index in that very
 * order. The others have the choice of walking the order and leaving out what does not fit, or of reading what fits and
 * sorting it: the planner takes the shorter way, and these are the longest it takes here, with room for its sampling.
 */
const BOUNDS = { eq: PAGE + 1, in: 1_500, startsWith: 1_000, range: 800, null: 800, some: 800, none: 800, every: 800 };
const ALIKE = 'fits nearly every row: the walk in order, which has it left out, is as short';
const SCORES = 'no order of its own: the walk, cheap by the row, against reading from all over the table and sorting';
/** A filter in the order's opposite direction looks selective and is found last: PostgreSQL knows no such correlation. */
const FOUND_LAST = 'old rows in newest-first order (or the reverse): order by the same field to read a page only';
const UNIQUE = 'unique in itself: sorted by id within each value, one row ahead';
/** Each project has a row of each day, so the next ones of any are never far. */
const EVERY_DAY = 'spread evenly: the walk, cheap by the row, against reading from all over the table and sorting';
const PINNED: Readonly<Record<string, readonly [number, string]>> = {
  'Member isActive eq': [30, ALIKE],
  'Source isActive eq': [30, ALIKE],
  'Keyword isActive eq': [30, ALIKE],
  'PlatformUser isFlagged eq': [30, ALIKE],
  'Detection origin eq': [40, ALIKE],
  'PlatformUser riskScore eq': [12_000, SCORES],
  'PlatformUser riskScore range': [12_000, SCORES],
  'Keyword weight eq': [13_000, SCORES],
  'Keyword weight range': [13_000, SCORES],
  'Detection score eq': [15_000, SCORES],
  'Detection score range': [15_000, SCORES],
  'Content riskScore eq': [15_000, SCORES],
  'Content riskScore range': [15_000, SCORES],
  'OsintResult query in': [6_000, 'three texts that were each looked up hundreds of times'],
  'Event occurredAt range': [41_000, FOUND_LAST],
  'Content postedAt range': [200_000, FOUND_LAST],
  'Case number range': [16_000, FOUND_LAST],
  'Case NUMBER': [PAGE + 4, UNIQUE],
  'Bug priorityScore eq': [1_000, SCORES],
  'Bug revenueImpact eq': [40, ALIKE],
  'Bug resolvedAt range': [200_000, FOUND_LAST],
  'Bug updatedAt range': [200_000, FOUND_LAST],
  'Bug dueAt range': [30_000, FOUND_LAST],
  'BugComment bugId in': [30_000, FOUND_LAST],
  'Project roiScore eq': [2_000, SCORES],
  'Project appealIndex eq': [200, SCORES],
  'Project arr eq': [2_000, SCORES],
  'Project KEY': [PAGE + 4, UNIQUE],
  'ProjectMetric projectId in': [3_000, EVERY_DAY],
  'MonthlyMetric projectId in': [3_000, EVERY_DAY],
  'WebhookDelivery webhookId in': [60_000, FOUND_LAST],
  'WebhookDelivery seq range': [60_000, FOUND_LAST],
};
/** Orders of a list under parents other than its default one: all children are read and sorted. */
const CHILD_ORDERS: Readonly<Record<string, number>> = {
  'Content by sourceId': 43_000,
  'Content by authorId': 17_000,
  'PlatformUser by sourceId': 6_500,
  'Detection by contentId': 5_500,
  'Detection by keywordId': 26_000,
  'Bug by projectId': 26_000,
};

let db: TestDatabase;
let reader: PlanReader;

beforeAll(async () => {
  db = await createTestDatabase();
  await fillLargeDatabase(db.ownerUrl);
  reader = new PlanReader(db.ownerUrl, TENANT);
  await reader.open();
}, 400_000);

afterAll(async () => {
  await reader.close();
  await db.drop();
  console.log(reader.report('list-plans.md', PAGE + 1));
});

const roots = lists.declaredLists().filter((spec) => Object.keys(spec.orders).length > 0);
const byName = roots.map((spec) => [spec.name, spec] as const);
const ordersOf = (spec: lists.ListSpec) =>
  (Object.keys(spec.orders).length > 0 ? Object.keys(spec.orders) : [spec.key]).flatMap((field) =>
    (['ASC', 'DESC'] as const).map((direction) => ({ field, direction })),
  );
const children = declaredChildLists().map((one) => [`${one.spec.name} by ${one.parentField}`, one] as const);
const pageOf = (spec: lists.ListSpec, args: lists.PageArgs) =>
  lists.pageStatement(lists.planPage(spec, args, NOW), TENANT);

/** The cursor of the last row of page 999, or of the first one when read from the end. */
async function boundary(spec: lists.ListSpec, orderBy: lists.PageArgs['orderBy'], backward: boolean): Promise<string> {
  const plan = lists.planPage(spec, { [backward ? 'last' : 'first']: 1, orderBy }, NOW);
  const { text, values } = lists.pageStatement(plan, TENANT);
  const [row] = await reader.query<Record<string, unknown>>({ text: `${text} OFFSET ${PAGE * 999 - 1}`, values });
  if (!row) throw new Error(`${tableOf(spec.model).table} has no page 1,000: fill it in test/support/large-data.ts`);
  return encodeCursor(plan, row);
}

/** Faults of both pages in one order and direction of reading. */
async function orderFaults(
  spec: lists.ListSpec,
  orderBy: { field: string; direction: lists.Direction },
  backward: boolean,
  before?: string,
): Promise<string[]> {
  const what = `${spec.name} ${orderBy.field} ${orderBy.direction} ${backward ? 'last' : 'first'}`;
  const pin = PINNED[`${spec.name} ${orderBy.field}`];
  const first = pageOf(spec, { [backward ? 'last' : 'first']: PAGE, orderBy });
  const cursor = await boundary(spec, orderBy, backward);
  const later = pageOf(spec, {
    orderBy,
    ...(backward ? { last: PAGE, before: cursor } : { first: PAGE, after: cursor }),
  });
  const limits = { bound: pin?.[0] ?? PAGE + 1, mustBeSorted: !pin };
  const far = await reader.explain(later, spec.model, before);
  const near = before
    ? faults(what, await reader.explain(first, spec.model, before), limits.bound, limits.mustBeSorted)
    : await reader.record(what, spec.model, first, { ...limits, later: far.rows });
  return [...near, ...faults(`${what}, page 1,000`, far, limits.bound, limits.mustBeSorted)];
}

/** Values of a column: the most and the least frequent, and from the ends and the middle of its range. */
async function valuesOf(model: ModelName, column: string) {
  const rows = `FROM "${tableOf(model).table}" WHERE tenant_id = '${TENANT}' AND "${column}" IS NOT NULL`;
  type Found = { v: ScalarValue };
  const frequent = await reader.query<Found>({
    text: `SELECT "${column}" v ${rows} GROUP BY 1 ORDER BY count(*) DESC, 1`,
  });
  const [low = '', middle = '', high = ''] = (
    await reader.query<Found>({
      text: `SELECT unnest(percentile_disc(ARRAY[0.001, 0.5, 0.999]) WITHIN GROUP (ORDER BY "${column}")) v ${rows}`,
    })
  ).map(({ v }) => v);
  return { values: frequent.map(({ v }) => v), low, middle, high };
}

/** Every comparison that a field allows, with values that select much and little. */
async function comparisons(model: ModelName, field: ScalarField) {
  const { values, low, middle, high } = await valuesOf(model, columnOf(model, field.field).column);
  const [common, rare] = [values[0] ?? '', values.at(-1) ?? ''];
  const some: [keyof typeof BOUNDS, string, Condition['op'], unknown][] = [
    ['eq', 'common', 'eq', common],
    ['eq', 'rare', 'eq', rare],
  ];
  if (['id', 'string', 'enum', 'int'].includes(field.kind)) {
    some.push(['in', 'common', 'in', values.slice(0, 3)], ['in', 'rare', 'in', values.slice(-3)]);
  }
  if (['date', 'day', 'float', 'int', 'bigint'].includes(field.kind)) {
    some.push(['range', '< low', 'lt', low], ['range', '< middle', 'lt', middle]);
    some.push(['range', '>= middle', 'gte', middle], ['range', '>= high', 'gte', high]);
  }
  if (field.kind === 'string') some.push(['startsWith', 'rare', 'startsWith', String(rare).slice(0, 4)]);
  if (!['boolean', 'bigint'].includes(field.kind)) some.push(['null', '', 'null', true]);
  return some.map(([kind, name, op, value]) => ({ kind, name, condition: { op, field, value } as Condition }));
}

/** The one statement that loaders of an operation send. */
async function statementOf(load: (ctx: LoaderContext) => Promise<unknown>[]): Promise<Statement> {
  const sent: Statement[] = [];
  const query = async (statement: Statement) => {
    sent.push(statement);
    return [];
  };
  const scope = { viewer: systemViewer(TENANT, 'test'), query } as unknown as LoaderContext['scope'];
  await Promise.all(load({ scope, loaders: new Map(), now: NOW }));
  const [statement] = sent;
  if (!statement || sent.length > 1) throw new Error(`${sent.length} statements for one batch`);
  return statement;
}

describe('the statement of a page', () => {
  it('is made by lists of every kind of row', () => {
    expect(roots.length).toBeGreaterThanOrEqual(13);
    expect(children.length).toBeGreaterThanOrEqual(13);
  });

  it.each(byName)(
    'reads %s in every order, from both ends, as far as page 1,000, without a row too many',
    async (_, spec) => {
      const wrong = [];
      for (const order of ordersOf(spec)) {
        for (const backward of [false, true]) wrong.push(...(await orderFaults(spec, order, backward)));
      }
      expect(wrong).toEqual([]);
    },
  );

  it.each(byName)(
    'reads %s under every filter through an index',
    async (_, spec) => {
      const plan = lists.planPage(spec, { first: PAGE }, NOW);
      const wrong = [];
      for (const [name, field] of Object.entries(spec.fields)) {
        if (field.kind === 'relation') continue;
        for (const { kind, name: which, condition } of await comparisons(spec.model, field)) {
          const what = `${spec.name} ${name} ${kind} ${which}`;
          const bound = PINNED[`${spec.name} ${name} ${kind}`]?.[0] ?? BOUNDS[kind];
          const statement = lists.pageStatement({ ...plan, condition }, TENANT);
          wrong.push(...(await reader.record(what, spec.model, statement, { bound })));
        }
      }
      expect(wrong).toEqual([]);
    },
    60_000,
  );

  it('reads rows by what points to them through indexes of both tables', async () => {
    const wrong = [];
    for (const spec of roots) {
      for (const [name, relation] of Object.entries(spec.fields)) {
        if (relation.kind !== 'relation') continue;
        const inner = relation.spec();
        const fields = Object.values(inner.fields).filter((one) => one.kind !== 'relation');
        const field = fields.find(({ kind }) => kind === 'enum') ?? fields.find(({ kind }) => kind === 'string');
        if (!field) throw new Error(`${inner.name} has no enum or text to filter by`);
        const { values } = await valuesOf(inner.model, columnOf(inner.model, field.field).column);
        const part: Condition = { op: 'eq', field, value: values.at(-1) ?? '' };
        for (const op of ['some', 'none', 'every'] as const) {
          const what = `${spec.name} ${name} ${op}`;
          const plan = { ...lists.planPage(spec, { first: PAGE }, NOW), condition: { op, relation, part } };
          const statement = lists.pageStatement(plan, TENANT);
          wrong.push(...(await reader.record(what, spec.model, statement, { bound: BOUNDS[op] })));
          wrong.push(...faults(`${what}, inner`, await reader.explain(statement, inner.model), 20 * BOUNDS[op], false));
        }
      }
    }
    expect(wrong).toEqual([]);
  });

  it.each(children)('reads pages of %s through an index', async (what, { spec, parentField }) => {
    const { column } = columnOf(spec.model, parentField);
    const parents = await reader.query<{ id: string; count: number }>({
      text: `SELECT "${column}" AS id, count(*)::int AS count FROM "${tableOf(spec.model).table}"
        WHERE tenant_id = '${TENANT}' AND "${column}" IS NOT NULL GROUP BY 1 ORDER BY 2 DESC, 1 LIMIT ${PARENTS}`,
    });
    expect(parents[0]?.count, 'rows of one parent: test/support/large-data.ts fills them').toBeGreaterThan(4 * PAGE);
    const wrong = [];
    for (const orderBy of ordersOf(spec)) {
      const plan = lists.planPage(spec, { first: PAGE, orderBy }, NOW);
      const ids = parents.map(({ id }) => id);
      const name = `${what} ${orderBy.field} ${orderBy.direction}`;
      const statement = lists.childPageStatement(plan, TENANT, parentField, ids);
      const byDefault = orderBy.field === spec.defaultOrder.field;
      const bound = byDefault ? PARENTS * (PAGE + 1) : (CHILD_ORDERS[what] ?? 0);
      wrong.push(...(await reader.record(name, spec.model, statement, { bound, mustBeSorted: byDefault })));
    }
    expect(wrong).toEqual([]);
  });

  it('finds rows by their ids through an index', async () => {
    const wrong = [];
    for (const entity of entities()) {
      const text = `SELECT id FROM "${tableOf(entity.model).table}" WHERE tenant_id = '${TENANT}' ORDER BY id DESC LIMIT 500`;
      const ids = (await reader.query<{ id: string }>({ text })).map(({ id }) => id);
      const statement = await statementOf((ctx) => ids.map((id) => entity.load(ctx, id)));
      const what = `${entity.typeName} by id`;
      wrong.push(...(await reader.record(what, entity.model, statement, { bound: 500, mustBeSorted: true })));
      if (reader.lines.at(-1)?.rows !== 500) wrong.push(`${what}: not all of 500 were found`);
    }
    expect(wrong).toEqual([]);
  });

  it('reads no more once PostgreSQL has settled on a plan for all values', async () => {
    const { texts, generic, wrong } = await reader.settledFaults();
    expect(wrong).toEqual([]);
    expect(texts).toBeGreaterThan(200);
    // else this would have looked at plans for single values only
    expect(generic).toBeGreaterThan(20);
  }, 60_000);

  it('fails these tests when an index is missing', async () => {
    const spec = roots.find(({ name }) => name === 'Content');
    if (!spec) throw new Error('no list of contents');
    const without = (index: string) => `DROP INDEX ${index}`;
    const order = { field: 'CREATED_AT', direction: 'DESC' } as const;
    const wrong = await orderFaults(spec, order, false, without('content_tenant_id_created_at_id_idx'));
    expect(wrong.join('\n')).toMatch(/a sort/);
    expect(wrong.join('\n')).toMatch(/page 1,000: \d+ rows of at most 21/);
    const condition: Condition = { op: 'eq', field: spec.fields.language as ScalarField, value: 'fi' };
    const statement = lists.pageStatement({ ...lists.planPage(spec, { first: PAGE }, NOW), condition }, TENANT);
    const reading = await reader.explain(statement, 'Content', without('content_tenant_id_language_created_at_id_idx'));
    expect(faults('language', reading, BOUNDS.eq, false)).not.toEqual([]);
    expect(faults('language', await reader.explain(statement, 'Content'), BOUNDS.eq, false)).toEqual([]);
  });
});
