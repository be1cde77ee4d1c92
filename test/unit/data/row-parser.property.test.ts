import fc from 'fast-check';
import { Parser } from 'pg-protocol/dist/parser.js';
import { expect, test } from 'vitest';
import { rowParser } from '../../../src/data/row-parser.ts';

type Cell = string | null;

/** A DataRow message, as PostgreSQL sends it. */
function dataRow(cells: readonly Cell[]): Buffer {
  const parts = cells.flatMap((cell) => {
    const text = Buffer.from(cell ?? '');
    const size = Buffer.alloc(4);
    size.writeInt32BE(cell === null ? -1 : text.length);
    return [size, text];
  });
  const head = Buffer.alloc(7);
  head.write('D');
  head.writeUInt16BE(cells.length, 5);
  const message = Buffer.concat([head, ...parts]);
  message.writeInt32BE(message.length - 1, 1);
  return message;
}

/** The rows that a parser makes of messages that come in pieces. */
function rowsOf(parser: Parser, messages: Buffer, pieces: readonly number[]): unknown[] {
  const rows: unknown[] = [];
  let at = 0;
  for (const size of [...pieces, messages.length]) {
    const piece = messages.subarray(at, at + size);
    at += piece.length;
    if (piece.length > 0) parser.parse(Buffer.from(piece), (message) => rows.push(Reflect.get(message, 'fields')));
  }
  return rows;
}

const cell = fc.oneof(
  { weight: 4, arbitrary: fc.string({ maxLength: 20 }) },
  fc.constant(null),
  fc.string({ unit: 'binary', maxLength: 20 }).map((text) => text.toWellFormed().replaceAll('\0', '')),
  fc.constantFrom(
    '',
    'é',
    '\u007f\u0080',
    '\u00ff\u00ff\u00ff\u00ff',
    '€uro',
    '😀',
    'a'.repeat(127),
    'b'.repeat(128),
    'c'.repeat(195),
    'é'.repeat(300),
  ),
);

test('rows are those that node-postgres makes, whatever is in them and however they come', () => {
  const rows = fc.array(fc.array(cell, { maxLength: 8 }), { minLength: 1, maxLength: 12 });
  const pieces = fc.array(fc.integer({ min: 1, max: 90 }), { maxLength: 20 });
  fc.assert(
    fc.property(rows, pieces, (wanted, sizes) => {
      const messages = Buffer.concat(wanted.map(dataRow));
      expect(rowsOf(new Parser(), messages, sizes)).toEqual(wanted);
      expect(rowsOf(rowParser(), messages, sizes)).toEqual(wanted);
    }),
    { numRuns: 1_000, seed: 5 },
  );
});

test('a row of ASCII is cut out of one string, others are left to node-postgres', () => {
  const { toString: real } = Buffer.prototype;
  let made = 0;
  Buffer.prototype.toString = function (this: Buffer, ...args: Parameters<typeof real>) {
    made++;
    return real.apply(this, args);
  };
  const stringsOf = (parser: Parser, cells: Cell[]) => {
    const message = dataRow(cells);
    made = 0;
    rowsOf(parser, message, []);
    return made;
  };
  try {
    expect(stringsOf(rowParser(), ['a', 'b', null, '2026-01-01'])).toBe(1);
    expect(stringsOf(rowParser(), ['a', 'é'])).toBe(1 + stringsOf(new Parser(), ['a', 'é']));
    expect(stringsOf(new Parser(), ['a', 'b'])).toBe(2);
  } finally {
    Buffer.prototype.toString = real;
  }
});
