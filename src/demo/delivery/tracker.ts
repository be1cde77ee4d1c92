import { MEMBERS } from '../material/members.ts';
import type { BugAction, DemoBug } from './story.ts';

/** Files of the tracker that was in use before Argus: its own names for columns, statuses and priorities. */
export interface TrackerFiles {
  bugs: Record<string, string>[];
  history: Record<string, string>[];
}

export const BUG_FILE = 'tracker-export.csv';
export const HISTORY_FILE = 'tracker-changes.csv';

/** The tracker's word that nothing guesses: what it means must be said in a mapping. */
export const PARKED = 'Parked';
const STATUS_WORDS = {
  PENDING: 'Open',
  IN_PROGRESS: 'In Progress',
  VERIFIED: 'Verified',
  SHIPPED: 'Done',
  CLOSED: 'Closed',
  DEFERRED: PARKED,
} as const;
const PRIORITY_WORDS = { CRITICAL: 'Urgent', HIGH: 'Major', MEDIUM: 'Normal', LOW: 'Minor' } as const;

const HOUR_MS = 3_600_000;

/** What was told in the tracker, and what is told in Argus from the day of the change on. */
export interface Split {
  files: TrackerFiles;
  actions: BugAction[];
  /** the tracker's keys of bugs that came from it */
  keys: ReadonlyMap<string, string>;
}

/**
 * Cuts the story in two: what was done with bugs before `cut` becomes files of the tracker, what was done later stays,
 * an hour after it at the earliest.
 */
export function splitAt(actions: readonly BugAction[], cut: Date): Split {
  const files: TrackerFiles = { bugs: [], history: [] };
  const keys = new Map<string, string>();
  const lives = Map.groupBy(
    actions.filter(({ at }) => at < cut),
    ({ bug }) => bug,
  );
  for (const [bug, told] of lives) {
    const [report] = told;
    if (report?.kind !== 'report') continue;
    const key = `T-${1000 + keys.size}`;
    keys.set(bug, key);
    files.bugs.push(bugRow(key, report.report, told));
    files.history.push(...historyRows(key, told));
  }
  const earliest = cut.getTime() + HOUR_MS;
  const rest = actions
    .filter(({ at }) => at >= cut)
    .map((action) => ({ ...action, at: new Date(Math.max(action.at.getTime(), earliest)) }));
  return { files, actions: rest, keys };
}

function nameOf(key: string): string {
  return MEMBERS.find((member) => member.key === key)?.displayName ?? '';
}

function bugRow(key: string, bug: DemoBug, told: readonly BugAction[]): Record<string, string> {
  const { project, title, description, severity, labels, isBlocker, assignee } = bug;
  const moves = told.filter((one) => one.kind === 'move');
  const last = moves.at(-1);
  const isDone = last?.status === 'SHIPPED' || last?.status === 'CLOSED';
  const resolved = moves.findLast(
    (one, i) => one.status === 'SHIPPED' || (one.status === 'CLOSED' && moves[i - 1]?.status !== 'SHIPPED'),
  );
  const hours = told.findLast((one) => one.kind === 'change' && one.hoursSpent !== undefined);
  const assigned = told.findLast((one) => one.kind === 'assign');
  return {
    Key: key,
    Project: project,
    Summary: title,
    Description: description,
    Priority: PRIORITY_WORDS[severity],
    Status: STATUS_WORDS[last?.status ?? 'PENDING'],
    Blocking: isBlocker ? 'yes' : 'no',
    Opened: told[0]?.at.toISOString() ?? '',
    Closed: isDone ? (resolved?.at.toISOString() ?? '') : '',
    Updated: told.at(-1)?.at.toISOString() ?? '',
    Owner: nameOf(assigned?.to ?? assignee ?? ''),
    Creator: nameOf(told[0]?.by ?? ''),
    Keywords: labels.join('; '),
    'Hours spent': hours?.kind === 'change' ? (hours.hoursSpent ?? '') : '',
    Squad: told[0]?.by === 'marta' ? 'Support' : 'Engineering',
  };
}

function historyRows(key: string, told: readonly BugAction[]): Record<string, string>[] {
  let status = 'Open';
  return told.flatMap((one) => {
    if (one.kind !== 'move') return [];
    const before = status;
    status = STATUS_WORDS[one.status];
    const when = one.at.toISOString();
    return [{ Key: key, When: when, Field: 'status', From: before, To: status, Who: nameOf(one.by) }];
  });
}
