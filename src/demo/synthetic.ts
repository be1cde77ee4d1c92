import { createHash } from 'node:crypto';
import { sha256 } from '@noble/hashes/sha2.js';
import { keccak_256, sha3_256 } from '@noble/hashes/sha3.js';
import { utf8ToBytes } from '@noble/hashes/utils.js';
import { base32, base58xmr, bech32, createBase58check } from '@scure/base';

// Identifiers that pass their checksums and yet belong to nobody: each is the hash of a label, so no key exists for it.

const base58check = createBase58check(sha256);

function bytesOf(label: string): Uint8Array {
  return sha256(utf8ToBytes(`argus demo ${label}`));
}

/** A Bitcoin address: segwit version 0, whose program is a hash of the label. */
export function bitcoin(label: string): string {
  return bech32.encode('bc', [0, ...bech32.toWords(bytesOf(label).subarray(0, 20))]);
}

/** A Bitcoin address of the old form. */
export function legacyBitcoin(label: string): string {
  return base58check.encode(Uint8Array.from([0, ...bytesOf(label).subarray(0, 20)]));
}

/** An Ethereum address in lower case, the form that carries no checksum. */
export function ethereum(label: string): string {
  return `0x${Buffer.from(bytesOf(label).subarray(0, 20)).toString('hex')}`;
}

const MONERO_STANDARD = 18;

/** A Monero address. */
export function monero(label: string): string {
  const body = Uint8Array.from([MONERO_STANDARD, ...bytesOf(`${label} spend`), ...bytesOf(`${label} view`)]);
  return base58xmr.encode(Uint8Array.from([...body, ...keccak_256(body).subarray(0, 4)]));
}

const ONION_VERSION = 3;

/** An onion address, version 3. */
export function onion(label: string): string {
  const key = bytesOf(label);
  const check = sha3_256(Uint8Array.from([...utf8ToBytes('.onion checksum'), ...key, ONION_VERSION]));
  const name = base32.encode(Uint8Array.from([...key, ...check.subarray(0, 2), ONION_VERSION]));
  return `${name.toLowerCase()}.onion`;
}

/** An IBAN of a German bank whose code, 00000000, is given to none. */
export function iban(label: string): string {
  const account = Number.parseInt(hash('sha256', label).slice(0, 8), 16).toString().padStart(10, '0');
  const number = `00000000${account}`;
  // ISO 13616: the country's letters as numbers (D 13, E 14), then two zeros, modulo 97.
  const check = 98n - (BigInt(`${number}131400`) % 97n);
  return `DE${check.toString().padStart(2, '0')}${number}`;
}

/** A digest in hex. */
export function hash(algorithm: 'md5' | 'sha1' | 'sha256', label: string): string {
  return createHash(algorithm).update(`argus demo ${label}`).digest('hex');
}

/** A PGP fingerprint in its ten groups. */
export function pgp(label: string): string {
  return hash('sha1', `${label} pgp`).toUpperCase().match(/.{4}/g)?.join(' ') ?? '';
}

/** A UUID (version 8) that is always the same for a label. */
export function stableUuid(label: string): string {
  const hex = hash('sha256', label);
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-8${hex.slice(13, 16)}-a${hex.slice(17, 20)}-${hex.slice(20, 32)}`;
}
