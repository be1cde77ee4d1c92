import type { IncomingMessage } from 'node:http';
import { type ExecutionArgs, type ExecutionResult, GraphQLError, getOperationAST } from 'graphql';
import type { Context } from '../graphql/context.ts';
import { followed } from '../observe/followed.ts';
import { requestNow } from '../observe/place.ts';
import { InvalidDocument } from './documents.ts';
import type { GraphQLEndpoint } from './graphql.ts';
import { noteErrors, withoutHttp } from './mask-error.ts';
import { CONTEXT, errorsFor, requireTrusted } from './use-admission.ts';

/** An operation as a client asks for it: the form of GraphQL over HTTP. */
export interface OperationParams {
  query?: string | null;
  /** `sha256:<hex>` of a trusted document, instead of its text */
  documentId?: string | null;
  operationName?: string | null;
  variables?: Readonly<Record<string, unknown>> | null;
}

/** An operation that is ready to run, with the functions that run it: the same plugins as for every request. */
export interface StreamedOperation {
  args: ExecutionArgs;
  ctx: Context;
  /** `query`, `mutation` or `subscription` */
  run(): Promise<AsyncIterable<ExecutionResult> | ExecutionResult>;
}

/**
 * Prepares an operation for a connection that can be sent several answers. Gives errors where the document has some.
 * @throws GraphQLError of its syntax or its length
 */
export async function prepareStreamed(
  endpoint: GraphQLEndpoint,
  ctx: Context,
  params: OperationParams,
  req: IncomingMessage,
): Promise<StreamedOperation | readonly GraphQLError[]> {
  const prepared = await prepare(endpoint, ctx, params, req);
  if ('run' in prepared) return prepared;
  noteErrors(prepared);
  return withoutHttp(prepared);
}

async function prepare(
  { yoga, documents }: GraphQLEndpoint,
  ctx: Context,
  params: OperationParams,
  req: IncomingMessage,
): Promise<StreamedOperation | readonly GraphQLError[]> {
  ctx.stream.open = true;
  const text = params.documentId ? documents.trusted(params.documentId)?.text : params.query;
  if (typeof text !== 'string') return [new GraphQLError('there is no document: send its text as "query"')];
  const enveloped = yoga.getEnveloped({ [CONTEXT]: ctx, params, request: undefined, req });
  requireTrusted(documents, ctx.viewer, documents.isTrusted(text));
  const found = documents.find(text);
  if (found instanceof InvalidDocument) return errorsFor(ctx.viewer, found);
  const { document } = found;
  const operation = getOperationAST(document, params.operationName);
  if (!operation) return [new GraphQLError('the document does not tell which operation is meant')];
  const args = {
    schema: enveloped.schema,
    operationName: params.operationName ?? null,
    document,
    variableValues: params.variables ?? {},
    contextValue: await enveloped.contextFactory(),
  };
  const execute = operation.operation === 'subscription' ? enveloped.subscribe : enveloped.execute;
  const run = async () => {
    const result: AsyncIterable<ExecutionResult> | ExecutionResult = await execute(args);
    if (isStream(result)) return followed(result, ctx.services.counts.streamBegan(requestNow()?.transport ?? 'http'));
    noteErrors(result.errors);
    return result.errors ? { ...result, errors: withoutHttp(result.errors) } : result;
  };
  return { args, ctx, run };
}

/** Whether a result goes on. */
export function isStream(
  result: AsyncIterable<ExecutionResult> | ExecutionResult,
): result is AsyncIterable<ExecutionResult> {
  return Symbol.asyncIterator in result;
}
