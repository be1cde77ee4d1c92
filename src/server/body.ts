import type { IncomingMessage, ServerResponse } from 'node:http';
import { Readable } from 'node:stream';
import { refuse } from './refuse.ts';

/** What a page of another origin cannot send without asking first (a preflight of CORS). */
const JSON_TYPE = /^application\/(graphql(-response)?\+)?json\s*(;|$)/i;

const MAX_BODY_BYTES = 1024 * 1024;

/**
 * Refuses with 415 a POST of a type that forms of other pages can send: then no page can have its visitor's browser
 * change anything (CSRF). Tells whether it did.
 */
export function refusesForm({ method, headers }: IncomingMessage, res: ServerResponse): boolean {
  if (method !== 'POST' || JSON_TYPE.test(headers['content-type'] ?? '')) return false;
  refuse(res, 415, 'send the operation as application/json', 'UNSUPPORTED_MEDIA_TYPE');
  return true;
}

/** Refuses with 413 a body that says that it is too long, and tells whether it did. */
export function refusesLength(req: IncomingMessage, res: ServerResponse): boolean {
  const length = req.headers['content-length'];
  if (Number(length ?? 0) <= MAX_BODY_BYTES) return false;
  refuse(res, 413, `the body has ${length} bytes: ${MAX_BODY_BYTES} at most; import files with "argus import"`);
  return true;
}

/** Bodies that were put back, for whoever else looks at the request. */
const known = new WeakMap<IncomingMessage, Buffer>();

/** The body of a request; null when there is none to go on with: it was too long and is refused, or was broken off. */
export async function readBody(req: IncomingMessage, res: ServerResponse): Promise<Buffer | null> {
  return known.get(req) ?? receive(req, res);
}

function receive(req: IncomingMessage, res: ServerResponse): Promise<Buffer | null> {
  return new Promise((resolve) => {
    const chunks: Buffer[] = [];
    let size = 0;
    const refused = () => size > MAX_BODY_BYTES;
    req.on('data', (chunk: Buffer) => {
      // What comes after it was refused is let run dry.
      if (refused()) return;
      size += chunk.length;
      if (!refused()) chunks.push(chunk);
      else {
        refuse(res, 413, `the body has more than ${MAX_BODY_BYTES} bytes; import files with "argus import"`);
        resolve(null);
      }
    });
    req.once('end', () => resolve(chunks.length === 1 ? (chunks[0] ?? null) : Buffer.concat(chunks)));
    req.once('close', () => resolve(null));
    // 'close' follows.
    req.once('error', () => {});
  });
}

/** Lets others read a body that was read before them, Yoga too. As a stream: of a buffer it would list every index. */
export function putBack(req: IncomingMessage, body: Buffer): void {
  known.set(req, body);
  Object.assign(req, { body: Readable.from([body]) });
}
