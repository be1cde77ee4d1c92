import type pg from 'pg';
import type { Wire } from './read-wire.ts';
import { WireMessages } from './wire-messages.ts';

/** A read that is one write ending with a Sync, so that others can be written behind it. */
export interface SharedRead extends pg.Submittable {
  /** Adds it all to what is written. What comes back is told to it as to any query of node-postgres. */
  addTo(messages: WireMessages, client: pg.PoolClient, wire: Wire): void;
  /** its connection cannot be had or broke before its turn */
  failed(error: Error): void;
}

interface Lane {
  client: pg.PoolClient | undefined;
  wire: Wire | undefined;
  /** the first one's answers are coming; the others are behind it */
  reads: SharedRead[];
  unwritten: SharedRead[];
}

/** So many reads on a connection make another one worth its waking. */
const MANY = 8;

/** node-postgres' connection of a client; its types do not show it. */
const wireOf = (client: pg.PoolClient) => (client as unknown as { connection: Wire }).connection;

/**
 * Few connections for many short reads. What a look-up costs is waking the database and being woken by it: reads that
 * are written one behind the other, each with its own Sync and so its own transaction, wake each side once for several.
 * Answers come in the order of the writes, so only reads that cannot take long belong here.
 *
 * node-postgres knows one query at a time: the next read becomes its query when the one before it has its answer.
 */
export class SharedConnections {
  readonly #pool: pg.Pool;
  readonly #most: number;
  readonly #lanes = new Set<Lane>();

  /** `most`: how many connections of the pool are shared at once, each while reads are waiting for it */
  constructor(pool: pg.Pool, most: number) {
    this.#pool = pool;
    this.#most = most;
  }

  /** Has the read written, after what else this tick does, on the connection that has the fewest. */
  join(read: SharedRead): (error?: Error) => void {
    const lane = this.#choose();
    lane.reads.push(read);
    lane.unwritten.push(read);
    if (lane.unwritten.length === 1 && lane.client) setImmediate(() => this.#flush(lane));
    return (error) => this.#leave(lane, error);
  }

  /** The lane with the fewest reads, or another one when it has many. */
  #choose(): Lane {
    const [first, ...others] = this.#lanes;
    if (!first) return this.#open();
    const best = others.reduce((least, lane) => (lane.reads.length < least.reads.length ? lane : least), first);
    return best.reads.length >= MANY && this.#lanes.size < this.#most ? this.#open() : best;
  }

  #open(): Lane {
    const lane: Lane = { client: undefined, wire: undefined, reads: [], unwritten: [] };
    this.#lanes.add(lane);
    this.#pool.connect((error, client) => {
      const [first] = lane.reads;
      lane.client = client;
      if (!client || !first) {
        this.#fail(lane, error ?? new Error('the pool gave no connection'));
        return;
      }
      lane.wire = wireOf(client);
      client.query(first);
      setImmediate(() => this.#flush(lane));
    });
    return lane;
  }

  /** All reads that joined in a turn of the event loop as one write to the socket. */
  #flush({ client, wire, unwritten }: Lane): void {
    if (!client || !wire) return;
    const messages = new WireMessages();
    for (const read of unwritten.splice(0)) read.addTo(messages, client, wire);
    messages.writeTo(wire.stream);
  }

  /** The first read of a lane has its answers. With an error the connection is lost, and with it the reads behind. */
  #leave(lane: Lane, error?: Error): void {
    lane.reads.shift();
    const [next] = lane.reads;
    if (error) this.#fail(lane, error);
    else if (next) lane.client?.query(next);
    else {
      this.#lanes.delete(lane);
      lane.client?.release();
    }
  }

  #fail(lane: Lane, error: Error): void {
    this.#lanes.delete(lane);
    lane.client?.release(error);
    lane.client = undefined;
    for (const read of lane.reads.splice(0)) read.failed(error);
  }
}
