import { v7 } from 'uuid';

/**
 * TypeIDs: the form in which every identifier leaves the server, `content_01h455vb4pex5vsknk084sn02q`.
 *
 * Source: https://github.com/jetify-com/typeid/tree/main/spec (prefix, `_`, 26 characters of lower-case Crockford
 * base32 holding the 128 bits of a UUID after two zero bits). Argus allows prefixes of `[a-z]{1,63}` only, so the
 * first `_` is always the separator.
 */

const ALPHABET = '0123456789abcdefghjkmnpqrstvwxyz';
const PREFIX = /^[a-z]{1,63}$/;
const SUFFIX_LENGTH = 26;
const INVALID = 0xff;

/** Two base32 characters for every 10-bit group: half as many string concatenations as one character at a time. */
const PAIRS: readonly string[] = Array.from(
  { length: 1024 },
  (_, group) => ALPHABET.charAt(group >> 5) + ALPHABET.charAt(group & 31),
);

/** Two hexadecimal digits for every byte. */
const HEX: readonly string[] = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, '0'));

const HEX_VALUE = valueTable('0123456789abcdef');
for (const [index, letter] of [...'ABCDEF'].entries()) HEX_VALUE[letter.charCodeAt(0)] = 10 + index;
const BASE32_VALUE = valueTable(ALPHABET);

/** Where each byte of a UUID starts in its hyphenated text. */
const BYTE_OFFSETS = [0, 2, 4, 6, 9, 11, 14, 16, 19, 21, 24, 26, 28, 30, 32, 34];

/** One buffer for all calls: encoding and decoding are synchronous, so no call can see the bytes of another. */
const scratch = new Uint8Array(16);

function valueTable(alphabet: string): Uint8Array {
  const table = new Uint8Array(128).fill(INVALID);
  for (let index = 0; index < alphabet.length; index += 1) table[alphabet.charCodeAt(index)] = index;
  return table;
}

/** Reads a hyphenated UUID into `scratch`; false when the text is not one. */
function readUuid(uuid: string): boolean {
  if (uuid.length !== 36) return false;
  if (uuid[8] !== '-' || uuid[13] !== '-' || uuid[18] !== '-' || uuid[23] !== '-') return false;
  for (let index = 0; index < 16; index += 1) {
    const offset = BYTE_OFFSETS[index] ?? 0;
    const high = HEX_VALUE[uuid.charCodeAt(offset)] ?? INVALID;
    const low = HEX_VALUE[uuid.charCodeAt(offset + 1)] ?? INVALID;
    if (high === INVALID || low === INVALID) return false;
    scratch[index] = (high << 4) | low;
  }
  return true;
}

/**
 * The 26 base32 characters of a UUID, without a prefix.
 *
 * @param uuid hyphenated, either case
 * @throws TypeError when `uuid` is not a UUID
 */
export function encodeUuid(uuid: string): string {
  if (!readUuid(uuid)) throw new TypeError(`not a UUID: ${JSON.stringify(uuid)}`);
  // 130 bits are 13 groups of 10: two zero bits and the first byte, then five bytes for every four groups.
  let text = PAIRS[scratch[0] ?? 0] ?? '';
  for (let index = 1; index < 16; index += 5) {
    const b0 = scratch[index] ?? 0;
    const b1 = scratch[index + 1] ?? 0;
    const b2 = scratch[index + 2] ?? 0;
    const b3 = scratch[index + 3] ?? 0;
    const b4 = scratch[index + 4] ?? 0;
    text += PAIRS[(b0 << 2) | (b1 >> 6)];
    text += PAIRS[((b1 & 63) << 4) | (b2 >> 4)];
    text += PAIRS[((b2 & 15) << 6) | (b3 >> 2)];
    text += PAIRS[((b3 & 3) << 8) | b4];
  }
  return text;
}

/** The UUID (hyphenated, lower case) that 26 base32 characters hold, or null when they hold none. */
export function decodeUuid(suffix: string): string | null {
  if (suffix.length !== SUFFIX_LENGTH) return null;
  // Only 128 of the 130 bits exist, so a first character above 7 would overflow.
  const first = group(suffix, 0);
  if (first < 0 || first > 0xff) return null;
  scratch[0] = first;
  for (let index = 1, at = 2; index < 16; index += 5, at += 8) {
    const g0 = group(suffix, at);
    const g1 = group(suffix, at + 2);
    const g2 = group(suffix, at + 4);
    const g3 = group(suffix, at + 6);
    if ((g0 | g1 | g2 | g3) < 0) return null;
    scratch[index] = g0 >> 2;
    scratch[index + 1] = ((g0 & 3) << 6) | (g1 >> 4);
    scratch[index + 2] = ((g1 & 15) << 4) | (g2 >> 6);
    scratch[index + 3] = ((g2 & 63) << 2) | (g3 >> 8);
    scratch[index + 4] = g3 & 0xff;
  }
  let uuid = '';
  for (let index = 0; index < 16; index += 1) {
    if (index === 4 || index === 6 || index === 8 || index === 10) uuid += '-';
    uuid += HEX[scratch[index] ?? 0];
  }
  return uuid;
}

/** The 10 bits of two base32 characters, or -1. */
function group(text: string, at: number): number {
  const high = BASE32_VALUE[text.charCodeAt(at)] ?? INVALID;
  const low = BASE32_VALUE[text.charCodeAt(at + 1)] ?? INVALID;
  return high === INVALID || low === INVALID ? -1 : (high << 5) | low;
}

/**
 * Makes the TypeID of a row.
 *
 * @param prefix the kind of row, `[a-z]{1,63}`
 * @param uuid hyphenated, either case
 * @throws TypeError when the prefix or the UUID is malformed: both come from code and the database, never from a caller
 */
export function encodeId(prefix: string, uuid: string): string {
  if (!PREFIX.test(prefix)) throw new TypeError(`not a TypeID prefix: ${JSON.stringify(prefix)}`);
  return `${prefix}_${encodeUuid(uuid)}`;
}

/**
 * Reads a TypeID.
 *
 * @returns the prefix and the lower-case UUID, or null for anything malformed: wrong length, wrong case, a letter
 *   outside the alphabet, a first character above 7. Exactly one text decodes to each prefix and UUID.
 */
export function decodeId(text: string): { prefix: string; uuid: string } | null {
  const separator = text.length - SUFFIX_LENGTH - 1;
  if (separator < 1 || text[separator] !== '_') return null;
  const prefix = text.slice(0, separator);
  if (!PREFIX.test(prefix)) return null;
  const uuid = decodeUuid(text.slice(separator + 1));
  return uuid === null ? null : { prefix, uuid };
}

/**
 * A new UUIDv7 (RFC 9562): identifiers made by one process sort in the order they were made, also within one
 * millisecond and when the clock steps back.
 */
export function newId(): string {
  return v7();
}
