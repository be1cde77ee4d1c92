import { setTimeout as sleep } from 'node:timers/promises';
import WebSocket from 'ws';

/** A WebSocket subscriber to the whole log, which stops reading after its first message. */
export class SlowReader {
  readonly #socket: WebSocket;
  readonly seqs: number[] = [];
  error: { code: string; lastSeq?: number } | null = null;
  closed = false;

  constructor(url: string, key: string, afterSeq: number) {
    this.#socket = new WebSocket(url.replace('http', 'ws'), 'graphql-transport-ws');
    const query = `subscription { events(afterSeq: ${afterSeq}, heartbeatSeconds: 0) { seq event { payload } } }`;
    const send = (message: object) => this.#socket.send(JSON.stringify(message));
    this.#socket.on('open', () => send({ type: 'connection_init', payload: { authorization: `Bearer ${key}` } }));
    this.#socket.on('error', () => {});
    this.#socket.on('close', () => {
      this.closed = true;
    });
    this.#socket.on('message', (data) => {
      const { type, payload } = JSON.parse(String(data));
      if (type === 'connection_ack') send({ id: '1', type: 'subscribe', payload: { query } });
      else if (type === 'next') this.seqs.push(payload.data.events.seq);
      else if (type === 'error') this.error = payload[0].extensions;
    });
  }

  /** Waits for so many messages. */
  async has(count: number): Promise<void> {
    while (this.seqs.length < count && !this.closed && !this.error) await sleep(20);
  }

  pause(): void {
    this.#socket.pause();
  }

  /** Reads on, and waits for the end of the subscription or of the socket. */
  async readToEnd(): Promise<void> {
    this.#socket.resume();
    while (!this.closed && !this.error) await sleep(20);
  }

  close(): void {
    this.#socket.terminate();
  }
}

/** The value under which a share of the values lie. */
export function percentile(values: readonly number[], share: number): number {
  return values.toSorted((a, b) => a - b)[Math.min(values.length - 1, Math.floor(values.length * share))] ?? Number.NaN;
}
