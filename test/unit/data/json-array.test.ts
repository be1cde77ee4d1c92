import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { afterAll, describe, expect, it } from 'vitest';
import { type ReadRecordsOptions, type RecordLine, readRecords } from '../../../src/data/record-reader.ts';

const folder = await mkdtemp(join(tmpdir(), 'json-array-'));
afterAll(() => rm(folder, { recursive: true, force: true }));

let files = 0;
async function read(content: string | Uint8Array, ending = '.json', options?: ReadRecordsOptions) {
  files += 1;
  const path = join(folder, `file-${files}${ending}`);
  await writeFile(path, content);
  const lines: RecordLine[] = [];
  for await (const line of readRecords(path, options)) lines.push(line);
  return lines;
}

const good = (lines: RecordLine[]) => lines.flatMap((line) => (line.ok ? [[line.line, line.record] as const] : []));
const bad = (lines: RecordLine[]) =>
  lines.flatMap((line) => (line.ok ? [] : [[line.line, line.column, line.reason] as const]));

describe('the shapes that are read', () => {
  it('gives the objects of an array with the line on which each begins', async () => {
    const lines = await read('[\n{"a":1}, {"a":[1,{"b":null}]},\n\n  {\n"a":"x"}]\n');
    expect(good(lines)).toEqual([
      [2, { a: 1 }],
      [2, { a: [1, { b: null }] }],
      [4, { a: 'x' }],
    ]);
    expect(bad(lines)).toEqual([]);
  });

  it('gives the objects of the only list of an object', async () => {
    const lines = await read('{"items": [{"a":1},\n{"a":2}]}');
    expect(good(lines)).toEqual([
      [1, { a: 1 }],
      [2, { a: 2 }],
    ]);
    expect(bad(lines)).toEqual([]);
  });

  it('tells of a property beside the list', async () => {
    const lines = await read('{"items":[{"a":1}],\n"more":[{"a":2}]}');
    expect(good(lines)).toEqual([[1, { a: 1 }]]);
    expect(bad(lines)).toEqual([
      [1, 19, 'the object around the list has another property: only its first one was read'],
    ]);
  });

  it.each(['{"a":1,"b":[{"c":1}]}', '{"a":{"b":[]}}', '{}'])(
    'takes another object for one record: %s',
    async (text) => {
      expect(await read(` \n${text}\n`)).toMatchObject([{ ok: true, line: 2, record: JSON.parse(text) }]);
    },
  );

  it('gives nothing for an empty array', async () => {
    expect(await read('[ ]')).toEqual([]);
    expect(await read('{"items":[]}')).toEqual([]);
  });

  it('goes on after elements that are no objects', async () => {
    const lines = await read('[3,"é😀",\n [1], null,true,{"a":1},-0.5e3]');
    expect(good(lines)).toEqual([[2, { a: 1 }]]);
    expect(bad(lines)).toEqual(
      (
        [
          [1, 2, 'a number'],
          [1, 4, 'a string'],
          [2, 2, 'an array'],
          [2, 7, 'null'],
          [2, 12, 'a boolean'],
          [2, 25, 'a number'],
        ] as const
      ).map(([line, column, kind]) => [line, column, `the list holds ${kind}, not an object`]),
    );
  });

  it('keeps a name that is __proto__ as data', async () => {
    const [first] = good(await read('[{"__proto__":{"x":1}}]'));
    expect(Object.keys(first?.[1] ?? {})).toEqual(['__proto__']);
  });
});

