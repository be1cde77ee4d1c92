// Sends operations: queries and mutations as JSON, subscriptions as a stream of server-sent events.

/**
 * Creates the function GraphiQL calls for each operation. `getKey` gives the key or session token; `report` is told after
 * each answer whether the key was accepted.
 */
export function createFetcher({ endpoint, getKey, report }) {
  async function send(params, headers, accept, signal) {
    const key = getKey();
    // A character outside of printable ASCII cannot be sent in a header; browsers fail with an unclear message.
    if (/[^\x21-\x7e]/.test(key)) throw new Error('This holds characters that no key or token has. Paste it again.');
    return fetch(endpoint, {
      method: 'POST',
      credentials: 'omit',
      headers: {
        'content-type': 'application/json',
        accept,
        ...(key ? { authorization: `Bearer ${key}` } : {}),
        ...headers,
      },
      body: JSON.stringify(params),
      signal,
    });
  }

  async function once(params, headers, signal) {
    const response = await send(params, headers, 'application/graphql-response+json, application/json', signal);
    const result = await readJson(response);
    report(isRefused(response, result));
    return result;
  }

  async function stream(params, headers, signal, onResult) {
    const response = await send(params, headers, 'text/event-stream', signal);
    const isStream = response.headers.get('content-type')?.startsWith('text/event-stream');
    if (!isStream) {
      const result = await readJson(response);
      report(isRefused(response, result));
      onResult(result);
      return;
    }
    await readEvents(response.body, (event, data) => {
      if (event === 'next') {
        const result = JSON.parse(data);
        report(isRefused(response, result));
        onResult(result);
      }
      return event !== 'complete';
    });
  }

  return (params, options = {}) => {
    const headers = options.headers ?? {};
    // GraphiQL wants a promise for introspection; it has no document then.
    if (!options.documentAST) return once(params, headers);
    const isStream = operationKind(options.documentAST, params.operationName) === 'subscription';
    return observe(async (signal, onResult) => {
      if (isStream) await stream(params, headers, signal, onResult);
      else onResult(await once(params, headers, signal));
    });
  };
}

/** Runs a task as an observable: GraphiQL's stop button unsubscribes, which aborts the request. */
function observe(task) {
  return {
    subscribe(observer) {
      const controller = new AbortController();
      const emit = (result) => !controller.signal.aborted && observer.next(result);
      task(controller.signal, emit).then(
        () => !controller.signal.aborted && observer.complete(),
        (error) => !controller.signal.aborted && observer.error(describe(error)),
      );
      return { unsubscribe: () => controller.abort() };
    },
  };
}

function describe(error) {
  // fetch() fails with a TypeError when there is no answer at all.
  return error instanceof TypeError ? { message: 'No answer from the server. Is it running?' } : error;
}

function operationKind(document, name) {
  const operations = document.definitions.filter((definition) => definition.kind === 'OperationDefinition');
  const operation = operations.find((definition) => definition.name?.value === name) ?? operations[0];
  return operation?.operation;
}

async function readJson(response) {
  const text = await response.text();
  try {
    return JSON.parse(text);
  } catch {
    return { errors: [{ message: `The server answered with status ${response.status} and no JSON.` }] };
  }
}

function isRefused(response, result) {
  if (response.status === 401) return true;
  return (result.errors ?? []).some((error) => error.extensions?.code === 'UNAUTHENTICATED');
}

/**
 * Reads server-sent events and calls `onEvent(name, data)` for each until it returns false. Only the fields
 * of GraphQL over SSE are read: event and data; lines starting with ":" keep the connection open.
 */
async function readEvents(body, onEvent) {
  const reader = body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = '';
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return;
    const blocks = (rest + value).split(/\r?\n\r?\n/);
    rest = blocks.pop();
    for (const block of blocks) {
      const { event, data } = parseEvent(block);
      if (event && !onEvent(event, data)) {
        await reader.cancel();
        return;
      }
    }
  }
}

function parseEvent(block) {
  let event = '';
  const data = [];
  for (const line of block.split(/\r?\n/)) {
    const [, field, text] = /^(\w+):? ?(.*)$/.exec(line) ?? [];
    if (field === 'event') event = text;
    if (field === 'data') data.push(text);
  }
  return { event, data: data.join('\n') };
}
