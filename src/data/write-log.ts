import type { Prisma } from '../../generated/prisma/client.ts';
import { EVENT_CHANNEL, EVENT_COUNTER, type NewEvent, notificationFormat } from '../events/event.ts';
import { newId } from '../graphql/ids.ts';
import { countUp, queueForLog } from './counter.ts';
import { EVENT_SEQ, EventSeq, insertRows } from './insert-rows.ts';
import { prepared } from './statement.ts';
import type { WriteTx } from './write.ts';

export interface NewAuditEntry {
  action: string;
  resource?: string;
  resourceId?: string;
  metadata?: Record<string, Prisma.InputJsonValue>;
}

type Ending = (seqs: readonly EventSeq[]) => void | Promise<void>;

/** What one transaction leaves in the tenant's log and audit trail, written at its end. */
export class WriteLog {
  readonly #events: NewEvent[] = [];
  readonly #audits: NewAuditEntry[] = [];
  readonly #endings: Ending[] = [];

  /** See `WriteTx.emit`. */
  emit(event: NewEvent): number {
    return this.#events.push(event) - 1;
  }

  /** See `WriteTx.audit`. */
  audit(entry: NewAuditEntry): void {
    this.#audits.push(entry);
  }

  /** See `WriteTx.atEnd`. */
  atEnd(work: Ending): void {
    this.#endings.push(work);
  }

  /** Puts all of it off. Gives the seq of the last event, which comes with the next flight; null without events. */
  async write(tx: WriteTx): Promise<{ eventSeq: Promise<bigint | null> }> {
    const events = this.#events;
    const audits = this.#audits.map((entry) => auditRow(tx, entry));
    insertRows(tx, 'AuditEntry', audits);
    if (events.length === 0 && this.#endings.length === 0) return { eventSeq: Promise.resolve(null) };
    const seqs = events.map((_, i) => new EventSeq(events.length - 1 - i));
    const eventSeq = appendEvents(tx, events, seqs);
    for (const work of this.#endings) await work(seqs);
    return { eventSeq };
  }
}

function auditRow(tx: WriteTx, entry: NewAuditEntry) {
  const { viewer } = tx;
  return {
    tenantId: tx.tenantId,
    id: newId(),
    actorId: viewer.memberId,
    actorKind: viewer.kind,
    action: entry.action,
    resource: entry.resource ?? null,
    resourceId: entry.resourceId ?? null,
    metadata: entry.metadata ?? {},
    ipAddress: viewer.request.ip,
    userAgent: viewer.request.userAgent?.slice(0, 500) ?? null,
    requestId: viewer.request.id,
    createdAt: tx.now,
  };
}

const LAST = countUp('Event.last', `, set_config('app.event_seq', value::text, true)`);
const NOTIFY = `/* Event.notify */ SELECT pg_notify('${EVENT_CHANNEL}', format($1::text, ${EVENT_SEQ} - $2::int8 + 1, ${EVENT_SEQ}))`;

/**
 * The log's `seq` is taken last: the counter's row stays locked from here to the commit, which makes the numbers gapless
 * and their order the order of commits. What follows is put off, so that it goes in one flight with the commit: others
 * wait for this transaction meanwhile. Without events only the lock is taken.
 */
function appendEvents(tx: WriteTx, events: readonly NewEvent[], seqs: readonly EventSeq[]): Promise<bigint | null> {
  tx.later(queueForLog(tx.tenantId));
  const last = tx
    .query<{ value: bigint }>(prepared(LAST, tx.tenantId, EVENT_COUNTER, events.length))
    .then(([row]) => (row && events.length > 0 ? row.value : null));
  // Who commits meets the failure first, also when nobody else comes to wait.
  last.catch(() => {});
  const rows = events.map((event, i) => ({
    tenantId: tx.tenantId,
    seq: seqs[i],
    id: newId(),
    type: event.type,
    aggregateType: event.aggregateType,
    aggregateId: event.aggregateId,
    aggregateVersion: event.aggregateVersion,
    actorId: tx.viewer.memberId,
    occurredAt: tx.now,
    payload: event.payload ?? {},
  }));
  insertRows(tx, 'Event', rows);
  if (events.length > 0) tx.later(prepared(NOTIFY, notificationFormat(tx.tenantId, events), events.length));
  return last;
}
