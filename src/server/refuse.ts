import type { IncomingMessage, ServerResponse } from 'node:http';
import { requestNow } from '../observe/place.ts';
import { OVERLOADED } from './gate.ts';

/** Answers before GraphQL had a part in it, and ends the connection: the rest of the request is not waited for. */
export function refuse(res: ServerResponse, status: number, message: string, code?: string): void {
  if (code) requestNow()?.failed(code);
  const body = JSON.stringify({ errors: [{ message, ...(code ? { extensions: { code } } : {}) }] });
  res.writeHead(status, { 'content-type': 'application/json; charset=utf-8', connection: 'close' }).end(body);
}

/** Answers 503 and keeps the connection: to open another would cost both sides more. */
export function refuseForNow(req: IncomingMessage, res: ServerResponse): void {
  const body = JSON.stringify({ errors: [{ message: OVERLOADED.message, extensions: { code: 'OVERLOADED' } }] });
  const headers = { 'content-type': 'application/json; charset=utf-8', 'content-length': Buffer.byteLength(body) };
  res.writeHead(503, { ...headers, 'retry-after': OVERLOADED.retryAfter }).end(body);
  // What is still sent is let run dry.
  req.resume();
}
