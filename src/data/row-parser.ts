import type { Duplex } from 'node:stream';
import pg from 'pg';
import { Parser } from 'pg-protocol/dist/parser.js';

/** What is used of node-postgres beyond its types; versions are pinned, and a test compares the rows. */
interface Packets {
  handlePacket(offset: number, code: number, length: number, bytes: Buffer): object;
}
interface Listening {
  attachListeners(stream: Duplex): void;
  emit(event: string, message: object): void;
}

/** The byte that a message with a row begins with. https://www.postgresql.org/docs/current/protocol-message-formats.html */
const DATA_ROW = 0x44;
const LENGTH_BYTES = 4;

/**
 * node-postgres' parser, but that a row is made a string once and cut, instead of a string for each of its cells: a
 * quarter of the time. A row that is not ASCII all through is left to node-postgres, as is one with a cell of more than
 * 127 bytes, whose length does not look like ASCII.
 */
export function rowParser(): Parser {
  const parser = new Parser();
  const packets = parser as unknown as Packets;
  const standard = packets.handlePacket.bind(parser);
  packets.handlePacket = (offset, code, length, bytes) =>
    (code === DATA_ROW ? cutRow(offset, length, bytes) : null) ?? standard(offset, code, length, bytes);
  return parser;
}

/** A DataRow from its field count on; `length` counts its own four bytes. Null when it is not all ASCII. */
function cutRow(offset: number, length: number, bytes: Buffer): object | null {
  const end = offset + length - LENGTH_BYTES;
  const text = bytes.toString('latin1', offset, end);
  const count = bytes.readUInt16BE(offset);
  const fields: (string | null)[] = [];
  let at = 2;
  let nulls = 0;
  for (let i = 0; i < count; i++) {
    const size = bytes.readInt32BE(offset + at);
    at += LENGTH_BYTES;
    if (size === -1) {
      fields.push(null);
      nulls++;
    } else {
      fields.push(text.slice(at, at + size));
      at += size;
    }
  }
  // Each byte beyond ASCII takes two in UTF-8: there have to be as many as NULLs have, whose length is four bytes of 0xff.
  const beyond = Buffer.byteLength(text) - (end - offset);
  return beyond === LENGTH_BYTES * nulls ? { name: 'dataRow', length, fields } : null;
}

/** node-postgres' client with that parser. */
export class RowClient extends pg.Client {
  constructor(config?: pg.ClientConfig | string) {
    super(config);
    const connection = (this as unknown as { connection: Listening }).connection;
    connection.attachListeners = (stream) => {
      const parser = rowParser();
      stream.on('data', (bytes: Buffer) =>
        parser.parse(bytes, (message) =>
          connection.emit(message.name === 'error' ? 'errorMessage' : message.name, message),
        ),
      );
    };
  }
}
