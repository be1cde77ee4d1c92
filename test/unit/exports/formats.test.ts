import { parse } from 'csv-parse/sync';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Column, ColumnKind } from '../../../src/exports/columns.ts';
import { csvCell, csvFormat, jsonlFormat } from '../../../src/exports/formats.ts';

function column(name: string, kind: ColumnKind = 'TEXT', isRelation = false): Column {
  const field = isRelation ? name.replace(/Id$/, '') : name;
  return { name, kind, field, isRelation, permission: null };
}

const csv = csvFormat({ bom: false });

describe('a CSV cell', () => {
  test.each([
    ['TEXT', null, ''],
    ['TEXT', undefined, ''],
    ['TEXT', '', ''],
    ['TEXT', 'plain', 'plain'],
    ['TEXT', 'a,b', '"a,b"'],
    ['TEXT', 'say "x"', '"say ""x"""'],
    ['TEXT', 'two\nlines', '"two\nlines"'],
    ['TEXT', 'two\rlines', '"two\rlines"'],
    ['OTHER', true, 'true'],
    ['OTHER', 0.5, '0.5'],
    ['OTHER', new Date('2026-11-21T10:00:00Z'), '2026-11-21T10:00:00.000Z'],
    ['JSON', ['a', 'b"c'], '"[""a"",""b\\""c""]"'],
    ['JSON', { a: 1 }, '"{""a"":1}"'],
    ['JSON', [], '[]'],
    ['JSON', 'text', '"""text"""'],
  ] as const)('of %s holds %j as %j', (kind, value, cell) => {
    expect(csvCell({ kind }, value)).toBe(cell);
  });

  test.each(['=', '+', '-', '@', '\t', '\r', '\n', ' =', '\u00a0@', '＝', '＋', '－', '＠'])(
    'that begins with %j gets an apostrophe',
    (start) => {
      const text = `${start}HYPERLINK(x)`;
      const [[read] = []] = parse(`${csvCell({ kind: 'TEXT' }, text)}\r\n`, { record_delimiter: '\r\n' });
      expect(read).toBe(`'${text}`);
    },
  );

  test.each(["'=1", 'a=1', '(=1', '1-2', 'x\n=1'])('%j, which is no formula, stays as it is', (text) => {
    expect(parse(csvCell({ kind: 'TEXT' }, text))[0]).toEqual([text]);
  });

  test.each([
    ['OTHER', -5, '-5'],
    ['OTHER', -1e-7, '-1e-7'],
    ['OTHER', '-9223372036854775808', '-9223372036854775808'],
    ['OTHER', '-1299.90', '-1299.90'],
    ['JSON', -5, '-5'],
    // A text that looks like a number is what somebody typed, and begins with a sign.
    ['TEXT', '-5', "'-5"],
    ['TEXT', '+49 30 1234', "'+49 30 1234"],
    ['OTHER', '-5+cmd', "'-5+cmd"],
  ] as const)('of %s: a number %j stays %j, unless it is a text', (kind, value, cell) => {
    expect(csvCell({ kind }, value)).toBe(cell);
  });
});

const PIECES = ['=', '+', '-', '@', "'", '"', ',', ';', '\t', '\r', '\n', ' ', '\u00a0', 'a', '1', 'é', '👍', '＝'];
const anyText = fc.array(fc.constantFrom(...PIECES), { maxLength: 8 }).map((parts) => parts.join(''));

test('any texts are read back as they were, but for the apostrophe before a formula; none begins like one', () => {
  let escaped = 0;
  fc.assert(
    fc.property(fc.array(anyText, { minLength: 2, maxLength: 5 }), (texts) => {
      const columns = texts.map((_, i) => column(`c${i}`));
      const row = Object.fromEntries(texts.map((text, i) => [`c${i}`, text]));
      const read: string[][] = parse(csv.head(columns) + csv.row(columns, row), { record_delimiter: '\r\n' });
      expect(read[0]).toEqual(columns.map(({ name }) => name));
      expect(read).toHaveLength(2);
      for (const [i, text] of texts.entries()) {
        const cell = read[1]?.[i] ?? '';
        expect(cell).not.toMatch(/^\s*[=+\-@＝＋－＠]|^[\t\r\n]/);
        if (cell !== text) {
          escaped++;
          expect(cell).toBe(`'${text}`);
        }
      }
    }),
    { numRuns: 2_000, seed: 1 },
  );
  expect(escaped).toBeGreaterThan(500);
});

test('a CSV has a header, CRLF and one line for each row, also for a row of one empty cell', () => {
  const columns = [column('b'), column('sourceId', 'TEXT', true)];
  expect(csv.head(columns)).toBe('b,sourceId\r\n');
  expect(csv.row(columns, { b: null, source: null })).toBe(',\r\n');
  expect(csv.row(columns, { b: 'x', source: { id: 'src_1' } })).toBe('x,src_1\r\n');
  expect(csv.row([column('b')], { b: null })).toBe('""\r\n');
  expect(csvFormat({ bom: true }).head([column('b')])).toBe('\ufeffb\r\n');
});

test('JSON Lines hold values as they are, in the order of the columns', () => {
  const columns = [column('b'), column('sourceId', 'TEXT', true), column('meta', 'JSON'), column('n', 'OTHER')];
  const row = { n: -5, meta: { x: ['=1'] }, b: '=1+1\r\n\u2028', source: { id: 'src_1' } };
  const line = jsonlFormat.row(columns, row);
  expect(line.split('\n')).toHaveLength(2);
  expect(JSON.parse(line)).toEqual({ b: '=1+1\r\n\u2028', sourceId: 'src_1', meta: { x: ['=1'] }, n: -5 });
  expect(Object.keys(JSON.parse(line))).toEqual(['b', 'sourceId', 'meta', 'n']);
  expect(jsonlFormat.head(columns)).toBe('');
});
