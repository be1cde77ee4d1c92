import type { Viewer } from '../access/viewer.ts';
import type { FilterInput } from '../data/filter.ts';
import { pageStatement, planPage } from '../data/list.ts';
import type { Row } from '../data/models.ts';
import { type ReadPool, type ReadScope, withReadScope } from '../data/read-scope.ts';
import { EventLogTruncated, EventSeqUnknown } from '../errors.ts';
import { EVENT_COUNTER } from './event.ts';
import { eventList } from './event-list.ts';

/** Name of the counter that remembers the last event that retention removed. */
export const REMOVED_COUNTER = 'event_removed';

/** From where to where a tenant's log reaches. */
export interface LogBounds {
  /** seq of the last event that was removed; 0: none was */
  removed: bigint;
  /** seq of the last event; 0: there was none yet */
  last: bigint;
}

/** The bounds as a scope sees them. */
export async function logBounds(scope: ReadScope): Promise<LogBounds> {
  const rows = await scope.query<{ name: string; value: bigint }>({
    text: `/* events.bounds */ SELECT name, value FROM counters
      WHERE tenant_id = $1::uuid AND name IN ('${EVENT_COUNTER}', '${REMOVED_COUNTER}')`,
    values: [scope.viewer.tenantId],
  });
  const counter = (wanted: string) => rows.find(({ name }) => name === wanted)?.value ?? 0n;
  return { removed: counter(REMOVED_COUNTER), last: counter(EVENT_COUNTER) };
}

/** @throws EventLogTruncated, EventSeqUnknown when the log cannot go on without a gap after `afterSeq` */
export function insistOnReach({ removed, last }: LogBounds, afterSeq: bigint): void {
  if (afterSeq > last) throw new EventSeqUnknown(last);
  if (afterSeq < removed) throw new EventLogTruncated(afterSeq, removed + 1n, last);
}

/** The seq of the tenant's last event; 0 when there is none. */
export async function lastSeq(read: ReadPool, viewer: Viewer): Promise<bigint> {
  return (await withReadScope(read, viewer, logBounds)).last;
}

/** Some events in the order of the log. */
export interface EventBatch {
  events: readonly Row<'Event'>[];
  /** up to here the log holds nothing else that fits: with a filter, further than the last of the events */
  upTo: bigint;
  /** there is more to read at once */
  more: boolean;
}

/**
 * Up to `size` events after `after`, 100 at most, that fit the filter; of one snapshot.
 * @throws EventLogTruncated when some of them have been removed
 */
export async function readAfter(
  read: ReadPool,
  viewer: Viewer,
  { after, filter, size }: { after: bigint; filter: FilterInput | null; size: number },
): Promise<EventBatch> {
  const bounded = { and: [{ seq: { gt: after } }, ...(filter ? [filter] : [])] };
  const args = { first: size, filter: bounded, orderBy: { field: 'SEQ', direction: 'ASC' as const } };
  const plan = planPage(eventList, args, new Date());
  return withReadScope(read, viewer, async (scope) => {
    const [rows, bounds] = await Promise.all([
      scope.query<Row<'Event'>>(pageStatement(plan, viewer.tenantId)),
      logBounds(scope),
    ]);
    insistOnReach(bounds, after);
    const more = rows.length > size;
    const events = rows.slice(0, size);
    return { events, more, upTo: more ? (events.at(-1)?.seq ?? after) : bounds.last };
  });
}
