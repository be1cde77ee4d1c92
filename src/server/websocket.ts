import type { IncomingMessage, Server } from 'node:http';
import { type ExecutionArgs, GraphQLError } from 'graphql';
import { CloseCode, handleProtocols, makeServer, type ServerOptions, type Context as WsContext } from 'graphql-ws';
import { type WebSocket, WebSocketServer } from 'ws';
import { requestFrom } from '../access/viewer.ts';
import { SlowConsumer, Unauthenticated } from '../errors.ts';
import type { Context } from '../graphql/context.ts';
import { newId } from '../graphql/ids.ts';
import { followed } from '../observe/followed.ts';
import { ANSWERED, type Observed } from '../observe/observer.ts';
import { places, requestNow } from '../observe/place.ts';
import type { Services } from '../services.ts';
import { GRAPHQL_PATH, type GraphQLEndpoint } from './graphql.ts';
import { maskError, withoutHttp } from './mask-error.ts';
import { Outlet, Stalled } from './outlet.ts';
import { clientAddress } from './request.ts';
import { type Connections, MAX_OPERATIONS, type StreamTiming } from './stream-limits.ts';
import { isStream, prepareStreamed, type StreamedOperation } from './streamed-operation.ts';

const MAX_MESSAGE_BYTES = 256 * 1024;
/** Signs of life that may be missed in a row. */
const MISSED_PONGS = 2;

/** Closes a socket that takes not even the errors which end its operations. */
export const SLOW_CLOSE = 4013;
/** "Try again later" of the registry of WebSocket close codes. */
export const TRY_LATER_CLOSE = 1013;

type SubscribeParams = Parameters<NonNullable<ServerOptions['onSubscribe']>>[2];
type Params = Readonly<Record<string, unknown>> | undefined;

/** What belongs to one socket. */
interface Extra {
  socket: WebSocket;
  request: IncomingMessage;
  outlet: Outlet;
  /** counts the socket out */
  release?: () => void;
  operations: Map<string, Operating>;
}

/** An operation that runs: its place in the log after the message that is being sent, and before it. */
interface Operating {
  seq: bigint | null;
  before: bigint | null;
  observed: Observed;
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
    onNext: ({ extra }, id, _params, args) => {
      const operating = extra.operations.get(id);
      if (!operating) return;
      operating.before = operating.seq;
      operating.seq = (args.contextValue as Context).stream.seq;
    },
    onError: (ctx, id, _params, errors) => ended(deps, ctx.extra, id, errors),
    onComplete: ({ extra }, id) => {
      extra.operations.get(id)?.observed.ended(ANSWERED);
      extra.operations.delete(id);
    },
  });
  sockets.on('connection', (socket, request) => {
    const outlet = new Outlet((text, taken) => socket.send(text, taken), timing.stallMs);
    const extra: Extra = { socket, request, outlet, operations: new Map() };
    const stopPinging = keepAlive(extra, timing.pingMs);
    const fail = (error: unknown) => {
      if (error instanceof Stalled) return socket.close(SLOW_CLOSE, 'nothing is taken');
      // The library throws at messages that only a server sends.
      if (error instanceof Error && error.message.startsWith('Unexpected message of type'))
        return socket.close(CloseCode.BadRequest, error.message.slice(0, 120));
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
      for (const { observed } of extra.operations.values()) observed.ended({ ...ANSWERED, gone: true });
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
    const opened = deps.connections.open(await contextOf(deps, extra, connectionParams));
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

/** Prepares an operation, and begins to tell of it. */
const start = async (
  deps: WebSocketDeps,
  ctx: WsContext<Record<string, unknown>, Extra>,
  id: string,
  params: SubscribeParams,
): Promise<ExecutionArgs | readonly GraphQLError[]> => {
  const observed = deps.services.observer.begin('websocket', {});
  const prepared = await places.run(observed.place, () => prepareOrErrors(deps, ctx, params));
  if (!('run' in prepared)) {
    observed.ended(ANSWERED);
    return prepared;
  }
  ctx.extra.operations.set(id, { seq: null, before: null, observed });
  return { ...prepared.args, rootValue: { ...prepared, run: () => runIn(observed, prepared) } };
};

/** Runs an operation in its place, and each step of a stream too: the socket knows of none. */
async function runIn({ place }: Observed, { run }: StreamedOperation): ReturnType<StreamedOperation['run']> {
  const result = await places.run(place, run);
  return isStream(result)
    ? followed(
        result,
        () => {},
        (take) => places.run(place, take),
      )
    : result;
}

/** What is thrown here would close the connection and end all other operations on it: it is answered instead. */
const prepareOrErrors = async (
  deps: WebSocketDeps,
  { extra, connectionParams, subscriptions }: WsContext<Record<string, unknown>, Extra>,
  params: SubscribeParams,
): Promise<StreamedOperation | readonly GraphQLError[]> => {
  try {
    if (Object.keys(subscriptions).length > MAX_OPERATIONS) {
      const message = `there are ${MAX_OPERATIONS} operations on this socket already: complete one, or open another socket`;
      throw new GraphQLError(message, { extensions: { code: 'TOO_MANY_OPERATIONS' } });
    }
    const ctx = await contextOf(deps, extra, connectionParams);
    return await prepareStreamed(deps.endpoint, ctx, params, extra.request);
  } catch (error) {
    return withoutHttp([maskError(error, requestNow()?.id ?? newId(), deps.services.log)]);
  }
};

/** The errors that end an operation, as they are sent. With its credential the socket ends too. */
function ended({ services }: WebSocketDeps, extra: Extra, id: string, errors: readonly GraphQLError[]) {
  const operating = extra.operations.get(id);
  if (!operating) return withoutHttp(errors.map((error) => maskError(error, newId(), services.log))).map(toJson);
  extra.operations.delete(id);
  const { observed, seq, before } = operating;
  const { request } = observed.place;
  const mask = (error: unknown) => places.run(observed.place, () => maskError(error, request.id, services.log));
  const stalled = errors[0]?.originalError;
  const lastWords =
    stalled instanceof Stalled ? [mask(new SlowConsumer(stalled.written ? seq : before))] : errors.map(mask);
  observed.ended(ANSWERED);
  const refused = lastWords.find(({ extensions }) => extensions.code === 'UNAUTHENTICATED');
  if (refused) setImmediate(() => extra.socket.close(CloseCode.Forbidden, refused.message.slice(0, 120)));
  return withoutHttp(lastWords).map(toJson);
}

const toJson = (error: GraphQLError) => error.toJSON();
