import type { Duplex } from 'node:stream';
import { serialize } from 'pg-protocol';

/** Longer ones are handed to the socket as they are: copying them would cost more than it saves. */
const MAX_COPIED = 64 * 1024;

/** Messages to PostgreSQL that are written at once: for the socket, a few bytes more cost less than another piece. */
export class WireMessages {
  readonly #parts: Buffer[] = [];
  #bytes = 0;

  /** Appends a serialized message, or several. */
  add(message: Buffer): void {
    this.#parts.push(message);
    this.#bytes += message.length;
  }

  parse(statement: { name: string; text: string }): void {
    this.add(serialize.parse(statement));
  }

  /** Binds values to a parsed statement and executes it; `describe`: with its columns. */
  run(statement: string, values: (Buffer | string | null)[], describe: boolean): void {
    this.add(serialize.bind({ statement, values }));
    if (describe) this.add(serialize.describe({ type: 'P' }));
    this.add(serialize.execute());
  }

  flush(): void {
    this.add(serialize.flush());
  }

  sync(): void {
    this.add(serialize.sync());
  }

  /** Writes them to a connection that still takes some. */
  writeTo(stream: Duplex): void {
    if (!stream.writable || this.#bytes === 0) return;
    if (this.#bytes <= MAX_COPIED) {
      stream.write(Buffer.concat(this.#parts, this.#bytes));
      return;
    }
    stream.cork();
    for (const part of this.#parts) stream.write(part);
    stream.uncork();
  }
}

/** The bytes of a statement's Bind and Execute, for values that come again and again. */
export function bound(statement: string, values: string[]): Buffer {
  return Buffer.concat([serialize.bind({ statement, values }), serialize.execute()]);
}
