import { type DocumentNode, type ExecutionResult, GraphQLError } from 'graphql';
import { type CompiledQuery, compileQuery, isCompiledQuery } from 'graphql-jit';
import type { Plugin } from 'graphql-yoga';

/** Marks a document that was seen once: compiling costs more than interpreting it once. */
const SEEN = Symbol('seen once');

type Compiled = CompiledQuery | typeof SEEN | null;

/**
 * Runs queries and mutations compiled, from their second sighting on. The cache hangs on the parsed document, which
 * Yoga keeps in a bounded cache of its own, and is split by operation name: a document may hold several operations.
 */
export function useCompiledExecution(): Plugin {
  const cache = new WeakMap<DocumentNode, Map<string, Compiled>>();
  return {
    onExecute({ args, setExecuteFn }) {
      let operations = cache.get(args.document);
      if (!operations) {
        operations = new Map();
        cache.set(args.document, operations);
      }
      const name = args.operationName ?? '';
      const known = operations.get(name);
      if (known === undefined) {
        operations.set(name, SEEN);
        return;
      }
      let compiled = known;
      if (compiled === SEEN) {
        const made = compileQuery(args.schema, args.document, args.operationName ?? undefined);
        // What cannot be compiled is interpreted, which also gives the proper error.
        compiled = isCompiledQuery(made) ? made : null;
        operations.set(name, compiled);
      }
      if (compiled === null) return;
      const { query } = compiled;
      setExecuteFn((executed) => run(query, executed as Parameters<typeof run>[1]));
    },
  };
}

async function run(
  query: CompiledQuery['query'],
  args: { rootValue: unknown; contextValue: unknown; variableValues?: Record<string, unknown> | null },
): Promise<ExecutionResult> {
  const result = await query(args.rootValue, args.contextValue, args.variableValues ?? {});
  // The compiler reports wrong variables as plain objects; what masks errors needs GraphQLErrors.
  if (result.errors?.some((error) => !(error instanceof GraphQLError))) {
    return {
      ...result,
      errors: result.errors.map((error) =>
        error instanceof GraphQLError ? error : new GraphQLError(Reflect.get(Object(error), 'message')),
      ),
    };
  }
  return result;
}
