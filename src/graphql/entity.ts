import type { Permission } from '../access/permissions.ts';
import { can } from '../access/viewer.ts';
import { byId, type LoaderContext } from '../data/loaders.ts';
import type { ModelName, Row } from '../data/models.ts';
import { InvalidInput } from '../errors.ts';
import type { Context } from './context.ts';
import { decodeId, encodeId } from './ids.ts';

/** A kind of row with a global id: what `node(id:)`, ids in arguments and the event log know of it. */
export interface Entity<M extends ModelName = ModelName> {
  model: M;
  /** GraphQL type */
  typeName: string;
  /** of its ids: `cnt_01h455vb4pex5vsknk084sn02q` */
  prefix: string;
  read: Permission;
  /** columns that are not read with the others */
  omit: ReadonlySet<string>;
  load(ctx: EntityContext, id: string): Promise<Row<M> | null>;
  encode(uuid: string): string;
  /** UUID of a global id; throws InvalidInput for a malformed one or one of another type */
  decode(id: string, path?: readonly string[]): string;
}

/** What rows are loaded with: in a planned execution they share its statements. */
export interface EntityContext extends LoaderContext {
  run?: { row(entity: Entity, id: string): Promise<never> } | undefined;
}

const byPrefix = new Map<string, Entity>();
const byModel = new Map<string, Entity>();

/** Declares a node type, once, beside its schema. */
export function defineEntity<M extends ModelName>(
  model: M,
  options: { prefix: string; read: Permission; typeName?: string; omit?: readonly string[] },
): Entity<M> {
  const { prefix } = options;
  const omit = new Set(options.omit);
  const load = byId(model, omit);
  const entity: Entity<M> = {
    model,
    typeName: options.typeName ?? model,
    prefix,
    read: options.read,
    omit,
    load: (ctx, id) => ctx.run?.row(entity as unknown as Entity, id) ?? load(ctx, id),
    encode: (uuid) => encodeId(prefix, uuid),
    decode: (id, path = ['id']) => {
      const parsed = decodeId(id);
      if (parsed?.prefix === prefix) return parsed.uuid;
      const found = parsed ? `an id of another type (${parsed.prefix})` : 'not an id';
      throw new InvalidInput(
        `${JSON.stringify(id.slice(0, 80))} is ${found}: a ${model} id starts with ${prefix}_`,
        path,
      );
    },
  };
  if (byPrefix.has(prefix) || byModel.has(model))
    throw new Error(`${model}: the prefix ${prefix} or the model is taken`);
  byPrefix.set(prefix, entity as unknown as Entity);
  byModel.set(model, entity as unknown as Entity);
  return entity;
}

/** All node types, for tests and documentation. */
export function entities(): readonly Entity[] {
  return [...byPrefix.values()];
}

export function entityOf(model: string): Entity | undefined {
  return byModel.get(model);
}

/** Marks a row with its type, so that the Node interface can tell. */
export const NODE_TYPE = Symbol('node type');

export type NodeRow = Row<ModelName> & { [NODE_TYPE]: string };

/**
 * The type and key of a global id; null when the viewer may not read the type.
 * @throws InvalidInput for what is no id of a type that there is
 */
export function nodeKey(
  ctx: Pick<Context, 'viewer'>,
  id: string,
  path: readonly string[] = ['id'],
): { entity: Entity; uuid: string } | null {
  const parsed = decodeId(id);
  const entity = parsed ? byPrefix.get(parsed.prefix) : undefined;
  if (!parsed || !entity)
    throw new InvalidInput(`${JSON.stringify(id.slice(0, 80))} is not an id: ${formOf(id)}`, path);
  return can(ctx.viewer, entity.read) ? { entity, uuid: parsed.uuid } : null;
}

/** What a text that should be an id lacks. */
function formOf(text: string): string {
  const prefix = text.slice(0, text.indexOf('_'));
  if (byPrefix.has(prefix)) return `after ${prefix}_ come 26 characters of 0-9 and a-z without i, l, o and u`;
  return `ids start with one of ${[...byPrefix.keys()].sort().join(', ')}`;
}

/**
 * Any row by its global id; null when it does not exist, belongs to another tenant, or is of a type that the viewer may
 * not read: the answers do not differ, so that ids cannot be probed.
 */
export async function loadNode(ctx: Context, id: string, path?: readonly string[]): Promise<NodeRow | null> {
  const key = nodeKey(ctx, id, path);
  const row = key && (await key.entity.load(ctx, key.uuid));
  return row ? { ...row, [NODE_TYPE]: key.entity.typeName } : null;
}
