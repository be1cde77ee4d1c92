import type pg from 'pg';
import type { Viewer } from '../access/viewer.ts';
import type { Statement } from './statement.ts';
import type { StatementLog } from './statement-log.ts';

/** What opens every transaction of a viewer: the settings that row-level security reads. */
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

export interface ReadPool {
  pool: pg.Pool;
  /** the login role is not argus_app itself, so each transaction takes that role */
  setRole: boolean;
  statements: StatementLog;
}

/**
 * One snapshot of the database for one operation: a REPEATABLE READ, READ ONLY transaction in which row-level security
 * sees the viewer's tenant. It opens with the first statement, in the same flight; what closes it is `close()`, which
 * the response need not wait for.
 */
export class ReadScope {
  readonly #read: ReadPool;
  readonly #viewer: Viewer;
  #client: Promise<pg.PoolClient> | undefined;
  #opening: Promise<unknown> | undefined;
  #closed = false;
  /** statements run so far, without the opening and closing ones */
  statements = 0;
  /** milliseconds from sending to the answer, added up; statements in one flight overlap */
  milliseconds = 0;

  constructor(read: ReadPool, viewer: Viewer) {
    this.#read = read;
    this.#viewer = viewer;
  }

  get viewer(): Viewer {
    return this.#viewer;
  }

  /** Runs a statement and gives its rows. Rejects after `close()`. */
  async query<T extends object>(statement: Statement): Promise<T[]> {
    if (this.#closed) throw new Error('this read scope is closed');
    const client = await this.#open();
    this.statements++;
    const start = performance.now();
    try {
      const [result] = await Promise.all([client.query<T>(statement), this.#opening]);
      return result.rows;
    } finally {
      const took = performance.now() - start;
      this.milliseconds += took;
      this.#read.statements.record(statement.text, took);
    }
  }

  #open(): Promise<pg.PoolClient> {
    this.#client ??= this.#read.pool.connect().then((client) => {
      const settings = tenantSettings(this.#viewer, this.#read.setRole).join('; ');
      this.#opening = client.query(`BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY; ${settings}`);
      // Awaited together with the first statement; without this a failure of both would be an unhandled rejection.
      this.#opening.catch(() => {});
      return client;
    });
    return this.#client;
  }

  /** Ends the transaction and gives the connection back. Safe to call more than once. */
  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    const client = await this.#client?.catch(() => undefined);
    if (!client) return;
    try {
      await client.query('COMMIT');
      client.release();
    } catch (error) {
      // A connection whose state is unknown must not serve another tenant.
      client.release(error instanceof Error ? error : true);
    }
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
    await scope.close();
  }
}
