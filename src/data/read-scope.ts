import type pg from 'pg';
import type { Viewer } from '../access/viewer.ts';
import { places } from '../observe/place.ts';
import { ReadSession } from './read-session.ts';
import { type Cells, rowsOf } from './read-wire.ts';
import type { SessionPlan } from './session-plan.ts';
import type { SharedConnections } from './shared-connections.ts';
import type { Statement } from './statement.ts';
import type { StatementLog } from './statement-log.ts';
import { bound } from './wire-messages.ts';

/** What opens a transaction of a viewer, as statements: the settings that row-level security reads. */
export function tenantSettings(viewer: Pick<Viewer, 'tenantId' | 'memberId'>, setRole: boolean): string[] {
  const settings = setRole ? ['SET LOCAL ROLE argus_app'] : [];
  settings.push(`SET LOCAL app.tenant_id = '${assertUuid(viewer.tenantId)}'`);
  if (viewer.memberId) settings.push(`SET LOCAL app.member_id = '${assertUuid(viewer.memberId)}'`);
  return settings;
}

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;

/** SET takes no parameters, so what goes into it is proven to be a UUID. */
export function assertUuid(value: string): string {
  if (!UUID.test(value)) throw new TypeError(`not a UUID: ${JSON.stringify(value.slice(0, 60))}`);
  return value;
}

/** The pool for reads, and what read scopes have to know of its server. */
export type ReadConnections = pg.Pool & {
  /** the server has Citus, which passes on to its workers only what SET LOCAL set within BEGIN and COMMIT */
  citus: boolean;
  /** how long a scope may stay open without a statement, in milliseconds; 0: any time */
  idleMs: number;
  /** some of its connections, for reads that cannot take long; null with Citus */
  shared: SharedConnections | null;
};

export interface ReadPool {
  pool: ReadConnections;
  /** the login role is not argus_app itself, so each transaction takes that role */
  setRole: boolean;
  statements: StatementLog;
}

const SETTINGS = "set_config('app.tenant_id', $1, true), set_config('app.member_id', $2, true)";
const OPEN_NAME = 'argus_open';
const OPEN = `SELECT ${SETTINGS}`;
const OPEN_AS_APP = `SELECT set_config('role', 'argus_app', true), ${SETTINGS}`;

const MAX_OPENINGS = 1_000;
/** The values of an opening as they are sent, by tenant and member. */
const openings = new Map<string, Buffer>();

/** What a session sends first and last. Its transaction has isolation and access mode from the pool's connections. */
function openingOf({ pool, setRole }: ReadPool, viewer: Viewer): Pick<SessionPlan, 'opening' | 'closing'> {
  if (pool.citus) {
    const begin = ['BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY', ...tenantSettings(viewer, setRole)];
    return { opening: begin.map((text) => ({ text, values: [] })), closing: [{ text: 'COMMIT', values: [] }] };
  }
  // An empty member is none: it is also what a setting falls back to where an earlier transaction had one.
  const key = `${viewer.tenantId} ${viewer.memberId ?? ''}`;
  let values = openings.get(key);
  if (!values) {
    if (openings.size >= MAX_OPENINGS) openings.clear();
    values = bound(OPEN_NAME, [assertUuid(viewer.tenantId), viewer.memberId ? assertUuid(viewer.memberId) : '']);
    openings.set(key, values);
  }
  return { opening: [{ name: OPEN_NAME, text: setRole ? OPEN_AS_APP : OPEN, values: [], bound: values }], closing: [] };
}

/**
 * One snapshot of the database for one operation: a REPEATABLE READ, READ ONLY transaction in which row-level security
 * sees the viewer's tenant. It opens with the first statement, in the same flight. Statements asked in one tick are one
 * flight. What closes it is `finish()`, in the flight of the last statements, or `close()`.
 */
export class ReadScope {
  readonly #read: ReadPool;
  readonly #viewer: Viewer;
  #session: ReadSession | undefined;
  /** why no statement may follow */
  #ended: string | undefined;
  #abandoned: Error | undefined;
  /** statements run so far, without the opening and closing ones */
  statements = 0;
  /** milliseconds from sending to the answer, added up; statements in one flight overlap */
  milliseconds = 0;
  /**
   * how long it may stay open without a statement, in milliseconds, until it is ended and refuses later ones; 0: any
   * time. Counts from the first statement on; to be set before it.
   */
  idleMs: number;
  /**
   * the flight of this number, from 1, is expected to be the last: it ends the transaction too, and what is asked after it
   * rejects with ScopeFinished. 0: not known. To be set before the first statement.
   */
  lastFlight = 0;
  /** it only looks rows up by their keys, which cannot take long. To be set before the first statement. */
  looksUp = false;
  /** told of each statement, before it is sent */
  observer: ((statement: Statement) => void) | undefined;

  constructor(read: ReadPool, viewer: Viewer) {
    this.#read = read;
    this.idleMs = read.pool.idleMs;
    this.#viewer = viewer;
  }

  /** Writes to the database so far: statements asked in one tick are one. */
  get flights(): number {
    return this.#session?.flights ?? 0;
  }

  get viewer(): Viewer {
    return this.#viewer;
  }

  /** Runs a statement and gives its rows. Rejects after `finish()` and `close()`, and with the database's errors. */
  query<T extends object>(statement: Statement): Promise<T[]> {
    return this.cells(statement).then(rowsOf<T>);
  }

  /** Runs a statement and gives its rows as PostgreSQL's texts. Rejects like `query()`. */
  async cells(statement: Statement): Promise<Cells> {
    if (this.#abandoned) throw this.#abandoned;
    if (this.#ended) throw new Error(this.#ended);
    this.#session ??= this.#open();
    this.statements++;
    this.observer?.(statement);
    return this.#session.run(statement);
  }

  #open(): ReadSession {
    const { pool, statements } = this.#read;
    // Answers come to the connection, which is not this request's.
    const place = places.getStore() ?? null;
    return new ReadSession({
      pool,
      ...openingOf(this.#read, this.#viewer),
      idleMs: this.idleMs,
      lastFlight: this.lastFlight,
      shared: this.looksUp ? pool.shared : null,
      answered: (text, milliseconds) => {
        this.milliseconds += milliseconds;
        statements.record(text, milliseconds, place);
      },
    });
  }

  /**
   * Gives up: nobody waits for the answers any more. Statements reject with the reason; one that runs for more than a
   * second is cancelled in the database.
   */
  abandon(reason: Error): void {
    this.#abandoned ??= reason;
    this.#session?.abandon(reason);
  }

  /** Promises that no statement follows those asked in this tick: their flight ends the transaction too. */
  finish(): void {
    this.#ended ??= 'this read scope is finished: no statement may follow';
    this.#session?.end();
  }

  /**
   * Ends the transaction behind the statements asked so far. Resolves when the connection is back in the pool, which
   * nobody has to wait for. Safe to call more than once.
   */
  async close(): Promise<void> {
    this.#ended = 'this read scope is closed';
    this.#session?.end();
    await this.#session?.released;
  }
}

/** Runs `fn` in a read scope of its own: for work outside a GraphQL operation. */
export async function withReadScope<T>(
  read: ReadPool,
  viewer: Viewer,
  fn: (scope: ReadScope) => Promise<T>,
): Promise<T> {
  const scope = new ReadScope(read, viewer);
  try {
    return await fn(scope);
  } finally {
    void scope.close();
  }
}
