import type { GraphQLObjectType } from 'graphql';
import type { ReadScope } from '../data/read-scope.ts';
import type { Context } from '../graphql/context.ts';
import type { Entity } from '../graphql/entity.ts';
import { requirePermission } from '../graphql/permission-plugin.ts';
import type { RowReader } from './batch.ts';
import { RowsById } from './by-id.ts';
import type { Output, Plan, PlanField, PlanNode } from './plan.ts';
import { RowSource } from './rows.ts';

/** A selection's objects of one level, and what their fields gave. */
export interface Level {
  node: PlanNode;
  parents: readonly unknown[];
  /** in the order of the node's fields; null where the writer reads the property itself */
  results: readonly (Result | null)[];
  /** the JSON of objects that several parents refer to, once it was written */
  texts: (string | undefined)[] | null;
}

/** Values of a field, one for each parent, and the objects in them as levels. */
export interface Result {
  values: readonly unknown[];
  /** where each parent's first object stands among all of the field; empty for leaves */
  starts: Int32Array;
  /** for an abstract type each object has a level of its type and a place there; else there is one level */
  places: readonly { level: Level; at: number }[] | null;
  level: Level | null;
}

/** One run of a plan. */
class Run {
  readonly plan: Plan;
  readonly ctx: Context;
  readonly variables: Readonly<Record<string, unknown>>;
  /** the context gets another one when the run is given up */
  readonly scope: ReadScope;
  readonly #byId = new Map<Entity, RowsById>();

  constructor(plan: Plan, ctx: Context, variables: Run['variables']) {
    this.plan = plan;
    this.ctx = ctx;
    this.variables = variables;
    this.scope = ctx.scope;
  }

  /** Rows by their keys, each read once in the run. */
  rowsOf(entity: Entity): RowsById {
    let rows = this.#byId.get(entity);
    if (!rows) {
      rows = new RowsById(entity, this.ctx, sourceById(this.plan, entity));
      this.#byId.set(entity, rows);
    }
    return rows;
  }

  async row(entity: Entity, id: string): Promise<never> {
    const rows = await this.rowsOf(entity).request(new Set([id]));
    // A view reads as the row that it stands for.
    return (rows.get(id) ?? null) as never;
  }
}

/** Resolvers here do not look at where they are in the document; one that does ends the run. */
const NO_INFO = new Proxy(
  {},
  {
    get: (_, name) => {
      throw new Error(`a resolver asked for info.${String(name)}`);
    },
  },
) as never;

const NO_STARTS = new Int32Array(0);

/**
 * Resolves a plan level by level: each field for all objects of its level, so that a relation is one statement without
 * a promise for each row. Rejects with the first error of any resolver.
 */
export async function runPlan(plan: Plan, ctx: Context, variables: Run['variables']): Promise<Level> {
  const run = new Run(plan, ctx, variables);
  // Not as a closure: V8's young collections keep what one holds, here the whole request, for the next full one.
  ctx.run = run;
  try {
    return await resolveLevel(run, plan.root, [undefined], false);
  } finally {
    ctx.run = undefined;
  }
}

/** At once where no field of the level, or below, waits for anything. */
function resolveLevel(run: Run, node: PlanNode, parents: readonly unknown[], shared: boolean): Level | Promise<Level> {
  // What is left of a run that failed elsewhere must not read in the scope of the next.
  if (run.ctx.scope !== run.scope) throw new Error('the run was given up');
  const results: (Result | null)[] = [];
  const waiting: Promise<void>[] = [];
  try {
    for (const field of node.fields) {
      const i = results.push(null) - 1;
      if (parents.length === 0) continue;
      const found = resolveField(run, field, parents);
      if (found === null) continue;
      const completed =
        found instanceof Promise ? found.then((values) => complete(run, field, values)) : complete(run, field, found);
      if (completed instanceof Promise) waiting.push(settle(completed, results, i));
      else results[i] = completed;
    }
  } catch (error) {
    letGo(waiting);
    throw error;
  }
  const level = { node, parents, results, texts: shared ? new Array(parents.length) : null };
  return waiting.length === 0 ? level : Promise.all(waiting).then(() => level);
}

async function settle(result: Promise<Result>, results: (Result | null)[], i: number): Promise<void> {
  results[i] = await result;
}

/** A field's values; null when the writer can read them from the parents. */
function resolveField(
  run: Run,
  field: PlanField,
  parents: readonly unknown[],
): readonly unknown[] | Promise<readonly unknown[]> | null {
  const { definition, property, output, permission } = field;
  if (!definition) return null;
  if (property !== undefined) {
    return output.kind === 'leaf' ? null : parents.map((parent) => readProperty(parent, property));
  }
  const args = field.argumentsOf(run.variables);
  if (field.batch) {
    if (permission) requirePermission(run.ctx, permission);
    return field.batch(parents, args, run.ctx, readerOf(run, field));
  }
  return resolveEach(field, parents, args, run.ctx);
}

function resolveEach(field: PlanField, parents: readonly unknown[], args: unknown, ctx: Context) {
  const resolve = field.definition?.resolve;
  const values: unknown[] = [];
  let pending = false;
  try {
    for (const parent of parents) {
      const value: unknown = resolve?.(parent, args as never, ctx, NO_INFO);
      if (isPromise(value)) pending = true;
      values.push(value);
    }
  } catch (error) {
    letGo(values);
    throw error;
  }
  return pending ? Promise.all(values) : values;
}

