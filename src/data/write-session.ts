import { AsyncLocalStorage } from 'node:async_hooks';
import pg from 'pg';
import { type Place, places } from '../observe/place.ts';
import { aborted } from './read-errors.ts';
import {
  type Asked,
  type Cells,
  type Columns,
  columnsOf,
  described,
  NO_COLUMNS,
  preparedOn,
  rowsOf,
  sendAsked,
  toSend,
  type Wire,
} from './read-wire.ts';
import type { Statement } from './statement.ts';
import type { StatementLog } from './statement-log.ts';
import { TYPES } from './value-types.ts';
import { WireMessages } from './wire-messages.ts';

const BEGIN: Statement = { name: 'argus_begin', text: 'BEGIN', values: [] };
const COMMIT: Statement = { name: 'argus_commit', text: 'COMMIT', values: [] };
/** Of a statement that gives no rows. */
const NO_ROWS: Columns = { names: [], parsers: [] };
/** What Prisma's adapter is told of a BEGIN that goes with the first statement, and of a COMMIT that has gone already. */
const DONE = { command: '', rowCount: 0, oid: 0, fields: [], rows: [] };

/** Several statements in one write to the socket, up to one Sync. To node-postgres they are a single query. */
class Flight implements pg.Submittable {
  readonly #asked: Asked[];
  readonly #answered: (text: string, milliseconds: number) => void;
  #wire: Wire | undefined;

  constructor(asked: Asked[], answered: (text: string, milliseconds: number) => void) {
    this.#asked = asked;
    this.#answered = answered;
  }

