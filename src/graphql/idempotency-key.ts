import { CallKey, checkKey, fingerprintOf } from '../data/idempotency.ts';
import { InvalidInput } from '../errors.ts';
import type { Context } from './context.ts';

/** What an operation and its request have to do with idempotency keys. */
export interface Idempotency {
  /** the request's header, read by `keyFromHeader` */
  header: string | null;
  /** root fields of the operation */
  fields: number;
  /** set when a change was not made again */
  replayed: boolean;
}

/** A string of RFC 8941 (Structured Field Values), section 3.3.3. */
const QUOTED = /^"((?:[\x20\x21\x23-\x5b\x5d-\x7e]|\\["\\])*)"$/;

/**
 * The key in the header `Idempotency-Key`, as it is or as a quoted string, as in
 * https://datatracker.ietf.org/doc/draft-ietf-httpapi-idempotency-key-header/. Throws InvalidInput, also when there are
 * several.
 */
export function keyFromHeader(header: string | null): string | null {
  if (header === null) return null;
  const quoted = QUOTED.exec(header)?.[1];
  if (quoted === undefined && header.startsWith('"'))
    throw new InvalidInput('the header Idempotency-Key begins with a quotation mark, but is no quoted string');
  // Two headers of the name come as one, joined like this.
  if (quoted === undefined && header.includes(', '))
    throw new InvalidInput('the header Idempotency-Key comes more than once; a key that holds a comma is to be quoted');
  const key = quoted?.replace(/\\(.)/g, '$1') ?? header;
  checkKey(key);
  return key;
}

/** A root field with its arguments, as it was called. */
export interface KeyedField {
  name: string;
  /** its alias, else its name */
  responseName: string;
  args: { input?: unknown; idempotencyKey?: string | null | undefined };
}

/**
 * The context for a change: with its key, when it came with one. The argument goes before the header; the header of an
 * operation of several root fields is a key for each of them, told apart by response name. Throws InvalidInput.
 */
export function keyedContext(ctx: Context, { name, responseName, args }: KeyedField): { ctx: Context; key?: CallKey } {
  const { header, fields } = ctx.idempotency;
  const given = args.idempotencyKey ?? header;
  if (given === null) return { ctx };
  checkKey(given);
  const { services } = ctx;
  let key = new CallKey(services.keyRing, given, fingerprintOf(name, args.input));
  if (given !== args.idempotencyKey && fields > 1) key = key.part(responseName);
  return { ctx: { ...ctx, services: { ...services, write: { ...services.write, key } } }, key };
}

/** Runs a change with a key: one after the other for a member in this process, so that waiting ones take no connection. */
export function inTurn<R>({ services, viewer }: Context, key: CallKey, run: () => Promise<R>): Promise<R> {
  // Whose key it is, a person who signs in finds out; the database makes these wait.
  if (viewer === null) return run();
  return services.turns.take([viewer.tenantId, viewer.memberId, Buffer.from(key.hash).toString('hex')].join(), run);
}
