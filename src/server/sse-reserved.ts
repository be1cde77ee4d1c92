import { randomBytes } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { GraphQLError } from 'graphql';
import type { Viewer } from '../access/viewer.ts';
import { Unauthenticated } from '../errors.ts';
import { ANSWERED, REQUEST_ID } from '../observe/observer.ts';
import { places } from '../observe/place.ts';
import { callerOf } from './caller.ts';
import type { SseDeps } from './sse.ts';
import { SseConnection, sseMessage } from './sse-connection.ts';
import { errorText, type Pump, pump } from './sse-pump.ts';
import { badRequest, lastEventId, requestInBody } from './sse-request.ts';
import { MAX_OPERATIONS } from './stream-limits.ts';
import { prepareStreamed, type StreamedOperation } from './streamed-operation.ts';

/** As the graphql-sse protocol names it. */
export const TOKEN_HEADER = 'x-graphql-event-stream-token';

/** Stands in the ids of messages, so without line breaks and spaces. */
const OPERATION_ID = /^[!-~]{1,100}$/;

/** A stream that was reserved: operations wait until it is opened. */
interface Stream {
  token: string;
  /** whose it is: only the same credential may add to it */
  credentialId: string | null;
  connection: SseConnection | null;
  opened: Promise<void>;
  open(): void;
  /** null: being prepared */
  operations: Map<string, Pump | null>;
  end(): void;
}

/**
 * Single connection mode: PUT reserves a stream and gives its token, GET with the token opens it, POST adds an operation,
 * DELETE completes one. The token is what the opening is allowed by, since a page's EventSource can send no header.
 */
export class ReservedStreams {
  readonly #deps: SseDeps;
  readonly #streams = new Map<string, Stream>();

  constructor(deps: SseDeps) {
    this.#deps = deps;
  }

