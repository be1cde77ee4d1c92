import type { Bug, BugHistory } from '../../../generated/prisma/client.ts';
import type { SlaChange } from './sla/replay.ts';
import type { BugSeverity, BugStatus } from './values.ts';

type Change = Pick<BugHistory, 'field' | 'oldValue' | 'newValue' | 'status' | 'at' | 'eventSeq'>;
type Dated = Pick<Bug, 'createdAt' | 'resolvedAt' | 'severity' | 'status'>;

/**
 * What an SLA clock passes over: the bug's creation and each change of status or severity that its history tells, in
 * the order of time. Of a bug without any such history, creation and resolution are known. Null: nothing tells when it
 * came to its status.
 */
export function timelineOf(bug: Dated, history: readonly Change[]): SlaChange[] | null {
  const told = inOrder(history.filter((one) => one.status !== null || one.field === 'severity'));
  const statuses = told.filter((one) => one.status !== null);
  const severities = told.filter((one) => one.field === 'severity');
  const first = {
    at: bug.createdAt,
    status: (statuses[0] ? (statusBefore(statuses[0]) ?? 'PENDING') : openStatus(bug)) as BugStatus,
    severity: (severities[0]?.oldValue ?? bug.severity) as BugSeverity,
  };
  const changes: SlaChange[] = told.map((one) =>
    one.field === 'severity'
      ? { at: one.at, severity: (one.newValue ?? bug.severity) as BugSeverity }
      : { at: one.at, status: one.status as BugStatus },
  );
  const last = (statuses.at(-1)?.status ?? first.status) as BugStatus;
  if (last === bug.status) return [first, ...changes];
  if (bug.resolvedAt === null) return null;
  return [first, ...changes, { at: bug.resolvedAt, status: bug.status as BugStatus }];
}

/**
 * What was done here is in the order of its events: a writer that waited for another began earlier, and so may have the
 * earlier time. What was imported has only its time.
 */
function inOrder(changes: readonly Change[]): Change[] {
  let latest = new Date(0);
  const done = changes
    .filter(({ eventSeq }) => eventSeq !== null)
    .toSorted((a, b) => Number((a.eventSeq ?? 0n) - (b.eventSeq ?? 0n)))
    .map((one) => {
      if (one.at > latest) latest = one.at;
      return { ...one, at: latest };
    });
  return [...changes.filter(({ eventSeq }) => eventSeq === null), ...done].toSorted((a, b) => +a.at - +b.at);
}

/** Before its first known change of status a bug had the one that this change says it came from. */
function statusBefore(change: Change): string | null {
  return change.field === 'status' ? change.oldValue : null;
}

/** A bug that is resolved now was once pending; an open one without history has always been what it is. */
function openStatus(bug: Dated): string {
  return bug.status === 'SHIPPED' || bug.status === 'CLOSED' ? 'PENDING' : bug.status;
}
