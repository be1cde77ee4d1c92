import type { IncomingMessage, ServerResponse } from 'node:http';
import type { ExecutionResult } from 'graphql';
import { type FetchAPI, processRegularResult } from 'graphql-yoga';
import { executeOperation } from '../execution/operation.ts';
import type { Context } from '../graphql/context.ts';
import { newId } from '../graphql/ids.ts';
import { requestNow } from '../observe/place.ts';
import type { Services } from '../services.ts';
import { type Asked, askedOperation } from './asked-operation.ts';
import { putBack, readBody } from './body.ts';
import { runBounded } from './bounded-run.ts';
import { callerOf } from './caller.ts';
import type { Documents, StoredOperation } from './documents.ts';
import { isOverloaded } from './gate.ts';
import { GRAPHQL_PATH, type GraphQLEndpoint, REPLAYED, serverTiming } from './graphql.ts';
import { maskError } from './mask-error.ts';
import { type MediaType, mediaTypeOf } from './media-type.ts';
import { withCost } from './meter.ts';
import { minSeqOf } from './request.ts';
import type { Origin } from './result-cache.ts';
import { sendJson } from './send-json.ts';
import { requireTrusted } from './use-admission.ts';

/** Answers plain POSTs without Yoga, as Yoga would. */
export interface ShortPath {
  /**
   * False: the long path answers, and the body is unread. Else a promise of true when the answer is sent, or of false
   * when the long path answers, for which the body that was read is put back.
   */
  handle(req: IncomingMessage, res: ServerResponse): false | Promise<boolean>;
}

/** The answer to an operation. */
export interface Answer {
  /** JSON */
  body: string;
  status: number;
  /** whether it has errors: only then do status, body and headers depend on the media type */
  failed: boolean;
  /** headers that errors ask for */
  headers: Readonly<Record<string, string>> | null;
  /** it failed before anything ran */
  unused?: boolean;
  /** where it is from, when there is a cache */
  origin?: Origin;
}

export interface Wanted {
  mediaType: MediaType;
  /** the header `min-seq`: the answer has to show this event of the tenant's log, or a later state */
  minSeq: bigint | null;
}

/** Computes the answer to an operation. The caller closes the scope. */
export type Compute = (
  ctx: Context,
  operation: StoredOperation,
  variables: Readonly<Record<string, unknown>>,
  wanted: Wanted,
) => Promise<Answer>;

