import {
  type DocumentNode,
  type ExecutionResult,
  type GraphQLSchema,
  getOperationAST,
  type OperationDefinitionNode,
} from 'graphql';
import type { Context } from '../graphql/context.ts';
import { LIVE_DIRECTIVE } from '../graphql/live.ts';
import { OperationCost } from '../graphql/operation-cost.ts';
import { collectFields, fragmentsOf } from './collect.ts';
import { type CompiledOperation, coerceVariables, executeCompiled } from './compiled.ts';
import { PlannedOperation } from './planned.ts';

/** One operation of a validated document: what is worked out once and used at each request. */
export interface Operation {
  schema: GraphQLSchema;
  document: DocumentNode;
  /** null: the document holds one operation, which was not named */
  name: string | null;
  /** the name in the document */
  label: string | null;
  kind: OperationDefinitionNode['operation'];
  /** a query with `@live` */
  live: boolean;
  compiled: CompiledOperation;
  planned: PlannedOperation;
  cost: OperationCost;
}

/**
 * Prepares an operation of a validated document; null when the document does not hold it, or when it does not tell
 * which of several is meant.
 */
export function prepareOperation(schema: GraphQLSchema, document: DocumentNode, name: string | null): Operation | null {
  const definition = getOperationAST(document, name);
  if (!definition) return null;
  const compiled = { document, name, sightings: 0, query: undefined };
  const planned = new PlannedOperation(schema, document, name);
  const cost = new OperationCost(schema, document, definition);
  const live = definition.directives?.some((directive) => directive.name.value === LIVE_DIRECTIVE.name) ?? false;
  const label = definition.name?.value ?? null;
  return { schema, document, name, label, kind: definition.operation, live, compiled, planned, cost };
}

/**
 * Runs a query or a mutation whose cost was found to be within the limits. Gives the whole response as JSON text where it was assembled as such,
 * which is then without errors; else the result, whose errors are still to be masked. The caller closes the scope.
 */
export async function executeOperation(
  operation: Operation,
  ctx: Context,
  variables: Readonly<Record<string, unknown>>,
): Promise<string | ExecutionResult> {
  const { schema } = operation;
  // Who is nobody is told nothing of the schema.
  const coerced = coerceVariables(schema, operation.compiled, variables, ctx.viewer === null);
  if (coerced.errors) return { errors: coerced.errors };
  const standard = () =>
    executeCompiled(schema, operation.compiled, ctx, { given: variables, coerced: coerced.coerced });
  if (operation.kind !== 'query') {
    if (ctx.idempotency.header !== null) ctx.idempotency.fields = countRootFields(operation, coerced.coerced);
    return standard();
  }
  // What comes of an error (where null goes, what else is answered) is left to the standard execution.
  return (await operation.planned.run(ctx, coerced.coerced)) ?? standard();
}

function countRootFields({ schema, document, name }: Operation, variables: Readonly<Record<string, unknown>>): number {
  const definition = getOperationAST(document, name);
  const type = schema.getMutationType();
  if (!definition || !type) return 0;
  return collectFields(schema, fragmentsOf(document), type, [definition.selectionSet], variables).size;
}
