import { randomBytes } from 'node:crypto';
import type { Viewer } from '../access/viewer.ts';

/** How a request ended: as asked, refused for a reason that its caller can mend, failed, or left by its caller before. */
export type Outcome = 'ok' | 'refused' | 'error' | 'gone';

/** What an operation is called and what it is. */
export interface NotedOperation {
  /** the name in its document */
  label: string | null;
  kind: 'query' | 'mutation' | 'subscription';
}

/** Codes of errors that are the server's. */
const OWN_CODES: ReadonlySet<string> = new Set(['INTERNAL', 'TIMEOUT', 'OVERLOADED', 'UNKNOWN_ENCRYPTION_KEY']);

/** What is noted of a request while it is answered: nothing that it was asked with, and nothing that it answers. */
export class RequestNote {
  readonly id: string;
  transport: 'http' | 'sse' | 'export' | 'websocket';
  readonly startedAt: number = performance.now();
  operation: NotedOperation | null = null;
  viewer: Pick<Viewer, 'tenantId' | 'kind'> | null = null;
  /** statements that were answered, of writes too, and the milliseconds from sending to the answer, added up */
  statements = 0;
  databaseMs = 0;
  /** codes of errors and of user errors in the answer; null: none */
  codes: Set<string> | null = null;
  /** where the answer is from, when there is a result cache */
  origin: string | undefined;

  constructor(transport: RequestNote['transport'], given?: string | string[]) {
    this.transport = transport;
    this.id = isRequestId(given) ? given : newRequestId();
  }

  /** The answer has an error with this code. */
  failed(code: string): void {
    this.codes ??= new Set();
    this.codes.add(code);
  }

  /** How it ended, by its errors and the HTTP status. */
  outcome(status: number): Outcome {
    const codes = [...(this.codes ?? [])];
    if (status >= 500 || codes.some((code) => OWN_CODES.has(code))) return 'error';
    return status >= 400 || codes.length > 0 ? 'refused' : 'ok';
  }
}

/** What a caller may name its request: nothing that could be a key of ours or hold an address. */
const REQUEST_ID = /^(?!argus_)[A-Za-z0-9][A-Za-z0-9_.-]{7,63}$/;

function isRequestId(given: string | string[] | undefined): given is string {
  return typeof given === 'string' && REQUEST_ID.test(given);
}

const PROCESS = randomBytes(6).toString('hex');
let made = 0;

/** An id that no other process makes. Random numbers for each request would cost more than all else that is noted. */
function newRequestId(): string {
  return `${PROCESS}-${(made++).toString(36)}`;
}
