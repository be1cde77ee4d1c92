import { GraphQLError, type GraphQLSchema, Kind } from 'graphql';
import { InvalidInput } from '../errors.ts';
import { type Cost, operationCost } from './cost.ts';
import { parseDocument, validateDocument } from './document.ts';

/**
 * What the only operation of a document could cost, and which of its fields. @throws InvalidInput when the document has
 * errors, or more than one operation
 */
export function explainCost(schema: GraphQLSchema, query: string, variables: Readonly<Record<string, unknown>>): Cost {
  try {
    const document = parseDocument(query);
    const errors = validateDocument(schema, document);
    if (errors.length > 0) throw new InvalidInput(errors.map(({ message }) => message).join('; '), ['query']);
    const operations = document.definitions.filter((node) => node.kind === Kind.OPERATION_DEFINITION);
    const [operation, another] = operations;
    if (!operation || another)
      throw new InvalidInput(`the document has ${operations.length} operations: give it with one`, ['query']);
    return operationCost(schema, document, operation, variables, true);
  } catch (error) {
    if (error instanceof GraphQLError) throw new InvalidInput(error.message, ['query']);
    throw error;
  }
}
