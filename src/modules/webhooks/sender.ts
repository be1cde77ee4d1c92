import { type IncomingMessage, request as plainRequest } from 'node:http';
import { request as tlsRequest } from 'node:https';
import type { AddressGuard } from './address-guard.ts';
import { retryAfterMs } from './schedule.ts';

/** What came of a request. */
export interface Reply {
  /** null: there was no answer */
  status: number | null;
  /** from the beginning to the answer's head, or to the failure */
  latencyMs: number;
  /** why there was no answer, or why it is none that counts; null after a 2xx */
  error: string | null;
  /** the first kilobyte of the answer */
  text: string | null;
  /** what the receiver asked for, in milliseconds */
  retryAfterMs: number | null;
}

export interface SendOptions {
  guard: AddressGuard;
  /** for everything: name, connection, TLS, answer */
  timeoutMs: number;
}

/** Kept of an answer, in bytes. */
const MAX_TEXT = 1_024;
const MAX_ERROR = 500;

/**
 * Posts a body once. Redirects are not followed, and nothing is connected to but what the guard allows. Never throws:
 * what goes wrong is told in the reply.
 */
export async function post(
  address: string,
  headers: Readonly<Record<string, string>>,
  body: string,
  { guard, timeoutMs }: SendOptions,
): Promise<Reply> {
  const begun = performance.now();
  const elapsed = () => Math.round(performance.now() - begun);
  const signal = AbortSignal.timeout(timeoutMs);
  try {
    const url = new URL(address);
    guard.checkUrl(url);
    const response = await ask(url, headers, body, guard, signal);
    const latencyMs = elapsed();
    const status = response.statusCode ?? 0;
    const text = await beginningOf(response);
    return {
      status,
      latencyMs,
      error: complaintOf(status),
      text,
      retryAfterMs: retryAfterMs(response.headers['retry-after'], Date.now()),
    };
  } catch (error) {
    const reason = signal.aborted ? `no answer within ${timeoutMs / 1_000} s` : reasonOf(error);
    return { status: null, latencyMs: elapsed(), error: reason.slice(0, MAX_ERROR), text: null, retryAfterMs: null };
  }
}

function ask(
  url: URL,
  headers: Readonly<Record<string, string>>,
  body: string,
  guard: AddressGuard,
  signal: AbortSignal,
): Promise<IncomingMessage> {
  const request = url.protocol === 'https:' ? tlsRequest : plainRequest;
  return new Promise((resolve, reject) => {
    const length = { 'content-length': String(Buffer.byteLength(body)) };
    // A connection of its own: one that is kept would be closed by some receivers just as it is used again.
    const options = { method: 'POST', headers: { ...headers, ...length }, lookup: guard.lookup, agent: false, signal };
    request(url, options, resolve).on('error', reject).end(body);
  });
}

/** The status is what counts: an answer whose body breaks off or hangs is still an answer. */
async function beginningOf(response: IncomingMessage): Promise<string> {
  const parts: Buffer[] = [];
  let size = 0;
  try {
    for await (const part of response) {
      parts.push(part as Buffer);
      size += (part as Buffer).length;
      if (size >= MAX_TEXT) break;
    }
  } catch {
    // What came before it broke off is shown.
  }
  // PostgreSQL holds no U+0000.
  return Buffer.concat(parts).subarray(0, MAX_TEXT).toString('utf8').replaceAll('\0', '\u{fffd}');
}

function complaintOf(status: number): string | null {
  if (status >= 200 && status < 300) return null;
  return status >= 300 && status < 400
    ? `answered ${status}: redirects are not followed, give the address that they lead to`
    : `answered ${status}`;
}

function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const code = 'code' in error && typeof error.code === 'string' ? error.code : error.name;
  // An error for several addresses has no message of its own.
  return error.message ? `${error.message} (${code})` : code;
}
