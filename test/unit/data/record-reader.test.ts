import { createWriteStream } from 'node:fs';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { createGzip, gzipSync } from 'node:zlib';
import { afterAll, describe, expect, it } from 'vitest';
import { type ReadRecordsOptions, type RecordLine, readRecords } from '../../../src/data/record-reader.ts';

const folder = await mkdtemp(join(tmpdir(), 'record-reader-'));
afterAll(() => rm(folder, { recursive: true, force: true }));

async function readAll(path: string, options?: ReadRecordsOptions): Promise<RecordLine[]> {
  const lines: RecordLine[] = [];
  for await (const line of readRecords(path, options)) lines.push(line);
  return lines;
}

let files = 0;
async function read(ending: string, content: string | Uint8Array, options?: ReadRecordsOptions): Promise<RecordLine[]> {
  files += 1;
  const path = join(folder, `file-${files}${ending}`);
  await writeFile(path, content);
  return readAll(path, options);
}

function good(lines: RecordLine[]): [number, Record<string, unknown>][] {
  return lines.flatMap((line) => (line.ok ? [[line.line, line.record] as [number, Record<string, unknown>]] : []));
}

function bad(lines: RecordLine[]): [number, number | null, string][] {
  return lines.flatMap((line) =>
    line.ok ? [] : [[line.line, line.column, line.reason] as [number, number | null, string]],
  );
}

const utf16 = (text: string, order: 'le' | 'be'): Buffer => {
  const bytes = Buffer.from(`\ufeff${text}`, 'utf16le');
  return order === 'le' ? bytes : bytes.swap16();
};

describe('JSON Lines', () => {
  it('reads objects, skips blank lines, takes CRLF and a byte order mark', async () => {
    const lines = await read('.jsonl', '\ufeff{"a":1}\n\n  \r\n{"a":"\u00e9"}\r\n{"a":[1]}');
    expect(good(lines)).toEqual([
      [1, { a: 1 }],
      [4, { a: '\u00e9' }],
      [5, { a: [1] }],
    ]);
    expect(bad(lines)).toEqual([]);
  });

  it('names line and column of a syntax error and reads on', async () => {
    const texts = [
      '{"a":x}',
      '{"a":"b',
      '{"a":1,}',
      '{"a":1}}',
      '{"a" 1}',
      '{"a":"\\q"}',
      '{"a":"\t"}',
      '{"a":[1,]}',
      '{',
    ];
    const lines = await read('.ndjson', `${texts.join('\n')}\n{"ok":1}\n`);
    expect(bad(lines).map(([line]) => line)).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9]);
    expect(bad(lines).map(([, column]) => column)).toEqual([6, 8, 8, 8, 6, 7, 7, 9, 2]);
    expect(bad(lines)[0]?.[2]).toBe('not valid JSON: unexpected "x", expected a value');
    expect(good(lines)).toEqual([[10, { ok: 1 }]]);
  });

  it('refuses lines that are not objects', async () => {
    const reasons = bad(await read('.jsonl', '[1]\n12\n"x"\nnull\n')).map(([, , reason]) => reason);
    expect(reasons).toEqual(
      ['an array', 'a number', 'a string', 'null'].map((kind) => `the line holds ${kind}, not an object`),
    );
  });

  it('reports invalid UTF-8 by line instead of replacing it', async () => {
    const lines = await read(
      '.jsonl',
      Buffer.concat([Buffer.from('{"a":1}\n{"a":"'), Buffer.from([0xff]), Buffer.from('"}\n{"a":2}')]),
    );
    expect(good(lines).map(([line]) => line)).toEqual([1, 3]);
    expect(bad(lines)).toEqual([[2, null, 'the line is not valid UTF-8']]);
  });

  it.each(['le', 'be'] as const)(
    'reads UTF-16%s by its byte order mark, also where a line feed byte is half a letter',
    async (order) => {
      const lines = await read('.jsonl', utf16('{"a":"\u0a0a\u010a\u0a01"}\n{"a":2}\n', order));
      expect(good(lines)).toEqual([
        [1, { a: '\u0a0a\u010a\u0a01' }],
        [2, { a: 2 }],
      ]);
    },
  );

  it('takes a named encoding', async () => {
    const latin = Buffer.from('{"a":"\u00e9"}', 'latin1');
    expect(good(await read('.jsonl', latin, { encoding: 'windows-1252' }))).toEqual([[1, { a: '\u00e9' }]]);
  });

  it('gives up a line over 16 MiB and reads on', async () => {
    const lines = await read('.jsonl', `{"a":1}\n{"a":"${'x'.repeat(17 * 1024 * 1024)}"}\n{"a":2}\n`);
    expect(good(lines).map(([line]) => line)).toEqual([1, 3]);
    expect(bad(lines)).toEqual([[2, null, 'the line is longer than 16 MiB']]);
  });
});

