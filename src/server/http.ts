import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { App } from '../app.ts';
import { createGraphiql } from './graphiql.ts';
import { GRAPHQL_PATH } from './graphql.ts';
import { livez, readyz } from './health.ts';
import { MAX_BODY_BYTES } from './request.ts';
import { attachWebSocket } from './websocket.ts';

/** How long running requests get to finish when the server stops. */
const GRACE_MS = 10_000;

export interface HttpServer {
  port: number;
  /** stops accepting, lets running requests finish (10 s at most), ends streams, then resolves */
  stop(): Promise<void>;
}

/** Serves an app: GraphQL over HTTP, SSE and WebSocket, health, GraphiQL. */
export async function serveHttp(
  app: App,
  options: { host: string; port: number; examplesDir: string },
): Promise<HttpServer> {
  const { env } = app.services;
  const graphiql = env.GRAPHIQL ? createGraphiql({ endpoint: GRAPHQL_PATH, examplesDir: options.examplesDir }) : null;
  let stopping = false;
  const server = createServer((req, res) => {
    const path = req.url?.split('?', 1)[0] ?? '/';
    if (stopping) res.setHeader('connection', 'close');
    if (path === '/livez') livez(res);
    else if (path === '/readyz') void readyz(res, app.services, () => app.selfTest(), stopping);
    else if (path === GRAPHQL_PATH) graphql(app, req, res);
    else if (!graphiql?.handle(req, res)) {
      refuse(res, 404, `there is nothing at ${path.slice(0, 100)}: the API is at ${GRAPHQL_PATH}`);
    }
  });
  // Long enough for a large import mutation, short enough that a stalled client does not hold a socket for ever.
  server.requestTimeout = 60_000;
  const sockets = attachWebSocket(server, app.endpoint, app.services);
  await listen(server, options);
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
    await sockets.close();
    server.closeIdleConnections();
    await closed;
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

function graphql(app: App, req: IncomingMessage, res: ServerResponse): void {
  const length = Number(req.headers['content-length'] ?? 0);
  if (length > MAX_BODY_BYTES) {
    refuse(res, 413, `the body has ${length} bytes: ${MAX_BODY_BYTES} at most; import files with "argus import"`);
    return;
  }
  res.once('finish', () => drain(req));
  void Promise.resolve(app.endpoint.yoga(req, res)).catch((error: unknown) => {
    app.services.log.error({ err: error }, 'a request failed outside of GraphQL');
    if (!res.headersSent) refuse(res, 500, 'something went wrong');
    else res.destroy();
  });
}

/** What is left of a body that was refused half read: unread, it would keep the connection's next request waiting. */
function drain(req: IncomingMessage): void {
  if (req.complete) return;
  req.unpipe();
  // A reader that has lost interest still holds the stream back.
  req.removeAllListeners('readable').removeAllListeners('data').resume();
}

function refuse(res: ServerResponse, status: number, message: string): void {
  const body = JSON.stringify({ errors: [{ message }] });
  res.writeHead(status, { 'content-type': 'application/json; charset=utf-8', connection: 'close' }).end(body);
}

function listen(server: Server, { host, port }: { host: string; port: number }): Promise<void> {
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
