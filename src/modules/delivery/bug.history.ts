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
  if (labels) changes.push({ field: 'labels', oldValue: joined(labels.before), newValue: joined(labels.after) });
  return changes.filter(({ oldValue, newValue }) => oldValue !== newValue);
}

function joined(labels: readonly string[]): string | null {
  return labels.length === 0 ? null : labels.toSorted().join(', ');
}

interface Pending {
  rows: Omit<Prisma.BugHistoryCreateManyInput, 'eventSeq'>[];
  events: number[];
}

const pending = new WeakMap<WriteTx, Pending>();

/** Writes one row for each changed field, with the seq of the event of the same change, at the end of the transaction. */
export function recordHistory(tx: WriteTx, bugId: string, event: number, changes: readonly FieldChange[]): void {
  let kept = pending.get(tx);
  if (!kept) {
    const fresh: Pending = { rows: [], events: [] };
    kept = fresh;
    pending.set(tx, fresh);
    tx.atEnd(async (seqs) => {
      const data = fresh.rows.map((row, i) => ({ ...row, eventSeq: seqs[fresh.events[i] ?? 0] ?? null }));
      await insertRows(tx.db, 'BugHistory', data);
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
      at: tx.now,
    });
    kept.events.push(event);
  }
}
