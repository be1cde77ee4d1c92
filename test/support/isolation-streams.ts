import { setTimeout as sleep } from 'node:timers/promises';
import type { GraphQLResponse } from './app.ts';
import type { Question } from './isolation-random.ts';
import { openRaw, type RawWebSocket } from './raw-websocket.ts';
import { readAll } from './sse.ts';

/** A message of a stream, with what was asked for it; `id` is that of an event stream's message. */
export type Hear = (asked: Question, response: GraphQLResponse, id: string | null) => void;

/** Streams of one kind that are open at a time, besides the lasting ones. */
const OPEN = 4;

/** What a tenant holds open over a WebSocket and over event streams: some all the time, others until newer ones come. */
export class TenantStreams {
  readonly #port: number;
  readonly #key: string;
  readonly #hear: Hear;
  readonly #lasting: readonly Question[];
  #socket: RawWebSocket | undefined;
  #asked = new Map<string, Question>();
  #next = 0;
  /** of event streams, oldest first */
  readonly #events: AbortController[] = [];
  readonly #always: AbortController[] = [];

  /** `lasting`: what is listened to all the time, over both */
  constructor(port: number, key: string, lasting: readonly Question[], hear: Hear) {
    this.#port = port;
    this.#key = key;
    this.#lasting = lasting;
    this.#hear = hear;
  }

  async start(): Promise<void> {
    await this.#connected();
    for (const question of this.#lasting) this.#always.push(this.#listen(question, null));
  }

  /** Over the tenant's WebSocket. */
  async subscribe(question: Question): Promise<void> {
    const { send } = await this.#connected();
    this.#begin(send, question);
    const oldest = [...this.#asked.keys()].slice(this.#lasting.length, -OPEN);
    for (const id of oldest) {
      this.#asked.delete(id);
      send({ id, type: 'complete' });
    }
  }

  /** As an event stream, which goes on after `lastEventId`. */
  listen(question: Question, lastEventId: string | null): void {
    this.#events.push(this.#listen(question, lastEventId));
    if (this.#events.length > OPEN) this.#events.shift()?.abort();
  }

  async #connected(): Promise<RawWebSocket> {
    if (this.#socket?.socket.readyState === WebSocket.OPEN) return this.#socket;
    const opened = await openRaw(`ws://127.0.0.1:${this.#port}/graphql`, this.#key);
    this.#socket = opened;
    this.#asked = new Map();
    opened.socket.on('message', (data) => {
      // They are kept by who made them: nobody else takes them here.
      opened.messages.length = 0;
      const { id, type, payload } = JSON.parse(String(data));
      const asked = this.#asked.get(id);
      if (asked && type === 'next') this.#hear(asked, payload, null);
      if (asked && type === 'error') this.#hear(asked, { errors: payload }, null);
    });
    for (const question of this.#lasting) this.#begin(opened.send, question);
    return opened;
  }

  #begin(send: RawWebSocket['send'], question: Question): void {
    const id = String(this.#next++);
    this.#asked.set(id, question);
    send({ id, type: 'subscribe', payload: question });
  }

  #listen(question: Question, lastEventId: string | null): AbortController {
    const ending = new AbortController();
    const headers: Record<string, string> = {
      'content-type': 'application/json',
      accept: 'text/event-stream',
      authorization: `Bearer ${this.#key}`,
      ...(lastEventId === null ? {} : { 'last-event-id': lastEventId }),
    };
    const asked = { ...question, variables: { ...question.variables, lastEventId } };
    const request = { method: 'POST', headers, body: JSON.stringify(question), signal: ending.signal };
    fetch(`http://127.0.0.1:${this.#port}/graphql/stream`, request).then(
      (response) => readAll(response, (answer, id) => answer && this.#hear(asked, answer, id ?? null)),
      () => {},
    );
    return ending;
  }

  /** Gives what is under way a moment to come, then ends all. */
  async stop(): Promise<void> {
    await sleep(1_000);
    for (const ending of [...this.#always, ...this.#events]) ending.abort();
    this.#socket?.socket.terminate();
  }
}
