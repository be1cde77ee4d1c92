import type { InputRef, ObjectRef } from '@pothos/core';
import type { Permission } from '../access/permissions.ts';
import { encodeCursor } from '../data/cursor.ts';
import {
  COUNT_BOUND,
  childCountStatement,
  childPageStatement,
  countStatement,
  DEFAULT_PAGE,
  type Direction,
  type ListSpec,
  MAX_PAGE,
  type Page,
  type PageArgs,
  type PagePlan,
  pageStatement,
  planPage,
  toPage,
  toPages,
} from '../data/list.ts';
import { type ChildPageLoader, childPage, loaderOf, MAX_BATCH } from '../data/loaders.ts';
import type { ModelName, Row } from '../data/models.ts';
import { batched } from '../execution/batch.ts';
import type { RowView } from '../execution/rows.ts';
import { builder, type SchemaTypes } from './builder.ts';
import type { Context } from './context.ts';
import type { Entity } from './entity.ts';
import { defineEnum } from './enums.ts';
import { filterInput } from './filter-inputs.ts';

type TypesOf = PothosSchemaTypes.ExtendDefaultTypes<SchemaTypes>;
type Ref<M extends ModelName> = ObjectRef<TypesOf, Row<M>, Row<M>>;

/** What a connection's fields read: the page, and how to count when asked to. */
export interface Connection<M extends ModelName> {
  page: Page<M>;
  parent?: { field: string; id: string };
}

const PageInfo = builder.objectRef<Page<ModelName>>('PageInfo').implement({
  description: 'Where a page stands in its list.',
  fields: (t) => ({
    hasNextPage: t.exposeBoolean('hasNextPage'),
    hasPreviousPage: t.exposeBoolean('hasPreviousPage'),
    startCursor: t.string({
      nullable: true,
      resolve: ({ plan, rows: [first] }) => (first ? encodeCursor(plan, first) : null),
    }),
    endCursor: t.string({
      nullable: true,
      resolve: ({ plan, rows }) => {
        const last = rows.at(-1);
        return last ? encodeCursor(plan, last) : null;
      },
    }),
  }),
});

const TotalKind = defineEnum('TotalCountKind', ['EXACT', 'AT_LEAST'], 'Whether a total was counted to the end.');

export const TotalCount = builder.objectRef<{ value: number; kind: 'EXACT' | 'AT_LEAST' }>('TotalCount').implement({
  description: 'How many rows a list has.',
  fields: (t) => ({ value: t.exposeInt('value'), kind: t.field({ type: TotalKind, resolve: (total) => total.kind }) }),
});

const DirectionEnum = defineEnum('OrderDirection', ['ASC', 'DESC'], 'Smallest first, or largest first.');

/** The bounded total as GraphQL shows it. */
export function boundedTotal(count: number, exact: boolean): { value: number; kind: 'EXACT' | 'AT_LEAST' } {
  return !exact && count > COUNT_BOUND ? { value: COUNT_BOUND, kind: 'AT_LEAST' } : { value: count, kind: 'EXACT' };
}

const connections = new Map<string, unknown>();

/** The connection type of a list: edges, nodes, pageInfo, totalCount. Made once for each list. */
export function connectionType<M extends ModelName>(
  spec: ListSpec<M>,
  node: Ref<M>,
): ObjectRef<TypesOf, Connection<M>, Connection<M>> {
  const known = connections.get(spec.name);
  if (known) return known as ObjectRef<TypesOf, Connection<M>, Connection<M>>;
  const Edge = builder.objectRef<{ page: Page<M>; node: Row<M> }>(`${spec.name}Edge`).implement({
    description: 'A row and its place in the list.',
    fields: (t) => ({
      cursor: t.string({ resolve: (edge) => encodeCursor(edge.page.plan, edge.node) }),
      node: t.field({ type: node, resolve: (edge) => edge.node as never }),
    }),
  });
  const ref = builder.objectRef<Connection<M>>(`${spec.name}Connection`).implement({
    description: 'One page of a list.',
    fields: (t) => ({
      edges: t.field({ type: [Edge], resolve: ({ page }) => page.rows.map((row) => ({ page, node: row })) }),
      nodes: t.field({
        type: [node],
        description: 'The rows without their cursors.',
        resolve: ({ page }) => page.rows as never,
      }),
      pageInfo: t.field({ type: PageInfo, resolve: ({ page }) => page as unknown as Page<ModelName> }),
      totalCount: t.field({
        type: TotalCount,
        description: `How many rows the filter selects, counted only when asked for, and up to ${COUNT_BOUND.toLocaleString('en')} unless exact.`,
        args: { exact: t.arg.boolean({ defaultValue: false }) },
        resolve: ({ page, parent }, { exact }, ctx) => total(ctx, page, exact ?? false, parent),
      }),
    }),
  });
  connections.set(spec.name, ref);
  return ref;
}

