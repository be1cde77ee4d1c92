import { InvalidInput } from '../errors.ts';
import { decodeCursor } from './cursor.ts';
import {
  type Condition,
  type FilterInput,
  type FilterSpec,
  parseFilter,
  type RelationField,
  type ScalarField,
} from './filter.ts';
import { filterSql } from './filter-sql.ts';
import type { Moment } from './instant.ts';
import { columnOf, type ModelName, type Row, selectList, tableOf } from './models.ts';
import { SqlBuilder, type Statement } from './statement.ts';

export const DEFAULT_PAGE = 50;
export const MAX_PAGE = 100;
/** Up to here a total is counted exactly; past it the answer is "at least", unless the caller asks for the exact one. */
export const COUNT_BOUND = 10_000;

/**
 * Sizes that are written into the statement, which is then planned once: for a limit that it does not know PostgreSQL
 * supposes a tenth of the rows, so that it goes on planning for each execution. They are few, since each is a statement.
 */
const USUAL_PAGES: ReadonlySet<number> = new Set([1, 2, 3, 5, 10, 20, 25, 50, 100]);

/** What a list of one model offers: declared once, used by the root field, by relations and by exports. */
export interface ListSpec<M extends ModelName = ModelName> extends FilterSpec {
  model: M;
  /** GraphQL name of an order → stored, indexed, not nullable column */
  orders: Readonly<Record<string, string>>;
  defaultOrder: { field: string; direction: Direction };
  /** breaks ties and is unique within the tenant (or within the parent, for link rows) */
  key: string;
  omit?: ReadonlySet<string>;
}

export type Direction = 'ASC' | 'DESC';

export interface PageArgs {
  first?: number | null;
  after?: string | null;
  last?: number | null;
  before?: string | null;
  orderBy?: { field: string; direction: Direction } | null;
  filter?: FilterInput | null;
}

/** Page arguments that were checked: all that a statement is made of. */
export interface PagePlan<M extends ModelName = ModelName> {
  spec: ListSpec<M>;
  limit: number;
  backward: boolean;
  order: { name: string; field: string; direction: Direction };
  boundary: { value: unknown; key: string } | null;
  condition: Condition | null;
  /** reads one row more, which tells whether there is a next page */
  lookahead: boolean;
}

export interface Page<M extends ModelName> {
  plan: PagePlan<M>;
  rows: Row<M>[];
  hasNextPage: boolean;
  hasPreviousPage: boolean;
}

const declared: ListSpec[] = [];

/** All lists that were declared, for the contract test that proves their indexes. */
export function declaredLists(): readonly ListSpec[] {
  return declared;
}

/** Declares a list. `orders` maps the GraphQL names to fields. */
export function defineList<M extends ModelName>(
  model: M,
  options: {
    filters: Record<string, ScalarField | RelationField>;
    orders: Record<string, string>;
    defaultOrder: string;
    direction?: Direction;
    key?: string;
    omit?: readonly string[];
    name?: string;
  },
): ListSpec<M> {
  const spec: ListSpec<M> = {
    name: options.name ?? model,
    model,
    fields: options.filters,
    orders: options.orders,
    defaultOrder: { field: options.defaultOrder, direction: options.direction ?? 'DESC' },
    key: options.key ?? 'id',
    omit: new Set(options.omit),
  };
  declared.push(spec);
  return spec;
}

/** Declares the links of one model to another: in the order of the other side's ids, without filter. */
export function defineLinkList<M extends ModelName>(model: M, key: string, name: string): ListSpec<M> {
  return { name, model, fields: {}, orders: {}, defaultOrder: { field: key, direction: 'DESC' }, key };
}

/** Checks page arguments against a list. Throws InvalidInput naming the argument and what is allowed. */
export function planPage<M extends ModelName>(spec: ListSpec<M>, args: PageArgs, now: Moment): PagePlan<M> {
  const backward = args.last !== undefined && args.last !== null;
  if (backward && args.first !== undefined && args.first !== null) {
    throw new InvalidInput('give first or last, not both', ['last']);
  }
  if (args.after && args.before) throw new InvalidInput('give after or before, not both', ['before']);
  if (backward && args.after) throw new InvalidInput('last goes with before, not with after', ['after']);
  if (!backward && args.before) throw new InvalidInput('before goes with last, not with first', ['before']);
  const limit = args.last ?? args.first ?? DEFAULT_PAGE;
  if (limit < 1 || limit > MAX_PAGE) {
    throw new InvalidInput(`${limit} is out of range: a page holds 1 to ${MAX_PAGE}`, [backward ? 'last' : 'first']);
  }
  const chosen = args.orderBy ?? spec.defaultOrder;
  const field = spec.orders[chosen.field] ?? (Object.keys(spec.orders).length === 0 ? spec.key : undefined);
  if (!field) throw new InvalidInput(`cannot be ordered by ${chosen.field}`, ['orderBy', 'field']);
  const order = { name: chosen.field, field, direction: chosen.direction };
  const cursor = backward ? args.before : args.after;
  return {
    spec,
    limit,
    backward,
    order,
    boundary: cursor ? decodeCursor(spec, order, cursor, backward ? 'before' : 'after') : null,
    condition: args.filter ? parseFilter(spec, args.filter, now) : null,
    lookahead: true,
  };
}

/**
 * The statement of a root page: `limit` + 1 rows, so that the extra one tells whether there is a next page. `select`
 * names columns of the row `t`.
 */
