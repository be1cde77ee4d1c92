import type { IncomingMessage } from 'node:http';

/** The headers that tell who asks, and by which call; null where there is none. */
export interface CallerHeaders {
  authorization: string | null;
  apiKey: string | null;
  userAgent: string | null;
  idempotencyKey: string | null;
}

/** They are read by a function that gives a header's text. */
export function callerBy(header: (name: string) => string | null): CallerHeaders {
  return {
    authorization: header('authorization'),
    apiKey: header('x-api-key'),
    userAgent: header('user-agent'),
    idempotencyKey: header('idempotency-key'),
  };
}

export function callerOf({ headers }: IncomingMessage): CallerHeaders {
  return callerBy((name) => {
    const given = headers[name];
    return typeof given === 'string' ? given : null;
  });
}