  async reserve(req: IncomingMessage, res: ServerResponse): Promise<void> {
    const viewer = await this.#viewerOf(req);
    const release = this.#deps.connections.open({ viewer, request: viewer.request });
    if (typeof release === 'string') throw refusal(429, release);
    const token = randomBytes(32).toString('base64url');
    const { promise: opened, resolve: open } = Promise.withResolvers<void>();
    const late = setTimeout(() => stream.end(), this.#deps.timing.reservationMs);
    const stream: Stream = {
      token,
      credentialId: viewer.credentialId,
      connection: null,
      opened,
      open: () => {
        clearTimeout(late);
        open();
      },
      operations: new Map(),
      end: () => {
        clearTimeout(late);
        release();
        this.#streams.delete(token);
        for (const operation of stream.operations.values()) operation?.stop();
        stream.operations.clear();
        stream.connection?.end('');
        // Who waits for the opening finds itself stopped.
        open();
      },
    };
    this.#streams.set(token, stream);
    res.writeHead(201, { 'content-type': 'text/plain; charset=utf-8', 'cache-control': 'no-store' }).end(token);
  }

  /** @throws GraphQLError with the status to answer with */
  async handle(token: string, url: URL, req: IncomingMessage, res: ServerResponse): Promise<void> {
    const stream = this.#streams.get(token);
    if (!stream) throw refusal(404, 'there is no such stream: reserve one with PUT');
    if (req.method === 'GET') this.#connect(stream, req, res);
    else if (req.method === 'POST') await this.#add(stream, req, res);
    else if (req.method === 'DELETE') await this.#complete(stream, url, req, res);
    else throw refusal(405, `${req.method} is not of this protocol`);
  }

  #connect(stream: Stream, req: IncomingMessage, res: ServerResponse): void {
    if (stream.connection) throw refusal(409, 'this stream is open already');
    stream.connection = new SseConnection(req, res, this.#deps.timing, () => stream.end());
    stream.open();
  }

  async #add(stream: Stream, req: IncomingMessage, res: ServerResponse): Promise<void> {
    const { endpoint } = this.#deps;
    await this.#insistOnOwner(stream, req);
    const asked = await requestInBody(req, res);
    if (!asked) return;
    const id = String(asked.extensions?.operationId ?? '');
    if (!OPERATION_ID.test(id))
      throw badRequest('extensions.operationId has to be a text of 1 to 100 characters without spaces');
    if (stream.operations.has(id)) throw refusal(409, `there is an operation ${id} on this stream already`);
    if (stream.operations.size >= MAX_OPERATIONS)
      throw refusal(429, `there are ${MAX_OPERATIONS} operations on this stream already: complete one`);
    stream.operations.set(id, null);
    try {
      const ctx = await endpoint.httpContextOf(callerOf(req), req);
      ctx.stream.after = lastEventId(req);
      const prepared = await prepareStreamed(endpoint, ctx, asked, req);
      if (!('run' in prepared)) {
        stream.operations.delete(id);
        res.writeHead(400, { 'content-type': 'application/json; charset=utf-8' }).end(errorText(prepared));
        return;
      }
      // It may have been completed, or the stream have ended, meanwhile.
      if (stream.operations.get(id) === null && this.#streams.has(stream.token))
        stream.operations.set(id, this.#pump(stream, id, prepared));
      res.writeHead(202).end();
    } catch (error) {
      stream.operations.delete(id);
      throw error;
    }
  }

  /** Sends an operation's results: it is told of by itself, under the id of the request that asked for it. */
  #pump(stream: Stream, id: string, { run, ...prepared }: StreamedOperation): Pump {
    const { observer, log } = this.#deps.services;
    const { request, viewer } = prepared.ctx;
    const observed = observer.begin('sse', { [REQUEST_ID]: request.id });
    observed.place.request.viewer = viewer;
    return places.run(observed.place, () => {
      const pumped = pump({ ...prepared, run: () => stream.opened.then(run) }, this.#sink(stream, id), log);
      const ended = () => observed.ended(ANSWERED);
      pumped.done.then(ended, ended);
      return pumped;
    });
  }

  #sink(stream: Stream, id: string) {
    const send = async (message: string) => stream.connection?.send(message);
    const named = (payload: string) => `{"id":${JSON.stringify(id)},"payload":${payload}}`;
    return {
      next: (data: string, seq: bigint | null) =>
        send(sseMessage({ event: 'next', data: named(data), id: seq === null ? null : `${id}:${seq}` })),
      end: (errors: string | null) => {
        stream.operations.delete(id);
        const last = errors === null ? '' : sseMessage({ event: 'next', data: named(errors) });
        // A stream that takes not even its operations' ends is ended as a whole.
        send(`${last}${sseMessage({ event: 'complete', data: JSON.stringify({ id }) })}`).catch(() => stream.end());
      },
    };
  }

  async #complete(stream: Stream, url: URL, req: IncomingMessage, res: ServerResponse): Promise<void> {
    await this.#insistOnOwner(stream, req);
    const id = url.searchParams.get('operationId');
    if (!id) throw badRequest('operationId is missing');
    stream.operations.get(id)?.stop();
    stream.operations.delete(id);
    res.writeHead(200).end();
  }

  async #viewerOf(req: IncomingMessage): Promise<Viewer> {
    const { viewer } = await this.#deps.endpoint.httpContextOf(callerOf(req), req);
    if (viewer) return viewer;
    const { message, code } = new Unauthenticated();
    throw new GraphQLError(message, { extensions: { code, http: { status: 401 } } });
  }

  /** To another caller a stream is not there. */
  async #insistOnOwner(stream: Stream, req: IncomingMessage): Promise<void> {
    const { credentialId } = await this.#viewerOf(req);
    if (credentialId !== stream.credentialId) throw refusal(404, 'there is no such stream: reserve one with PUT');
  }

  close(): void {
    for (const stream of this.#streams.values()) stream.end();
  }
}

function refusal(status: number, message: string): GraphQLError {
  return new GraphQLError(message, { extensions: { code: 'BAD_REQUEST', http: { status } } });
}
