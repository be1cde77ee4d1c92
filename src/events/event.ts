/** A fact that a write adds to the tenant's log. */
export interface NewEvent {
  /** what happened, in the past tense: CASE_OPENED */
  type: string;
  aggregateType: string;
  aggregateId: string;
  /** the row's version after the change */
  aggregateVersion: number;
  /** JSON; ids in it are global ids. Never a secret, never an encrypted field. */
  payload?: Readonly<Record<string, unknown>>;
}

/** The channel that wakes other processes. What happened is read from the log: the notification tells only where to look. */
export const EVENT_CHANNEL = 'argus_events';
/** Name of the counter that gives out `seq`. */
export const EVENT_COUNTER = 'event';

/** What a notification tells: that a tenant's log grew, by which events, and what kinds of rows they are about. */
export interface LogChange {
  tenantId: string;
  /** 0 when it is not told, as `types` is null */
  firstSeq: bigint;
  lastSeq: bigint;
  /** aggregate type → UUIDs of its aggregates, null: any of them. Null as a whole: anything of this tenant. */
  types: ReadonlyMap<string, ReadonlySet<string> | null> | null;
}

/** PostgreSQL takes payloads that are shorter than this, in bytes (NOTIFY_PAYLOAD_MAX_LENGTH in its async.c). */
const MAX_PAYLOAD = 8_000;

/** Longest seq in digits, 19, but for what the places take in a format. */
const MORE_DIGITS = 2 * (19 - '%1$s'.length);

/**
 * The payload for the events of one transaction: `<tenant> <first seq> <last seq> <Type>:<id>,<id>;<Type>:<id>`, or the
 * types alone when the ids would not fit. As a format of PostgreSQL, which puts in the seqs: `%1$s` and `%2$s`.
 */
export function notificationFormat(
  tenantId: string,
  events: readonly Pick<NewEvent, 'aggregateType' | 'aggregateId'>[],
): string {
  const ids = new Map<string, Set<string>>();
  for (const { aggregateType, aggregateId } of events) {
    const known = ids.get(aggregateType);
    if (known) known.add(aggregateId);
    else ids.set(aggregateType, new Set([aggregateId]));
  }
  const head = `${tenantId} %1$s %2$s `;
  const full = head + [...ids].map(([type, some]) => `${type}:${[...some].join(',')}`).join(';');
  return Buffer.byteLength(full) + MORE_DIGITS < MAX_PAYLOAD ? full : head + [...ids.keys()].join(';');
}

const UUID = '[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}';
const TOLD = new RegExp(`^(${UUID})(?: (\\d{1,19}) (\\d{1,19}) (\\S+))?$`);
const TYPE = new RegExp(`^([A-Za-z]+)(?::(${UUID}(?:,${UUID})*))?$`);

/**
 * Reads a payload. One that tells a tenant but is else of another form (another version of the program sent it) is
 * anything of that tenant; one that does not even tell that is undefined: anything of anybody.
 */
export function readNotification(payload: string): LogChange | undefined {
  const [, tenantId, first, last, rest] = TOLD.exec(payload) ?? TOLD.exec(payload.split(' ', 1)[0] ?? '') ?? [];
  if (tenantId === undefined) return undefined;
  const parts = (rest?.split(';') ?? []).map((part) => TYPE.exec(part));
  if (!first || !last || BigInt(first) > BigInt(last) || parts.includes(null))
    return { tenantId, firstSeq: 0n, lastSeq: 0n, types: null };
  const types = new Map(parts.map((part) => [part?.[1] ?? '', part?.[2] ? new Set(part[2].split(',')) : null]));
  return { tenantId, firstSeq: BigInt(first), lastSeq: BigInt(last), types };
}
