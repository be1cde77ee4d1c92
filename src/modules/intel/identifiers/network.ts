import { isIPv4, isIPv6 } from 'node:net';
import { domainToASCII } from 'node:url';
import { sha3_256 } from '@noble/hashes/sha3.js';
import { utf8ToBytes } from '@noble/hashes/utils.js';
import { base32 } from '@scure/base';
import { parse as parseHost } from 'tldts';
import { accept, type Normalised, refuse } from './types.ts';

const MAX_HOST = 253;
const MAX_LOCAL = 64;
const LABEL = /^[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?$/;

/** Lower-case ASCII form of a host name (UTS 46), or null when a label is malformed. No suffix check. */
function asciiHost(text: string): string | null {
  // domainToASCII cuts at "/" and decodes "%41", so anything that is not a name character is refused before it.
  if (text.length > MAX_HOST || !/^[\p{L}\p{M}\p{N}_.\u3002\uff0e\uff61-]+$/u.test(text)) return null;
  // biome-ignore lint/suspicious/noControlCharactersInRegex: the whole ASCII range is meant
  const ascii = /^[\x00-\x7f]*$/.test(text) ? text.toLowerCase() : domainToASCII(text);
  const host = ascii.endsWith('.') ? ascii.slice(0, -1) : ascii;
  if (host === '' || host.length > MAX_HOST) return null;
  return host.split('.').every((label) => LABEL.test(label)) ? host : null;
}

/**
 * A registrable name or a name below one: lower case, punycode, known public suffix (ICANN section of the public suffix
 * list). A bare suffix such as `co.uk` is refused; so is `.onion`, which has its own type.
 */
export function normaliseDomain(text: string): Normalised {
  const host = asciiHost(text);
  if (host === null) return refuse('not a well-formed domain name');
  if (host.endsWith('.onion')) return refuse('an onion address is not a DNS domain');
  const parsed = parseHost(host, { extractHostname: false, validateHostname: false });
  if (parsed.isIp === true || parsed.isIcann !== true) return refuse('the domain has no known public suffix');
  if (parsed.domain === null) return refuse('the name is a public suffix, not a domain');
  if (parsed.domainWithoutSuffix?.includes('_')) return refuse('a registered name holds no underscore');
  return accept(host);
}

/** Local part and domain lower case, domain as for DOMAIN. Local part: dot-atom of RFC 5322, letters of any script. */
export function normaliseEmail(text: string): Normalised {
  const address = text.replace(/^mailto:/i, '').replace(/^<(.*)>$/s, '$1');
  const at = address.lastIndexOf('@');
  const local = address.slice(0, Math.max(at, 0)).normalize('NFC').toLowerCase();
  if (local === '' || local.length > MAX_LOCAL) return refuse('the part before @ is missing or too long');
  const atoms = local.split('.');
  if (!atoms.every((atom) => /^[\p{L}\p{M}\p{N}!#$%&'*+/=?^_`{|}~-]+$/u.test(atom))) {
    return refuse('the part before @ has a character that is not allowed');
  }
  const domain = normaliseDomain(address.slice(at + 1));
  return domain.ok ? accept(`${local}@${domain.value}`) : domain;
}

/**
 * Version 3 onion address as `<56 characters>.onion`; a subdomain is dropped, for it names the same service.
 * Checksum from the Tor rendezvous specification v3: the first two bytes of SHA3-256 over
 * ".onion checksum", the public key and the version byte.
 */
export function normaliseOnion(text: string): Normalised {
  const host = text.toLowerCase().replace(/\.onion\.?$/, '');
  const name = host.slice(host.lastIndexOf('.') + 1);
  if (/^[a-z2-7]{16}$/.test(name)) return refuse('a version 2 onion address (16 characters) carries no checksum');
  if (!/^[a-z2-7]{56}$/.test(name)) return refuse('a version 3 onion address has 56 base32 characters');
  const bytes = base32.decode(name.toUpperCase());
  const key = bytes.subarray(0, 32);
  const version = bytes.subarray(34);
  if (version[0] !== 3) return refuse('the onion version byte is not 3');
  const digest = sha3_256(Uint8Array.from([...utf8ToBytes('.onion checksum'), ...key, ...version]));
  const matches = digest[0] === bytes[32] && digest[1] === bytes[33];
  return matches ? accept(`${name}.onion`) : refuse('the onion address checksum is wrong');
}

/** Dotted decimal, four parts 0 to 255 without leading zeros. */
export function normaliseIpv4(text: string): Normalised {
  return isIPv4(text) ? accept(text) : refuse('not four decimal numbers from 0 to 255');
}

/** RFC 5952: lower case, longest zero run compressed, IPv4-mapped addresses in mixed notation. Zone ids are refused. */
export function normaliseIpv6(text: string): Normalised {
  const bare = text.replace(/^\[(.*)\]$/s, '$1');
  if (bare.includes('%') || !isIPv6(bare)) return refuse('not an IPv6 address');
  const compressed = new URL(`http://[${bare}]/`).hostname.slice(1, -1);
  const mapped = /^::ffff:([0-9a-f]{1,4}):([0-9a-f]{1,4})$/.exec(compressed);
  if (mapped === null) return accept(compressed);
  const parts = mapped.slice(1).map((group) => Number.parseInt(group, 16));
  return accept(`::ffff:${parts.map((part) => `${part >> 8}.${part & 255}`).join('.')}`);
}

/** Whether a host of a parsed URL can be reached by name from elsewhere: it has a dot, or it is an IPv6 literal. */
export function isUsableUrlHost(host: string): boolean {
  if (host.startsWith('[')) return true;
  const dot = host.indexOf('.');
  return dot > 0 && dot < host.length - 1;
}

/**
 * WHATWG serialisation of an http, https, ftp, ws or wss URL: lower-case host, default port and fragment dropped,
 * percent escapes upper case (RFC 3986, 6.2.2.1). The query is kept as it is: it may be what tells two pages apart.
 */
export function normaliseUrl(text: string): Normalised {
  if (!/^(?:https?|ftp|wss?):\/\//i.test(text)) return refuse('a URL starts with http, https, ftp, ws or wss and ://');
  if (/\s/.test(text)) return refuse('a URL holds no white space');
  if (!URL.canParse(text)) return refuse('not a valid URL');
  const url = new URL(text);
  url.hash = '';
  if (!isUsableUrlHost(url.hostname)) return refuse('the URL host is not a full name or an address');
  return accept(url.href.replace(/%[0-9a-f]{2}/g, (octet) => octet.toUpperCase()));
}
