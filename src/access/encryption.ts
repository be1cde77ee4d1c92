import { createCipheriv, createDecipheriv, hash, randomBytes } from 'node:crypto';
import { chmodSync, linkSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/**
 * Encryption of single column values: AES-256-GCM under one of several keys, so that keys can be rotated while older
 * values stay readable.
 *
 * Layout of a value: version (1 byte, 1) | length of the key id (1 byte) | key id (ASCII) | nonce (12 bytes) |
 * tag (16 bytes) | ciphertext. Everything before the nonce is authenticated together with the caller's `aad`.
 *
 * Nonces are random, so one key must not encrypt more than 2^32 values (NIST SP 800-38D, section 8.3): rotate long
 * before that.
 */

const VERSION = 1;
const NONCE_LENGTH = 12;
const TAG_LENGTH = 16;
const KEY_LENGTH = 32;
const CIPHER = 'aes-256-gcm';
const KEY_ID = /^[A-Za-z0-9_.-]{1,32}$/;
const HOW_TO_MAKE_A_KEY = 'write each key as <id>:<base64 of 32 bytes>; make one with: openssl rand -base64 32';

/** Keys by id. New values are encrypted under `current`; the others only decrypt. */
export interface KeyRing {
  current: string;
  keys: ReadonlyMap<string, Buffer>;
}

/** A value that cannot be decrypted with the keys that are there. */
export abstract class DecryptionError extends Error {}

/** The value was encrypted under a key that is not in the ring: a key was removed too early or never configured. */
export class UnknownKeyError extends DecryptionError {
  readonly keyId: string;

  constructor(keyId: string) {
    super(`the value is encrypted under key "${keyId}", which is not among the configured encryption keys`);
    this.name = 'UnknownKeyError';
    this.keyId = keyId;
  }
}

/** The value is damaged, was changed, belongs to another row, column or tenant, or is under another key of that id. */
export class TamperedError extends DecryptionError {
  constructor(problem: string) {
    super(`the encrypted value cannot be trusted: ${problem}`);
    this.name = 'TamperedError';
  }
}

/**
 * Reads a key ring from `id:base64[,id2:base64…]`; the first key is the current one.
 *
 * @throws Error saying which key is wrong, why, and how to make one. The message never holds key material.
 */
export function parseKeyRing(text: string): KeyRing {
  const entries = text.split(',').map((entry) => entry.trim());
  const keys = new Map<string, Buffer>();
  for (const [index, entry] of entries.entries()) {
    const { id, key } = parseKey(entry, `encryption key ${index + 1} of ${entries.length}`);
    if (keys.has(id)) throw new Error(`encryption key id "${id}" appears twice; give every key its own id`);
    keys.set(id, key);
  }
  const [current = ''] = keys.keys();
  return { current, keys };
}

function parseKey(entry: string, which: string): { id: string; key: Buffer } {
  const separator = entry.indexOf(':');
  if (entry === '') throw new Error(`${which} is empty; ${HOW_TO_MAKE_A_KEY}`);
  if (separator === -1) throw new Error(`${which} has no id; ${HOW_TO_MAKE_A_KEY}`);
  const id = entry.slice(0, separator);
  if (!KEY_ID.test(id)) {
    throw new Error(`${which} has a malformed id (1 to 32 letters, digits, "_", "." or "-"); ${HOW_TO_MAKE_A_KEY}`);
  }
  const encoded = entry.slice(separator + 1);
  const key = Buffer.from(encoded, 'base64');
  // Buffer.from skips what is not base64, so a mistyped key would silently become another key: compare the round trip.
  if (key.toString('base64') !== encoded) throw new Error(`${which} ("${id}") is not base64; ${HOW_TO_MAKE_A_KEY}`);
  if (key.length !== KEY_LENGTH) {
    throw new Error(`${which} ("${id}") has ${key.length} bytes instead of ${KEY_LENGTH}; ${HOW_TO_MAKE_A_KEY}`);
  }
  return { id, key };
}

/**
 * Encrypts a value under the current key.
 *
 * @param aad where the value lives, `table.column:tenant:rowId`: it decrypts only with the same text, so it cannot be
 *   moved to another row
 */
export function encrypt(ring: KeyRing, plaintext: string | Uint8Array, aad: string): Uint8Array {
  const key = ring.keys.get(ring.current);
  if (key === undefined) throw new UnknownKeyError(ring.current);
  const id = Buffer.from(ring.current, 'latin1');
  const header = Buffer.concat([Buffer.of(VERSION, id.length), id]);
  const nonce = randomBytes(NONCE_LENGTH);
  const cipher = createCipheriv(CIPHER, key, nonce, { authTagLength: TAG_LENGTH });
  cipher.setAAD(Buffer.concat([header, Buffer.from(aad)]));
  const body = typeof plaintext === 'string' ? Buffer.from(plaintext) : plaintext;
  const ciphertext = Buffer.concat([cipher.update(body), cipher.final()]);
  return Buffer.concat([header, nonce, cipher.getAuthTag(), ciphertext]);
}

/**
 * Decrypts a value to text (UTF-8).
 *
 * @param aad the text the value was encrypted with
 * @throws UnknownKeyError when its key is not in the ring
 * @throws TamperedError when it is damaged, changed or from another place
 */
export function decrypt(ring: KeyRing, blob: Uint8Array, aad: string): string {
  const { keyId, header, rest } = splitBlob(blob);
  const key = ring.keys.get(keyId);
  if (key === undefined) throw new UnknownKeyError(keyId);
  const decipher = createDecipheriv(CIPHER, key, rest.subarray(0, NONCE_LENGTH), { authTagLength: TAG_LENGTH });
  decipher.setAAD(Buffer.concat([header, Buffer.from(aad)]));
  decipher.setAuthTag(rest.subarray(NONCE_LENGTH, NONCE_LENGTH + TAG_LENGTH));
  try {
    const start = decipher.update(rest.subarray(NONCE_LENGTH + TAG_LENGTH));
    return Buffer.concat([start, decipher.final()]).toString('utf8');
  } catch {
    throw new TamperedError(
      `it was changed, belongs to another row, column or tenant, or was encrypted under another key "${keyId}"`,
    );
  }
}

/** Whether the value should be encrypted again because its key is no longer the current one. */
export function needsRotation(ring: KeyRing, blob: Uint8Array): boolean {
  return splitBlob(blob).keyId !== ring.current;
}

function splitBlob(blob: Uint8Array): { keyId: string; header: Buffer; rest: Buffer } {
  const bytes = Buffer.from(blob.buffer, blob.byteOffset, blob.byteLength);
  if (bytes[0] !== VERSION)
    throw new TamperedError(`it has layout version ${bytes[0] ?? 'none'} instead of ${VERSION}`);
  const headerLength = 2 + (bytes[1] ?? 0);
  if (bytes.length < headerLength + NONCE_LENGTH + TAG_LENGTH) throw new TamperedError('it is too short');
  const keyId = bytes.toString('latin1', 2, headerLength);
  // The id goes into an error message, so damaged bytes must not reach it.
  if (!KEY_ID.test(keyId)) throw new TamperedError('its key id is malformed');
  return { keyId, header: bytes.subarray(0, headerLength), rest: bytes.subarray(headerLength) };
}

/** The name of the file in which development keeps its key, in ARGUS_DIR. */
export const KEY_FILE = 'encryption.key';
/** What every development key was called once: values under it are still there. */
const FIRST_ID = 'development';

/**
 * Development only: the key ring kept in `<dir>/encryption.key`, made (mode 0600) when it is not there yet. Production
 * gets its keys from the environment, because a key beside the data protects nothing. The key's id is made from the
 * key, so that a value under the key of another folder names a key that is not there.
 *
 * @param dir directory for the file; created when missing
 */
export function ephemeralKeyRing(dir: string): KeyRing {
  mkdirSync(dir, { recursive: true });
  const file = join(dir, KEY_FILE);
  // Written aside and linked into place: of several processes starting at once exactly one key wins, and none of them
  // can read a half-written file.
  const draft = join(dir, `${KEY_FILE}.${process.pid}.${randomBytes(6).toString('hex')}`);
  try {
    const key = randomBytes(KEY_LENGTH);
    writeFileSync(draft, `${idOf(key)}:${key.toString('base64')}\n`, { mode: 0o600, flag: 'wx' });
    linkSync(draft, file);
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'EEXIST')) throw error;
  } finally {
    rmSync(draft, { force: true });
  }
  chmodSync(file, 0o600);
  const ring = parseKeyRing(readFileSync(file, 'utf8').trim());
  const first = ring.keys.get(FIRST_ID);
  if (first === undefined || ring.current !== FIRST_ID) return ring;
  return { current: idOf(first), keys: new Map([[idOf(first), first], ...ring.keys]) };
}

function idOf(key: Buffer): string {
  return `dev-${hash('sha256', key, 'hex').slice(0, 12)}`;
}
