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

/** The channel that wakes other processes. The notification only says whose log grew: data is read from the log. */
export const EVENT_CHANNEL = 'argus_events';
/** Name of the counter that gives out `seq`. */
export const EVENT_COUNTER = 'event';
