import type { Answer } from './app.ts';

/** A message of an event stream as it came. */
export interface SseMessage {
  id: string | null;
  event: string;
  /** parsed; null where there was none */
  data: Answer;
}

/** An event stream of a real server, read as it comes. */
export interface EventSourceReading {
  response: Response;
  messages: SseMessage[];
  comments(): number;
  /** resolves when the server has ended it, or it was closed */
  done: Promise<void>;
  close(): void;
}

/** Opens an event stream with `fetch` and reads it until it ends. */
export async function openEventSource(url: string, init: RequestInit = {}): Promise<EventSourceReading> {
  const abort = new AbortController();
  const response = await fetch(url, {
    ...init,
    headers: { accept: 'text/event-stream', ...(init.headers as Record<string, string>) },
    signal: abort.signal,
  });
  const messages: SseMessage[] = [];
  let comments = 0;
  const take = (block: string) => {
    if (/^:/.test(block)) comments++;
    const field = (name: string) => new RegExp(`^${name}: ?(.*)$`, 'm').exec(block)?.[1] ?? null;
    const event = field('event');
    if (event) messages.push({ id: field('id'), event, data: JSON.parse(field('data') || 'null') });
  };
  const read = async () => {
    let text = '';
    for await (const chunk of response.body ?? []) {
      text += Buffer.from(chunk as Uint8Array).toString('utf8');
      const blocks = text.split('\n\n');
      text = blocks.pop() ?? '';
      for (const block of blocks) take(block);
    }
  };
  const done = read().catch(() => {});
  return { response, messages, comments: () => comments, done, close: () => abort.abort() };
}

/** The body and headers of an operation that is posted. */
export function posted(key: string, query: string, variables: object = {}, headers: Record<string, string> = {}) {
  return {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: `Bearer ${key}`, ...headers },
    body: JSON.stringify({ query, variables }),
  };
}
