import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { App } from '../app.ts';
import { putBack, readBody, refusesForm, refusesLength } from './body.ts';
import { cachedAnswers } from './cached-answers.ts';
import { createExports, EXPORT_PATH, type ExportLimits } from './export.ts';
import { createGraphiql } from './graphiql.ts';
import { GRAPHQL_PATH } from './graphql.ts';
import { HeadedResponse } from './headed-response.ts';
import { livez, readyz } from './health.ts';
import { watchLoop } from './loop-lag.ts';
import { refuse, refuseForNow } from './refuse.ts';
import { ResultCache } from './result-cache.ts';
import { securityHeaders } from './security-headers.ts';
import { computeAnswer, createShortPath, inTurn, type ShortPath } from './short-path.ts';
import { createSse, type SseEndpoint, STREAM_PATH } from './sse.ts';
import { Connections, STREAM_TIMING, type StreamTiming } from './stream-limits.ts';
import { readTrustedDocuments } from './trusted-documents.ts';
import { attachWebSocket } from './websocket.ts';

/** How long running requests get to finish when the server stops. */
const GRACE_MS = 10_000;
/** Long enough for a large import mutation, short enough that a stalled client does not hold a socket for ever. */
const REQUEST_MS = 60_000;
/** A client that neither sends nor takes anything for so long is let go; streams send a sign of life more often. */
const SILENCE_MS = 60_000;
const HEADERS_MS = 20_000;
/** Node looks so often for requests that take longer. */
const LOOK_MS = 2_000;
/** Longer than load balancers keep their connections: else they send into one that is just being closed. */
const KEEP_ALIVE_MS = 65_000;

export interface HttpServer {
  port: number;
  /** stops accepting, lets running requests finish (10 s at most), ends streams, then resolves */
  stop(): Promise<void>;
}

interface ServeOptions {
  host: string;
  port: number;
  examplesDir: string;
  exports?: Partial<ExportLimits>;
  shortPath?: boolean;
  timing?: Partial<StreamTiming>;
  /** how long a client may neither send nor take anything, in milliseconds */
  silenceMs?: number;
}

/**
 * Serves an app: GraphQL over HTTP, SSE and WebSocket, exports, health, GraphiQL. `shortPath: false` has Yoga answer
 * every request, which gives the same answers.
 * @throws Error when the port is taken, or the trusted documents are not to be had
 */
