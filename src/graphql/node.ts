import { InvalidInput } from '../errors.ts';
import { batched, type RowReader } from '../execution/batch.ts';
import { builder } from './builder.ts';
import { type Entity, loadNode, NODE_TYPE, type NodeRow, nodeKey } from './entity.ts';

const MAX_NODES = 500;

export const Node = builder.interfaceRef<object>('Node').implement({
  description: 'Anything that has a global id.',
  resolveType: (value) => (value as NodeRow)[NODE_TYPE],
  // Each type gives its own resolver; an interface's field has none.
  fields: (t) => ({ id: t.id({ resolve: () => '' }) }),
});

builder.queryFields((t) => ({
  node: t.field({
    type: Node,
    nullable: true,
    // Each type's own permission is checked once the id tells the type.
    permission: 'tenant:read',
    description: 'Any object by its id. Null when there is none, or none that you may see.',
    args: { id: t.arg.id({ required: true }) },
    resolve: (_, { id }, ctx) => loadNode(ctx, id),
    extensions: batched((_, { id }, ctx, rows) => readNodes([nodeKey(ctx, String(id))], rows)),
  }),
  nodes: t.field({
    type: [Node],
    nullable: { list: false, items: true },
    permission: 'tenant:read',
    description: `Up to ${MAX_NODES} objects by their ids, in the order of the ids.`,
    args: { ids: t.arg.idList({ required: true }) },
    resolve: (_, { ids }, ctx) => {
      checkCount(ids);
      return Promise.all(ids.map((id, index) => loadNode(ctx, id, placeOf(index))));
    },
    extensions: batched(async (_, args, ctx, rows) => {
      const ids = args.ids as string[];
      checkCount(ids);
      const keys = ids.map((id, index) => nodeKey(ctx, id, placeOf(index)));
      return [await readNodes(keys, rows)];
    }),
  }),
}));

function checkCount(ids: readonly string[]): void {
  if (ids.length > MAX_NODES) throw new InvalidInput(`${ids.length} ids: at most ${MAX_NODES}`, ['ids']);
}

const placeOf = (index: number) => ['ids', String(index)];

/** The same as `loadNode` for each, with one statement for each type. */
async function readNodes(keys: readonly ReturnType<typeof nodeKey>[], rows: RowReader): Promise<(object | null)[]> {
  const byEntity = new Map<Entity, Set<string>>();
  for (const key of keys) {
    if (key) byEntity.set(key.entity, (byEntity.get(key.entity) ?? new Set()).add(key.uuid));
  }
  const read = [...byEntity].map(async ([entity, uuids]) => [entity, await rows.byId(entity, uuids)] as const);
  const found = new Map(await Promise.all(read));
  return keys.map((key) => {
    const row = key && found.get(key.entity)?.get(key.uuid);
    return row ? Object.assign(row, { [NODE_TYPE]: key.entity.typeName }) : null;
  });
}
