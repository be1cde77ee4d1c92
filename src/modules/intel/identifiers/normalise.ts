import { normaliseHandle } from './handle.ts';
import { normaliseIban } from './iban.ts';
import {
  normaliseDomain,
  normaliseEmail,
  normaliseIpv4,
  normaliseIpv6,
  normaliseOnion,
  normaliseUrl,
} from './network.ts';
import { normalisePhone } from './phone.ts';
import { refang } from './refang.ts';
import { accept, type IdentifierType, type Normalised, refuse } from './types.ts';
import { normaliseBitcoin, normaliseEthereum, normaliseMonero } from './wallet.ts';

export { refang } from './refang.ts';

export interface NormaliseOptions {
  /** ISO 3166 alpha-2 code of where the text comes from; read for PHONE only. */
  country?: string;
}

/** Longest input looked at, in UTF-16 units; also the longest URL that can be stored. */
export const MAX_IDENTIFIER_LENGTH = 4096;
const MAX_ROUNDS = 8;

function normaliseHex(text: string, length: number): Normalised {
  const lower = text.toLowerCase();
  return lower.length === length && /^[0-9a-f]+$/.test(lower) ? accept(lower) : refuse(`not ${length} hex digits`);
}

/** Version 4 OpenPGP fingerprint (RFC 4880, 12.2): 40 hex digits, upper case, spaces and a 0x prefix dropped. */
function normalisePgp(text: string): Normalised {
  const bare = text.replace(/^(?:openpgp4fpr:|0x)/i, '').replace(/[\s:]/g, '');
  const hex = normaliseHex(bare, 40);
  return hex.ok ? accept(hex.value.toUpperCase()) : refuse('a PGP fingerprint has 40 hex digits');
}

const DEGREES = /^([+-]?\d{1,3}(?:\.\d{1,20})?)[ \t]?\u00b0?[ \t]?([NSEW]?)$/i;

function degrees(text: string, negative: string, positive: string): number | null {
  const match = DEGREES.exec(text.trim());
  if (match === null) return null;
  const value = Number(match[1]);
  const side = (match[2] ?? '').toUpperCase();
  if (side === '') return value;
  if (value < 0 || (side !== negative && side !== positive)) return null;
  return side === negative ? -value : value;
}

/** `lat,lon` in decimal degrees with five decimals (about 1.1 m); -180 is written as 180. */
function normaliseCoordinate(text: string): Normalised {
  const parts = text.replace(/^geo:/i, '').split(',');
  if (parts.length !== 2) return refuse('a coordinate is two numbers with a comma between them');
  const latitude = degrees(parts[0] ?? '', 'S', 'N');
  const longitude = degrees(parts[1] ?? '', 'W', 'E');
  if (latitude === null || longitude === null) return refuse('a coordinate is two decimal numbers: latitude,longitude');
  if (Math.abs(latitude) > 90) return refuse('the latitude is not within -90 to 90');
  if (Math.abs(longitude) > 180) return refuse('the longitude is not within -180 to 180');
  const fixed = (value: number): string => value.toFixed(5).replace(/^-(?=0\.00000$)/, '');
  return accept(`${fixed(latitude)},${fixed(longitude).replace('-180.00000', '180.00000')}`);
}

function normaliseOnce(type: IdentifierType, text: string, country: string | undefined): Normalised {
  switch (type) {
    case 'EMAIL':
      return normaliseEmail(text);
    case 'PHONE':
      return normalisePhone(text, country);
    case 'HANDLE':
      return normaliseHandle(text);
    case 'URL':
      return normaliseUrl(text);
    case 'DOMAIN':
      return normaliseDomain(text);
    case 'ONION':
      return normaliseOnion(text);
    case 'IPV4':
      return normaliseIpv4(text);
    case 'IPV6':
      return normaliseIpv6(text);
    case 'BTC':
      return normaliseBitcoin(text);
    case 'ETH':
      return normaliseEthereum(text);
    case 'XMR':
      return normaliseMonero(text);
    case 'IBAN':
      return normaliseIban(text);
    case 'HASH_MD5':
      return normaliseHex(text, 32);
    case 'HASH_SHA1':
      return normaliseHex(text, 40);
    case 'HASH_SHA256':
      return normaliseHex(text, 64);
    case 'PGP':
      return normalisePgp(text);
    case 'COORDINATE':
      return normaliseCoordinate(text);
  }
}

/**
 * The canonical form of an identifier, refanged first. Never throws. Idempotent: the value is normalised again until it
 * no longer changes, so a result is always a fixed point (a URL path such as `[[.]]` needs more than one round).
 */
export function normaliseIdentifier(type: IdentifierType, raw: string, options: NormaliseOptions = {}): Normalised {
  if (raw.length > MAX_IDENTIFIER_LENGTH) return refuse(`longer than ${MAX_IDENTIFIER_LENGTH} characters`);
  let current = raw.trim();
  if (current === '') return refuse('empty');
  for (let round = 0; round < MAX_ROUNDS; round++) {
    const next = normaliseOnce(type, refang(current).trim(), options.country);
    if (!next.ok) return next;
    if (next.value.length > MAX_IDENTIFIER_LENGTH) return refuse(`longer than ${MAX_IDENTIFIER_LENGTH} characters`);
    if (next.value === current) return next;
    current = next.value;
  }
  return refuse('the value does not settle on one form');
}