describe('CSV', () => {
  it('reads quoted separators, quotes and line breaks, and tells the column of each field', async () => {
    const lines = await read('.csv', 'a,b\r\n"x\r\ny","1,5"\r\n\r\n"say ""hi""",2');
    expect(good(lines)).toEqual([
      [2, { a: 'x\r\ny', b: '1,5' }],
      [5, { a: 'say "hi"', b: '2' }],
    ]);
    expect(lines[0]).toMatchObject({ columns: { a: 1, b: 2 } });
  });

  it.each([
    [',', '.csv'],
    [';', '.csv'],
    ['\t', '.tsv'],
    ['|', '.csv'],
  ])('guesses the separator %j', async (separator, ending) => {
    const lines = await read(ending, `a${separator}"b,;x"${separator}c\n1${separator}2${separator}3\n`);
    expect(good(lines)).toEqual([[2, { a: '1', 'b,;x': '2', c: '3' }]]);
  });

  it('reports ragged rows with line and column', async () => {
    const lines = await read('.csv', 'a,b,c\n"x\ny",2,3\n1,2\n1,2,3,4\n5,6,7\n');
    expect(bad(lines)).toEqual([
      [4, 3, 'the row has 2 fields, the header has 3'],
      [5, 4, 'the row has 4 fields, the header has 3'],
    ]);
    expect(good(lines).map(([line]) => line)).toEqual([2, 6]);
  });

  it('gives up a row with a wrong quote at its first line and reads on with the next', async () => {
    const lines = await read('.csv', 'a,b\n1,x"y\n"x"y,1\n3,4\n"open,1\n5,6\n7,8\n');
    expect(bad(lines)).toEqual([
      [2, 2, 'a quote stands inside an unquoted field; quote the field and double the quote'],
      [3, 1, 'a closing quote is not followed by a separator; double a quote that is part of the text'],
      [5, 1, 'a quoted field is never closed'],
    ]);
    expect(good(lines).map(([line]) => line)).toEqual([4, 6, 7]);
  });

  it('does not read a long file into a quote that is never closed', async () => {
    const lines = await read('.csv', `a,b\n1,"x\n${'y,z\n'.repeat(120_000)}`);
    expect(bad(lines)).toEqual([
      [2, null, 'the row is longer than 16 MiB or 100000 lines; a quoted field may not be closed'],
    ]);
    expect(good(lines)).toHaveLength(120_000);
  });

  it('gives up a line over 16 MiB and reads on', async () => {
    const lines = await read('.csv', `a,b\n1,2\n${'x'.repeat(17 * 1024 * 1024)},1\n3,4\n`);
    expect(lines.map((line) => [line.line, line.ok])).toEqual([
      [2, true],
      [3, false],
      [4, true],
    ]);
  });

  it('reports a row with invalid UTF-8 at the line of the bad byte', async () => {
    const lines = await read(
      '.csv',
      Buffer.concat([Buffer.from('a,b\n3,"x\n'), Buffer.from([0xc3, 0x28]), Buffer.from('"\n5,6\n')]),
    );
    expect(bad(lines)).toEqual([[3, null, 'the line is not valid UTF-8']]);
    expect(good(lines)).toEqual([[4, { a: '5', b: '6' }]]);
  });

  it.each([
    ['a,b,a\n1,2,3\n', 3, 'the header names "a" twice, in columns 1 and 3'],
    ['a,,c\n1,2,3\n', 2, 'column 2 of the header has no name'],
  ])('stops at a header that cannot be used: %j', async (content, column, reason) => {
    expect(bad(await read('.csv', content))).toEqual([[1, column, reason]]);
    expect(good(await read('.csv', content))).toEqual([]);
  });

  it('keeps a field named __proto__ as data', async () => {
    const [first] = good(await read('.csv', '__proto__\n1\n'));
    expect(Object.entries(first?.[1] ?? {})).toEqual([['__proto__', '1']]);
  });

  it('gives nothing for an empty file or a header alone', async () => {
    for (const content of ['', 'a,b\n', '\n\n']) expect(await read('.csv', content)).toEqual([]);
  });

  it('reads a file of nothing but bad rows in time proportional to its size', async () => {
    const seconds = async (rows: number): Promise<number> => {
      const start = process.cpuUsage();
      expect(bad(await read('.csv', `a,b\n${'a",1\n'.repeat(rows)}`))).toHaveLength(rows);
      const { user, system } = process.cpuUsage(start);
      return user + system;
    };
    await seconds(1000);
    const small = await seconds(3000);
    expect((await seconds(6000)) / small).toBeLessThan(3.2);
  });
});

