import {
  type DocumentNode,
  type ExecutionResult,
  GraphQLError,
  type GraphQLSchema,
  getOperationAST,
  getVariableValues,
  Kind,
  visit,
} from 'graphql';
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
        const made = compileQuery(args.schema, untyped(args.document), args.operationName ?? undefined);
        // What cannot be compiled is interpreted, which also gives the proper error.
        compiled = isCompiledQuery(made) ? made : null;
        operations.set(name, compiled);
      }
      if (compiled === null) return;
      const { query } = compiled;
      setExecuteFn((executed) => run(query, executed as Executed));
    },
  };
}

/**
 * The document with variables of no particular type: graphql-js coerces them first. The compiler's own coercion refuses
 * a required input field that has a default and was left out, and cannot be made for input types that hold themselves.
 */
function untyped(document: DocumentNode): DocumentNode {
  const type = { kind: Kind.NAMED_TYPE, name: { kind: Kind.NAME, value: 'JSON' } } as const;
  return visit(document, {
    VariableDefinition: (node) => {
      const named = node.type.kind === Kind.NON_NULL_TYPE ? node.type.type : node.type;
      // Directives want a Boolean, and coercing one twice changes nothing.
      if (named.kind === Kind.NAMED_TYPE && named.name.value === 'Boolean') return undefined;
      return { ...node, type, defaultValue: undefined };
    },
  });
}

interface Executed {
  schema: GraphQLSchema;
  document: DocumentNode;
  operationName?: string | null;
  rootValue: unknown;
  contextValue: unknown;
  variableValues?: Record<string, unknown> | null;
}

/** As many as graphql-js reports. */
const MAX_VARIABLE_ERRORS = 50;

async function run(query: CompiledQuery['query'], args: Executed): Promise<ExecutionResult> {
  const definitions = getOperationAST(args.document, args.operationName)?.variableDefinitions ?? [];
  const variables = getVariableValues(args.schema, definitions, args.variableValues ?? {}, {
    maxErrors: MAX_VARIABLE_ERRORS,
  });
  if (variables.errors) return { errors: variables.errors };
  const result = await query(args.rootValue, args.contextValue, variables.coerced);
  // The compiler reports some errors as plain objects; what masks errors needs GraphQLErrors.
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