export function pageStatement(
  plan: PagePlan,
  tenantId: string,
  select: string = selectList(plan.spec.model, 't', plan.spec.omit),
): Statement {
  const sql = new SqlBuilder();
  sql.raw(`SELECT ${select} FROM "${tableOf(plan.spec.model).table}" t`);
  sql.raw(' WHERE t.tenant_id = ').param(tenantId, 'uuid');
  pageTail(sql, plan);
  return sql.build(`${plan.spec.model}.page`);
}

/**
 * The statement of the same page under many parents: one statement for a whole level. Each row begins with the place of
 * its parent among the ids, from 1: shorter than the id.
 */
export function childPageStatement(
  plan: PagePlan,
  tenantId: string,
  parentField: string,
  parentIds: readonly string[],
  select: string = selectList(plan.spec.model, 't', plan.spec.omit),
): Statement {
  const { spec } = plan;
  const sql = new SqlBuilder();
  sql.raw('SELECT c.* FROM unnest(').keys(parentIds).raw(') WITH ORDINALITY AS p(id, place) CROSS JOIN LATERAL (');
  sql.raw(`SELECT p.place::int AS "$parent", ${select} FROM "${tableOf(spec.model).table}" t`);
  sql.raw(' WHERE t.tenant_id = ').param(tenantId, 'uuid');
  sql.raw(` AND t."${columnOf(spec.model, parentField).column}" = p.id`);
  pageTail(sql, plan);
  sql.raw(') c');
  return sql.build(`${spec.model}.by.${parentField}`);
}

function pageTail(sql: SqlBuilder, plan: PagePlan): void {
  const { spec, order, boundary, backward } = plan;
  if (plan.condition) {
    sql.raw(' AND ');
    filterSql(sql, plan.condition, spec.model, 't');
  }
  const sort = columnOf(spec.model, order.field);
  const key = columnOf(spec.model, spec.key);
  const descending = (order.direction === 'DESC') !== backward;
  const sortedByKey = sort.column === key.column;
  if (boundary) {
    const operator = descending ? '<' : '>';
    if (sortedByKey) sql.raw(` AND t."${key.column}" ${operator} `).param(boundary.key, key.pgType);
    else {
      sql.raw(` AND (t."${sort.column}", t."${key.column}") ${operator} (`).param(boundary.value, sort.pgType);
      sql.raw(', ').param(boundary.key, key.pgType).raw(')');
    }
  }
  const direction = descending ? 'DESC' : 'ASC';
  sql.raw(` ORDER BY ${sortedByKey ? '' : `t."${sort.column}" ${direction}, `}t."${key.column}" ${direction}`);
  const limit = plan.limit + (plan.lookahead ? 1 : 0);
  sql.raw(' LIMIT ');
  if (USUAL_PAGES.has(plan.limit)) sql.raw(`${limit}`);
  else sql.param(limit, 'int4');
}

/** Counts what the plan's filter selects; `exact` false stops at COUNT_BOUND. */
export function countStatement(plan: PagePlan, tenantId: string, exact: boolean): Statement {
  const sql = new SqlBuilder();
  sql.raw('SELECT count(*)::int AS count FROM (');
  countedRows(sql, plan, tenantId, exact);
  return sql.raw(') t').build(`${plan.spec.model}.count`);
}

/** The same count under many parents: one statement for a whole level. */
export function childCountStatement(
  plan: PagePlan,
  tenantId: string,
  exact: boolean,
  parentField: string,
  parentIds: readonly string[],
): Statement {
  const sql = new SqlBuilder();
  sql.raw('SELECT p.id, c.count FROM unnest(').keys(parentIds).raw(') AS p(id) CROSS JOIN LATERAL (');
  sql.raw('SELECT count(*)::int AS count FROM (');
  countedRows(sql, plan, tenantId, exact, `t."${columnOf(plan.spec.model, parentField).column}" = p.id`);
  return sql.raw(') t) c WHERE c.count > 0').build(`${plan.spec.model}.countBy.${parentField}`);
}

function countedRows(sql: SqlBuilder, plan: PagePlan, tenantId: string, exact: boolean, parent?: string): void {
  const { spec } = plan;
  sql.raw(`SELECT 1 FROM "${tableOf(spec.model).table}" t WHERE t.tenant_id = `).param(tenantId, 'uuid');
  if (parent) sql.raw(` AND ${parent}`);
  if (plan.condition) {
    sql.raw(' AND ');
    filterSql(sql, plan.condition, spec.model, 't');
  }
  if (!exact) sql.raw(` LIMIT ${COUNT_BOUND + 1}`);
}

/** The page of each of so many parents, from the rows of them all; `placeOf` tells a row's parent, from 1. */
export function toPages<M extends ModelName, R extends object>(
  plan: PagePlan<M>,
  parents: number,
  fetched: readonly R[],
  placeOf: (row: R) => number,
): Page<M>[] {
  const groups = Array.from({ length: parents }, (): Row<M>[] => []);
  // What stands for a row (a view of its columns) reads as one.
  for (const row of fetched) groups[placeOf(row) - 1]?.push(row as unknown as Row<M>);
  return groups.map((rows) => toPage(plan, rows));
}

/** Cuts the extra row off and puts a backward page into the list's order. */
export function toPage<M extends ModelName>(plan: PagePlan<M>, fetched: Row<M>[]): Page<M> {
  const more = fetched.length > plan.limit;
  const rows = more ? fetched.slice(0, plan.limit) : fetched;
  if (plan.backward) rows.reverse();
  return {
    plan,
    rows,
    hasNextPage: plan.backward ? plan.boundary !== null : more,
    hasPreviousPage: plan.backward ? more : plan.boundary !== null,
  };
}
