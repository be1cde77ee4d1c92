import {
  type DocumentNode,
  GraphQLError,
  type GraphQLSchema,
  isInputObjectType,
  type ParseOptions,
  parse,
  type Source,
  validate,
} from 'graphql';
import { shortMessage } from '../errors.ts';
import { checkDocument, LIMITS, tooMuch } from './limits.ts';

/** Errors of a document that are told; looking for more costs time. */
const MAX_ERRORS = 5;

/** Parses a document of bounded length. @throws GraphQLError of its syntax or its length */
export function parseDocument(source: string | Source, options?: ParseOptions): DocumentNode {
  try {
    return parse(source, { ...options, maxTokens: LIMITS.tokens });
  } catch (error) {
    if (error instanceof GraphQLError && error.message.includes(`${LIMITS.tokens} tokens`))
      throw tooMuch('tokens', LIMITS.tokens + 1);
    throw error;
  }
}

/** What is wrong with a document: that it holds too much, else up to five errors of validation. */
export function validateDocument(schema: GraphQLSchema, document: DocumentNode): readonly GraphQLError[] {
  try {
    checkDocument(document);
  } catch (error) {
    if (error instanceof GraphQLError) return [error];
    throw error;
  }
  const errors = validate(schema, document, undefined, { maxErrors: MAX_ERRORS });
  return errors.map((error) => (error.message === ABORTED ? tooManyComparisons() : withComparison(schema, error)));
}

/** A value that stands where a comparison is wanted: `severity: CRITICAL` in place of `severity: { eq: CRITICAL }`. */
function withComparison(schema: GraphQLSchema, error: GraphQLError): GraphQLError {
  const [, name = '', value = ''] = /^Expected value of type "(\w+)", found (.{1,80})\.$/.exec(error.message) ?? [];
  const type = schema.getType(name);
  if (!isInputObjectType(type) || !Object.hasOwn(type.getFields(), 'eq')) return error;
  const comparison = value.startsWith('[') ? 'in' : 'eq';
  const { nodes = [], extensions } = error;
  return new GraphQLError(`${error.message} Did you mean { ${comparison}: ${value} }?`, { nodes, extensions });
}

/** graphql-js gives up comparing fields of the same name, of which it counts no more than so many pairs. */
const ABORTED = 'Validation aborted.';

function tooManyComparisons(): GraphQLError {
  return new GraphQLError('this selects the same fields so many times that it is not checked whether they agree', {
    extensions: { code: 'TOO_MUCH', limit: 'comparisons', http: { status: 400 } },
  });
}

/** An error of a document, short, without what it was made of. */
export function documentError(error: GraphQLError, extensions: Readonly<Record<string, unknown>>): GraphQLError {
  const { message, source, positions } = error;
  return new GraphQLError(shortMessage(message), {
    ...(source ? { source } : {}),
    ...(positions ? { positions } : {}),
    extensions: { ...extensions, ...error.extensions },
  });
}

/** The error without names of the schema that it proposes. */
export function withoutSuggestions(error: GraphQLError): GraphQLError {
  const message = error.message.replace(/ Did you mean .*\?$/s, '');
  if (message === error.message) return error;
  const { source, positions, extensions } = error;
  return new GraphQLError(message, {
    ...(source ? { source } : {}),
    ...(positions ? { positions } : {}),
    extensions,
  });
}
