import { GraphQLError } from 'graphql';
import type { Logger } from 'pino';
import { DecryptionError } from '../access/encryption.ts';
import { sqlState } from '../data/sql-state.ts';
import { DomainError, shortMessage } from '../errors.ts';
import { requestNow } from '../observe/place.ts';

/** Database errors that tell the caller something he can act on. */
const DATABASE_ERRORS: Readonly<Record<string, { code: string; message: string }>> = {
  '57014': { code: 'TIMEOUT', message: 'this took too long and was stopped: ask for less, or filter more' },
  // Prisma's own, for a transaction that took longer than it may.
  P2028: { code: 'TIMEOUT', message: 'this change took too long and was taken back: change less at once' },
  '53300': { code: 'OVERLOADED', message: 'too many connections: try again in a moment' },
};

/** Turns whatever a resolver threw into what the caller may see. Anything unexpected gets the request's id and a log line. */
export function maskError(error: unknown, requestId: string, log: Logger): GraphQLError {
  const masked = shortened(mask(error, requestId, log));
  requestNow()?.failed(codeOf(masked));
  return masked;
}

function shortened(error: GraphQLError): GraphQLError {
  const { message, nodes, source, positions, path, extensions } = error;
  const short = shortMessage(message);
  if (short === message) return error;
  const place = { nodes: nodes ?? null, source: source ?? null, positions: positions ?? null, path: path ?? null };
  return new GraphQLError(short, { ...place, extensions });
}

/** Notes errors that are answered as they are, such as those of a document. */
export function noteErrors(errors: readonly GraphQLError[] | undefined): void {
  const note = requestNow();
  for (const error of errors ?? []) note?.failed(codeOf(error));
}

/** Errors as they are sent where no response of HTTP is theirs: without what that would be answered with. */
export function withoutHttp(errors: readonly GraphQLError[]): GraphQLError[] {
  return errors.map((error) => {
    if (!('http' in error.extensions)) return error;
    const { message, nodes, path } = error;
    const { http: _, ...extensions } = error.extensions;
    return new GraphQLError(message, { nodes: nodes ?? null, path: path ?? null, extensions });
  });
}

/** The code of an error as it is answered. */
function codeOf({ extensions: { code } }: GraphQLError): string {
  return typeof code === 'string' ? code : 'GRAPHQL';
}

function mask(error: unknown, requestId: string, log: Logger): GraphQLError {
  const original = error instanceof GraphQLError ? (error.originalError ?? null) : error;
  const place = error instanceof GraphQLError ? { nodes: error.nodes ?? null, path: error.path ?? null } : {};
  if (original instanceof DomainError) {
    const path = original.inputPath.length > 0 ? { path: original.inputPath } : {};
    const extensions = { code: original.code, ...path, ...original.details };
    return new GraphQLError(original.message, { ...place, extensions });
  }
  // GraphQL's own errors (syntax, validation, variables) have no original and say nothing of the inside.
  if (error instanceof GraphQLError && original === null) return withoutOriginal(error);
  // A scalar's refusal: the outer error names the variable and the place in it.
  if (original instanceof GraphQLError) {
    const extensions = { ...original.extensions, ...(error instanceof GraphQLError ? error.extensions : {}) };
    return new GraphQLError(error instanceof Error ? error.message : original.message, { ...place, extensions });
  }
  const known =
    DATABASE_ERRORS[String(Reflect.get(Object(original), 'code'))] ?? DATABASE_ERRORS[sqlState(original) ?? ''];
  if (known) return new GraphQLError(known.message, { ...place, extensions: { code: known.code } });
  // The operator can mend it, so the caller is told what to ask for; a key's id is no secret.
  if (original instanceof DecryptionError) {
    log.error({ err: original, requestId, path: place.path }, 'a value cannot be decrypted');
    return new GraphQLError(original.message, { ...place, extensions: { code: 'UNKNOWN_ENCRYPTION_KEY' } });
  }
  if (original instanceof SyntaxError && original.message.includes('JSON')) {
    return new GraphQLError('not valid JSON', { extensions: { code: 'BAD_REQUEST', http: { status: 400 } } });
  }
  if (original instanceof RangeError && original.message.includes('call stack')) {
    return new GraphQLError('the input is nested too deeply', { ...place, extensions: { code: 'INVALID_INPUT' } });
  }
  log.error({ err: original, requestId, path: place.path }, 'unexpected error in a resolver');
  return new GraphQLError(`something went wrong here; the log has it under request ${requestId}`, {
    ...place,
    extensions: { code: 'INTERNAL', requestId },
  });
}

/** Yoga shows what its parser of bodies threw. */
function withoutOriginal(error: GraphQLError): GraphQLError {
  if (!('originalError' in error.extensions)) return error;
  const { originalError: _, ...extensions } = error.extensions;
  return new GraphQLError(error.message, { extensions: { ...extensions, http: { status: 400 } } });
}
