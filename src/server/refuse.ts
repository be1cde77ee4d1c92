import type { ServerResponse } from 'node:http';

/** Answers before GraphQL had a part in it, and ends the connection: the rest of the request is not waited for. */
export function refuse(res: ServerResponse, status: number, message: string, code?: string): void {
  const body = JSON.stringify({ errors: [{ message, ...(code ? { extensions: { code } } : {}) }] });
  res.writeHead(status, { 'content-type': 'application/json; charset=utf-8', connection: 'close' }).end(body);
}
