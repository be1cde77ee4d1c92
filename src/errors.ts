/**
 * Expected failures. Services throw them, mutations answer with them as `userErrors`, queries as GraphQL errors with
 * the class's code. Anything else that is thrown is masked with the request's id and logged.
 */
export abstract class DomainError extends Error {
  abstract readonly code: string;
  /** where in the input, outermost first; not named `path`, by which graphql-js tells an error that it has located */
  readonly inputPath: readonly string[];
  /** what a program can go on with: stands in the GraphQL error's extensions beside the code */
  readonly details: Readonly<Record<string, string | number>> = {};

  constructor(message: string, inputPath: readonly string[] = []) {
    super(message);
    this.name = new.target.name;
    this.inputPath = inputPath;
  }
}

/** The input is not of the form or in the range that the field asks for. */
export class InvalidInput extends DomainError {
  readonly code = 'INVALID_INPUT';
}

/** There is no such row, or none that the viewer may see: the answer does not tell which. */
export class NotFound extends DomainError {
  readonly code = 'NOT_FOUND';
}

const SIGN_IN =
  'send "Authorization: Bearer …" with an API key, or with the session token that the mutation signIn gives';

/** No credentials, or ones that are wrong, expired or revoked. */
export class Unauthenticated extends DomainError {
  readonly code = 'UNAUTHENTICATED';

  constructor(message = SIGN_IN) {
    super(message);
  }
}

/** The viewer lacks a permission; the message names it. */
export class Forbidden extends DomainError {
  readonly code = 'FORBIDDEN';
}

/** Too many attempts; the message tells when to try again. */
export class RateLimited extends DomainError {
  readonly code = 'RATE_LIMITED';
}

/** Another row has the same key, or the row is used elsewhere. */
export class Conflict extends DomainError {
  readonly code = 'CONFLICT';
}

/** The idempotency key was used for another change, or with another credential. */
export class IdempotencyConflict extends DomainError {
  readonly code = 'IDEMPOTENCY_CONFLICT';

  constructor(message: string) {
    super(message, ['idempotencyKey']);
  }
}

/** `expectedVersion` is not the row's version: somebody changed it in between. */
export class VersionMismatch extends DomainError {
  readonly code = 'VERSION_MISMATCH';
  readonly expected: number;
  readonly actual: number;
  /** which row: the answer shows it as it is now */
  readonly row: { model: string; id: string };

  constructor(expected: number, actual: number, row: { model: string; id: string }) {
    super(`you expected version ${expected}, the row is at version ${actual}: read it again and repeat the change`, [
      'expectedVersion',
    ]);
    this.expected = expected;
    this.actual = actual;
    this.row = row;
  }
}

/** A state machine does not allow this move; the error tells which moves it does allow. */
export class InvalidTransition extends DomainError {
  readonly code = 'INVALID_TRANSITION';
  readonly from: string;
  readonly to: string;
  readonly allowed: readonly string[];

  constructor(what: string, from: string, to: string, allowed: readonly string[]) {
    const moves = allowed.length > 0 ? allowed.join(', ') : 'nothing';
    super(`a ${what} cannot go from ${from} to ${to}: from ${from} it can go to ${moves}`, ['status']);
    this.from = from;
    this.to = to;
    this.allowed = allowed;
  }
}

/** The log no longer holds all events after the one that the caller has. */
export class EventLogTruncated extends DomainError {
  readonly code = 'EVENT_LOG_TRUNCATED';
  override readonly details: Readonly<Record<'oldestSeq' | 'lastSeq', number>>;

  constructor(afterSeq: bigint, oldestSeq: bigint, lastSeq: bigint) {
    super(
      `the events after ${afterSeq} are no longer all kept: the oldest is ${oldestSeq}. Read what you need anew, and go on from lastSeq`,
      ['afterSeq'],
    );
    this.details = { oldestSeq: Number(oldestSeq), lastSeq: Number(lastSeq) };
  }
}

/** The caller has seen an event that this log does not have: it is of another server, or of one restored since. */
export class EventSeqUnknown extends DomainError {
  readonly code = 'EVENT_SEQ_UNKNOWN';
  override readonly details: Readonly<Record<'lastSeq', number>>;

  constructor(lastSeq: bigint) {
    super(
      `afterSeq is beyond the last event, ${lastSeq}: this log is not the one that you read, or was restored from a backup. Read what you need anew, and go on from lastSeq`,
      ['afterSeq'],
    );
    this.details = { lastSeq: Number(lastSeq) };
  }
}

/** A subscriber did not take what was sent to it. */
export class SlowConsumer extends DomainError {
  readonly code = 'SLOW_CONSUMER';
  override readonly details: Readonly<Record<string, number>>;

  /** `lastSeq`: of the last event that was handed over before this error; null when there was none */
  constructor(lastSeq: bigint | null) {
    super('nothing was taken for too long while something waited: subscribe again after lastSeq');
    this.details = lastSeq === null ? {} : { lastSeq: Number(lastSeq) };
  }
}

/** What is given is quoted by its beginning; of what is long all the same, beginning and end are shown. */
const LONG_QUOTE = /"(?:[^"\\]|\\.){121,}"/gs;
const SHOWN = { quote: 100, beginning: 700, end: 300 };

/** A message of bounded length: those about what was given hold it, sometimes twice. */
export function shortMessage(message: string): string {
  const { quote, beginning, end } = SHOWN;
  if (message.length <= beginning + end) return message;
  const short = message.replace(LONG_QUOTE, (text) => `${text.slice(0, quote).toWellFormed()}…"`);
  if (short.length <= beginning + end) return short;
  return `${short.slice(0, beginning).toWellFormed()} … ${short.slice(-end).toWellFormed()}`;
}
