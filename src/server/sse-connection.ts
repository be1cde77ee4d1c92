import type { IncomingMessage, ServerResponse } from 'node:http';
import { Outlet } from './outlet.ts';
import type { StreamTiming } from './stream-limits.ts';

/** One message of an event stream; `data` has no line breaks, as JSON has none. */
export function sseMessage({ event, data, id }: { event: string; data?: string; id?: string | null }): string {
  return `${id ? `id: ${id}\n` : ''}event: ${event}\ndata:${data === undefined ? '' : ` ${data}`}\n\n`;
}

/** Some browsers show that a stream has begun only when something came. */
const COMMENT = ':\n\n';

/** An answer that is an event stream. */
export class SseConnection {
  readonly #res: ServerResponse;
  readonly #outlet: Outlet;
  readonly #timing: StreamTiming;
  readonly #pings: NodeJS.Timeout;

  /** Begins the answer; `closed` is called when the client has gone, or the stream was ended. */
  constructor(req: IncomingMessage, res: ServerResponse, timing: StreamTiming, closed: () => void) {
    this.#res = res;
    this.#timing = timing;
    this.#outlet = new Outlet((text, taken) => res.write(text, taken), timing.stallMs);
    req.socket.setNoDelay(true);
    res.writeHead(200, {
      'content-type': 'text/event-stream; charset=utf-8',
      'cache-control': 'no-cache, no-transform',
      'x-accel-buffering': 'no',
    });
    res.write(COMMENT);
    this.#pings = setInterval(() => {
      if (!this.#outlet.isWaiting) res.write(COMMENT);
    }, timing.pingMs);
    res.once('close', () => {
      clearInterval(this.#pings);
      this.#outlet.close();
      closed();
    });
  }

  /** Resolves when the message is taken, or the client has gone. @throws Stalled */
  send(message: string): Promise<void> {
    return this.#outlet.send(message);
  }

  /** Ends the stream with some last words, which the client has so long to take. */
  end(words: string): void {
    clearInterval(this.#pings);
    if (this.#res.destroyed || this.#res.writableEnded) return;
    const late = setTimeout(() => this.#res.destroy(), this.#timing.stallMs);
    this.#res.once('close', () => clearTimeout(late));
    this.#res.end(words);
  }
}
