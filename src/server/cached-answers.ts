import type { Context } from '../graphql/context.ts';
import { observedViewer, type Uses } from './answer-uses.ts';
import type { Origin, ResultCache } from './result-cache.ts';
import type { Answer, Compute } from './short-path.ts';

/**
 * Answers of queries from the cache, where they may be kept: those of a signed-in caller, without errors. What they are
 * made of is noted while `compute` makes them.
 */
export function cachedAnswers(cache: ResultCache, compute: Compute): Compute {
  return async (ctx, operation, variables, wanted) => {
    const { viewer } = ctx;
    if (operation.kind !== 'query' || viewer === null) return compute(ctx, operation, variables, wanted);
    const question = { viewer, operation: operation.id, variables: JSON.stringify(variables), minSeq: wanted.minSeq };
    let computed: Answer | undefined;
    const { body, from } = await cache.answer(question, async (uses) => {
      const observed = observe(ctx, uses);
      try {
        computed = await compute(observed, operation, variables, wanted);
      } finally {
        // It may have been replaced; who made the context closes it, and tells how many statements there were.
        ctx.scope = observed.scope;
      }
      return { body: computed.body, keep: !computed.failed };
    });
    const origin: Origin = from;
    return computed ? { ...computed, origin } : { body, status: 200, failed: false, headers: null, origin };
  };
}

/** A context that notes what is read of it that is not of the tenant's data. */
export function observe(ctx: Context, uses: Uses): Context {
  const { services, viewer } = ctx;
  let { now } = ctx;
  ctx.scope.observer = (statement) => uses.statement(statement);
  return {
    ...ctx,
    viewer: viewer && observedViewer(viewer, uses),
    get request() {
      uses.personal();
      return ctx.request;
    },
    // What is read past the scope is not seen.
    get services() {
      uses.personal();
      return services;
    },
    get now() {
      uses.time();
      return now;
    },
    set now(at) {
      now = at;
    },
  };
}
