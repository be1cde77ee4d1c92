import type { IncomingMessage, ServerResponse } from 'node:http';
import {
  type ExecutionArgs,
  type ExecutionResult,
  GraphQLError,
  type GraphQLSchema,
  type ParseOptions,
  parse,
  type Source,
} from 'graphql';
import { createYoga, type Plugin, type YogaServerInstance } from 'graphql-yoga';
import { Authenticator } from '../access/authenticate.ts';
import type { Viewer } from '../access/viewer.ts';
import { Unauthenticated } from '../errors.ts';
import type { Context } from '../graphql/context.ts';
import { newId } from '../graphql/ids.ts';
import { checkLimits } from '../graphql/limits.ts';
import type { Services } from '../services.ts';
import { useCompiledExecution } from './compiled-execution.ts';
import { makeContext } from './context.ts';
import { maskError } from './mask-error.ts';
import { clientAddress } from './request.ts';

export const GRAPHQL_PATH = '/graphql';
/** A document longer than this is refused before it is parsed to the end. */
const MAX_TOKENS = 5_000;

export interface ServerContext {
  req: IncomingMessage;
  res: ServerResponse;
}

export interface GraphQLEndpoint {
  yoga: YogaServerInstance<Partial<ServerContext>, Context>;
  authenticator: Authenticator;
  /** the viewer of a credential as it came in a header or in a WebSocket's first message */
  contextOf(authorization: string | null, request: Viewer['request']): Promise<Context>;
}

/** The GraphQL pipeline: who asks, limits of the text, compiled execution, one read scope, masked errors. */
export function createGraphQL(schema: GraphQLSchema, services: Services): GraphQLEndpoint {
  const authenticator = new Authenticator(services);
  const contextOf: GraphQLEndpoint['contextOf'] = async (authorization, request) => {
    const credential = credentialOf(authorization);
    if (credential === null) return makeContext(services, null, null, request);
    return makeContext(services, await authenticator.viewer(credential, request), null, request);
  };
  const yoga = createYoga<Partial<ServerContext>, Context>({
    schema,
    graphqlEndpoint: GRAPHQL_PATH,
    logging: false,
    graphiql: false,
    landingPage: false,
    multipart: false,
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
      const { request, req } = initial;
      const from = {
        id: newId(),
        ip: req ? clientAddress(req, services.env.TRUST_PROXY) : null,
        userAgent: request.headers.get('user-agent'),
      };
      try {
        return await contextOf(request.headers.get('authorization') ?? bearer(request.headers.get('x-api-key')), from);
      } catch (error) {
        if (!(error instanceof Unauthenticated)) throw error;
        throw new GraphQLError(error.message, { extensions: { code: error.code, http: { status: 401 } } });
      }
    },
    maskedErrors: { maskError: (error) => maskError(error, requestIdOf(error), services.log) },
    plugins: [useTokenLimit(), useLimits(), useCompiledExecution(), useReadScope()],
  });
  return { yoga, authenticator, contextOf };
}

/** Where the WebSocket side puts a context that it made itself. */
export const CONTEXT = Symbol('context');

function bearer(key: string | null): string | null {
  return key ? `Bearer ${key}` : null;
}

function credentialOf(authorization: string | null): string | null {
  if (!authorization) return null;
  const match = /^Bearer\s+(\S+)\s*$/i.exec(authorization);
  if (!match?.[1]) throw new Unauthenticated('the Authorization header must be "Bearer argus_…"');
  return match[1];
}

function useTokenLimit(): Plugin {
  return {
    onParse({ setParseFn }) {
      setParseFn((source: string | Source, options?: ParseOptions) =>
        parse(source, { ...options, maxTokens: MAX_TOKENS }),
      );
    },
  };
}

/** Before execution, where the variables are known: a validation rule would be cached without them. */
function useLimits(): Plugin {
  const check = ({ args, setResultAndStopExecution }: LimitedExecution) => {
    try {
      checkLimits(args.schema, args.document, args.operationName ?? null, args.variableValues ?? {});
    } catch (error) {
      if (!(error instanceof GraphQLError)) throw error;
      setResultAndStopExecution({ errors: [error] });
    }
  };
  return {
    onExecute: (execution) => check(execution as LimitedExecution),
    onSubscribe: (execution) => check(execution as unknown as LimitedExecution),
  };
}

interface LimitedExecution {
  args: ExecutionArgs;
  setResultAndStopExecution(result: ExecutionResult): void;
}

const requestIds = new WeakMap<object, string>();

function requestIdOf(error: unknown): string {
  const known = typeof error === 'object' && error !== null ? requestIds.get(error) : undefined;
  return known ?? newId();
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
          const { statements, milliseconds } = ctx.scope;
          if (ctx.res && !ctx.res.headersSent) {
            ctx.res.setHeader('server-timing', `db;dur=${milliseconds.toFixed(1)};desc="${statements} statements"`);
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
