import type { Bug, Prisma } from '../../../generated/prisma/client.ts';
import { insertRows } from '../../data/insert-rows.ts';
import type { WriteTx } from '../../data/write.ts';
import { encodeId, newId } from '../../graphql/ids.ts';
import { formatMoney } from './money.ts';
import type { BugStatus } from './values.ts';

/** Fields whose changes are kept. What follows from them (scores, SLA dates) has its own events. */
const TRACKED = [
  'title',
  'description',
  'severity',
  'status',
  'isBlocker',
  'affectedShare',
  'revenueImpactOverride',
  'assigneeId',
  'assigneeName',
  'reporterId',
  'reporterName',
  'url',
  'hoursSpent',
  'dueAt',
] as const satisfies readonly (keyof Bug)[];

export interface FieldChange {
  field: string;
  oldValue: string | null;
  newValue: string | null;
}

const MEMBER_FIELDS: ReadonlySet<string> = new Set(['assigneeId', 'reporterId']);
const DECIMAL_FIELDS: ReadonlySet<string> = new Set(['affectedShare', 'revenueImpactOverride', 'hoursSpent']);

/** A value as history and events show it: decimals plain, times in RFC 3339, members by their global id. */
function shown(field: string, value: unknown): string | null {
  if (value === null || value === undefined) return null;
  if (value instanceof Date) return value.toISOString();
  if (MEMBER_FIELDS.has(field)) return encodeId('mem', String(value));
  // What was given is a text, maybe 0.50; what was stored shows as 0.5.
  return DECIMAL_FIELDS.has(field) ? formatMoney(String(value)) : String(value);
}

/** The fields that differ between a bug and what it becomes; equal values are no change. */
export function changesOf(
  before: Bug,
  after: Bug,
  labels?: { before: readonly string[]; after: readonly string[] },
): FieldChange[] {
  const changes = TRACKED.map((field) => ({
    field,
    oldValue: shown(field, before[field]),
    newValue: shown(field, after[field]),
  })) as FieldChange[];
  if (labels) changes.push({ field: 'labels', ...labelChange(labels.before, labels.after) });
  return changes.filter(({ oldValue, newValue }) => oldValue !== newValue);
}

/** With commas between; as JSON where labels hold commas themselves, so that other labels read alike. */
function labelChange(before: readonly string[], after: readonly string[]) {
  const [oldList, newList] = [before.toSorted(), after.toSorted()];
  const differ = JSON.stringify(oldList) !== JSON.stringify(newList);
  const show = (list: readonly string[], as: (list: readonly string[]) => string) =>
    list.length === 0 ? null : as(list);
  const joined = (list: readonly string[]) => show(list, (labels) => labels.join(', '));
  const exact = (list: readonly string[]) => show(list, (labels) => JSON.stringify(labels));
  const as = differ && joined(oldList) === joined(newList) ? exact : joined;
  return { oldValue: as(oldList), newValue: as(newList) };
}

interface Pending {
  rows: Omit<Prisma.BugHistoryCreateManyInput, 'eventSeq'>[];
  events: number[];
}

const pending = new WeakMap<WriteTx, Pending>();

/** Writes one row for each changed field, with the seq of the event of the same change, at the end of the transaction. */
export function recordHistory(
  tx: WriteTx,
  bugId: string,
  event: number,
  changes: readonly FieldChange[],
  at = tx.now,
): void {
  let kept = pending.get(tx);
  if (!kept) {
    const fresh: Pending = { rows: [], events: [] };
    kept = fresh;
    pending.set(tx, fresh);
    tx.atEnd((seqs) => {
      const data = fresh.rows.map((row, i) => ({ ...row, eventSeq: seqs[fresh.events[i] ?? 0] ?? null }));
      insertRows(tx, 'BugHistory', data);
    });
  }
  for (const change of changes) {
    const status = change.field === 'status' ? (change.newValue as BugStatus) : null;
    kept.rows.push({
      tenantId: tx.tenantId,
      id: newId(),
      bugId,
      ...change,
      status,
      actorId: tx.viewer.memberId,
      at,
    });
    kept.events.push(event);
  }
}
