import { type ClientRequest, request } from 'node:http';
import WebSocket from 'ws';

/** A message of `events` as a subscriber gets it. */
export interface LogEvent {
  seq: number;
  event: { type: string; aggregateId: string } | null;
}

const FIELDS = '{ seq event { type aggregateId } }';

/** One connection that is subscribed to the log: what comes is given on, and its end. */
export interface LogConnection {
  /** breaks it off without a word */
  reset(): void;
}

interface Ends {
  message(message: LogEvent): void;
  /** errors of the server, as text; null: the connection ended */
  end(error: string | null): void;
}

type Connect = (url: string, key: string, afterSeq: number, ends: Ends) => LogConnection;

/** Over a WebSocket: goes on by the argument `afterSeq`. */
export const connectWebSocket: Connect = (url, key, afterSeq, ends) => {
  const socket = new WebSocket(url.replace('http', 'ws'), 'graphql-transport-ws');
  const query = `subscription { events(afterSeq: ${afterSeq}, heartbeatSeconds: 5) ${FIELDS} }`;
  const send = (message: object) => socket.send(JSON.stringify(message));
  socket.on('open', () => send({ type: 'connection_init', payload: { authorization: `Bearer ${key}` } }));
  socket.on('message', (data) => {
    const { type, payload } = JSON.parse(String(data));
    if (type === 'connection_ack') send({ id: '1', type: 'subscribe', payload: { query } });
    else if (type === 'next' && payload.data) ends.message(payload.data.events);
    else if (type === 'next' || type === 'error') ends.end(JSON.stringify(payload));
  });
  socket.on('error', () => {});
  socket.on('close', () => ends.end(null));
  return { reset: () => socket.terminate() };
};

/** Over server-sent events: goes on by the header Last-Event-ID, as EventSource does. */
export const connectSse: Connect = (url, key, afterSeq, ends) => {
  const query = `subscription { events(afterSeq: 0, heartbeatSeconds: 5) ${FIELDS} }`;
  const headers = {
    accept: 'text/event-stream',
    'content-type': 'application/json',
    authorization: `Bearer ${key}`,
    'last-event-id': String(afterSeq),
  };
  const req: ClientRequest = request(url, { method: 'POST', headers, agent: false });
  req.on('error', () => ends.end(null));
  req.on('response', (res) => {
    let text = '';
    res.setEncoding('utf8');
    res.on('data', (chunk: string) => {
      const blocks = (text + chunk).split('\n\n');
      text = blocks.pop() ?? '';
      for (const block of blocks) take(block, ends);
    });
    res.on('error', () => {});
    res.on('close', () => ends.end(null));
  });
  req.end(JSON.stringify({ query }));
  return { reset: () => req.socket?.resetAndDestroy() ?? req.destroy() };
};

function take(block: string, ends: Ends): void {
  const [, json] = /^data: (\{.*)$/m.exec(block) ?? [];
  if (!json) return;
  const { data, errors } = JSON.parse(json);
  const [, id] = /^id: (\d+)$/m.exec(block) ?? [];
  if (errors) ends.end(JSON.stringify(errors));
  else if (Number(id) === data.events.seq) ends.message(data.events);
  else ends.end(`the id ${id} stands before the place ${data.events.seq}`);
}

const RETRY_MS = 100;

/** A client that remembers the last event it processed, and goes on from there whatever happens. */
export class LogSubscriber {
  readonly #connect: Connect;
  readonly #urls: readonly string[];
  readonly #key: string;
  #connection: LogConnection | undefined;
  #life = 0;
  #stopped = false;
  /** what it processed: the type and the aggregate of each event, in the order of coming */
  readonly received: { seq: number; what: string }[] = [];
  readonly faults: string[] = [];

  constructor(connect: Connect, urls: readonly string[], key: string) {
    this.#connect = connect;
    this.#urls = urls;
    this.#key = key;
  }

  get last(): number {
    return this.received.at(-1)?.seq ?? 0;
  }

  /** Connects to one of the servers, and again whenever the connection ends. */
  start(): void {
    if (this.#stopped) return;
    const life = ++this.#life;
    const url = this.#urls[Math.floor(Math.random() * this.#urls.length)] ?? '';
    const again = (error: string | null) => {
      // What an earlier life still hears is not processed: it has crashed.
      if (life !== this.#life) return;
      if (error !== null && !/TOO_MANY_STREAMS/.test(error)) this.faults.push(error);
      this.#life++;
      this.#connection?.reset();
      setTimeout(() => this.start(), RETRY_MS * (1 + Math.random()));
    };
    this.#connection = this.#connect(url, this.#key, this.last, {
      message: (message) => {
        if (life === this.#life) this.#process(message);
      },
      end: again,
    });
  }

  #process({ seq, event }: LogEvent): void {
    if (event === null) {
      if (seq !== this.last) this.faults.push(`a heartbeat tells ${seq} after ${this.last}`);
      return;
    }
    if (seq !== this.last + 1) this.faults.push(`${seq} came after ${this.last}`);
    this.received.push({ seq, what: `${event.type} ${event.aggregateId}` });
  }

  /** The client crashes: what has come and was not processed is lost; it starts again at once. */
  crash(): void {
    this.#life++;
    this.#connection?.reset();
    this.start();
  }

  /** Its connection breaks, which it learns of. */
  breakOff(): void {
    this.#connection?.reset();
  }

  stop(): void {
    this.#stopped = true;
    this.#life++;
    this.#connection?.reset();
  }
}