/** What was begun may fail too, when nobody waits for it any more. */
function letGo(values: readonly unknown[]): void {
  for (const value of values) if (isPromise(value)) value.then(undefined, () => {});
}

function readerOf(run: Run, field: PlanField): RowReader {
  return {
    asksFor: (name) =>
      field.output.kind === 'object' && field.output.node.fields.some((one) => one.definition?.name === name),
    source: (model, leading, omit) => {
      let source = field.sources.get(model);
      if (!source) {
        source = new RowSource(model, leading, omit);
        field.sources.set(model, source);
      }
      return source;
    },
    byId: (entity, ids) => run.rowsOf(entity).request(ids),
  };
}

function sourceById({ byId }: Plan, entity: Entity): RowSource {
  let source = byId.get(entity.model);
  if (!source) {
    source = new RowSource(entity.model, 1, entity.omit);
    byId.set(entity.model, source);
  }
  return source;
}

function isPromise(value: unknown): value is PromiseLike<unknown> {
  return typeof value === 'object' && value !== null && typeof Reflect.get(value, 'then') === 'function';
}

/** A value as it may stand in a response. What graphql-js would treat in its own way is left to it. */
export function checked(value: unknown): unknown {
  if (value instanceof Error) throw value;
  if (typeof value === 'function' || isPromise(value)) throw new TypeError('not a plain value');
  return value;
}

export function readProperty(parent: unknown, name: string): unknown {
  return (parent as Readonly<Record<string, unknown>>)[name];
}

/** Gathers the objects in a field's values into the next level. */
function complete(run: Run, { output, batch }: PlanField, values: readonly unknown[]): Result | Promise<Result> {
  const inner = innermost(output);
  if (inner.kind === 'leaf') return { values, starts: NO_STARTS, places: null, level: null };
  const gathered =
    inner.kind === 'object' && output.kind === 'object' && batch ? gatherShared(values) : gather(values, output);
  const { objects, starts } = gathered;
  if (inner.kind === 'object') {
    return later(resolveLevel(run, inner.node, objects, gathered.shared), (level) => ({
      values,
      starts,
      places: null,
      level,
    }));
  }
  return later(completeAbstract(run, inner, objects), (places) => ({ values, starts, places, level: null }));
}

/** Goes on with a value when it is there, which may be at once. */
function later<T, R>(value: T | Promise<T>, next: (value: T) => R): R | Promise<R> {
  return value instanceof Promise ? value.then(next) : next(value);
}

function innermost(output: Output): Exclude<Output, { kind: 'list' }> {
  return output.kind === 'list' ? innermost(output.item) : output;
}

interface Gathered {
  objects: unknown[];
  starts: Int32Array;
  shared: boolean;
}

function gather(values: readonly unknown[], output: Output): Gathered {
  const objects: unknown[] = [];
  const starts = new Int32Array(values.length);
  const add = (value: unknown, inside: Output) => {
    if (value === null || value === undefined) return;
    if (inside.kind !== 'list') objects.push(checked(value));
    else if (Array.isArray(value)) for (const item of value) add(item, inside.item);
    else throw new TypeError('not a list');
  };
  for (let i = 0; i < values.length; i++) {
    starts[i] = objects.length;
    add(values[i], output);
  }
  return { objects, starts, shared: false };
}

/** The same row under several parents is resolved and written once. */
function gatherShared(values: readonly unknown[]): Gathered {
  const objects: unknown[] = [];
  const starts = new Int32Array(values.length);
  const places = new Map<unknown, number>();
  for (let i = 0; i < values.length; i++) {
    const value = values[i];
    if (value === null || value === undefined) continue;
    let at = places.get(value);
    if (at === undefined) {
      at = objects.push(value) - 1;
      places.set(value, at);
    }
    starts[i] = at;
  }
  return { objects, starts, shared: objects.length < values.length };
}

function completeAbstract(run: Run, output: Output & { kind: 'abstract' }, objects: readonly unknown[]) {
  const groups = new Map<GraphQLObjectType, unknown[]>();
  const placed: { type: GraphQLObjectType; at: number }[] = [];
  for (const object of objects) {
    const type = concreteType(run, output, object);
    const group = groups.get(type) ?? [];
    groups.set(type, group);
    placed.push({ type, at: group.push(object) - 1 });
  }
  const types = [...groups.keys()];
  const levels: (Level | Promise<Level>)[] = [];
  try {
    for (const [type, group] of groups) levels.push(resolveLevel(run, output.nodeOf(type), group, false));
  } catch (error) {
    letGo(levels);
    throw error;
  }
  return later(levels.some(isPromise) ? Promise.all(levels) : (levels as Level[]), (resolved) =>
    placed.map(({ type, at }) => {
      const level = resolved[types.indexOf(type)];
      if (!level) throw new Error(`no level of ${type.name}`);
      return { level, at };
    }),
  );
}

function concreteType({ plan, ctx }: Run, { type }: Output & { kind: 'abstract' }, object: unknown): GraphQLObjectType {
  const name: unknown = type.resolveType?.(object, ctx, NO_INFO, type);
  const concrete = typeof name === 'string' ? plan.schema.getType(name) : undefined;
  const possible = plan.schema.getPossibleTypes(type).find((one) => one === concrete);
  if (!possible) throw new Error(`${type.name} did not tell the type of an object`);
  return possible;
}
