import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { type RecordLine, readRecords, readTextRecords } from '../../../src/data/record-reader.ts';

const folder = await mkdtemp(join(tmpdir(), 'record-text-'));
afterAll(() => rm(folder, { recursive: true, force: true }));

const ROWS = Array.from({ length: 9_000 }, (_, i) => ({ id: `${i}`, title: `Größe ${i} 🙂` }));
const FORMS = {
  csv: `\u{feff}id,title\r\n${ROWS.map(({ id, title }) => `${id},${title}\r\n`).join('')}`,
  jsonl: `${ROWS.map((row) => JSON.stringify(row)).join('\n')}\nnot JSON`,
  json: JSON.stringify(ROWS, null, 1),
} as const;

it.each(['csv', 'jsonl', 'json'] as const)('a text gives the same records as a file of it: %s', async (format) => {
  const path = join(folder, `file.${format}`);
  await writeFile(path, FORMS[format]);
  const records = async (of: AsyncIterable<RecordLine>) => {
    const lines: RecordLine[] = [];
    for await (const line of of) lines.push(line);
    return lines;
  };
  const lines = await records(readTextRecords(FORMS[format], format));
  expect(lines.flatMap((line) => (line.ok ? [line.record] : []))).toEqual(ROWS);
  expect(lines).toEqual(await records(readRecords(path)));
});
