import DataLoader from 'dataloader';
import {
  childPageStatement,
  type ListSpec,
  type Page,
  type PageArgs,
  type PagePlan,
  planPage,
  toPages,
} from './list.ts';
import { columnOf, type ModelName, type Row, selectList, tableOf } from './models.ts';
import type { ReadScope } from './read-scope.ts';
import { filledUp, SqlBuilder, type Statement } from './statement.ts';

/** What loaders need of a GraphQL context. `loaders` lives as long as the operation: a loader is a cache. */
export interface LoaderContext {
  scope: ReadScope;
  loaders: Map<unknown, DataLoader<string, unknown>>;
  /** the operation's moment: every relative date in it means the same */
  now: Date;
}

/** Keys that go into one statement. */
export const MAX_BATCH = 1_000;

/** One loader for each definition (and argument set) in an operation. */
export function loaderOf<V>(
  ctx: LoaderContext,
  key: unknown,
  batch: (ids: readonly string[]) => Promise<V[]>,
): DataLoader<string, V> {
  let loader = ctx.loaders.get(key);
  if (!loader) {
    loader = new DataLoader<string, unknown>(batch, { maxBatchSize: MAX_BATCH });
    ctx.loaders.set(key, loader);
  }
  return loader as DataLoader<string, V>;
}

export type ByIdLoader<M extends ModelName> = (ctx: LoaderContext, id: string) => Promise<Row<M> | null>;

/** Rows by primary key: removes the N+1 of every to-one relation that points to this model. */
export function byId<M extends ModelName>(model: M, omit?: ReadonlySet<string>): ByIdLoader<M> {
  const select = selectList(model, 't', omit);
  let statement: ReturnType<typeof byIdStatements> | undefined;
  const load = async (ctx: LoaderContext, ids: readonly string[]): Promise<(Row<M> | null)[]> => {
    statement ??= byIdStatements(model, select);
    const rows = await ctx.scope.query<Row<M> & { id: string }>(statement(ctx.scope.viewer.tenantId, ids));
    const found = new Map(rows.map((row) => [row.id, row]));
    return ids.map((id) => found.get(id) ?? null);
  };
  const key = Symbol(model);
  return (ctx, id) => loaderOf(ctx, key, (ids) => load(ctx, ids)).load(id);
}

/** Makes the statements of rows by their keys, whose text is always the same. `select` names columns of the row `t`. */
export function byIdStatements(
  model: ModelName,
  select: string,
): (tenantId: string, ids: readonly string[]) => Statement {
  const sql = new SqlBuilder().raw(`SELECT ${select} FROM "${tableOf(model).table}" t WHERE t.tenant_id = `);
  sql.param('', 'uuid').raw(' AND t.id = ANY(').keys([]).raw(')');
  const statement = sql.build(`${model}.byId`);
  return (tenantId, ids) => ({ ...statement, values: [tenantId, filledUp(ids)] });
}

export type ChildPageLoader<M extends ModelName> = (
  ctx: LoaderContext,
  parentId: string,
  args: PageArgs,
) => Promise<Page<M>>;

const childLists: { spec: ListSpec; parentField: string }[] = [];

/** All lists that hang under a parent, for the contract test that proves their indexes. */
export function declaredChildLists(): readonly { spec: ListSpec; parentField: string }[] {
  return childLists;
}

/** A page of a list under each parent: one LATERAL statement for all parents that ask with the same arguments. */
export function childPage<M extends ModelName>(spec: ListSpec<M>, parentField: string): ChildPageLoader<M> {
  columnOf(spec.model, parentField);
  childLists.push({ spec, parentField });
  const plans = new WeakMap<LoaderContext['loaders'], Map<string, PagePlan<M>>>();
  return async (ctx, parentId, args) => {
    const shape = `${spec.name}.${parentField}:${JSON.stringify(args)}`;
    let known = plans.get(ctx.loaders);
    if (!known) {
      known = new Map();
      plans.set(ctx.loaders, known);
    }
    const plan = known.get(shape) ?? planPage(spec, args, ctx);
    known.set(shape, plan);
    return loaderOf(ctx, shape, (ids) => loadChildren(ctx, plan, parentField, ids)).load(parentId);
  };
}

async function loadChildren<M extends ModelName>(
  ctx: LoaderContext,
  plan: PagePlan<M>,
  parentField: string,
  ids: readonly string[],
): Promise<Page<M>[]> {
  const statement = childPageStatement(plan, ctx.scope.viewer.tenantId, parentField, ids);
  const rows = await ctx.scope.query<Row<M> & { $parent: number }>(statement);
  return toPages(plan, ids.length, rows, (row) => row.$parent);
}

/** How many rows point to each parent, as one grouped statement. */
export function countBy(
  model: ModelName,
  parentField: string,
): (ctx: LoaderContext, parentId: string) => Promise<number> {
  const { table } = tableOf(model);
  const { column } = columnOf(model, parentField);
  const load = async (ctx: LoaderContext, ids: readonly string[]): Promise<number[]> => {
    const sql = new SqlBuilder().raw(
      `SELECT t."${column}" AS id, count(*)::int AS count FROM "${table}" t WHERE t.tenant_id = `,
    );
    sql.param(ctx.scope.viewer.tenantId, 'uuid').raw(` AND t."${column}" = ANY(`).keys(ids).raw(') GROUP BY 1');
    const rows = await ctx.scope.query<{ id: string; count: number }>(sql.build(`${model}.countBy.${parentField}`));
    const counts = new Map(rows.map((row) => [row.id, row.count]));
    return ids.map((id) => counts.get(id) ?? 0);
  };
  const key = Symbol(`${model}.${parentField}`);
  return (ctx, parentId) => loaderOf(ctx, key, (ids) => load(ctx, ids)).load(parentId);
}
