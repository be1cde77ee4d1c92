import { hash, randomBytes, timingSafeEqual } from 'node:crypto';
import { crc32 } from 'node:zlib';
import { decodeUuid, encodeUuid } from '../graphql/ids.ts';

/**
 * The two secrets a caller can present. Only their SHA-256 is stored: both hold 256 random bits, so a slow password
 * hash would add nothing but time.
 *
 * - session token: `argus_session_` + 43 characters base64url (32 random bytes)
 * - API key: `argus_` + id of the key (26 characters base32) + `_` + 43 characters base64url (32 random bytes)
 *   + 6 characters base62 (CRC-32 of everything before it)
 *
 * The checksum lets a secret scanner tell a real key from a lookalike offline, and lets the server refuse a mistyped
 * one without asking the database. Format after
 * https://github.blog/engineering/behind-githubs-new-authentication-token-formats/
 */

const SESSION = /^argus_session_[A-Za-z0-9_-]{43}$/;
const KEY = /^argus_([0-7][0-9a-hjkmnp-tv-z]{25})_[A-Za-z0-9_-]{43}([0-9A-Za-z]{6})$/;
const CHECKSUM_LENGTH = 6;
const BASE62 = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';

/** Regular expression for secret scanners: finds both kinds in any text (no look-around, RE2 compatible). */
export const SECRET_SCANNER_PATTERN =
  '\\bargus_(?:session_[A-Za-z0-9_-]{43}|[0-7][0-9a-hjkmnp-tv-z]{25}_[A-Za-z0-9_-]{43}[0-9A-Za-z]{6})';

/** What a presented credential says about itself, before the database is asked. */
export type Credential = { kind: 'session'; hash: Buffer } | { kind: 'key'; id: string; hash: Buffer };

/** A new session token (shown once) and the 32-byte hash to store. */
export function newSessionToken(): { token: string; hash: Buffer } {
  const token = `argus_session_${randomBytes(32).toString('base64url')}`;
  return { token, hash: sha256(token) };
}

/**
 * A new API key (shown once) and the 32-byte hash to store.
 *
 * @param id UUID of the row that will hold the hash
 * @throws TypeError when `id` is not a UUID
 */
export function newApiKey(id: string): { key: string; hash: Buffer } {
  const body = `argus_${encodeUuid(id)}_${randomBytes(32).toString('base64url')}`;
  const key = body + checksum(body);
  return { key, hash: sha256(key) };
}

/**
 * Reads a presented credential.
 *
 * @returns its kind, its SHA-256 and, for a key, the UUID of the row to compare with; null when the text has neither
 *   form or the checksum of the key is wrong. A result does not mean the credential is valid.
 */
export function parseCredential(text: string): Credential | null {
  if (SESSION.test(text)) return { kind: 'session', hash: sha256(text) };
  const match = KEY.exec(text);
  if (match === null) return null;
  const [, suffix = '', given = ''] = match;
  if (checksum(text.slice(0, -CHECKSUM_LENGTH)) !== given) return null;
  const id = decodeUuid(suffix);
  return id === null ? null : { kind: 'key', id, hash: sha256(text) };
}

/** The SHA-256 of a presented text, in base64: what it is remembered by. */
export function hashText(text: string): string {
  return hash('sha256', text, 'base64');
}

/** Whether two hashes are the same, in a time that does not depend on where they differ. */
export function sameHash(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && timingSafeEqual(a, b);
}

function sha256(text: string): Buffer {
  return hash('sha256', text, 'buffer');
}

/** CRC-32 in six base62 digits, most significant first (62^6 > 2^32). */
function checksum(text: string): string {
  let rest = crc32(text);
  let digits = '';
  for (let index = 0; index < CHECKSUM_LENGTH; index += 1) {
    digits = BASE62.charAt(rest % 62) + digits;
    rest = Math.floor(rest / 62);
  }
  return digits;
}