export async function serveHttp(app: App, options: ServeOptions): Promise<HttpServer> {
  const { env } = app.services;
  const graphiql = env.GRAPHIQL ? createGraphiql({ endpoint: GRAPHQL_PATH, examplesDir: options.examplesDir }) : null;
  const exports = createExports(app, options.exports);
  const { documents } = app.endpoint;
  if (env.TRUSTED_DOCUMENTS !== null) documents.trust(readTrustedDocuments(env.TRUSTED_DOCUMENTS));
  const cache = env.RESULT_CACHE_MB > 0 ? new ResultCache(app.services) : null;
  const computed = inTurn(app.endpoint, computeAnswer);
  const compute = cache ? cachedAnswers(cache, computed) : computed;
  const shortPath =
    options.shortPath === false ? null : createShortPath(app.endpoint, app.services, documents, compute);
  const streams = {
    endpoint: app.endpoint,
    services: app.services,
    connections: new Connections(),
    timing: { ...STREAM_TIMING, ...options.timing },
  };
  const sse = createSse(streams);
  const secure = securityHeaders(env);
  const { observer } = app.services;
  observer.metrics?.know(documents.trustedNames);
  if (cache && observer.metrics) observer.metrics.cache = () => cache.counters;
  let stopping = false;
  const own = { connectionsCheckingInterval: LOOK_MS, ServerResponse: HeadedResponse };
  const server = createServer(own, (req, res) => {
    const path = req.url?.split('?', 1)[0] ?? '/';
    secure(res);
    if (stopping) res.setHeader('connection', 'close');
    if (path === '/livez') livez(res);
    else if (path === '/readyz') void readyz(res, app.services, () => app.selfTest(), stopping);
    else if (!URL.canParse(`http://${req.headers.host}`)) refuse(res, 400, 'the Host header is not a host');
    else if (path === GRAPHQL_PATH) observer.http(req, res, 'http', () => graphql(app, shortPath, sse, req, res));
    else if (path === STREAM_PATH) {
      observer.http(req, res, 'sse', () => guarded(app, res, () => sse.handleStream(req, res)));
    } else if (path.startsWith(EXPORT_PATH)) observer.http(req, res, 'export', () => exports.handle(req, res));
    else if (!graphiql?.handle(req, res)) {
      refuse(res, 404, `there is nothing at ${path.slice(0, 100)}: the API is at ${GRAPHQL_PATH}`);
    }
  });
  const { silenceMs = SILENCE_MS } = options;
  Object.assign(server, { requestTimeout: REQUEST_MS, headersTimeout: HEADERS_MS, keepAliveTimeout: KEEP_ALIVE_MS });
  server.setTimeout(silenceMs);
  const unwatch = watchLoop((late) => {
    app.endpoint.gate.late = late;
  });
  await listen(server, options);
  const sockets = attachWebSocket(server, streams);
  const { port } = server.address() as AddressInfo;
  const stop = async () => {
    stopping = true;
    const closed = new Promise<void>((resolve) => server.close(() => resolve()));
    const grace = setTimeout(() => {
      // Who does not take what is sent does not take a goodbye either.
      sockets.terminate();
      server.closeAllConnections();
    }, GRACE_MS);
    // Streams have no end of their own: they are told to stop, and resume elsewhere from their last seq.
    app.stopStreams();
    sse.close();
    await sockets.close();
    server.closeIdleConnections();
    await closed;
    unwatch();
    cache?.close();
    await exports.settled();
    clearTimeout(grace);
  };
  let stopped: Promise<void> | undefined;
  return {
    port,
    stop: () => {
      stopped ??= stop();
      return stopped;
    },
  };
}

async function graphql(
  app: App,
  shortPath: ShortPath | null,
  sse: SseEndpoint,
  req: IncomingMessage,
  res: ServerResponse,
): Promise<void> {
  await guarded(app, res, async () => {
    // Before it costs anything to find out who asks, and what.
    if (app.endpoint.gate.isFull) {
      refuseForNow(req, res);
      return;
    }
    // Media types have no case (RFC 9110, 8.3.1); Yoga knows them in lower case only.
    const type = req.headers['content-type'];
    if (type !== undefined) req.headers['content-type'] = type.toLowerCase();
    if (refusesForm(req, res) || refusesLength(req, res)) return;
    const taken = shortPath?.handle(req, res);
    if (taken && (await taken)) return;
    if (await sse.handle(req, res)) return;
    // A body that does not say how long it is, and that nobody has read.
    if (!taken && req.headers['transfer-encoding'] !== undefined && !('body' in req)) {
      const body = await readBody(req, res);
      if (body === null) return;
      putBack(req, body);
    }
    await app.endpoint.yoga(req, res);
  });
}

/** What fails outside of GraphQL ends the request, and nothing else. */
async function guarded(app: App, res: ServerResponse, answer: () => Promise<void>): Promise<void> {
  try {
    await answer();
  } catch (error) {
    app.services.log.error({ err: error }, 'a request failed outside of GraphQL');
    if (!res.headersSent) refuse(res, 500, 'something went wrong');
    else res.destroy();
  }
}

/** @throws Error, for people, when the port cannot be had */
export function listen(server: Server, { host, port }: { host: string; port: number }): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'EADDRINUSE') {
        reject(
          new Error(`port ${port} is in use: stop what listens there, or choose another with PORT=4001 or --port 4001`),
        );
      } else if (error.code === 'EACCES')
        reject(new Error(`port ${port} needs more rights: choose one above 1023 with PORT`));
      else reject(error);
    });
    server.listen(port, host, () => resolve());
  });
}
