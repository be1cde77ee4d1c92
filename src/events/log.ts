import type { Prisma } from '../../generated/prisma/client.ts';
import type { Viewer } from '../access/viewer.ts';
import { type Condition, type FilterInput, parseFilter } from '../data/filter.ts';
import type { Moment } from '../data/instant.ts';
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

/** A filter of events, checked as the list of events checks it. Throws InvalidInput with the place in the filter. */
export function eventCondition(filter: FilterInput, now: Moment, path?: string[]): Condition {
  return parseFilter(eventList, filter, now, path);
}

/** A filter as JSON, to be kept: 64-bit numbers that JSON would not keep exact as texts, which the filter takes too. */
export function storedFilter(filter: FilterInput): Prisma.InputJsonObject {
  const exact = (_: string, value: unknown) =>
    typeof value === 'bigint' ? (Number.isSafeInteger(Number(value)) ? Number(value) : String(value)) : value;
  return JSON.parse(JSON.stringify(filter, exact));
}

/** Some events that fit, in the order of the log. */
export interface EventBatch {
  events: readonly Row<'Event'>[];
  /** up to here the log holds nothing else that fits: with a filter, further than the last of the events */
  upTo: bigint;
  /** there is more to read at once */
  more: boolean;
}

/**
 * Up to `size` events after a place, up to another, that fit; by the statement of the list of events, of one snapshot.
 * Whether some of them have been removed, the bounds tell.
 */
export async function readLog(
  scope: ReadScope,
  options: { after: bigint; upTo?: bigint; condition: Condition | null; size: number },
): Promise<EventBatch & { bounds: LogBounds }> {
  const { after, upTo, condition, size } = options;
  const seq = { kind: 'bigint', field: 'seq' } as const;
  const parts: Condition[] = [{ op: 'gt', field: seq, value: after }];
  if (upTo !== undefined) parts.push({ op: 'lte', field: seq, value: upTo });
  if (condition) parts.push(condition);
  const plan = planPage(eventList, { orderBy: { field: 'SEQ', direction: 'ASC' } }, new Date());
  const bounded = { ...plan, limit: size, condition: { op: 'and', parts } as const };
  const [rows, bounds] = await Promise.all([
    scope.query<Row<'Event'>>(pageStatement(bounded, scope.viewer.tenantId)),
    logBounds(scope),
  ]);
  const more = rows.length > size;
  const events = more ? rows.slice(0, size) : rows;
  const end = upTo !== undefined && upTo < bounds.last ? upTo : bounds.last;
  const known = more ? (events.at(-1)?.seq ?? after) : end;
  return { events, more, upTo: known > after ? known : after, bounds };
}

/**
 * The same in a scope of its own, as a stream reads.
 * @throws EventLogTruncated when some of them have been removed
 */
export async function readAfter(
  read: ReadPool,
  viewer: Viewer,
  { after, filter, size }: { after: bigint; filter: FilterInput | null; size: number },
): Promise<EventBatch> {
  // The bound is added to the checked filter: around it, one of the allowed depth would be too deep.
  const condition = filter ? eventCondition(filter, new Date()) : null;
  const batch = await withReadScope(read, viewer, (scope) => readLog(scope, { after, condition, size }));
  insistOnReach(batch.bounds, after);
  return batch;
}

/** Those of the last `count` events that fit, newest first. */
export async function lastThatFit(scope: ReadScope, condition: Condition, count: number): Promise<Row<'Event'>[]> {
  const { removed, last } = await logBounds(scope);
  const start = last - BigInt(count);
  const { events } = await readLog(scope, { after: start > removed ? start : removed, condition, size: count });
  return events.toReversed();
}
