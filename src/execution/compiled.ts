import {
  type DocumentNode,
  type ExecutionResult,
  execute,
  GraphQLError,
  type GraphQLSchema,
  getOperationAST,
  getVariableValues,
  Kind,
  visit,
} from 'graphql';
import { type CompiledQuery, compileQuery, isCompiledQuery } from 'graphql-jit';

/** An operation and what the compiler made of it: undefined before it was tried, null when it cannot be compiled. */
export interface CompiledOperation {
  document: DocumentNode;
  /** null: the document holds one operation, which was not named */
  name: string | null;
  sightings: number;
  query: CompiledQuery['query'] | null | undefined;
}

/** As they were given, for graphql-js, which coerces them itself, and coerced, for the compiled query. */
export interface Variables {
  given: Readonly<Record<string, unknown>>;
  coerced: Readonly<Record<string, unknown>>;
}

/**
 * Runs a query or a mutation of a validated document, compiled from its second sighting on: compiling costs more than
 * interpreting once.
 */
export async function executeCompiled(
  schema: GraphQLSchema,
  operation: CompiledOperation,
  contextValue: unknown,
  variables: Variables,
): Promise<ExecutionResult> {
  const { document, name } = operation;
  operation.sightings++;
  if (operation.query === undefined && operation.sightings > 1) {
    const made = compileQuery(schema, untyped(document), name ?? undefined);
    // What cannot be compiled is interpreted, which also gives the proper error.
    operation.query = isCompiledQuery(made) ? made.query : null;
  }
  if (!operation.query)
    return execute({ schema, document, operationName: name, contextValue, variableValues: variables.given });
  const result = await operation.query(undefined, contextValue, variables.coerced);
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

const MAX_VARIABLE_ERRORS = 5;

/** Variables as graphql-js coerces them: with their defaults, each of its type. */
export function coerceVariables(
  schema: GraphQLSchema,
  { document, name }: Pick<CompiledOperation, 'document' | 'name'>,
  values: Readonly<Record<string, unknown>>,
  hideSuggestions: boolean,
) {
  const definitions = getOperationAST(document, name)?.variableDefinitions ?? [];
  return getVariableValues(schema, definitions, values, { maxErrors: MAX_VARIABLE_ERRORS, hideSuggestions });
}
