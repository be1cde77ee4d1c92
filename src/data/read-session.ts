import pg from 'pg';
import { requestCancel } from './cancel-request.ts';
import { aborted, ScopeFinished } from './read-errors.ts';
import {
  type Asked,
  type Cells,
  columnsOf,
  described,
  NO_COLUMNS,
  preparedOn,
  send,
  sendAsked,
  toSend,
  type Wire,
} from './read-wire.ts';
import type { SessionPlan } from './session-plan.ts';
import type { SharedRead } from './shared-connections.ts';
import type { Statement } from './statement.ts';
import { WireMessages } from './wire-messages.ts';

/** A statement that nobody waits for any more may run so long; cancelling a shorter one costs more than it saves. */
const CANCEL_AFTER_MS = 1_000;

/**
 * One transaction over one connection without round trips of its own: PostgreSQL takes all statements up to a Sync as
 * one transaction, and answers what it has at each Flush.
 * https://www.postgresql.org/docs/current/protocol-flow.html#PROTOCOL-FLOW-PIPELINING
 *
 * To node-postgres it is a single query, which lasts from the first statement to the Sync's answer.
 */
export class ReadSession implements SharedRead {
  readonly #plan: SessionPlan;
  /** asked for, to be sent at the end of this tick */
  #waiting: Asked[] = [];
  /** sent; answers come in this order */
  #sent: Asked[] = [];
  #client: pg.PoolClient | undefined;
  #wire: Wire | undefined;
  #connecting = false;
  #writing = false;
  /** answers still to come before the first statement's; null until the opening was sent */
  #opening: number | null = null;
  #ending = false;
  #synced = false;
  /** why no statement may follow */
  #refusal: (() => Error) | undefined;
  #idle: NodeJS.Timeout | undefined;
  /** Parse messages of its connection up to its last one */
  #parses = 0;
  /** gives a shared connection on to the next */
  #leave: ((error?: Error) => void) | undefined;
  #cancel: NodeJS.Timeout | undefined;
  #cancelled = false;
  /** writes so far */
  flights = 0;
  readonly #released = Promise.withResolvers<void>();

  constructor(plan: SessionPlan) {
    this.#plan = plan;
  }

  /** Resolves when the connection is back in the pool, or destroyed. */
  get released(): Promise<void> {
    return this.#released.promise;
  }

