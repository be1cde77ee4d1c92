import type { Viewer } from '../access/viewer.ts';
import type { FilterInput } from '../data/filter.ts';
import { filterPredicate } from '../data/filter-memory.ts';
import { planPage } from '../data/list.ts';
import type { Row } from '../data/models.ts';
import { withReadScope } from '../data/read-scope.ts';
import { InvalidInput } from '../errors.ts';
import { Alarm, endedBySignal } from './alarm.ts';
import { eventList } from './event-list.ts';
import { type EventBatch, insistOnReach, logBounds, readAfter } from './log.ts';
import type { LogTails, TailDeps } from './tail.ts';

/** Without heartbeats a stream that hears nothing looks whether its viewer's rights go on. */
const LOOK_MS = 15_000;
const HEARTBEAT = { least: 1, most: 300 };
/** What one subscriber reads ahead of what he has taken; a single event may be larger. */
const AHEAD_BYTES = 1024 * 1024;
/** Sizes of batches, of which the list compiler knows the statements. */
const SIZES = [1, 5, 25, 100];
const FIRST_SIZE = 25;

export interface StreamDeps extends Pick<TailDeps, 'read'> {
  tails: LogTails;
}

export interface StreamOptions {
  /** null: from now on */
  afterSeq: bigint | null;
  filter: FilterInput | null;
  /** seconds after which a silent stream says that it is there; 0: never */
  heartbeatSeconds: number;
  /**
   * Called before each event is handed over; throws when the viewer may no longer see it. `fresh`: what was known before
   * the call does not count.
   */
  check: (fresh: boolean) => Promise<void>;
  /** ends the stream */
  signal: AbortSignal;
}

/** What a stream gives: an event, or word that up to `seq` there was nothing else. */
export interface LogMessage {
  seq: bigint;
  event: Row<'Event'> | null;
}

/** When something was last handed over, as `performance.now()`. */
interface Silence {
  since: number;
}

/** @throws InvalidInput when so many seconds are not allowed */
function checkHeartbeat(seconds: number): void {
  if (seconds === 0 || (seconds >= HEARTBEAT.least && seconds <= HEARTBEAT.most)) return;
  throw new InvalidInput(
    `${seconds} is out of range: ${HEARTBEAT.least} to ${HEARTBEAT.most} seconds, or 0 for no heartbeats`,
    ['heartbeatSeconds'],
  );
}

/**
 * The tenant's events after `afterSeq`, then the live ones, in order, without a gap and without a double. Who takes them
 * slowly lags behind: nothing queues up for him.
 * @throws EventLogTruncated, EventSeqUnknown, InvalidInput before the stream begins
 */
export async function eventStream(
  deps: StreamDeps,
  viewer: Viewer,
  options: StreamOptions,
): Promise<AsyncGenerator<LogMessage, void, undefined>> {
  const after = await startOf(deps, viewer, options);
  return endedBySignal(options.signal, async function* (signal) {
    const silence = { since: performance.now() };
    for await (const batch of logBatches(deps, viewer, { ...options, after, signal, silence })) {
      for (const event of batch.events) {
        await options.check(false);
        if (signal.aborted) return;
        yield { seq: event.seq, event };
        silence.since = performance.now();
      }
      if (isHeartbeatDue(options, silence)) {
        yield { seq: batch.upTo, event: null };
        silence.since = performance.now();
      }
    }
  });
}

/** Whether a stream has been silent for so long that it has to say that it is there. */
export function isHeartbeatDue({ heartbeatSeconds }: StreamOptions, silence: Silence): boolean {
  return heartbeatSeconds > 0 && performance.now() - silence.since >= heartbeatSeconds * 1_000;
}

/** Where a stream starts, when it may. @throws EventLogTruncated, EventSeqUnknown, InvalidInput */
export async function startOf(
  { read }: StreamDeps,
  viewer: Viewer,
  { afterSeq, filter, heartbeatSeconds }: StreamOptions,
): Promise<bigint> {
  checkHeartbeat(heartbeatSeconds);
  planPage(eventList, { filter }, new Date());
  const bounds = await withReadScope(read, viewer, logBounds);
  if (afterSeq !== null) insistOnReach(bounds, afterSeq);
  return afterSeq ?? bounds.last;
}

/**
 * Batches of events that fit the filter. One may be empty: rights may have changed, or a heartbeat be due. What the
 * viewer may see was checked after the batch was read.
 */
export async function* logBatches(
  { read, tails }: StreamDeps,
  viewer: Viewer,
  options: StreamOptions & { after: bigint; silence: Silence },
): AsyncGenerator<EventBatch, void, undefined> {
  const { filter, check, signal, heartbeatSeconds, silence } = options;
  const alarm = new Alarm(signal);
  const follower = await tails.follow(viewer.tenantId, () => alarm.ring());
  let { after } = options;
  let size = FIRST_SIZE;
  try {
    while (!signal.aborted) {
      alarm.reset();
      const kept = follower.after(after);
      const batch = kept ? fitting(kept, filter) : await readAfter(read, viewer, { after, filter, size });
      // Of what lies beyond the tail's end nobody has heard what it tells of rights.
      await check(batch.upTo > follower.last);
      if (signal.aborted) return;
      yield batch;
      // The log may have been read by another process's eyes than the bounds: never backwards.
      if (batch.upTo > after) after = batch.upTo;
      if (!kept) size = nextSize(batch.events);
      if (batch.more) continue;
      const due = heartbeatSeconds > 0 ? silence.since + heartbeatSeconds * 1_000 - performance.now() : LOOK_MS;
      if (due > 0) await alarm.wait(due);
    }
  } finally {
    follower.stop();
    alarm.dispose();
  }
}

function fitting(batch: EventBatch, filter: FilterInput | null): EventBatch {
  if (!filter || batch.events.length === 0) return batch;
  const { condition } = planPage(eventList, { filter }, new Date());
  const fits = condition && filterPredicate(condition);
  return fits ? { ...batch, events: batch.events.filter(fits) } : batch;
}

/** As many events as are likely to stay within what may be read ahead. */
function nextSize(events: readonly Row<'Event'>[]): number {
  if (events.length === 0) return FIRST_SIZE;
  const bytes = events.reduce((sum, { payload }) => sum + JSON.stringify(payload).length, 0) / events.length;
  return SIZES.findLast((size) => size * bytes <= AHEAD_BYTES) ?? 1;
}
