import { isPlatformHost } from './handle.ts';
import { hostRuns, type Scan } from './scan.ts';

const MAX_HOST = 253;
// Top-level domains that are better known as file name endings. `pl`, `cc` and `com` are left out on purpose: there
// the domains are far more common than the files.
const FILE_ENDINGS = new Set('md sh rs so py zip mov ps mm pm java'.split(' '));
// First labels of reverse-DNS package names such as com.example.app.
const PACKAGE_ROOTS = new Set('com org net io edu gov java javax android androidx kotlin sun'.split(' '));
const FRAMEWORKS = new Set(['asp.net', 'vb.net', 'ado.net', 'ml.net', 'system.io', 'java.io', 'java.net']);
const VERSION_BEFORE =
  /(?:(?<![a-z])(?:versions?|ver|v|release|releases|rev|build|firmware|sp|patch|update)\.?[ \t:=]{0,2}|[A-Za-z]\/|(?:[<>]=?|==)[ \t]?)$/i;
const LONGEST_VERSION_WORD = 14;

/** Whether a well-formed name is, in running text, more likely a file, a package, a call or two joined sentences. */
function looksLikeOtherText(scan: Scan, start: number, end: number): boolean {
  const { text } = scan;
  const labels = text.slice(start, end).split('.');
  const last = labels.at(-1) ?? '';
  const next = text.charAt(end);
  if (scan.wasDefanged(start, end)) return false;
  if (next === '(') return true;
  const explicit = next === '/' || /^:\d/.test(text.slice(end, end + 2));
  if (labels.length === 2 && FILE_ENDINGS.has(last.toLowerCase()) && !explicit) return true;
  if (FRAMEWORKS.has(labels.slice(-2).join('.').toLowerCase()) && labels.length === 2) return true;
  if (labels.length > 2 && PACKAGE_ROOTS.has(labels[0] ?? '') && !PACKAGE_ROOTS.has(last)) return true;
  // "it works.In the end", "4.1.60.Final": the ending alone starts with a capital.
  const before = labels.at(-2) ?? '';
  return /^[A-Z][a-z]+$/.test(last) && /^[a-z0-9]/.test(before);
}

function proposeIpv4(scan: Scan, start: number, end: number): void {
  if (VERSION_BEFORE.test(scan.text.slice(Math.max(0, start - LONGEST_VERSION_WORD), start))) return;
  scan.propose('IPV4', start, end);
}

/** Numeric runs: one address, or a range such as 192.0.2.1-192.0.2.9. */
function proposeNumeric(scan: Scan, start: number, end: number): void {
  let from = start;
  for (const piece of scan.text.slice(start, end).split('-')) {
    if (/^\d{1,3}(?:\.\d{1,3}){3}$/.test(piece)) proposeIpv4(scan, from, from + piece.length);
    from += piece.length + 1;
  }
}

function proposePlatformLink(scan: Scan, start: number, end: number): void {
  const host = scan.text.slice(start, end).toLowerCase();
  const tail = scan.text.slice(end, end + 80);
  if (isPlatformHost(host)) {
    const path = /^\/(?:(?:s|u|user|add)\/)?@?[A-Za-z0-9_](?:[A-Za-z0-9_.-]{0,62}[A-Za-z0-9_])?(?![A-Za-z0-9_])/i.exec(
      tail,
    );
    if (path !== null) scan.propose('HANDLE', start, end + path[0].length);
  } else if (host === 'wa.me') {
    const digits = /^\/\+?\d{7,15}(?!\d)/.exec(tail);
    if (digits !== null) scan.propose('PHONE', start, end + digits[0].length);
  }
}

function proposeName(scan: Scan, start: number, end: number): boolean {
  const name = scan.text.slice(start, end);
  if (/\.onion$/i.test(name)) return scan.propose('ONION', start, end);
  if (looksLikeOtherText(scan, start, end)) return false;
  if (!scan.propose('DOMAIN', start, end)) return false;
  proposePlatformLink(scan, start, end);
  return true;
}

function proposeRun(scan: Scan, start: number, end: number): void {
  const run = scan.text.slice(start, end);
  if (/^[0-9.-]+$/.test(run)) {
    proposeNumeric(scan, start, end);
    return;
  }
  if (proposeName(scan, start, end)) return;
  // Second look at the ASCII pieces without marks around them: "_evil.com_", "1.2.3.4" touching a non-Latin letter.
  // biome-ignore lint/suspicious/noControlCharactersInRegex: the whole ASCII range is meant
  for (const piece of run.matchAll(/[\x00-\x7f]+/g)) {
    const lead = /^[._-]*/.exec(piece[0])?.[0].length ?? 0;
    const bare = piece[0].slice(lead).replace(/[._-]{1,8}$/, '');
    if (bare === run || !bare.includes('.')) continue;
    const from = start + piece.index + lead;
    if (/^[0-9.-]+$/.test(bare)) proposeNumeric(scan, from, from + bare.length);
    else proposeName(scan, from, from + bare.length);
  }
}

/** Domains, onion addresses, IPv4 addresses and platform links without a scheme. */
export function* scanHosts(scan: Scan): Generator<void, void> {
  for (const { start, end } of hostRuns(scan.text)) {
    yield;
    const length = end - start;
    if (length >= 4 && length <= MAX_HOST && /[.\u3002\uff0e\uff61]/.test(scan.text.slice(start, end))) {
      proposeRun(scan, start, end);
    }
  }
}

const LONGEST_IPV6 = 45;

/** IPv6 addresses. Needs a digit; the short form of two groups needs a first group of three or more ("a::b" is code). */
export function* scanIpv6(scan: Scan): Generator<void, void> {
  const { text } = scan;
  for (const match of text.matchAll(/[0-9A-Fa-f:.]+/g)) {
    yield;
    const run = match[0];
    if (run.length > LONGEST_IPV6 + 8 || run.indexOf(':') === run.lastIndexOf(':')) continue;
    let start = match.index;
    let end = start + run.length;
    // "ipv6:2001:db8::1": the tail of a word before the first colon is not part of the address.
    if (/[\p{L}\p{N}_]/u.test(text.charAt(start - 1))) start += run.indexOf(':') + 1;
    if (/[\p{L}\p{N}_]/u.test(text.charAt(end))) continue;
    while (end > start && /[.:]/.test(text.charAt(end - 1)) && text.slice(end - 2, end) !== '::') end -= 1;
    const address = text.slice(start, end);
    if (!/\d/.test(address) || /^[0-9a-f]{1,2}::[0-9a-f]{1,4}$/i.test(address)) continue;
    scan.propose('IPV6', start, end);
  }
}
