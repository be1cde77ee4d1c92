import type { IncomingMessage } from 'node:http';
import type { Env } from '../env.ts';
import type { Log } from '../log.ts';
import type { HeadedResponse } from '../server/headed-response.ts';
import type { Metrics } from './metrics.ts';
import { type Place, places } from './place.ts';
import { type Outcome, RequestNote } from './request-note.ts';
import type { Tracing } from './tracing.ts';

/** The header in which a caller may name his request, and is told its id. */
export const REQUEST_ID = 'x-request-id';

type Settings = Pick<Env, 'LOG_REQUESTS' | 'SLOW_REQUEST_MS'>;

/** A request under way. */
export interface Observed {
  place: Place & { request: RequestNote };
  /** tells that it has ended, once; `status` is that of HTTP, null on a connection of many operations */
  ended(how: { status: number | null; bytes: number | null; gone: boolean }): void;
}

/** How an operation ends that has no response of its own. */
export const ANSWERED = { status: null, bytes: null, gone: false };

/** Follows requests: gives each an id, and tells log, metrics and traces how it ended. */
export class Observer {
  readonly #settings: Settings;
  readonly #log: Log;
  readonly metrics: Metrics | null;
  readonly tracing: Tracing | null;

  constructor(settings: Settings, log: Log, metrics: Metrics | null, tracing: Tracing | null) {
    this.#settings = settings;
    this.#log = log;
    this.metrics = metrics;
    this.tracing = tracing;
  }

  /** Answers an HTTP request in a place of its own, and tells of it when its response has ended. */
  http(req: IncomingMessage, res: HeadedResponse, transport: RequestNote['transport'], answer: () => unknown): void {
    const { place, ended } = this.begin(transport, req.headers);
    res.always(REQUEST_ID, place.request.id);
    const { socket } = req;
    // A connection serves many requests.
    const before = socket.bytesWritten;
    res.once('close', () =>
      ended({ status: res.statusCode, bytes: socket.bytesWritten - before, gone: !res.writableFinished }),
    );
    places.run(place, answer);
  }

  /** Begins with a request, or with an operation on a connection of many. */
  begin(transport: RequestNote['transport'], headers: IncomingMessage['headers']): Observed {
    const request = new RequestNote(transport, headers[REQUEST_ID]);
    const span = this.tracing?.request(headers) ?? null;
    let open = true;
    return {
      place: { request, span },
      ended: ({ status, bytes, gone }) => {
        if (!open) return;
        open = false;
        const outcome = gone ? 'gone' : request.outcome(status ?? 200);
        const milliseconds = performance.now() - request.startedAt;
        this.metrics?.ended(request, outcome, milliseconds);
        if (span) this.tracing?.ended(span, request, { outcome, status });
        if (this.#tells(outcome, milliseconds)) this.#tell(request, { outcome, status, bytes, milliseconds });
      },
    };
  }

  #tells(outcome: Outcome, milliseconds: number): boolean {
    const { LOG_REQUESTS, SLOW_REQUEST_MS } = this.#settings;
    if (LOG_REQUESTS === 'all') return true;
    if (LOG_REQUESTS === 'none') return false;
    return outcome === 'error' || outcome === 'refused' || (LOG_REQUESTS === 'slow' && milliseconds >= SLOW_REQUEST_MS);
  }

  /** One line: nothing of what was asked or answered but the operation's name. */
  #tell(
    request: RequestNote,
    { milliseconds, ...how }: { outcome: Outcome; status: number | null; bytes: number | null; milliseconds: number },
  ): void {
    const { operation, viewer, codes } = request;
    this.#log[how.outcome === 'error' ? 'warn' : 'info'](
      {
        requestId: request.id,
        transport: request.transport,
        operation: operation?.label ?? null,
        type: operation?.kind ?? null,
        ...how,
        codes: codes ? [...codes] : undefined,
        milliseconds: rounded(milliseconds),
        statements: request.statements,
        databaseMs: rounded(request.databaseMs),
        origin: request.origin,
        tenantId: viewer?.tenantId ?? null,
        viewer: viewer?.kind ?? null,
      },
      'request',
    );
  }
}

/** Milliseconds with one digit after the point. */
function rounded(milliseconds: number): number {
  return Math.round(milliseconds * 10) / 10;
}
