import { once } from 'node:events';
import WebSocket from 'ws';
import type { Answer } from './app.ts';

/** A WebSocket without a client library: what is sent and what comes stands in the test. */
export interface RawWebSocket {
  socket: WebSocket;
  messages: Answer[];
  send(message: unknown): void;
  /** code and reason of the closing */
  closed: Promise<{ code: number; reason: string }>;
}

/** Connects; with a key it also sends `connection_init` and waits for the answer. */
export async function openRaw(
  url: string,
  key: string | null,
  options: { protocols?: string[]; autoPong?: boolean } = {},
): Promise<RawWebSocket> {
  const socket = new WebSocket(url, options.protocols ?? ['graphql-transport-ws'], {
    autoPong: options.autoPong ?? true,
  });
  const messages: Answer[] = [];
  socket.on('message', (data) => messages.push(JSON.parse(String(data))));
  socket.on('error', () => {});
  const closed = once(socket, 'close').then(([code, reason]) => ({ code, reason: String(reason) }));
  await Promise.race([once(socket, 'open'), closed]);
  const send = (message: unknown) => socket.send(typeof message === 'string' ? message : JSON.stringify(message));
  if (key !== null) {
    send({ type: 'connection_init', payload: { authorization: `Bearer ${key}` } });
    await Promise.race([once(socket, 'message'), closed]);
  }
  return { socket, messages, send, closed };
}
