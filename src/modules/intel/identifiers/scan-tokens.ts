import { ibanLength } from './iban.ts';
import type { Scan } from './scan.ts';
import type { IdentifierType } from './types.ts';

const HASH_BY_LENGTH = new Map<number, IdentifierType>([
  [32, 'HASH_MD5'],
  [40, 'HASH_SHA1'],
  [64, 'HASH_SHA256'],
]);
const PGP_CONTEXT = /(?:fingerprint|pgp|gpg|openpgp4fpr)[^\n]{0,24}$/i;

/** Hex tokens. 40 digits are a SHA-1 unless the words before them speak of PGP or of a fingerprint. */
function proposeHex(scan: Scan, token: string, start: number): void {
  const type = HASH_BY_LENGTH.get(token.length);
  // A run without both a letter and a digit is a number or a word, not a digest.
  if (type === undefined || !/[a-f]/i.test(token) || !/\d/.test(token)) return;
  const pgp = type === 'HASH_SHA1' && PGP_CONTEXT.test(scan.text.slice(Math.max(0, start - 40), start));
  scan.propose(pgp ? 'PGP' : type, start, start + token.length);
}

/** An IBAN in one piece or in groups of up to four; its country says how many characters to take. */
function proposeIban(scan: Scan, token: string, start: number): void {
  const expected = ibanLength(token.slice(0, 2));
  if (expected === undefined) return;
  let end = start + token.length;
  let count = token.length;
  while (token.length === 4 && count < expected) {
    const group = /^[ \u00a0-]([0-9A-Z]{1,4})(?![0-9A-Za-z])/.exec(scan.text.slice(end, end + 6));
    if (group === null) return;
    count += group[1]?.length ?? 0;
    end += group[0].length;
  }
  if (count === expected) scan.propose('IBAN', start, end);
}

/** Wallet addresses, digests, fingerprints and IBANs: everything that stands as a whole run of ASCII letters and digits. */
export function* scanTokens(scan: Scan): Generator<void, void> {
  for (const match of scan.text.matchAll(/[A-Za-z0-9]+/g)) {
    yield;
    const token = match[0];
    const start = match.index;
    const end = start + token.length;
    const { length } = token;
    if (/^[A-Z]{2}\d\d/.test(token) && length <= 34) proposeIban(scan, token, start);
    if (length < 14 || length > 106) continue;
    if (length === 42 && /^0x/i.test(token)) scan.propose('ETH', start, end);
    else if (length === 95 || length === 106) scan.propose('XMR', start, end);
    else if (/^bc1/i.test(token) || (length <= 35 && length >= 26 && /^[13]/.test(token)))
      scan.propose('BTC', start, end);
    if (/^[0-9a-f]+$/i.test(token)) proposeHex(scan, token, start);
  }
}

const PGP_GROUPS = /(?<![0-9A-Za-z])[0-9A-F]{4}(?:[ \u00a0]{1,2}[0-9A-F]{4}){9}(?![0-9A-Za-z])/gi;
const DECIMAL = String.raw`[+-]?\d{1,3}\.\d{4,15}`;
const MARK = String.raw`[ \t]?\u00b0?[ \t]?`;
const COORDINATE = new RegExp(
  String.raw`(?<![0-9A-Za-z.])${DECIMAL}(?:${MARK}[NSns])?[ \t]?,[ \t]{0,2}${DECIMAL}(?:${MARK}[EWew])?(?![0-9A-Za-z]|[.,]\d)`,
  'g',
);

/** Grouped PGP fingerprints, and coordinates with four or more decimals (fewer look like any two numbers). */
export function* scanGrouped(scan: Scan): Generator<void, void> {
  for (const match of scan.text.matchAll(PGP_GROUPS)) {
    yield;
    if (/[a-f]/i.test(match[0])) scan.propose('PGP', match.index, match.index + match[0].length);
  }
  for (const match of scan.text.matchAll(COORDINATE)) {
    yield;
    scan.propose('COORDINATE', match.index, match.index + match[0].length);
  }
}

interface DigitGroup {
  start: number;
  end: number;
}

const MIN_DIGITS = 7;
const MAX_DIGITS = 15;
const MAX_GROUPS = 8;
const DATE = /^(?:\d{4}[-.]\d{2}[-.]\d{2}|\d{1,2}[-.]\d{1,2}[-.]\d{4})/;

/** Ends of number candidates that begin with group `first`, longest first. */
function candidateEnds(groups: DigitGroup[], first: number): number[] {
  const ends: number[] = [];
  let digits = 0;
  let singles = 0;
  for (let index = first; index < Math.min(groups.length, first + MAX_GROUPS); index++) {
    const group = groups[index];
    if (group === undefined) break;
    digits += group.end - group.start;
    singles += group.end - group.start === 1 ? 1 : 0;
    if (digits > MAX_DIGITS || singles > 2) break;
    if (digits >= MIN_DIGITS) ends.unshift(group.end);
  }
  return ends;
}

function proposePhone(scan: Scan, from: number, end: number): boolean {
  const { text } = scan;
  const bracketed = text.charAt(from) === '(' && !text.slice(from, end).includes(')');
  const start = bracketed ? from + 1 : from;
  if (/[A-Za-z0-9_]/.test(text.charAt(end)) || DATE.test(text.slice(start, end))) return false;
  return scan.propose('PHONE', start, end);
}

// Longer than any written number of eight groups. A run is read in pieces of this size, never to its end, because the
// scan goes back to just after every number it finds.
const RUN = /\(?\+?\(?[0-9][0-9 \t().\u00a0\u2010-\u2013-]{0,63}/g;

function digitGroups(text: string, run: string, offset: number): DigitGroup[] {
  const groups = [...run.matchAll(/\d+/g)].map((group) => ({
    start: offset + group.index,
    end: offset + group.index + group[0].length,
  }));
  const cut = /\d/.test(text.charAt(offset + run.length)) && /\d$/.test(run);
  return cut ? groups.slice(0, -1) : groups;
}

/**
 * Telephone numbers. Without a country hint only numbers with `+` are looked at; with one, also national forms. A run
 * costs a bounded number of attempts per digit group, so a text of nothing but digits stays linear.
 */
export function* scanPhones(scan: Scan): Generator<void, void> {
  const { text, country } = scan;
  const runs = new RegExp(RUN);
  for (let run = runs.exec(text); run !== null; run = runs.exec(text)) {
    yield;
    const offset = run.index;
    const international = /^\(?\+/.test(run[0]);
    if (!international && country === undefined) continue;
    if (/[\p{L}\p{N}_+.]/u.test(text.charAt(offset - 1))) continue;
    const groups = digitGroups(text, run[0], offset);
    const ends = candidateEnds(groups, 0);
    const found = (international ? ends : ends.slice(0, 2)).find((end) => proposePhone(scan, offset, end));
    if (found !== undefined) {
      runs.lastIndex = found;
      continue;
    }
    runs.lastIndex = Math.max(groups.at(-1)?.end ?? 0, offset + 1);
    if (country === undefined) continue;
    for (const group of groups) {
      const digits = group.end - group.start;
      if (digits >= MIN_DIGITS && digits <= MAX_DIGITS) proposePhone(scan, group.start, group.end);
    }
  }
}
