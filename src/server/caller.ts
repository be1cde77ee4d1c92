import type { IncomingMessage } from 'node:http';

/** The headers that tell who asks, and by which call; null where there is none. */
export interface CallerHeaders {
  authorization: string | null;
  apiKey: string | null;
  userAgent: string | null;
  idempotencyKey: string | null;
}

export function callerOf({ headers }: IncomingMessage): CallerHeaders {
  const text = (name: string) => {
    const given = headers[name];
    return typeof given === 'string' ? given : null;
  };
  return {
    authorization: headers.authorization ?? null,
    apiKey: text('x-api-key'),
    userAgent: headers['user-agent'] ?? null,
    idempotencyKey: text('idempotency-key'),
  };
}
