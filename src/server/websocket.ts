import type { IncomingMessage, Server } from 'node:http';
import { type ExecutionArgs, GraphQLError } from 'graphql';
import { CloseCode, handleProtocols, makeServer, type ServerOptions, type Context as WsContext } from 'graphql-ws';
import { type WebSocket, WebSocketServer } from 'ws';
import { requestFrom } from '../access/viewer.ts';
import { SlowConsumer, Unauthenticated } from '../errors.ts';
import type { Context } from '../graphql/context.ts';
import { newId } from '../graphql/ids.ts';
import type { Services } from '../services.ts';
import { GRAPHQL_PATH, type GraphQLEndpoint } from './graphql.ts';
import { maskError } from './mask-error.ts';
import { Outlet, Stalled } from './outlet.ts';
import { clientAddress } from './request.ts';
import { type Connections, MAX_OPERATIONS, type StreamTiming } from './stream-limits.ts';
import { prepareStreamed, type StreamedOperation } from './streamed-operation.ts';

const MAX_MESSAGE_BYTES = 256 * 1024;
/** Signs of life that may be missed in a row. */
const MISSED_PONGS = 2;

/** Closes a socket that takes not even the errors which end its operations. */
export const SLOW_CLOSE = 4013;
/** "Try again later" of the registry of WebSocket close codes. */
export const TRY_LATER_CLOSE = 1013;

type Params = Readonly<Record<string, unknown>> | undefined;

/** What belongs to one socket. */
interface Extra {
  socket: WebSocket;
  request: IncomingMessage;
  outlet: Outlet;
  /** counts the socket out */
  release?: () => void;
  /** by operation: its place after the message that is being sent, and before it */
  places: Map<string, { seq: bigint | null; before: bigint | null }>;
}

export interface WebSocketDeps {
  endpoint: GraphQLEndpoint;
  services: Services;
  connections: Connections;
  timing: StreamTiming;
}

type Started = ExecutionArgs & { rootValue: StreamedOperation };

/** The graphql-transport-ws protocol at the same path as HTTP; the credential comes in connection_init or a header. */
export function attachWebSocket(server: Server, deps: WebSocketDeps): { close(): Promise<void>; terminate(): void } {
  const { timing, services } = deps;
  const sockets = new WebSocketServer({ server, path: GRAPHQL_PATH, maxPayload: MAX_MESSAGE_BYTES, handleProtocols });
  const protocol = makeServer<Record<string, unknown>, Extra>({
    connectionInitWaitTimeout: timing.initMs,
    // Each operation comes with what runs it.
    execute: (args) => (args as unknown as Started).rootValue.run(),
    subscribe: (args) => (args as unknown as Started).rootValue.run() as never,
    onConnect: (ctx) => admit(deps, ctx),
    onSubscribe: (ctx, id, params) => start(deps, ctx, id, params),
    onNext: ({ extra: { places } }, id, _params, args) => {
      const { seq } = (args.contextValue as Context).stream;
      places.set(id, { seq, before: places.get(id)?.seq ?? null });
    },
    onError: (ctx, id, _params, errors) => ended(deps, ctx.extra, id, errors),
    onComplete: ({ extra }, id) => void extra.places.delete(id),
  });
  sockets.on('connection', (socket, request) => {
    const outlet = new Outlet((text, taken) => socket.send(text, taken), timing.stallMs);
    const extra: Extra = { socket, request, outlet, places: new Map() };
    const stopPinging = keepAlive(extra, timing.pingMs);
    const fail = (error: unknown) => {
      if (error instanceof Stalled) return socket.close(SLOW_CLOSE, 'nothing is taken');
      services.log.error({ err: error }, 'a message of a WebSocket could not be handled');
      socket.close(CloseCode.InternalServerError, 'something went wrong');
    };
    const closed = protocol.opened(
      {
        protocol: socket.protocol,
        send: (text) => (socket.readyState === socket.OPEN ? outlet.send(text) : undefined),
        close: (code, reason) => socket.close(code, reason),
        onMessage: (handle) => socket.on('message', (data) => void handle(String(data)).catch(fail)),
      },
      extra,
    );
    // A socket that breaks is closed by 'ws' itself.
    socket.on('error', (error) => services.log.debug({ err: error }, 'a WebSocket broke'));
    socket.once('close', (code, reason) => {
      stopPinging();
      outlet.close();
      extra.release?.();
      closed(code, String(reason)).catch(fail);
    });
  });
  return {
    close: () => {
      for (const client of sockets.clients) client.close(1001, 'going away');
      return new Promise((resolve) => sockets.close(() => resolve()));
    },
    terminate: () => {
      for (const client of sockets.clients) client.terminate();
    },
  };
}

