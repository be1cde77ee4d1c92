import type { IncomingMessage, ServerResponse } from 'node:http';
import { GraphQLError, type GraphQLSchema } from 'graphql';
import { createYoga, type Plugin, type YogaServerInstance } from 'graphql-yoga';
import { Authenticator } from '../access/authenticate.ts';
import { requestFrom, type Viewer } from '../access/viewer.ts';
import { InvalidInput, Unauthenticated } from '../errors.ts';
import type { Context } from '../graphql/context.ts';
import { keyFromHeader } from '../graphql/idempotency-key.ts';
import { newId } from '../graphql/ids.ts';
import { requestNow } from '../observe/place.ts';
import type { Services } from '../services.ts';
import { type CallerHeaders, callerBy } from './caller.ts';
import { makeContext } from './context.ts';
import { Documents } from './documents.ts';
import { Gate } from './gate.ts';
import { maskError, noteErrors } from './mask-error.ts';
import { Meter } from './meter.ts';
import { clientAddress } from './request.ts';
import type { Origin } from './result-cache.ts';
import { CONTEXT, useAdmission } from './use-admission.ts';
import { useExecution } from './use-execution.ts';
import { useTrustedDocuments } from './use-trusted-documents.ts';

export const GRAPHQL_PATH = '/graphql';

/** The response header that tells that a change was made before, and was not made again. */
export const REPLAYED = 'idempotency-replayed';

export interface ServerContext {
  req: IncomingMessage;
  res: ServerResponse;
}

export interface GraphQLEndpoint {
  yoga: YogaServerInstance<Partial<ServerContext>, Context>;
  authenticator: Authenticator;
  documents: Documents;
  meter: Meter;
  gate: Gate;
  /** the viewer of a credential as it came in a header or in a WebSocket's first message */
  contextOf(authorization: string | null, request: Viewer['request']): Promise<Context>;
  /** the same for an HTTP request. @throws GraphQLError that answers with 401 when its credential is refused, with 400 for a malformed header */
  httpContextOf(headers: CallerHeaders, req: IncomingMessage | undefined): Promise<Context>;
}

/** The GraphQL pipeline: who asks, limits of the text, compiled execution, one read scope, masked errors. */
export function createGraphQL(schema: GraphQLSchema, services: Services): GraphQLEndpoint {
  const authenticator = new Authenticator(services);
  const documents = new Documents(schema);
  const { env } = services;
  const meter = new Meter(env);
  const gate = new Gate({ concurrent: env.MAX_CONCURRENT, queued: env.MAX_QUEUED });
  const contextOf: GraphQLEndpoint['contextOf'] = async (authorization, request) => {
    const credential = credentialOf(authorization);
    if (credential === null) return makeContext(services, null, null, request);
    const viewer = await authenticator.viewer(credential, request);
    const asked = requestNow();
    if (asked) asked.viewer = viewer;
    return makeContext(services, viewer, null, request);
  };
  const httpContextOf: GraphQLEndpoint['httpContextOf'] = async (caller, req) => {
    const { authorization, apiKey, userAgent, idempotencyKey } = caller;
    const ip = req ? clientAddress(req, services.env.TRUST_PROXY) : null;
    try {
      const header = keyFromHeader(idempotencyKey);
      const ctx = await contextOf(authorization ?? bearer(apiKey), requestFrom(ip, userAgent));
      ctx.idempotency.header = header;
      return ctx;
    } catch (error) {
      if (!(error instanceof Unauthenticated || error instanceof InvalidInput)) throw error;
      const status = error instanceof InvalidInput ? 400 : 401;
      throw new GraphQLError(error.message, { extensions: { code: error.code, http: { status } } });
    }
  };
  const contextOfRequest = async (headers: Headers, { req }: Partial<ServerContext>) => {
    const ctx = await httpContextOf(
      callerBy((name) => headers.get(name)),
      req,
    );
    ctx.stream.open = headers.get('accept')?.includes('text/event-stream') ?? false;
    return ctx;
  };
  const yoga = createYoga<Partial<ServerContext>, Context>({
    schema,
    graphqlEndpoint: GRAPHQL_PATH,
    logging: false,
    graphiql: false,
    landingPage: false,
    multipart: false,
    // Its own caches are bounded by count only, and filled before anybody is known.
    parserAndValidationCache: false,
    batching: false,
    // The HTTP server limits it before: here it would cost each request a stream.
    maxRequestBodySize: false,
    cors:
      services.env.CORS_ORIGINS.length > 0
        ? { origin: [...services.env.CORS_ORIGINS], credentials: false, methods: ['POST', 'GET'] }
        : false,
    context: async (initial) => {
      const given = Reflect.get(initial, CONTEXT) as Context | undefined;
      if (given) return given;
      return contextOfRequest(initial.request.headers, initial);
    },
    maskedErrors: { maskError: (error) => maskError(error, requestIdOf(error), services.log) },
    extraParamNames: ['documentId'],
    plugins: [
      useTrustedDocuments(documents),
      useAdmission(documents, meter, contextOfRequest),
      useExecution(documents, { meter, gate, timeoutMs: env.EXECUTION_TIMEOUT_MS }),
      useReadScope(),
      useNote(),
    ],
  });
  return { yoga, authenticator, documents, meter, gate, contextOf, httpContextOf };
}

function bearer(key: string | null): string | null {
  return key ? `Bearer ${key}` : null;
}

function credentialOf(authorization: string | null): string | null {
  if (!authorization) return null;
  const match = /^Bearer\s+(\S+)\s*$/i.exec(authorization);
  if (!match?.[1]) throw new Unauthenticated('the Authorization header must be "Bearer argus_…"');
  return match[1];
}

const requestIds = new WeakMap<object, string>();

function requestIdOf(error: unknown): string {
  const known = typeof error === 'object' && error !== null ? requestIds.get(error) : undefined;
  return known ?? requestNow()?.id ?? newId();
}

/** What a `server-timing` header tells of an operation: its statements and the time they took. */
export function serverTiming({ scope: { statements, milliseconds } }: Context, origin?: Origin): string {
  const database = `db;dur=${milliseconds.toFixed(1)};desc="${statements} statements"`;
  return origin === 'cache' || origin === 'join' ? `${database}, ${origin}` : database;
}

/** Notes errors of the document too, which are not masked. */
function useNote(): Plugin {
  return {
    onResultProcess({ result }) {
      if (!Array.isArray(result) && !(Symbol.asyncIterator in result)) noteErrors(result.errors);
    },
  };
}

/** Closes the read scope when execution ends, and after each event of a subscription, without delaying the answer. */
function useReadScope(): Plugin<Context, Partial<ServerContext>> {
  return {
    onExecute({ args }) {
      const ctx = args.contextValue as Context & Partial<ServerContext>;
      return {
        onExecuteDone({ result }) {
          if (Symbol.asyncIterator in result) return;
          for (const error of result.errors ?? []) requestIds.set(error, ctx.request.id);
          if (ctx.res && !ctx.res.headersSent) {
            ctx.res.setHeader('server-timing', serverTiming(ctx));
            if (ctx.idempotency.replayed) ctx.res.setHeader(REPLAYED, 'true');
          }
          void ctx.scope.close();
        },
      };
    },
    onSubscribe({ args }) {
      const ctx = args.contextValue as Context;
      return {
        onSubscribeResult: () => ({
          onNext: () => ctx.refresh(),
          onEnd: () => void ctx.scope.close(),
        }),
      };
    },
  };
}
