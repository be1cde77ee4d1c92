import type { BugSeverity, BugStatus } from '../values.ts';
import { fold, type ImportMapping } from './mapping.ts';

/** Words of other trackers, compared without case, blanks and punctuation. */
const STATUS_WORDS: Readonly<Record<BugStatus, readonly string[]>> = {
  PENDING: ['open', 'new', 'unconfirmed', 'reopened', 'todo', 'to do', 'backlog', 'pending'],
  IN_PROGRESS: ['assigned', 'in progress', 'started', 'in review'],
  VERIFIED: ['verified'],
  SHIPPED: ['resolved', 'fixed', 'done', 'shipped', 'released'],
  CLOSED: ['closed', 'withdrawn', 'wontfix', 'duplicate', 'invalid', 'rejected'],
  DEFERRED: ['deferred', 'postponed', 'on hold', 'later'],
};

const SEVERITY_WORDS: Readonly<Record<BugSeverity, readonly string[]>> = {
  CRITICAL: ['critical', 'blocker', 'urgent', 'p0', 'p1', 's1', 'highest'],
  HIGH: ['high', 'major', 'p2', 's2'],
  MEDIUM: ['medium', 'normal', 'moderate', 'p3', 's3', 'default'],
  LOW: ['low', 'minor', 'trivial', 'p4', 'p5', 's4', 'lowest', 'enhancement'],
};

const plain = (text: string) => text.toLowerCase().replaceAll(/[^\p{L}\p{N}]/gu, '');

function byWord<T extends string>(words: Readonly<Record<T, readonly string[]>>): ReadonlyMap<string, T> {
  const entries = Object.entries<readonly string[]>(words) as [T, readonly string[]][];
  return new Map(entries.flatMap(([value, names]) => names.map((name) => [plain(name), value] as const)));
}

const STATUSES = byWord(STATUS_WORDS);
const SEVERITIES = byWord(SEVERITY_WORDS);
/** Resolutions that say that the bug was mended. */
const MENDED = ['fixed', 'done'];

/** A value of a file and what it is read as; `guessed` when the mapping does not say so. */
export interface ReadValue<T> {
  value: T;
  guessed: boolean;
}

/**
 * The status that a tracker's word stands for, null when it is not known. `resolution` is undefined when the file has no
 * such column. With one, as in Bugzilla, VERIFIED comes after RESOLVED and RESOLVED alone does not say that it was mended.
 */
export function readStatus(
  text: string,
  resolution: string | null | undefined,
  mapping: ImportMapping,
): ReadValue<BugStatus> | null {
  const given = mapping.statuses.get(fold(text));
  if (given !== undefined) return { value: given, guessed: false };
  const word = plain(text);
  const value = STATUSES.get(word);
  if (value === undefined) return null;
  const mended = resolution === undefined || MENDED.includes(plain(resolution ?? ''));
  const closed = (word === 'verified' && resolution !== undefined) || (word === 'resolved' && !mended);
  return { value: closed ? 'CLOSED' : value, guessed: true };
}

/** The severity that a tracker's word stands for, null when it is not known. */
export function readSeverity(text: string, mapping: ImportMapping): ReadValue<BugSeverity> | null {
  const given = mapping.severities.get(fold(text));
  if (given !== undefined) return { value: given, guessed: false };
  const value = SEVERITIES.get(plain(text));
  return value === undefined ? null : { value, guessed: true };
}

/** Whether a severity says that nothing goes on before the bug is mended. */
export function isBlockerWord(text: string): boolean {
  return plain(text) === 'blocker';
}

/** Whether a cell says nothing: trackers write -- or --- for none. */
export function saysNothing(text: string): boolean {
  return plain(text) === '';
}

/** Whether a text is our own name for a value, in whatever case. */
export function isOwnName(text: string, value: string): boolean {
  return text.trim().toUpperCase() === value;
}

/** What is guessed when the mapping says nothing, for help texts and for saying which guesses a file was read with. */
export function builtInGuesses(): { field: 'status' | 'severity'; value: string; becomes: string }[] {
  const listed = <T extends string>(field: 'status' | 'severity', words: Readonly<Record<T, readonly string[]>>) =>
    Object.entries<readonly string[]>(words).flatMap(([becomes, names]) =>
      names.map((value) => ({ field, value, becomes })),
    );
  const special = [
    { field: 'status' as const, value: 'resolved, and the resolution is not fixed or done', becomes: 'CLOSED' },
    { field: 'status' as const, value: 'verified, in a file with a resolution', becomes: 'CLOSED' },
  ];
  return [...listed('status', STATUS_WORDS), ...special, ...listed('severity', SEVERITY_WORDS)];
}
