import { hash } from 'node:crypto';
import { decrypt, encrypt, type KeyRing } from '../access/encryption.ts';
import { isPermission } from '../access/permissions.ts';
import type { Viewer } from '../access/viewer.ts';
import { Conflict, Forbidden, IdempotencyConflict, InvalidInput } from '../errors.ts';
import { sqlState } from './sql-state.ts';
import { prepared } from './statement.ts';
import { decodeTyped, encodeTyped } from './typed-json.ts';
import type { WriteTx, Written } from './write.ts';

/** How long an outcome is kept. */
const KEPT_MS = 24 * 3_600_000;
/** query_canceled */
const STATEMENT_TIMEOUT = '57014';
const KEY = /^[\x20-\x7e]{1,200}$/;

interface Outcome {
  fingerprint: string;
  /** who made the call, as `madeBy` tells it, and what that one was allowed to do */
  by: string;
  permissions: string[];
  written: Written<unknown>;
}

/** A member signs in anew when a session has ended; each API key stands for itself. */
function madeBy({ kind, credentialId }: Viewer): string {
  return kind === 'API_KEY' ? `key ${credentialId}` : 'member';
}

/**
 * The idempotency key of one call of a change: the first transaction that commits with it does the change, and what it
 * gave is given to all later ones. Each member has keys of its own, and an outcome is for the API key it was made with, or
 * for the member's sessions, as long as they may do what could be done then: it can hold a secret. A key is for one
 * transaction; a call of several takes a `part` for each.
 */
export class CallKey {
  readonly #ring: KeyRing;
  readonly #text: string;
  readonly #fingerprint: string;
  readonly hash: Uint8Array<ArrayBuffer>;
  /** a transaction has committed with it */
  #spent = false;
  /** the call was made before, and was not made again */
  replayed = false;

  constructor(ring: KeyRing, text: string, fingerprint: string) {
    this.#ring = ring;
    this.#text = text;
    this.#fingerprint = fingerprint;
    this.hash = new Uint8Array(hash('sha256', text, 'buffer'));
  }

  /** For one of several transactions of the call. No caller's key holds a line break. */
  part(name: string): CallKey {
    return new CallKey(this.#ring, `${this.#text}\n${name}`, this.#fingerprint);
  }

  /**
   * Begins a transaction: null when it is the first with this key, else what that one gave. Waits for one that is under
   * way. Throws IdempotencyConflict when it was another change or another credential, Forbidden when the caller may do
   * less than then, Conflict when it takes too long.
   */
  async claim(tx: WriteTx): Promise<Written<unknown> | null> {
    if (this.#spent) throw new Error('a call of several transactions needs a part of its key for each');
    // An update that changes nothing makes a row that is there be locked, and given as it is.
    const rows = await tx
      .query<{ outcome: Uint8Array | null }>(
        prepared(
          `/* IdempotencyKey.claim */ INSERT INTO idempotency_keys AS k (tenant_id, member_id, key_hash, created_at, expires_at)
         VALUES ($1::uuid, $2::uuid, $3::bytea, $4::timestamptz, $5::timestamptz)
         ON CONFLICT (tenant_id, member_id, key_hash) DO UPDATE SET
           outcome = CASE WHEN k.expires_at > $4::timestamptz THEN k.outcome END,
           created_at = CASE WHEN k.expires_at > $4::timestamptz THEN k.created_at ELSE $4::timestamptz END,
           expires_at = CASE WHEN k.expires_at > $4::timestamptz THEN k.expires_at ELSE $5::timestamptz END
         RETURNING outcome`,
          ...this.#row(tx),
          tx.now.toISOString(),
          new Date(tx.now.getTime() + KEPT_MS).toISOString(),
        ),
      )
      .catch((error: unknown) => {
        if (sqlState(error) !== STATEMENT_TIMEOUT) throw error;
        throw new Conflict('another call with this idempotency key is still under way: try again', ['idempotencyKey']);
      });
    const kept = rows[0]?.outcome ?? null;
    if (kept === null) return null;
    const outcome = decodeTyped(JSON.parse(decrypt(this.#ring, kept, this.#place(tx)))) as Outcome;
    if (outcome.fingerprint !== this.#fingerprint) throw new IdempotencyConflict(OTHER_CHANGE);
    checkCaller(outcome, tx.viewer);
    this.replayed = true;
    return outcome.written;
  }

  /** Ends a transaction that does the change: keeps what it gives, with the commit. */
  keep(tx: WriteTx, written: Written<unknown>): void {
    const { viewer } = tx;
    const permissions = [...viewer.permissions];
    const outcome: Outcome = { fingerprint: this.#fingerprint, by: madeBy(viewer), permissions, written };
    const text = JSON.stringify(encodeTyped(outcome));
    tx.later(
      prepared(
        `/* IdempotencyKey.keep */ UPDATE idempotency_keys SET outcome = $4::bytea
       WHERE tenant_id = $1::uuid AND member_id = $2::uuid AND key_hash = $3::bytea`,
        ...this.#row(tx),
        encrypt(this.#ring, text, this.#place(tx)),
      ),
    );
  }

  /** The transaction has committed. */
  spend(): void {
    this.#spent = true;
  }

  #row({ tenantId, viewer }: WriteTx): [string, string, Uint8Array<ArrayBuffer>] {
    if (viewer.memberId === null) throw new Error('an idempotency key belongs to a member');
    return [tenantId, viewer.memberId, this.hash];
  }

  #place(tx: WriteTx): string {
    return `idempotency_keys.outcome:${tx.tenantId}:${tx.viewer.memberId}:${Buffer.from(this.hash).toString('hex')}`;
  }
}

const OTHER_CHANGE =
  'this idempotency key was used for another change, or with another input: take a new key for a new change';
const OTHER_CREDENTIAL =
  'this idempotency key was used with another credential, to which alone the answer is given again: take a new key for a new change';

/** What an outcome holds was meant for somebody who may do no less than the one who made the call. */
function checkCaller({ by, permissions }: Outcome, viewer: Viewer): void {
  if (by !== madeBy(viewer)) throw new IdempotencyConflict(OTHER_CREDENTIAL);
  const lost = permissions.find((name) => !isPermission(name) || !viewer.permissions.has(name));
  if (lost === undefined) return;
  const message = `this call was made with the permission ${lost}, which is not there any more: its answer is not given again`;
  throw new Forbidden(message, ['idempotencyKey']);
}

/** @throws InvalidInput when a key is not 1 to 200 printable ASCII characters */
export function checkKey(key: string): void {
  if (!KEY.test(key))
    throw new InvalidInput('an idempotency key has 1 to 200 characters, printable ASCII', ['idempotencyKey']);
}

/** Tells changes apart, whatever the order of the fields: SHA-256 of name and input. Kept encrypted, since an input may hold a password. */
export function fingerprintOf(name: string, input: unknown): string {
  const sorted = (_: string, value: unknown) =>
    typeof value === 'object' && value !== null && !Array.isArray(value)
      ? Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)))
      : value;
  return hash('sha256', JSON.stringify([name, encodeTyped(input)], sorted));
}

/** Deletes what is past its time. Gives the number of keys. */
export async function deleteExpiredKeys(tx: WriteTx): Promise<number> {
  const { count } = await tx.db.idempotencyKey.deleteMany({
    where: { tenantId: tx.tenantId, expiresAt: { lte: tx.now } },
  });
  return count;
}
