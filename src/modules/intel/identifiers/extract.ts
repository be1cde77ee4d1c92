import { atOnce } from '../matching/give-way.ts';
import { normaliseIdentifier } from './normalise.ts';
import { asCountry } from './phone.ts';
import { refangWithOffsets } from './refang.ts';
import type { Scan } from './scan.ts';
import { scanHosts, scanIpv6 } from './scan-hosts.ts';
import { scanAtSigns, scanUrls } from './scan-links.ts';
import { scanGrouped, scanPhones, scanTokens } from './scan-tokens.ts';
import type { ExtractedIdentifier, IdentifierType } from './types.ts';

export interface ExtractOptions {
  /** ISO 3166 alpha-2 code of where the text comes from. Without it only telephone numbers with `+` are found. */
  country?: string;
  /** At most this many results, the first ones of the text; 500 when not given. */
  max?: number;
}

const DEFAULT_MAX = 500;

// What wins when two candidates cover the same stretch: what carries a checksum, then what has the tighter shape.
const PRECEDENCE: IdentifierType[] = [
  'ONION',
  'XMR',
  'BTC',
  'ETH',
  'IBAN',
  'PGP',
  'HASH_SHA256',
  'HASH_SHA1',
  'HASH_MD5',
  'IPV6',
  'IPV4',
  'COORDINATE',
  'EMAIL',
  'HANDLE',
  'PHONE',
  'URL',
  'DOMAIN',
];
const PRECEDENCE_OF = new Map(PRECEDENCE.map((type, index) => [type, index]));
// A bare name or number gives way to anything else it overlaps, however long it is.
const WEAK = new Set<IdentifierType>(['PHONE', 'DOMAIN']);

function byStrength(a: ExtractedIdentifier, b: ExtractedIdentifier): number {
  const link = (item: ExtractedIdentifier): boolean => WEAK.has(item.type) && !/:\/\//.test(item.raw);
  return (
    Number(link(a)) - Number(link(b)) ||
    b.end - b.start - (a.end - a.start) ||
    (PRECEDENCE_OF.get(a.type) ?? 0) - (PRECEDENCE_OF.get(b.type) ?? 0) ||
    a.start - b.start
  );
}

/** Strongest first, each kept only where no stronger one stands. Every unit is marked once, so this is linear. */
function resolveOverlaps(candidates: ExtractedIdentifier[], length: number): ExtractedIdentifier[] {
  const taken = new Uint8Array(length);
  const kept: ExtractedIdentifier[] = [];
  for (const candidate of candidates.sort(byStrength)) {
    if (taken.subarray(candidate.start, candidate.end).includes(1)) continue;
    taken.fill(1, candidate.start, candidate.end);
    kept.push(candidate);
  }
  return kept.sort((a, b) => a.start - b.start);
}

/** Finds identifiers in a text in one go: see {@link extractSteps}. */
export function extractIdentifiers(text: string, options: ExtractOptions = {}): ExtractedIdentifier[] {
  return atOnce(extractSteps(text, options));
}

/**
 * Finds identifiers in a text, step by step, defanged forms included. Results do not overlap and come in the order of the text; the
 * longest candidate wins, so the domain of an e-mail address or of a URL is not reported again, nor is a wallet inside
 * a URL. Every result satisfies `normaliseIdentifier(type, raw, { country }) = normalised`.
 *
 * Reading choices: a URL needs a scheme (`evil.com/x` gives the DOMAIN); a link that is exactly one profile of a known
 * platform is a HANDLE; `1.2.3.4` after a word such as "version", after a comparison sign or in `Product/1.2.3.4` is a
 * version; two labels with an ending such as `.md`, `.sh`, `.zip` are a file unless defanged or followed by a path or a
 * port; 40 hex digits are a SHA-1 unless PGP or a fingerprint is named before them.
 *
 * Takes linear time in the length of the text. Never throws.
 */
export function* extractSteps(text: string, options: ExtractOptions = {}): Generator<void, ExtractedIdentifier[]> {
  const refanged = refangWithOffsets(text);
  const country = asCountry(options.country);
  const candidates: ExtractedIdentifier[] = [];
  const propose: Scan['propose'] = (type, from, to) => {
    const start = refanged.startOf(from);
    const end = refanged.endOf(to);
    const raw = text.slice(start, end);
    const normalised = normaliseIdentifier(type, raw, { country });
    if (normalised.ok) candidates.push({ type, raw, normalised: normalised.value, start, end });
    return normalised.ok;
  };
  const scan: Scan = { text: refanged.text, country, propose, wasDefanged: refanged.wasDefanged };
  for (const scanner of [scanUrls, scanAtSigns, scanHosts, scanIpv6, scanTokens, scanGrouped, scanPhones]) {
    yield* scanner(scan);
  }
  return resolveOverlaps(candidates, text.length).slice(0, options.max ?? DEFAULT_MAX);
}
