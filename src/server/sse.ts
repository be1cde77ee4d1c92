import type { IncomingMessage, ServerResponse } from 'node:http';
import { GraphQLError } from 'graphql';
import type { Context } from '../graphql/context.ts';
import { newId } from '../graphql/ids.ts';
import { requestNow } from '../observe/place.ts';
import type { Services } from '../services.ts';
import { putBack, readBody } from './body.ts';
import { callerOf } from './caller.ts';
import { GRAPHQL_PATH, type GraphQLEndpoint } from './graphql.ts';
import { maskError } from './mask-error.ts';
import { SseConnection, sseMessage } from './sse-connection.ts';
import { errorText, pump } from './sse-pump.ts';
import {
  lastEventId,
  operationNamed,
  requestInAddress,
  requestInBody,
  type StreamRequest,
  streamedKind,
} from './sse-request.ts';
import { ReservedStreams, TOKEN_HEADER } from './sse-reserved.ts';
import type { Connections, StreamTiming } from './stream-limits.ts';
import { prepareStreamed } from './streamed-operation.ts';

/** Event streams with no other purpose: both modes of the graphql-sse protocol. */
export const STREAM_PATH = `${GRAPHQL_PATH}/stream`;

export interface SseDeps {
  endpoint: GraphQLEndpoint;
  services: Services;
  connections: Connections;
  timing: StreamTiming;
}

interface Http {
  status?: number;
  headers?: Readonly<Record<string, string>>;
}

export interface SseEndpoint {
  /** Answers a request to `/graphql` if it asks for a stream; else false, and its body is put back. */
  handle(req: IncomingMessage, res: ServerResponse): Promise<boolean>;
  /** Answers a request to `/graphql/stream`. */
  handleStream(req: IncomingMessage, res: ServerResponse): Promise<void>;
  /** ends the reservations of single connection mode, and their streams */
  close(): void;
}

/**
 * GraphQL over Server-Sent Events: https://github.com/enisdenjo/graphql-sse/blob/master/PROTOCOL.md. A result of a
 * subscription to events has its place in the log as the message's id.
 */
export function createSse(deps: SseDeps): SseEndpoint {
  const reserved = new ReservedStreams(deps);
  return {
    handle: async (req, res) => {
      if (!asksForStream(req)) return false;
      return answering(deps, req, res, async () => {
        const body = req.method === 'POST' ? await readBody(req, res) : null;
        if (req.method === 'POST' && body === null) return true;
        const asked = body ? objectIn(body) : requestInAddress(addressOf(req));
        if (!asked || !streamedKind(deps.endpoint.documents, asked)) {
          if (body) putBack(req, body);
          return false;
        }
        await serve(deps, req, res, asked);
        return true;
      });
    },
    handleStream: async (req, res) => {
      await answering(deps, req, res, async () => {
        const url = addressOf(req);
        const token = url.searchParams.get('token') ?? req.headers[TOKEN_HEADER];
        if (req.method === 'OPTIONS') res.writeHead(204).end();
        else if (req.method === 'PUT') await reserved.reserve(req, res);
        else if (typeof token === 'string') await reserved.handle(token, url, req, res);
        else if (req.method === 'GET') await serve(deps, req, res, requestInAddress(url));
        else if (req.method === 'POST') {
          const asked = await requestInBody(req, res);
          if (asked) await serve(deps, req, res, asked);
        } else res.writeHead(405, { allow: 'GET, POST, PUT, DELETE, OPTIONS' }).end();
        return true;
      });
    },
    close: () => reserved.close(),
  };
}