async function total<M extends ModelName>(
  ctx: Context,
  { plan }: Page<M>,
  exact: boolean,
  parent?: { field: string; id: string },
) {
  const { tenantId } = ctx.scope.viewer;
  if (parent) return boundedTotal(await childCount(ctx, plan, exact, parent), exact);
  const [row] = await ctx.scope.query<{ count: number }>(countStatement(plan, tenantId, exact));
  return boundedTotal(row?.count ?? 0, exact);
}

/** The plan is one object for all parents that ask with the same arguments, so it is what their counts share. */
const countKeys = new WeakMap<object, { exact: symbol; bounded: symbol }>();

function childCount(
  ctx: Context,
  plan: PagePlan,
  exact: boolean,
  parent: { field: string; id: string },
): Promise<number> {
  const keys = countKeys.get(plan) ?? { exact: Symbol('exact'), bounded: Symbol('bounded') };
  countKeys.set(plan, keys);
  return loaderOf(ctx, exact ? keys.exact : keys.bounded, async (ids) => {
    const statement = childCountStatement(plan, ctx.scope.viewer.tenantId, exact, parent.field, ids);
    const rows = await ctx.scope.query<{ id: string; count: number }>(statement);
    const counts = new Map(rows.map((row) => [row.id, row.count]));
    return ids.map((id) => counts.get(id) ?? 0);
  }).load(parent.id);
}

const orders = new Map<string, InputRef<{ field: string; direction: Direction }>>();

function orderInput(spec: ListSpec): InputRef<{ field: string; direction: Direction }> {
  let ref = orders.get(spec.name);
  if (!ref) {
    const field = defineEnum(`${spec.name}OrderField`, Object.keys(spec.orders), 'What a list can be ordered by.');
    ref = builder.inputRef<{ field: string; direction: Direction }>(`${spec.name}Order`).implement({
      description: 'What a list is ordered by; ties are broken by id.',
      fields: (t) => ({
        field: t.field({ type: field, required: true }),
        direction: t.field({ type: DirectionEnum, required: true, defaultValue: spec.defaultOrder.direction }),
      }),
    });
    orders.set(spec.name, ref);
  }
  return ref;
}

/** Arguments of every list: paging in both directions, order and, where the list can be filtered, a filter. */
export function pageArgs(spec: ListSpec) {
  return builder.args((t) => ({
    first: t.int({ description: `1 to ${MAX_PAGE}; ${DEFAULT_PAGE} when neither first nor last is given` }),
    after: t.string({ description: 'a cursor: rows after it' }),
    last: t.int({ description: `1 to ${MAX_PAGE}: a page that ends at the end, or before a cursor` }),
    before: t.string({ description: 'a cursor: rows before it' }),
    ...(Object.keys(spec.orders).length > 0 ? { orderBy: t.field({ type: orderInput(spec) }) } : {}),
    ...(Object.keys(spec.fields).length > 0 ? { filter: t.field({ type: filterInput(spec) }) } : {}),
  }));
}

