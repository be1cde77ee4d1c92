import { sha256 } from '@noble/hashes/sha2.js';
import { keccak_256 } from '@noble/hashes/sha3.js';
import { bytesToHex, utf8ToBytes } from '@noble/hashes/utils.js';
import { base58xmr, bech32, bech32m, createBase58check } from '@scure/base';
import { accept, type Normalised, refuse } from './types.ts';

const base58check = createBase58check(sha256);
const P2PKH_VERSION = 0x00;
const P2SH_VERSION = 0x05;
// Mainnet tags of Monero: standard address, integrated address, subaddress.
const XMR_TAGS = new Set([18, 19, 42]);

function normaliseLegacyBitcoin(text: string): Normalised {
  if (!/^[13][1-9A-HJ-NP-Za-km-z]{25,34}$/.test(text)) return refuse('not a Bitcoin mainnet address');
  let payload: Uint8Array;
  try {
    payload = base58check.decode(text);
  } catch {
    return refuse('the Bitcoin address checksum is wrong');
  }
  const version = payload[0];
  if (payload.length !== 21 || (version !== P2PKH_VERSION && version !== P2SH_VERSION)) {
    return refuse('not a P2PKH or P2SH mainnet address');
  }
  return accept(text);
}

/** BIP 173 and BIP 350: version 0 programs use bech32, later versions bech32m. */
function normaliseSegwit(text: string): Normalised {
  if (text !== text.toLowerCase() && text !== text.toUpperCase()) return refuse('a bech32 address must not mix case');
  const lower = text.toLowerCase();
  for (const coder of [bech32, bech32m]) {
    const decoded = coder.decodeUnsafe(lower, 90);
    if (decoded === undefined) continue;
    const version = decoded.words[0];
    const program = coder.fromWordsUnsafe(decoded.words.slice(1));
    if (version === undefined || version > 16 || !program) return refuse('the witness program is malformed');
    if ((version === 0) !== (coder === bech32)) return refuse('the checksum kind does not fit the witness version');
    if (version === 0 && program.length !== 20 && program.length !== 32) {
      return refuse('a version 0 witness program has 20 or 32 bytes');
    }
    if (program.length < 2 || program.length > 40) return refuse('a witness program has 2 to 40 bytes');
    return accept(lower);
  }
  return refuse('the bech32 checksum is wrong');
}

/** Bitcoin mainnet: P2PKH, P2SH (base58check) or segwit (bech32, bech32m). Test networks are refused. */
export function normaliseBitcoin(text: string): Normalised {
  const bare = text.replace(/^bitcoin:/i, '');
  return /^bc1/i.test(bare) ? normaliseSegwit(bare) : normaliseLegacyBitcoin(bare);
}

/** EIP-55: a hex letter is upper case when the same nibble of keccak-256 over the lower-case address is 8 or more. */
function checksumEthereum(lowerHex: string): string {
  const digest = bytesToHex(keccak_256(utf8ToBytes(lowerHex)));
  let out = '0x';
  for (let index = 0; index < lowerHex.length; index++) {
    const letter = lowerHex.charAt(index);
    out += Number.parseInt(digest.charAt(index), 16) >= 8 ? letter.toUpperCase() : letter;
  }
  return out;
}

/** Ethereum address in EIP-55 form. One-case input carries no checksum and is taken as it is; mixed case must verify. */
export function normaliseEthereum(text: string): Normalised {
  const match = /^(?:ethereum:)?0x([0-9a-f]{40})$/i.exec(text);
  const hex = match?.[1];
  if (hex === undefined) return refuse('an Ethereum address is 0x and 40 hex digits');
  const value = checksumEthereum(hex.toLowerCase());
  const oneCase = hex === hex.toLowerCase() || hex === hex.toUpperCase();
  if (!oneCase && value !== `0x${hex}`) return refuse('the EIP-55 checksum is wrong');
  return accept(value);
}

/** Monero mainnet address: 69 bytes (77 when integrated), the last four are the start of keccak-256 over the rest. */
export function normaliseMonero(text: string): Normalised {
  const bare = text.replace(/^monero:/i, '');
  if (!/^[48][1-9A-HJ-NP-Za-km-z]{94}(?:[1-9A-HJ-NP-Za-km-z]{11})?$/.test(bare)) {
    return refuse('a Monero address has 95 or 106 base58 characters and starts with 4 or 8');
  }
  let bytes: Uint8Array;
  try {
    bytes = base58xmr.decode(bare);
  } catch {
    return refuse('the Monero address is not valid base58');
  }
  const tag = bytes[0];
  const integrated = tag === 19;
  if (tag === undefined || !XMR_TAGS.has(tag) || bytes.length !== (integrated ? 77 : 69)) {
    return refuse('not a Monero mainnet address');
  }
  const digest = keccak_256(bytes.subarray(0, -4));
  const matches = bytes.subarray(-4).every((byte, index) => byte === digest[index]);
  return matches ? accept(bare) : refuse('the Monero address checksum is wrong');
}
