import { InvalidInput } from '../../errors.ts';
import { builder } from '../../graphql/builder.ts';
import type { PathCost } from '../../graphql/cost.ts';
import { explainCost } from '../../graphql/explain.ts';

const PathCostType = builder.objectRef<PathCost>('PathCost').implement({
  description: 'What the fields at one path cost together, without what is selected in them.',
  fields: (t) => ({
    path: t.exposeString('path', { description: 'names of fields, outermost first, with dots between' }),
    cost: t.exposeFloat('cost', { description: 'points' }),
    rows: t.exposeFloat('rows', { description: 'rows that they can give together' }),
  }),
});

interface Explanation {
  total: number;
  limit: number;
  paths: readonly PathCost[];
}

const CostExplanation = builder.objectRef<Explanation>('CostExplanation').implement({
  description: 'What an operation could cost, before it runs.',
  fields: (t) => ({
    total: t.exposeFloat('total', { description: 'points' }),
    limit: t.exposeFloat('limit', { description: 'points that one operation may cost' }),
    paths: t.field({
      type: [PathCostType],
      description: 'what it is made of, the dearest first',
      resolve: ({ paths }) => [...paths],
    }),
  }),
});

builder.queryField('explainCost', (t) =>
  t.field({
    type: CostExplanation,
    permission: 'tenant:read',
    description: 'What an operation could cost, and which of its fields: for an operation that is refused as TOO_MUCH.',
    args: {
      query: t.arg.string({ required: true, description: 'a document with one operation' }),
      variables: t.arg({ type: 'JSON', description: 'an object; page sizes and lists of keys count' }),
    },
    resolve: (_, { query, variables }, ctx, info) => {
      const given = variables ?? {};
      if (typeof given !== 'object' || Array.isArray(given))
        throw new InvalidInput('variables are an object: { "first": 20 }', ['variables']);
      const cost = explainCost(info.schema, query, given as Record<string, unknown>);
      return { ...cost, limit: ctx.services.env.MAX_OPERATION_COST };
    },
  }),
);