/** Options of a root list field: `t.field({ ...listField(contentList, Content), permission, description })`. */
export function listField<M extends ModelName>(spec: ListSpec<M>, node: Ref<M>) {
  return {
    type: connectionType(spec, node),
    args: pageArgs(spec),
    resolve: (_: unknown, args: PageArgs, ctx: Context): Promise<Connection<M>> => rootPage(ctx, spec, args),
    extensions: batched(async (_, args, ctx, rows) => {
      const plan = { ...planPage(spec, args, ctx), lookahead: rows.asksFor('pageInfo') };
      const { tenantId } = ctx.scope.viewer;
      const source = rows.source(spec.model, 0, spec.omit);
      const fetched = await source.read(ctx.scope, (select) => pageStatement(plan, tenantId, select));
      return [{ page: toPage(plan, fetched as unknown as Row<M>[]) }];
    }),
  };
}

/** One page of a root list. */
export async function rootPage<M extends ModelName>(
  ctx: Context,
  spec: ListSpec<M>,
  args: PageArgs,
): Promise<Connection<M>> {
  const plan = planPage(spec, args, ctx);
  const rows = await ctx.scope.query<Row<M>>(pageStatement(plan, ctx.scope.viewer.tenantId));
  return { page: toPage(plan, rows) };
}

/** Options of a list under a parent: one statement for all parents of the level. */
export function childListField<M extends ModelName>(
  spec: ListSpec<M>,
  node: Ref<M>,
  parentField: string,
  permission: Permission,
) {
  const load: ChildPageLoader<M> = childPage(spec, parentField);
  return {
    type: connectionType(spec, node),
    args: pageArgs(spec),
    permission,
    resolve: async (parent: { id: string }, args: PageArgs, ctx: Context): Promise<Connection<M>> => ({
      page: await load(ctx, parent.id, args),
      parent: { field: parentField, id: parent.id },
    }),
    extensions: batched(async (parents, args, ctx, rows) => {
      const ids = parents.map((parent) => (parent as { id: string }).id);
      const plan = { ...planPage(spec, args, ctx), lookahead: rows.asksFor('pageInfo') };
      const source = rows.source(spec.model, 1, spec.omit);
      const pages = await childPages(plan, ids, (chunk) =>
        source.read(ctx.scope, (select) =>
          childPageStatement(plan, ctx.scope.viewer.tenantId, parentField, chunk, select),
        ),
      );
      return ids.map((id) => ({ page: pages.get(id), parent: { field: parentField, id } }));
    }),
  };
}

/** The page of each parent; `read` gives rows whose first cell is the parent's place among the ids, from 1. */
async function childPages<M extends ModelName>(
  plan: PagePlan<M>,
  parents: readonly string[],
  read: (ids: readonly string[]) => Promise<RowView[]>,
): Promise<Map<string, Page<M>>> {
  const ids = [...new Set(parents)];
  const pages = new Map<string, Page<M>>();
  const load = async (first: number) => {
    const chunk = ids.slice(first, first + MAX_BATCH);
    const loaded = toPages(plan, chunk.length, await read(chunk), (row) => Number(row.cells[0]));
    loaded.forEach((page, i) => void pages.set(chunk[i] ?? '', page));
  };
  const chunks = Array.from({ length: Math.ceil(ids.length / MAX_BATCH) }, (_, i) => i * MAX_BATCH);
  await Promise.all(chunks.map(load));
  return pages;
}

/** Options of a to-one relation: batched by id. */
export function oneField<M extends ModelName, P>(entity: Entity<M>, type: Ref<M>, key: (parent: P) => string | null) {
  return {
    type,
    nullable: true as const,
    permission: entity.read,
    resolve: (parent: P, _: unknown, ctx: Context): Promise<Row<M> | null> | null => {
      const id = key(parent);
      return id ? entity.load(ctx, id) : null;
    },
    extensions: batched(async (parents, _, __, rows) => {
      const ids = parents.map((parent) => key(parent as P));
      const wanted = new Set(ids.filter((id) => id !== null));
      const found =
        wanted.size === 0 ? new Map<string, RowView>() : await rows.byId(entity as unknown as Entity, wanted);
      return ids.map((id) => (id === null ? null : (found.get(id) ?? null)));
    }),
  };
}
