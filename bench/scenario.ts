import type { Dialect } from './contender.ts';

/** What scenarios know of the data set, as the database has it. */
export interface Facts {
  tenantId: string;
  /** 200 bugs, spread over the data set */
  bugIds: readonly string[];
  /** 50 projects */
  projectIds: readonly string[];
  /** how many bugs have the severity MEDIUM, and the identifier of one by its place, newest first, from 0 */
  mediumBugs: number;
  mediumBugAt(place: number): Promise<string>;
  /** midnight in UTC before the run, in milliseconds */
  today: number;
}

/** The body of a POST. For the floor, `query` is the name of a statement. */
export interface Request {
  query: string;
  variables: Readonly<Record<string, unknown>>;
}

/** Asks the contender once, for what its requests need, such as a cursor; gives the `data`. */
export type Ask = (request: Request) => Promise<unknown>;

/**
 * The same work, said in each contender's own schema. Requests are sent in turn, so that none gains from being asked
 * for the same again. Every dialect asks, by aliases, for the field names of the plain one: so answers compare.
 */
export interface Scenario {
  name: string;
  title: string;
  /** The requests, the same in the same order for each; null: it has no such feature, and `leftOut` says what. */
  requests(dialect: Dialect, facts: Facts, ask: Ask): readonly Request[] | null | Promise<readonly Request[]>;
  /** Per dialect, why it does not take part. */
  leftOut?: Partial<Record<Dialect, string>>;
  /** Differences in how the same is done, named in the report. */
  note?: string;
}