describe('compressed files', () => {
  const rows = Array.from({ length: 20_000 }, (_, index) => `{"i":${index},"r":${Math.sin(index)}}`).join('\n');

  it('unpacks gzip, also of several members, and counts the bytes on disk', async () => {
    const packed = Buffer.concat([gzipSync(`${rows}\n`), gzipSync('{"i":-1}\n')]);
    const lines = await read('.jsonl.gz', packed);
    expect(good(lines)).toHaveLength(20_001);
    expect(lines.at(-1)?.bytesRead).toBe(packed.length);
    const counts = lines.map((line) => line.bytesRead);
    expect(counts).toEqual(counts.toSorted((a, b) => a - b));
  });

  it('goes by the first bytes, not by the name', async () => {
    for (const [ending, content] of [
      ['.csv', gzipSync('a\n1\n')],
      ['.csv.gz', 'a\n1\n'],
    ] as const) {
      expect(good(await read(ending, content))).toEqual([[2, { a: '1' }]]);
    }
  });

  it.each([0.5, 0.999])('keeps the rows before a cut at %d of the file', async (share) => {
    const packed = gzipSync(rows);
    const lines = await read('.jsonl.gz', packed.subarray(0, Math.floor(packed.length * share)));
    const count = good(lines).length;
    expect(count).toBeGreaterThan(20_000 * share * 0.8);
    expect(good(lines).map(([, record]) => record.i)).toEqual(Array.from({ length: count }, (_, index) => index));
    expect(bad(lines)).toEqual([
      [count + 1, null, 'the compressed file is cut short; rows from this line on are missing'],
    ]);
  });

  it('does not pass on the half row before a cut in CSV', async () => {
    const table = `a,b\n${Array.from({ length: 20_000 }, (_, index) => `${index},${Math.sin(index)}`).join('\n')}`;
    const packed = gzipSync(table);
    const lines = await read('.csv.gz', packed.subarray(0, packed.length / 2));
    for (const [, record] of good(lines)) expect(record.b).toBe(String(Math.sin(Number(record.a))));
    expect(bad(lines)).toHaveLength(1);
    expect(lines.at(-1)?.ok).toBe(false);
  });

  it('reports damage inside', async () => {
    const packed = Buffer.from(gzipSync('{"a":1}\n'));
    packed[packed.length - 6] = (packed[packed.length - 6] ?? 0) ^ 0xff;
    const lines = await read('.jsonl.gz', packed);
    expect(bad(lines).at(-1)?.[2]).toMatch(/^the compressed file is damaged/);
  });
});

describe('files that cannot be read', () => {
  const failure = async (path: string): Promise<string> =>
    readAll(path).then(
      () => 'no error',
      (error: unknown) => (error instanceof Error ? error.message : ''),
    );

  it('says what to do', async () => {
    await mkdir(join(folder, 'folder.csv'));
    await writeFile(join(folder, 'table.xlsx'), 'x');
    expect(await failure(join(folder, 'none.csv'))).toMatch(/no such file; check the path$/);
    expect(await failure(join(folder, 'folder.csv'))).toMatch(/is a directory; name one file in it$/);
    expect(await failure(join(folder, 'table.xlsx'))).toMatch(
      /use \.jsonl, \.ndjson, \.csv or \.tsv, each with or without \.gz$/,
    );
  });
});

describe('memory', () => {
  it('does not grow with the file', async () => {
    const path = join(folder, 'large.jsonl.gz');
    const block = `${JSON.stringify({ text: 'word '.repeat(200) })}\n`.repeat(100);
    await pipeline(Readable.from(Array.from({ length: 400 }, () => block)), createGzip(), createWriteStream(path));
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
    expect(count).toBe(40_000);
    // The file holds 41 MB of text, packed as tightly as gzip can: one step of 4 MiB and its lines are the worst case.
    expect(most).toBeLessThan(12_000_000);
  });
});
