import type { Viewer } from '../access/viewer.ts';
import { parseFilter } from '../data/filter.ts';
import { fittingRowsStatement } from '../data/fitting-rows.ts';
import type { ListSpec } from '../data/list.ts';
import type { ModelName, Row } from '../data/models.ts';
import { withReadScope } from '../data/read-scope.ts';
import { endedBySignal } from './alarm.ts';
import { isHeartbeatDue, logBatches, type StreamDeps, type StreamOptions, startOf } from './stream.ts';

/** Rows of which a stream remembers what its client knows. */
const MAX_REMEMBERED = 10_000;
/** Rows that are read ahead of what is taken. */
const ROWS_AHEAD = 25;

/** What a stream of a list's changes gives. */
export interface RowMessage<M extends ModelName = ModelName> {
  seq: bigint;
  /** null: a heartbeat */
  event: Row<'Event'> | null;
  /** the row as it is now; null where it does not fit, and for a heartbeat */
  row: Row<M> | null;
  /** the client may know the row, and it is no longer among those that it asked for */
  hidden: boolean;
}

/**
 * The changes of the rows that fit a list's filter, each with the row as it is when it is sent. A row that no longer
 * fits, or is gone, is told of once, if the client may know it; and not again until it was shown once more.
 * @throws EventLogTruncated, EventSeqUnknown, InvalidInput before the stream begins
 */
export async function rowStream<M extends ModelName>(
  deps: StreamDeps,
  viewer: Viewer,
  list: ListSpec<M>,
  options: StreamOptions,
): Promise<AsyncGenerator<RowMessage<M>, void, undefined>> {
  if (options.filter) parseFilter(list, options.filter, new Date());
  const ofType = { ...options, filter: { aggregateType: { eq: list.model } } };
  const after = await startOf(deps, viewer, ofType);
  const known = new KnownRows(options.afterSeq !== null);
  return endedBySignal(options.signal, async function* (signal) {
    const silence = { since: performance.now() };
    for await (const batch of logBatches(deps, viewer, { ...ofType, after, signal, silence })) {
      for (let first = 0; first < batch.events.length; first += ROWS_AHEAD) {
        const events = batch.events.slice(first, first + ROWS_AHEAD);
        const rows = await fittingRows(deps, viewer, list, options, events);
        for (const event of events) {
          const row = rows.get(event.aggregateId) ?? null;
          if (!known.tells(event, row !== null)) continue;
          await options.check(false);
          if (signal.aborted) return;
          yield { seq: event.seq, event, row, hidden: row === null };
          silence.since = performance.now();
        }
      }
      if (isHeartbeatDue(options, silence)) {
        yield { seq: batch.upTo, event: null, row: null, hidden: false };
        silence.since = performance.now();
      }
    }
  });
}

/** Those of the changed rows that fit, in one statement; by their keys. */
async function fittingRows<M extends ModelName>(
  { read }: StreamDeps,
  viewer: Viewer,
  list: ListSpec<M>,
  { filter }: StreamOptions,
  events: readonly Row<'Event'>[],
): Promise<ReadonlyMap<string, Row<M>>> {
  const ids = [...new Set(events.map(({ aggregateId }) => aggregateId))];
  // Durations in the filter count from now.
  const condition = filter ? parseFilter(list, filter, new Date()) : null;
  const statement = fittingRowsStatement(list, condition, viewer.tenantId, ids);
  const rows = await withReadScope(read, viewer, (scope) => scope.query<Row<M> & { id: string }>(statement));
  return new Map(rows.map((row) => [row.id, row]));
}

/** What a stream's client knows of: rows that were shown to it, and such as it was told are hidden. */
export class KnownRows {
  readonly #shown = new Map<string, boolean>();
  readonly #most: number;
  /** the client may know rows that are not remembered here: from before, or since forgotten */
  #mayKnowMore: boolean;

  /** `resumed`: the client has been told of rows before this stream began */
  constructor(resumed: boolean, most: number = MAX_REMEMBERED) {
    this.#mayKnowMore = resumed;
    this.#most = most;
  }

  /** Whether an event is to be sent, which tells of a row that fits or does not; remembers that it was. */
  tells(event: { aggregateId: string; aggregateVersion: number }, fits: boolean): boolean {
    const { aggregateId: id } = event;
    const shown = this.#shown.get(id);
    // What an event creates nobody knew before it.
    const known = shown ?? (this.#mayKnowMore && event.aggregateVersion > 1);
    if (!fits && !known) return false;
    this.#shown.delete(id);
    this.#shown.set(id, fits);
    if (this.#shown.size > this.#most) {
      const [oldest] = this.#shown.keys();
      if (oldest !== undefined) this.#shown.delete(oldest);
      this.#mayKnowMore = true;
    }
    return true;
  }
}