describe('errors end the reading, after the records before them', () => {
  it.each([
    ['[{"a":1},]', 1, 10, 'not valid JSON: unexpected "]", expected a value'],
    ['[{"a":1}\n {"b":1}]', 2, 2, 'not valid JSON: unexpected "{", expected "," or "]"'],
    ['[{"a":1},{"b" 1}]', 1, 15, 'not valid JSON: unexpected 1, expected ":"'],
    ['[{"a":1},{1:2}]', 1, 11, 'not valid JSON: unexpected 1, expected a name in double quotes'],
    ['[{"a":1},\n{"b":"é😀", "c":é}]', 2, 17, 'not valid JSON: unexpected "é"'],
    ['[{"a":1},{"b":"\t"}]', 1, 16, 'not valid JSON: control character in a string'],
    ['[{"a":1},{"b":"\\q"}]', 1, 17, 'not valid JSON: bad escape in a string'],
    ['[{"a":1}', 1, 9, 'not valid JSON: the file ends before its list of records does'],
    ['[{"a":1},\n{"b":', 2, 6, 'not valid JSON: the file ends inside a record'],
    ['[{"a":1}]]', 1, 10, 'the JSON text goes on after its end'],
    ['{"a":1}\n{"a":2}', 2, 1, 'the JSON text goes on after its end'],
  ])('%j', async (text, line, column, reason) => {
    const lines = await read(text);
    expect(good(lines)).toEqual([[1, { a: 1 }]]);
    expect(bad(lines)).toEqual([[line, column, expect.stringContaining(reason)]]);
    expect(lines.at(-1)?.ok).toBe(false);
  });

  it.each([
    ['', 'the file holds no JSON text'],
    [' \n', 'the file holds no JSON text'],
    ['12', 'the file holds a number, not an array of objects'],
    ['}', 'not valid JSON: unexpected "}", expected a value'],
  ])('%j holds no record', async (text, reason) => {
    expect(bad(await read(text)).map(([, , found]) => found)).toEqual([reason]);
  });

  it('gives up at bytes that are not UTF-8', async () => {
    const broken = Buffer.concat([Buffer.from('[{"a":1},\n{"a":"'), Buffer.from([0xff]), Buffer.from('"},{"a":2}]')]);
    const lines = await read(broken);
    expect(good(lines)).toEqual([[1, { a: 1 }]]);
    expect(bad(lines)).toEqual([[2, null, 'not valid UTF-8; rows from this line on are missing']]);
  });

  it('gives up a record over 16 MiB, also where a string is never closed', async () => {
    const long = 'x'.repeat(17 * 1024 * 1024);
    const many = `"${'x'.repeat(10_000)}",`.repeat(1_700);
    for (const text of [`[{"a":1},"${long}`, `[{"a":1},{"b":[${many}`]) {
      const lines = await read(text);
      expect(good(lines)).toEqual([[1, { a: 1 }]]);
      expect(bad(lines)).toEqual([[1, expect.any(Number), 'the record is longer than 16 MiB']]);
    }
  });

  it('gives up a record that is nested too deeply', async () => {
    const lines = await read(`[{"a":${'['.repeat(5_000)}${']'.repeat(5_000)}}]`);
    expect(bad(lines)).toEqual([[1, 2, 'the record is nested deeper than 1000 levels']]);
  });
});