  /**
   * Sends a statement together with all others of this tick. Rejects with PostgreSQL's error; after that, with the code
   * 25P02 that PostgreSQL has for statements of a failed transaction.
   */
  run(statement: Statement): Promise<Cells> {
    if (this.#refusal) return Promise.reject(this.#refusal());
    return new Promise((resolve, reject) => {
      // Before anything is sent: a value that cannot be sent is no failure of the transaction.
      const values = statement.values.map(toSend);
      this.#waiting.push({ statement, values, sentAt: 0, columns: NO_COLUMNS, rows: [], resolve, reject });
      if (this.#connecting) this.#writeLater();
      else this.#connect();
    });
  }

  /** Ends the transaction behind what was asked for so far. The caller asks for nothing more. */
  end(): void {
    if (this.#ending) return;
    this.#ending = true;
    if (this.#connecting) this.#writeLater();
    else this.#released.resolve();
  }

  /** Ends it too: what is asked for rejects with the reason, what runs is cancelled once it has run for a second. */
  abandon(reason: Error): void {
    this.#refusal = () => reason;
    for (const asked of this.#waiting.splice(0)) asked.reject(reason);
    this.end();
    const [first] = this.#sent;
    const client = this.#client;
    // On a shared connection it might be another's statement by then.
    if (!first || !client || this.#leave) return;
    this.#cancel = setTimeout(
      () => {
        this.#cancelled = true;
        requestCancel(client);
      },
      Math.max(0, first.sentAt + CANCEL_AFTER_MS - performance.now()),
    );
  }

  #connect(): void {
    this.#connecting = true;
    const { shared, lastFlight } = this.#plan;
    if (shared && lastFlight === 1) this.#leave = shared.join(this);
    else
      this.#plan.pool.connect((error, client) => {
        this.#client = client;
        if (client) client.query(this);
        else this.handleError(error ?? new Error('the pool gave no connection'));
      });
  }

  /** node-postgres calls it when the connection is this session's. On a shared one it is written before its turn. */
  submit(connection: pg.Connection): void {
    if (this.#leave) return;
    this.#wire = connection as unknown as Wire;
    this.#write(this.#wire);
  }

  addTo(messages: WireMessages, client: pg.PoolClient, wire: Wire): void {
    this.#client = client;
    this.#wire = wire;
    this.#add(messages, wire);
  }

  failed(error: Error): void {
    this.#leave = () => {};
    this.#wire = undefined;
    this.handleError(error);
  }

  #writeLater(): void {
    const wire = this.#wire;
    if (this.#writing || !wire) return;
    this.#writing = true;
    process.nextTick(() => this.#write(wire));
  }

  /** All that was asked for in a tick as one write to the socket, which wakes either side once. */
  #write(wire: Wire): void {
    const messages = new WireMessages();
    this.#add(messages, wire);
    messages.writeTo(wire.stream);
  }

  #add(messages: WireMessages, wire: Wire): void {
    this.#writing = false;
    if (this.#synced) return;
    clearTimeout(this.#idle);
    const known = preparedOn(wire);
    if (this.#opening === null) {
      this.#opening = this.#plan.opening.length;
      for (const statement of this.#plan.opening) send(messages, known, statement, statement.values.map(toSend), false);
    }
    sendAsked(messages, known, this.#waiting);
    this.#sent.push(...this.#waiting);
    this.#waiting = [];
    this.#parses = known.sent;
    this.flights++;
    if (this.flights === this.#plan.lastFlight && !this.#ending) {
      this.#ending = true;
      this.#refusal = () => new ScopeFinished();
    }
    if (this.#ending) {
      for (const statement of this.#plan.closing) send(messages, known, statement, [], false);
      this.#sync(messages);
    } else messages.flush();
  }

  /** Exactly one for each session: a second would make the connection look free during the next one. */
  #sync(messages: WireMessages): void {
    this.#synced = true;
    messages.sync();
  }

  handleRowDescription({ fields }: { fields: pg.FieldDef[] }): void {
    const [asked] = this.#sent;
    const [client, wire] = [this.#client, this.#wire];
    if (!asked || !client || !wire) return;
    described(
      asked,
      wire,
      columnsOf(fields, (oid) => client.getTypeParser(oid, 'text')),
    );
  }

  handleDataRow({ fields }: { fields: (string | null)[] }): void {
    // The opening's row says only what was sent.
    if (!this.#opening) this.#sent[0]?.rows.push(fields);
  }

  handleCommandComplete(): void {
    if (this.#opening) {
      this.#opening--;
      return;
    }
    const asked = this.#sent.shift();
    // None: it was the closing's.
    if (!asked) return;
    this.#answered(asked);
    asked.resolve({ ...asked.columns, rows: asked.rows });
    if (this.#sent.length === 0 && this.#waiting.length === 0 && !this.#ending) this.#guardIdle();
  }

  handleEmptyQuery(): void {
    this.handleCommandComplete();
  }

  /** No statement here is a COPY. One that is would wait for data for ever, so its connection goes. */
  handleCopyInResponse(): void {
    this.#wire?.stream.destroy();
  }

  handleCopyData(): void {}

  /** Between a Flush and the next message the server counts no idle time, as it does within BEGIN and COMMIT. */
  #guardIdle(): void {
    const { idleMs } = this.#plan;
    if (idleMs === 0) return;
    this.#idle = setTimeout(() => {
      this.#refusal = () => new Error(`this read scope was ended after ${idleMs} ms without a statement`);
      this.end();
    }, idleMs).unref();
  }

  /** PostgreSQL's error for the statement whose turn it was, or the connection's, which ends all. */
  handleError(error: Error): void {
    clearTimeout(this.#idle);
    const wire = this.#wire;
    const broken = !wire || !(error instanceof pg.DatabaseError);
    for (const asked of this.#sent) this.#answered(asked);
    const [first, ...others] = [...this.#sent.splice(0), ...this.#waiting.splice(0)];
    this.#refusal ??= broken || !first ? () => error : aborted;
    first?.reject(error);
    for (const asked of others) asked.reject(broken ? error : aborted());
    if (broken) this.#release(error);
    else this.#recover(wire, error);
  }

  /** After an error the server skips all messages up to a Sync, and node-postgres has taken this query off already. */
  #recover(wire: Wire, error: Error): void {
    // What later sessions of the connection had parsed behind it is still to come.
    const known = preparedOn(wire);
    const later = known.sent - this.#parses;
    known.parsing.splice(0, known.parsing.length - later);
    const ready = () => {
      wire.off('end', gone);
      this.handleReadyForQuery();
    };
    const gone = () => {
      wire.off('readyForQuery', ready);
      this.#release(error);
    };
    wire.once('readyForQuery', ready);
    wire.once('end', gone);
    if (this.#synced) return;
    const messages = new WireMessages();
    this.#sync(messages);
    messages.writeTo(wire.stream);
  }

  handleReadyForQuery(): void {
    const client = this.#client;
    // Only after an error within BEGIN and COMMIT is the transaction still there.
    if (!client || client.getTransactionStatus() === 'I') this.#release();
    else
      client.query('ROLLBACK').then(
        () => this.#release(),
        (error: Error) => this.#release(error),
      );
  }

  #answered({ statement, sentAt }: Asked): void {
    this.#plan.answered(statement.text, performance.now() - sentAt);
  }

  /** With an error the pool destroys the connection: one whose state is unknown must not serve another tenant. */
  #release(error?: Error): void {
    clearTimeout(this.#cancel);
    // A request to cancel may still be on its way, and must not meet the next one's statement.
    const lost = error ?? (this.#cancelled ? new Error('it was cancelled') : undefined);
    if (this.#leave) this.#leave(lost);
    else this.#client?.release(lost);
    this.#client = undefined;
    this.#released.resolve();
  }
}