/** Distinct connections mode: the answer is the stream of one operation. */
async function serve(deps: SseDeps, req: IncomingMessage, res: ServerResponse, asked: StreamRequest): Promise<void> {
  const { endpoint, services, connections, timing } = deps;
  const note = requestNow();
  if (note) note.transport = 'sse';
  const ctx = await endpoint.httpContextOf(callerOf(req), req);
  ctx.stream.after = lastEventId(req);
  // An address is asked for by pages of others, by who reconnects, and is written to logs.
  if (req.method === 'GET' && operationNamed(endpoint.documents, asked)?.kind === 'mutation') throw notByGet();
  const opened = connections.open(ctx);
  if (typeof opened === 'string') throw tooMany(opened);
  if (res.destroyed) return opened();
  let stop = opened;
  const connection = new SseConnection(req, res, timing, () => stop());
  const end = (errors: string | null) => {
    const last = errors === null ? '' : sseMessage({ event: 'next', data: errors });
    connection.end(`${last}${sseMessage({ event: 'complete' })}`);
  };
  const prepared = await prepareOrErrors(deps, ctx, asked, req);
  if (!('run' in prepared)) return end(errorText(prepared));
  if (res.destroyed) return;
  const running = pump(
    prepared,
    { next: (data, seq) => connection.send(sseMessage({ event: 'next', data, id: seq?.toString() ?? null })), end },
    services.log,
  );
  stop = () => {
    opened();
    running.stop();
  };
}

/** As `prepareStreamed`, with what it throws among the errors. */
async function prepareOrErrors(deps: SseDeps, ctx: Context, asked: StreamRequest, req: IncomingMessage) {
  try {
    return await prepareStreamed(deps.endpoint, ctx, asked, req);
  } catch (error) {
    return [maskError(error, ctx.request.id, deps.services.log)];
  }
}

function notByGet(): GraphQLError {
  const http = { status: 405, headers: { allow: 'POST' } };
  return new GraphQLError('a GET changes nothing: send a mutation by POST', {
    extensions: { code: 'METHOD_NOT_ALLOWED', http },
  });
}

/** An error that is answered with the status 429. */
export function tooMany(message: string): GraphQLError {
  return new GraphQLError(message, { extensions: { code: 'TOO_MANY_STREAMS', http: { status: 429 } } });
}

/** Answers with what is thrown, and lets pages of the allowed origins read the answer. */
async function answering(
  { services }: SseDeps,
  req: IncomingMessage,
  res: ServerResponse,
  answer: () => Promise<boolean>,
): Promise<boolean> {
  const { origin } = req.headers;
  if (origin !== undefined && services.env.CORS_ORIGINS.includes(origin)) {
    res.setHeader('access-control-allow-origin', origin);
    res.setHeader('vary', 'origin');
    if (req.method === 'OPTIONS') {
      res.setHeader('access-control-allow-methods', 'GET, POST, PUT, DELETE');
      res.setHeader(
        'access-control-allow-headers',
        `authorization, content-type, last-event-id, x-api-key, ${TOKEN_HEADER}`,
      );
    }
  }
  try {
    return await answer();
  } catch (error) {
    if (res.headersSent) throw error;
    const masked = maskError(error, requestNow()?.id ?? newId(), services.log);
    const { status = 500, headers } = (masked.extensions.http ?? {}) as Http;
    res.writeHead(status, { 'content-type': 'application/json; charset=utf-8', ...headers });
    res.end(errorText([masked]));
    return true;
  }
}

function asksForStream({ method, headers }: IncomingMessage): boolean {
  if (!headers.accept?.includes('text/event-stream')) return false;
  if (method === 'GET') return true;
  return method === 'POST' && /^application\/json\b/i.test(headers['content-type'] ?? '');
}

function addressOf({ url = '', headers }: IncomingMessage): URL {
  return new URL(url, `http://${headers.host}`);
}

/** What Yoga is to refuse is null here. */
function objectIn(body: Buffer): StreamRequest | null {
  try {
    const given: unknown = JSON.parse(body.toString('utf8'));
    return typeof given === 'object' && !Array.isArray(given) ? (given as StreamRequest) : null;
  } catch {
    return null;
  }
}
