import { createHmac, timingSafeEqual } from 'node:crypto';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** A message as it came. */
export interface Received {
  body: { id: string; seq: number; type: string; tenant: string; aggregateId: string; payload: unknown };
  raw: string;
  /** when, in milliseconds since 1970 */
  at: number;
  headers: Record<string, string>;
  /** how many messages of this delivery came before it */
  earlier: number;
}

/** What a receiver does with a message: a status to answer with, or something worse. */
export type Behaviour =
  | number
  | 'hang'
  | 'close'
  | 'redirect'
  | { status: number; headers?: Record<string, string>; text?: string };

/** A real receiver over HTTP that keeps what it got and behaves as it is told. */
export class Receiver {
  readonly #server: Server;
  readonly received: Received[] = [];
  /** decides by message; 200 unless told otherwise */
  behave: (message: Received) => Behaviour = () => 200;
  /** most requests that were under way at the same time */
  most = 0;
  #now = 0;
  /** messages by delivery */
  readonly #count = new Map<string, number>();

  constructor() {
    this.#server = createServer((request, response) => void this.#take(request, response));
  }

  async #take(request: IncomingMessage, response: ServerResponse): Promise<void> {
    this.most = Math.max(this.most, ++this.#now);
    response.on('close', () => this.#now--);
    request.on('error', () => {});
    const parts: Buffer[] = [];
    for await (const part of request) parts.push(part as Buffer);
    const raw = Buffer.concat(parts).toString('utf8');
    const headers = request.headers as Record<string, string>;
    const delivery = headers['x-argus-delivery'] ?? '';
    const earlier = this.#count.get(delivery) ?? 0;
    this.#count.set(delivery, earlier + 1);
    const message = { at: Date.now(), body: JSON.parse(raw), raw, headers, earlier };
    this.received.push(message);
    this.#answer(this.behave(message), request, response);
  }

  #answer(how: Behaviour, request: IncomingMessage, response: ServerResponse): void {
    if (how === 'hang') return;
    if (how === 'close') {
      request.socket.destroy();
      return;
    }
    if (how === 'redirect') response.writeHead(302, { location: `${this.url}elsewhere` }).end();
    else if (typeof how === 'number') response.writeHead(how).end(`answer ${how}`);
    else response.writeHead(how.status, how.headers).end(how.text);
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}/`;
  }

  async open(port = 0): Promise<void> {
    await new Promise<void>((done) => this.#server.listen(port, '127.0.0.1', done));
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((done) => this.#server.close(done));
  }
}

/** Verifies as docs/webhooks.md tells receivers to. */
export function isSigned(secret: string, { headers, raw, at }: Pick<Received, 'headers' | 'raw' | 'at'>): boolean {
  const parts = (headers['x-argus-signature'] ?? '').split(',').map((part) => part.split('='));
  const t = Number(parts.find(([name]) => name === 't')?.[1]);
  if (!(Math.abs(at / 1_000 - t) < 300)) return false;
  const expected = createHmac('sha256', secret).update(`${t}.${raw}`).digest();
  return parts.some(([name, hex = '']) => {
    const given = Buffer.from(hex, 'hex');
    return name === 'v1' && given.length === expected.length && timingSafeEqual(given, expected);
  });
}
