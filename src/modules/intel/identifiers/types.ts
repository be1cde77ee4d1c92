/** Every kind of identifier the server can recognise, in the order the API lists them. */
export const IDENTIFIER_TYPES = [
  'EMAIL',
  'PHONE',
  'HANDLE',
  'URL',
  'DOMAIN',
  'ONION',
  'IPV4',
  'IPV6',
  'BTC',
  'ETH',
  'XMR',
  'IBAN',
  'HASH_MD5',
  'HASH_SHA1',
  'HASH_SHA256',
  'PGP',
  'COORDINATE',
] as const;

export type IdentifierType = (typeof IDENTIFIER_TYPES)[number];

/** One identifier found in a text. `raw` is `text.slice(start, end)`; offsets count UTF-16 units of the original text. */
export interface ExtractedIdentifier {
  type: IdentifierType;
  raw: string;
  normalised: string;
  start: number;
  end: number;
}

/** The canonical value, or a sentence fragment that says why there is none. */
export type Normalised = { ok: true; value: string } | { ok: false; reason: string };

export function accept(value: string): Normalised {
  return { ok: true, value };
}

export function refuse(reason: string): Normalised {
  return { ok: false, reason };
}