  submit(connection: pg.Connection): void {
    const wire = connection as unknown as Wire;
    this.#wire = wire;
    const messages = new WireMessages();
    sendAsked(messages, preparedOn(wire), this.#asked);
    messages.sync();
    messages.writeTo(wire.stream);
  }

  handleRowDescription({ fields }: { fields: pg.FieldDef[] }): void {
    const parserOf = (oid: number) => TYPES.getTypeParser(oid, 'text') as (text: string) => unknown;
    const [asked] = this.#asked;
    if (asked && this.#wire) described(asked, this.#wire, columnsOf(fields, parserOf));
  }

  handleDataRow({ fields }: { fields: (string | null)[] }): void {
    this.#asked[0]?.rows.push(fields);
  }

  handleCommandComplete({ text }: { text: string }): void {
    const asked = this.#asked[0];
    if (!asked) return;
    // What gives no rows was described as NoData, of which node-postgres tells nobody.
    if (asked.columns === NO_COLUMNS && this.#wire) described(asked, this.#wire, NO_ROWS);
    this.#asked.shift();
    this.#answered(asked.statement.text, performance.now() - asked.sentAt);
    // A COMMIT of a transaction that has failed is no error to PostgreSQL.
    if (asked.statement.text === COMMIT.text && text !== COMMIT.text) asked.reject(aborted());
    else asked.resolve({ ...asked.columns, rows: asked.rows });
  }

  handleEmptyQuery(): void {
    this.handleCommandComplete({ text: '' });
  }

  /** PostgreSQL's error for the statement whose turn it was, or the connection's, which ends all. */
  handleError(error: Error): void {
    const [first, ...others] = this.#asked.splice(0);
    // The server skips what is behind: what was to be parsed there was not.
    if (this.#wire) preparedOn(this.#wire).parsing.length = 0;
    // It may have been told before it was sent.
    if (first && this.#wire) this.#answered(first.statement.text, performance.now() - first.sentAt);
    first?.reject(error);
    // Who asked for them wants to know why.
    for (const asked of others) asked.reject(error);
  }

  handleReadyForQuery(): void {}
}

/** What Prisma says of a transaction that took too long: it has been taken back, and the connection is another's. */
class WriteEnded extends Error {
  readonly code = 'P2028';
}

/**
 * The connection of one write transaction, which Prisma's transaction and our own SQL share. Statements of our own are
 * written together: those put off go with the next one that somebody waits for, or before Prisma's next one. So do BEGIN
 * and COMMIT, which cost Prisma a round trip each.
 */
export class WriteSession {
  readonly #statements: StatementLog;
  readonly #place: Place | null = places.getStore() ?? null;
  #client: pg.PoolClient | undefined;
  /** stands before the client's own `query` meanwhile */
  #hook: pg.PoolClient['query'] | undefined;
  #waiting: Asked[] = [];
  #writing = false;
  #begun = false;
  #committing = false;
  #committed = false;
  #ended = false;
  /** why a statement failed first: those of later flights only know that the transaction has failed */
  failure: unknown;
  /** whether it has committed; waits for a commit that is under way */
  committed: Promise<boolean> = Promise.resolve(false);

  constructor(statements: StatementLog) {
    this.#statements = statements;
  }

  /** Has a statement run before the next one. Its failure is that of the transaction. */
  later(statement: Statement): void {
    this.#ask(
      statement,
      () => {},
      () => {},
    );
  }

  /** Has what was put off run. Rejects with its failure. */
  async flush(): Promise<void> {
    if (this.#waiting.length > 0) await this.query({ text: '', values: [] });
  }

  /** Runs a statement, together with all others of this tick. Rejects with PostgreSQL's error. */
  query<T extends object>(statement: Statement): Promise<T[]> {
    return new Promise<Cells>((resolve, reject) => {
      this.#ask(statement, resolve, reject);
      if (this.#writing) return;
      this.#writing = true;
      process.nextTick(() => {
        this.#writing = false;
        this.#flush();
      });
    }).then(rowsOf<T>);
  }

  /** Commits, together with what was put off. Nothing may follow. */
  async commit(): Promise<void> {
    const done = this.query(COMMIT);
    this.#committing = true;
    this.committed = done.then(
      () => true,
      () => false,
    );
    await done;
    this.#committed = true;
  }

  #ask(statement: Statement, resolve: (cells: Cells) => void, reject: (error: unknown) => void): void {
    if (this.#ended || this.#committing) throw new WriteEnded('this transaction has ended');
    const values = statement.values.map(toSend);
    const failed = (error: unknown) => {
      if (!(error instanceof WriteEnded)) this.failure ??= error;
      reject(error);
    };
    this.#waiting.push({ statement, values, sentAt: 0, columns: NO_COLUMNS, rows: [], resolve, reject: failed });
  }

  #flush(): void {
    const asked = this.#waiting.splice(0);
    if (asked.length === 0) return;
    const record = (text: string, milliseconds: number) => {
      if (text !== BEGIN.text && text !== COMMIT.text) this.#statements.record(text, milliseconds, this.#place);
    };
    this.#begun = true;
    const flight = new Flight(asked, record);
    if (this.#client) Reflect.apply(pg.Client.prototype.query, this.#client, [flight]);
    else flight.handleError(new Error('this transaction has no connection of a WritePool'));
  }

  /** Takes the connection that Prisma has got for the transaction, until that ends. */
  attach(client: pg.PoolClient): void {
    // It came too late: Prisma has given up, and gives it back.
    if (this.#ended) return;
    this.#client = client;
    this.#hook = ((...given: unknown[]) => this.#prismaAsks(client, given)) as pg.PoolClient['query'];
    client.query = this.#hook;
  }

  /** Leaves the connection, which may be another's already. */
  detach(): void {
    this.#ended = true;
    if (this.#client?.query === this.#hook) Reflect.deleteProperty(Object(this.#client), 'query');
  }

  #prismaAsks(client: pg.PoolClient, given: unknown[]): unknown {
    const text: unknown = Reflect.get(Object(given[0]), 'text');
    if (text === 'BEGIN') {
      this.later(BEGIN);
      return Promise.resolve(DONE);
    }
    const last = text === 'COMMIT' || text === 'ROLLBACK';
    if (last) this.detach();
    else if (this.#committing) return Promise.reject(new WriteEnded('this transaction is being committed'));
    if (text === 'ROLLBACK') {
      const reason = new WriteEnded('this transaction was taken back');
      for (const { reject } of this.#waiting.splice(0)) reject(reason);
    } else this.#flush();
    // What has not begun, or was committed, needs no end.
    if (last && (this.#committed || !this.#begun)) return Promise.resolve(DONE);
    return Reflect.apply(pg.Client.prototype.query, client, given);
  }
}

const sessions = new AsyncLocalStorage<WriteSession>();

/** Runs one transaction of Prisma, whose connection is the session's. */
export async function withSession<R>(session: WriteSession, transaction: () => Promise<R>): Promise<R> {
  try {
    return await sessions.run(session, transaction);
  } finally {
    session.detach();
  }
}

/** Prisma's pool. */
export class WritePool extends pg.Pool {
  readonly #attached = new WeakSet<WriteSession>();

  override connect(): Promise<pg.PoolClient>;
  override connect(callback: (error: Error | undefined, client?: pg.PoolClient, done?: () => void) => void): void;
  override connect(callback?: Parameters<pg.Pool['connect']>[0]): Promise<pg.PoolClient> | undefined {
    if (callback) {
      super.connect(callback);
      return undefined;
    }
    const session = sessions.getStore();
    if (!session || this.#attached.has(session)) return super.connect();
    this.#attached.add(session);
    return super.connect().then((client) => {
      session.attach(client);
      return client;
    });
  }
}
