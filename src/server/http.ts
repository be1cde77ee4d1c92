import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { App } from '../app.ts';
import { createExports, EXPORT_PATH, type ExportLimits } from './export.ts';
import { createGraphiql } from './graphiql.ts';
import { GRAPHQL_PATH } from './graphql.ts';
import { livez, readyz } from './health.ts';
import { attachWebSocket } from './websocket.ts';

const MAX_BODY_BYTES = 1024 * 1024;
/** How long running requests get to finish when the server stops. */
const GRACE_MS = 10_000;

export interface HttpServer {
  port: number;
  /** stops accepting, lets running requests finish (10 s at most), ends streams, then resolves */
  stop(): Promise<void>;
}

/** Serves an app: GraphQL over HTTP, SSE and WebSocket, exports, health, GraphiQL. */
export async function serveHttp(
  app: App,
  options: { host: string; port: number; examplesDir: string; exports?: Partial<ExportLimits> },
): Promise<HttpServer> {
  const { env } = app.services;
  const graphiql = env.GRAPHIQL ? createGraphiql({ endpoint: GRAPHQL_PATH, examplesDir: options.examplesDir }) : null;
  const exports = createExports(app, options.exports);
  let stopping = false;
  const server = createServer((req, res) => {
    const path = req.url?.split('?', 1)[0] ?? '/';
    if (stopping) res.setHeader('connection', 'close');
    if (path === '/livez') livez(res);
    else if (path === '/readyz') void readyz(res, app.services, () => app.selfTest(), stopping);
    else if (!URL.canParse(`http://${req.headers.host}`)) refuse(res, 400, 'the Host header is not a host');
    else if (path === GRAPHQL_PATH) void graphql(app, req, res);
    else if (path.startsWith(EXPORT_PATH)) void exports.handle(req, res);
    else if (!graphiql?.handle(req, res)) {
      refuse(res, 404, `there is nothing at ${path.slice(0, 100)}: the API is at ${GRAPHQL_PATH}`);
    }
  });
  // Long enough for a large import mutation, short enough that a stalled client does not hold a socket for ever.
  server.requestTimeout = 60_000;
  await listen(server, options);
  const sockets = attachWebSocket(server, app.endpoint, app.services);
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

async function graphql(app: App, req: IncomingMessage, res: ServerResponse): Promise<void> {
  try {
    const length = req.headers['content-length'];
    if (Number(length ?? 0) > MAX_BODY_BYTES) {
      refuse(res, 413, `the body has ${length} bytes: ${MAX_BODY_BYTES} at most; import files with "argus import"`);
      return;
    }
    if (req.headers['transfer-encoding'] !== undefined) {
      const body = await readBody(req);
      if (body === null) {
        refuse(res, 413, `the body has more than ${MAX_BODY_BYTES} bytes; import files with "argus import"`);
        return;
      }
      // Where Yoga looks for a body that was read before it.
      Object.assign(req, { body });
    }
    await app.endpoint.yoga(req, res);
  } catch (error) {
    app.services.log.error({ err: error }, 'a request failed outside of GraphQL');
    if (!res.headersSent) refuse(res, 500, 'something went wrong');
    else res.destroy();
  }
}

/** A body that does not say how long it is; null when it is too long (its rest is let run dry) or was broken off. */
function readBody(req: IncomingMessage): Promise<Buffer | null> {
  return new Promise((resolve) => {
    const chunks: Buffer[] = [];
    let size = 0;
    req.on('data', (chunk: Buffer) => {
      size += chunk.length;
      if (size <= MAX_BODY_BYTES) chunks.push(chunk);
      else resolve(null);
    });
    req.once('end', () => resolve(Buffer.concat(chunks)));
    req.once('close', () => resolve(null));
    // 'close' follows.
    req.once('error', () => {});
  });
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