describe('encodings and compression', () => {
  const text = '[{"a":"é"},\n{"a":"😀"}]';
  const records = [
    [1, { a: 'é' }],
    [2, { a: '😀' }],
  ];
  const little = Buffer.from(`\ufeff${text}`, 'utf16le');

  it.each([
    ['a byte order mark', Buffer.from(`\ufeff${text}`)],
    ['UTF-16, low byte first', little],
    ['UTF-16, high byte first', Buffer.from(little).swap16()],
    ['gzip', gzipSync(text)],
    ['gzip of several members', Buffer.concat([gzipSync(text.slice(0, 9)), gzipSync(text.slice(9))])],
  ])('reads %s', async (_name, content) => {
    const lines = await read(content);
    expect(good(lines)).toEqual(records);
    expect(bad(lines)).toEqual([]);
  });

  it('takes a named encoding', async () => {
    const latin = Buffer.from('[{"a":"\u00e9"}]', 'latin1');
    expect(good(await read(latin, '.json', { encoding: 'windows-1252' }))).toEqual([[1, { a: '\u00e9' }]]);
    expect(good(await read('[{"a":1}]', '.txt', { format: 'json' }))).toEqual([[1, { a: 1 }]]);
  });

  it('keeps the records before a cut and says that the rest is missing', async () => {
    const all = Array.from({ length: 20_000 }, (_, index) => ({ i: index, r: Math.sin(index) }));
    const packed = gzipSync(JSON.stringify(all).replaceAll('},', '},\n'));
    const lines = await read(packed.subarray(0, packed.length / 2), '.json.gz');
    const count = good(lines).length;
    expect(count).toBeGreaterThan(8_000);
    expect(good(lines).map(([, record]) => record)).toEqual(all.slice(0, count));
    expect(bad(lines)).toEqual([
      [count + 1, null, 'the compressed file is cut short; rows from this line on are missing'],
    ]);
    expect(lines.at(-1)?.bytesRead).toBe(Math.floor(packed.length / 2));
  });

  it('reports damage inside, even after the last record', async () => {
    const packed = Buffer.from(gzipSync(text));
    packed[packed.length - 6] = (packed[packed.length - 6] ?? 0) ^ 0xff;
    expect(bad(await read(packed)).at(-1)?.[2]).toMatch(/^the compressed file is damaged/);
  });
});

describe('any JSON', () => {
  // The parser drops U+FEFF where text outside ASCII begins with it.
  const string = fc.string({ unit: 'binary', maxLength: 12 }).map((text) => text.replaceAll('\ufeff', ''));
  const scalar = fc.oneof(string, fc.double({ noNaN: true, noDefaultInfinity: true }), fc.boolean(), fc.constant(null));
  const value = fc.oneof(scalar, fc.array(scalar, { maxLength: 4 }), fc.dictionary(string, scalar, { maxKeys: 3 }));
  const record = fc.dictionary(string, value, { maxKeys: 5 });

  it('comes out as JSON.parse gives it, with its line, however it is laid out and wherever a read ends', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(record, { maxLength: 6 }),
        fc.constantFrom(',', ', ', ',\n', '\n,\r\n\t'),
        fc.integer({ min: 0, max: 40 }),
        fc.boolean(),
        async (records, separator, shift, wrapped) => {
          // Blanks before the list move the end of the first read of 64 KiB across its text.
          const blanks = ' '.repeat(65_536 - shift);
          const list = `[${records.map((one) => JSON.stringify(one)).join(separator)}]`;
          const lines = await read(wrapped ? `${blanks}{"x":${list}}` : `${blanks}${list}`);
          const perRecord = separator.split('\n').length - 1;
          expect(good(lines)).toEqual(
            records.map((one, index) => [1 + index * perRecord, JSON.parse(JSON.stringify(one))]),
          );
          expect(bad(lines)).toEqual([]);
        },
      ),
      { seed: 7, numRuns: 150 },
    );
  });
});

describe('memory', () => {
  it('does not grow with the file', async () => {
    const element = JSON.stringify({ text: 'word '.repeat(200), nested: { list: [1, 2, { a: 'é' }] } });
    const path = join(folder, 'large.json.gz');
    await writeFile(path, gzipSync(`[${`${element},`.repeat(40_000)}${element}]`));
    // Garbage that waits to be collected would hide the figure this is about: what is kept.
    setFlagsFromString('--expose-gc');
    const collect: unknown = runInNewContext('gc');
    const used = (): number => {
      if (typeof collect === 'function') collect();
      const { heapUsed, external } = process.memoryUsage();
      return heapUsed + external;
    };
    const before = used();
    let most = 0;
    let count = 0;
    for await (const line of readRecords(path)) {
      count += line.ok ? 1 : 0;
      if (count % 4000 === 0) most = Math.max(most, used() - before);
    }
    expect(count).toBe(40_001);
    expect(most).toBeLessThan(12_000_000);
  });
});
