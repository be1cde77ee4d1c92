import { PLATFORM_WORDS } from './handle.ts';
import { MAX_IDENTIFIER_LENGTH } from './normalise.ts';
import { hostRunEnd, isWordAt, type Scan } from './scan.ts';

const MAX_AUTHORITY = 300;
// White space, quotes and brackets that never belong to a URL in running text, full-width punctuation included.
const URL_STOP = /[\s\p{Cc}\p{Cs}<>"`|\\^{}\u2018-\u201f\u00ab\u00bb\u3001\u3002\u300a-\u3011\uff08\uff09\uff0c]/u;
const CLOSERS = new Map([
  [')', '('],
  [']', '['],
]);
const INTRODUCED = new RegExp(`(?<![a-z0-9_])(?:${PLATFORM_WORDS.join('|')})[ \\t]?[:=-]?[ \\t]?$`, 'i');
const LONGEST_INTRODUCTION = 13;
// Words after @ that are code or mass mentions, not accounts.
const NOT_ACCOUNTS = new Set(
  'override deprecated param return returns throws property type see since media import charset keyframes font-face everyone here channel all'.split(
    ' ',
  ),
);

/** End of host and port at `from` (after `://`), or null when there is no full host. */
function authorityEnd(text: string, from: number): number | null {
  const window = text.slice(from, from + MAX_AUTHORITY);
  const stop = window.search(/[/?#\s<>"]/);
  const authority = stop === -1 ? window : window.slice(0, stop);
  const hostStart = from + authority.lastIndexOf('@') + 1;
  const literal = /^\[[0-9a-fA-F:.]{2,45}\]/.exec(text.slice(hostStart, hostStart + 47));
  const hostEnd =
    literal === null ? Math.min(hostRunEnd(text, hostStart), from + 2 * MAX_AUTHORITY) : hostStart + literal[0].length;
  const host = text.slice(hostStart, hostEnd);
  if (literal === null && !/[.\u3002]/.test(host)) return null;
  const port = /^:\d{1,5}(?!\d)/.exec(text.slice(hostEnd, hostEnd + 7));
  return hostEnd + (port?.[0].length ?? 0);
}

/** End of path, query and fragment from `from`; brackets stay only while they are balanced. */
function pathEnd(text: string, from: number): number {
  const open = { '(': 0, '[': 0 };
  let index = from;
  for (; index < text.length; index++) {
    const character = text.charAt(index);
    // A surrogate pair is a letter or a symbol and may stay; a lone surrogate ends the URL.
    const pair = /[\ud800-\udbff]/.test(character) && /[\udc00-\udfff]/.test(text.charAt(index + 1));
    if (pair) {
      index += 1;
      continue;
    }
    if (URL_STOP.test(character)) break;
    if (character === '(' || character === '[') open[character] += 1;
    const opener = CLOSERS.get(character);
    if (opener === '(' || opener === '[') {
      if (open[opener] === 0) break;
      open[opener] -= 1;
    }
  }
  while (index > from && /[.,;:!?'*_~([]/.test(text.charAt(index - 1))) index -= 1;
  return index;
}

/** URLs with a scheme; a link to a profile of a known platform is put forward as HANDLE too. */
export function* scanUrls(scan: Scan): Generator<void, void> {
  const { text } = scan;
  let at = text.indexOf('://');
  while (at !== -1) {
    yield;
    let next = at + 3;
    const scheme = /(?<![a-z0-9])(?:https?|ftp|wss?)$/i.exec(text.slice(Math.max(0, at - 6), at));
    const authority = scheme === null ? null : authorityEnd(text, at + 3);
    if (scheme !== null && authority !== null) {
      const start = at - scheme[0].length;
      const hasPath = /[/?#]/.test(text.charAt(authority));
      const end = hasPath ? Math.max(pathEnd(text, authority), authority) : authority;
      next = Math.max(end, next);
      if (end - start <= MAX_IDENTIFIER_LENGTH) {
        scan.propose('URL', start, end);
        scan.propose('HANDLE', start, end);
        scan.propose('PHONE', start, end);
      }
    }
    at = text.indexOf('://', next);
  }
}

function proposeEmail(scan: Scan, at: number): boolean {
  const { text } = scan;
  let start = at;
  while (start > 0 && at - start < 65 && /[A-Za-z0-9._+%-]/.test(text.charAt(start - 1))) start -= 1;
  if (at - start > 64 || /\p{Script=Latin}/u.test(text.charAt(start - 1))) return false;
  while (start < at && /[.%-]/.test(text.charAt(start))) start += 1;
  let end = hostRunEnd(text, at + 1);
  if (start === at || end - at > 254) return false;
  if (scan.propose('EMAIL', start, end)) return true;
  while (end > at && /[_-]/.test(text.charAt(end - 1))) end -= 1;
  return scan.propose('EMAIL', start, end);
}

function proposeHandle(scan: Scan, at: number): void {
  const { text } = scan;
  if (isWordAt(text, at - 1) || /[@./]/.test(text.charAt(at - 1))) return;
  const window = text.slice(at, at + 66);
  const match = /^@[A-Za-z0-9_](?:[A-Za-z0-9_.-]{0,62}[A-Za-z0-9_])?(?![A-Za-z0-9_])/.exec(window);
  if (match === null || NOT_ACCOUNTS.has(match[0].slice(1).toLowerCase())) return;
  const end = at + match[0].length;
  // A package scope ("@scope/name"), a decorator ("@Name(") or a placeholder ("@name@").
  if (/^(?:\/[A-Za-z]|\(|@)/.test(text.slice(end, end + 2))) return;
  const before = text.slice(Math.max(0, at - LONGEST_INTRODUCTION), at);
  const introduced = INTRODUCED.exec(before);
  if (introduced !== null && scan.propose('HANDLE', at - introduced[0].length, end)) return;
  scan.propose('HANDLE', at, end);
}

/** E-mail addresses and account names, both found from their `@`. */
export function* scanAtSigns(scan: Scan): Generator<void, void> {
  for (let at = scan.text.indexOf('@'); at !== -1; at = scan.text.indexOf('@', at + 1)) {
    yield;
    if (!proposeEmail(scan, at)) proposeHandle(scan, at);
  }
}
