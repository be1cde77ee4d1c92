import { InvalidInput } from '../errors.ts';
import { builder } from './builder.ts';
import { loadNode, NODE_TYPE, type NodeRow } from './entity.ts';

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
  }),
  nodes: t.field({
    type: [Node],
    nullable: { list: false, items: true },
    permission: 'tenant:read',
    description: `Up to ${MAX_NODES} objects by their ids, in the order of the ids.`,
    args: { ids: t.arg.idList({ required: true }) },
    resolve: (_, { ids }, ctx) => {
      if (ids.length > MAX_NODES) throw new InvalidInput(`${ids.length} ids: at most ${MAX_NODES}`, ['ids']);
      return Promise.all(ids.map((id) => loadNode(ctx, id)));
    },
  }),
}));