/** `compute` is where something may stand between a request and the execution of its operation. */
export function createShortPath(
  endpoint: GraphQLEndpoint,
  { env, log }: Pick<Services, 'env' | 'log'>,
  documents: Documents,
  compute: Compute = computeAnswer,
): ShortPath {
  const cors = env.CORS_ORIGINS.length > 0;

  async function answerOf(asked: Asked, req: IncomingMessage, res: ServerResponse, mediaType: MediaType) {
    let ctx: Context | undefined;
    const note = requestNow();
    if (note) note.operation = asked.operation;
    try {
      const minSeq = minSeqOf(req.headers['min-seq']);
      ctx = await endpoint.httpContextOf(callerOf(req), req);
      requireTrusted(documents, ctx.viewer, asked.operation.trusted);
      const given = await admitted(ctx, asked, res, { mediaType, minSeq });
      if (note) note.origin = given.answer.origin;
      return { ...given, replayed: ctx.idempotency.replayed };
    } catch (error) {
      const masked = maskError(error, ctx?.request.id ?? note?.id ?? newId(), log);
      const answer = await failure({ errors: [masked] }, mediaType);
      return { answer, cost: endpoint.meter.report(ctx ?? null, 0), timing: null, replayed: false };
    } finally {
      void ctx?.scope.close();
    }
  }

  /** The answer within all limits, and what it cost. */
  async function admitted(ctx: Context, { operation, variables }: Asked, res: ServerResponse, wanted: Wanted) {
    const { refused, refund, report } = endpoint.meter.admit(ctx, operation, variables);
    try {
      if (refused) throw refused;
      const run = () => compute(ctx, operation, variables, wanted);
      const answer = await runBounded(ctx, operation, res, env.EXECUTION_TIMEOUT_MS, run);
      if (answer.unused || answer.origin === 'cache' || answer.origin === 'join') refund();
      return { answer, cost: report(), timing: serverTiming(ctx, answer.origin) };
    } catch (error) {
      if (isOverloaded(error)) refund();
      const masked = maskError(error, ctx.request.id, log);
      const answer = await failure({ errors: [masked] }, wanted.mediaType);
      return { answer, cost: report(), timing: serverTiming(ctx) };
    }
  }

  async function run(req: IncomingMessage, res: ServerResponse, mediaType: MediaType): Promise<boolean> {
    const body = await readBody(req, res);
    if (body === null) return true;
    const asked = askedOperation(body, documents);
    if (!asked) {
      putBack(req, body);
      return false;
    }
    const { answer, cost, timing, replayed } = await answerOf(asked, req, res, mediaType);
    const headers: Record<string, string | number> = { 'content-type': CONTENT_TYPE[mediaType], ...answer.headers };
    if (timing !== null) headers['server-timing'] = timing;
    if (replayed) headers[REPLAYED] = 'true';
    sendJson(req, res, { status: answer.status, headers, body: withCost(answer.body, cost) });
    return true;
  }

  return {
    handle(req, res) {
      if (!isPlainPost(req) || (cors && req.headers.origin !== undefined)) return false;
      const mediaType = mediaTypeOf(req.headers.accept);
      return mediaType !== null && run(req, res, mediaType);
    },
  };
}

/** Lets so many compute at once, and the others in their turn. */
export function inTurn({ gate }: GraphQLEndpoint, compute: Compute): Compute {
  return (...asked) => gate.run(() => compute(...asked));
}

/** Executes an operation and masks its errors. Status and headers of errors are those that Yoga would send. */
export const computeAnswer: Compute = async (ctx, operation, variables, { mediaType }) => {
  const result = await executeOperation(operation, ctx, variables);
  if (typeof result === 'string') return { body: result, status: 200, failed: false, headers: null };
  if (!result.errors && !result.extensions) {
    return { body: JSON.stringify(result), status: 200, failed: false, headers: null };
  }
  const errors = result.errors?.map((error) => maskError(error, ctx.request.id, ctx.services.log));
  return { ...(await failure(errors ? { ...result, errors } : result, mediaType)), unused: !('data' in result) };
};

/** Of the fetch API, Yoga uses no more here. */
const FETCH = { Response } as FetchAPI;

/** A result with masked errors as Yoga sends it: this is rare enough to have Yoga do it. */
async function failure(result: ExecutionResult, mediaType: MediaType): Promise<Answer> {
  const response = processRegularResult(result, FETCH, mediaType);
  const headers = Object.fromEntries(response.headers);
  return { body: await response.text(), status: response.status, failed: result.errors !== undefined, headers };
}

const CONTENT_TYPE: Readonly<Record<MediaType, string>> = {
  'application/json': 'application/json; charset=utf-8',
  'application/graphql-response+json': 'application/graphql-response+json; charset=utf-8',
};

/** What Yoga takes for JSON, less what it takes beyond the standard. */
const JSON_IN_UTF8 = /^application\/json(?:; ?charset=(?:utf-8|UTF-8))?$/;

function isPlainPost({ method, url = '', headers }: IncomingMessage): boolean {
  return (
    method === 'POST' &&
    (url === GRAPHQL_PATH || (url.startsWith(`${GRAPHQL_PATH}?`) && !isHealthCheck(url))) &&
    JSON_IN_UTF8.test(headers['content-type'] ?? '') &&
    headers['content-encoding'] === undefined
  );
}

/** Yoga ignores what follows the path, except that it takes any address with this ending for a question after its health. */
function isHealthCheck(url: string): boolean {
  return url.endsWith('/health');
}
