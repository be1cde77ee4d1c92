import type { GraphQLResponse, TestApp } from './app.ts';

/** A subscription over server-sent events, read as it comes. */
export interface Subscription {
  /** the next answer; null when none came within the time, or the stream has ended */
  next(milliseconds: number): Promise<GraphQLResponse | null>;
  ended(): boolean;
  close(): Promise<void>;
}

export async function subscribe(
  t: TestApp,
  key: string | null,
  query: string,
  variables: Record<string, unknown> = {},
): Promise<Subscription> {
  const abort = new AbortController();
  const response = await t.app.endpoint.yoga.fetch('http://localhost/graphql', {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      accept: 'text/event-stream',
      ...(key ? { authorization: `Bearer ${key}` } : {}),
    },
    body: JSON.stringify({ query, variables }),
    signal: abort.signal,
  });
  const arrived: GraphQLResponse[] = [];
  const state = { ended: false, wake: () => {} };
  void readAll(response, (answer) => {
    if (answer) arrived.push(answer);
    else state.ended = true;
    state.wake();
  });
  return {
    next: async (milliseconds) => {
      if (arrived.length === 0 && !state.ended) {
        await new Promise<void>((resolve) => {
          const timer = setTimeout(resolve, milliseconds);
          state.wake = () => {
            clearTimeout(timer);
            resolve();
          };
        });
      }
      return arrived.shift() ?? null;
    },
    ended: () => state.ended,
    close: async () => abort.abort(),
  };
}

/** Hands each answer on with its id, and null at the end. Errors before the stream begins come as one JSON answer. */
export async function readAll(
  response: Response,
  give: (answer: GraphQLResponse | null, id?: string | null) => void,
): Promise<void> {
  let text = '';
  try {
    for await (const chunk of response.body ?? []) {
      text += Buffer.from(chunk as Uint8Array).toString('utf8');
      if (!response.headers.get('content-type')?.startsWith('text/event-stream')) continue;
      const parts = text.split('\n\n');
      text = parts.pop() ?? '';
      for (const part of parts) {
        const data = /^data: (\{.*)$/m.exec(part)?.[1];
        if (data) give(JSON.parse(data) as GraphQLResponse, /^id: (.*)$/m.exec(part)?.[1] ?? null);
      }
    }
    if (text.startsWith('{')) give(JSON.parse(text) as GraphQLResponse);
  } catch {
    // closed by the reader
  }
  give(null);
}
