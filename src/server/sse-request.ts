import type { IncomingMessage, ServerResponse } from 'node:http';
import { GraphQLError } from 'graphql';
import { readBody } from './body.ts';
import type { Documents, StoredOperation } from './documents.ts';
import type { OperationParams } from './streamed-operation.ts';

/** An operation as a request for a stream names it. */
export interface StreamRequest extends OperationParams {
  extensions?: Readonly<Record<string, unknown>> | null;
}

/** The parts of a request by which its stream goes on. @throws GraphQLError that answers with 400 */
export function lastEventId({ headers }: IncomingMessage): bigint | null {
  const given = headers['last-event-id'];
  if (given === undefined || given === '') return null;
  // In single connection mode the operation's id stands before it.
  const [, digits] = /^(?:.*:)?(\d{1,18})$/.exec(String(given)) ?? [];
  if (digits !== undefined) return BigInt(digits);
  throw badRequest(
    `the header Last-Event-ID is ${JSON.stringify(String(given).slice(0, 60))}: it has to be the id of a message`,
  );
}

/** The operation that the address of a GET names. @throws GraphQLError that answers with 400 */
export function requestInAddress(url: URL): StreamRequest {
  const text = (name: string) => url.searchParams.get(name);
  return {
    query: text('query'),
    documentId: text('documentId'),
    operationName: text('operationName'),
    variables: parseObject(text('variables'), 'variables'),
    extensions: parseObject(text('extensions'), 'extensions'),
  };
}

/** The operation in the body of a POST; null when it was refused. @throws GraphQLError that answers with 400 */
export async function requestInBody(req: IncomingMessage, res: ServerResponse): Promise<StreamRequest | null> {
  if (!/^application\/json\b/i.test(req.headers['content-type'] ?? ''))
    throw new GraphQLError('the content-type has to be application/json', { extensions: { http: { status: 415 } } });
  const body = await readBody(req, res);
  return body && checked(parseObject(body.toString('utf8'), 'the body') ?? {});
}

function checked(given: Readonly<Record<string, unknown>>): StreamRequest {
  for (const name of ['query', 'documentId', 'operationName'])
    if (given[name] !== undefined && given[name] !== null && typeof given[name] !== 'string')
      throw badRequest(`${name} has to be a text`);
  for (const name of ['variables', 'extensions'])
    if (given[name] !== undefined && !isObjectOrNull(given[name])) throw badRequest(`${name} has to be an object`);
  return given as StreamRequest;
}

/** The kept operation that a request names; null when there is none. */
export function operationNamed(
  documents: Documents,
  { query, documentId, operationName }: StreamRequest,
): StoredOperation | null {
  const document = typeof query === 'string' ? documents.get(query) : documentId ? documents.trusted(documentId) : null;
  return document?.operations.get(operationName ?? null) ?? null;
}

/** The kept operation of a request that is for a stream: a subscription or a live query; null for any other. */
export function streamedKind(documents: Documents, asked: StreamRequest): StoredOperation | null {
  const operation = operationNamed(documents, asked);
  return operation && (operation.kind === 'subscription' || operation.live) ? operation : null;
}

function parseObject(text: string | null, what: string): Readonly<Record<string, unknown>> | null {
  if (text === null) return null;
  try {
    const given: unknown = JSON.parse(text);
    if (isObjectOrNull(given)) return given;
  } catch {
    // said below
  }
  throw badRequest(`${what} has to be a JSON object`);
}

function isObjectOrNull(value: unknown): value is Readonly<Record<string, unknown>> | null {
  return typeof value === 'object' && !Array.isArray(value);
}

/** An error that is answered with the status 400. */
export function badRequest(message: string): GraphQLError {
  return new GraphQLError(message, { extensions: { code: 'BAD_REQUEST', http: { status: 400 } } });
}