/** Ends a socket from which nothing comes any more. One that merely reads slowly is the outlet's business. */
function keepAlive({ socket, outlet }: Extra, pingMs: number): () => void {
  let missed = 0;
  const alive = () => {
    missed = 0;
  };
  socket.on('pong', alive).on('message', alive);
  const timer = setInterval(() => {
    if (outlet.isWaiting || socket.readyState !== socket.OPEN) return;
    if (missed >= MISSED_PONGS) return socket.terminate();
    missed++;
    socket.ping();
  }, pingMs);
  return () => clearInterval(timer);
}

function contextOf({ endpoint, services }: WebSocketDeps, { request }: Extra, params: Params): Promise<Context> {
  const given = params?.authorization ?? params?.Authorization ?? request.headers.authorization ?? null;
  const userAgent = request.headers['user-agent'] ?? null;
  const from = requestFrom(clientAddress(request, services.env.TRUST_PROXY), userAgent);
  return endpoint.contextOf(typeof given === 'string' ? given : null, from);
}

async function admit(deps: WebSocketDeps, { extra, connectionParams }: WsContext<Record<string, unknown>, Extra>) {
  try {
    const { viewer } = await contextOf(deps, extra, connectionParams);
    const opened = deps.connections.open(viewer);
    if (typeof opened === 'string') {
      extra.socket.close(TRY_LATER_CLOSE, opened.slice(0, 120));
      return false;
    }
    extra.release = opened;
    // It may have been closed meanwhile.
    if (extra.socket.readyState !== extra.socket.OPEN) opened();
    return true;
  } catch (error) {
    if (!(error instanceof Unauthenticated)) throw error;
    extra.socket.close(CloseCode.Forbidden, error.message.slice(0, 120));
    return false;
  }
}

/** What is thrown here would close the connection and end all other operations on it: it is answered instead. */
const start = async (
  deps: WebSocketDeps,
  { extra, connectionParams, subscriptions }: WsContext<Record<string, unknown>, Extra>,
  id: string,
  params: Parameters<NonNullable<ServerOptions['onSubscribe']>>[2],
): Promise<ExecutionArgs | readonly GraphQLError[]> => {
  try {
    if (Object.keys(subscriptions).length > MAX_OPERATIONS) {
      const message = `there are ${MAX_OPERATIONS} operations on this socket already: complete one, or open another socket`;
      return [new GraphQLError(message, { extensions: { code: 'TOO_MANY_OPERATIONS' } })];
    }
    const ctx = await contextOf(deps, extra, connectionParams);
    const prepared = await prepareStreamed(deps.endpoint, ctx, params, extra.request);
    if (!('run' in prepared)) return prepared;
    extra.places.set(id, { seq: null, before: null });
    return { ...prepared.args, rootValue: prepared };
  } catch (error) {
    return [maskError(error, newId(), deps.services.log)];
  }
};

/** The errors that end an operation, as they are sent. With its credential the socket ends too. */
function ended({ services }: WebSocketDeps, extra: Extra, id: string, errors: readonly GraphQLError[]) {
  const place = extra.places.get(id);
  extra.places.delete(id);
  const stalled = errors[0]?.originalError;
  if (stalled instanceof Stalled) {
    const lastSeq = (stalled.written ? place?.seq : place?.before) ?? null;
    return [maskError(new SlowConsumer(lastSeq), newId(), services.log).toJSON()];
  }
  const masked = errors.map((error) => maskError(error, newId(), services.log));
  const refused = masked.find(({ extensions }) => extensions.code === 'UNAUTHENTICATED');
  if (refused && place) setImmediate(() => extra.socket.close(CloseCode.Forbidden, refused.message.slice(0, 120)));
  return masked.map((error) => error.toJSON());
}
