import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { documentId, readTrustedDocuments } from '../../../src/server/trusted-documents.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'argus-trusted-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

function write(name: string, content: string | Buffer): string {
  const file = join(folder, name);
  writeFileSync(file, content);
  return file;
}

test('the id of a document is that of GraphQL over HTTP', () => {
  // The examples of appendix A.
  expect(documentId('query ($id: ID!) {\n  user(id: $id) {\n    name\n  }\n}')).toBe(
    'sha256:7dba4bd717b41f10434822356a93c32b1fb4907b983e854300ad839f84cdcd6e',
  );
  expect(documentId('query($id:ID!){user(id:$id){name}}')).toBe(
    'sha256:71f7dc5758652baac68e4a10c50be732b741c892ade2883a99358f52b555286b',
  );
});

describe('a folder', () => {
  test('gives the text of every .graphql file in it, also in folders, as it stands', () => {
    mkdirSync(join(folder, 'sub'));
    write('b.graphql', '\uFEFFquery B { a } # ä\r\n');
    write(join('sub', 'a.graphql'), '{ a }');
    write('notes.md', '{ a }');
    expect(readTrustedDocuments(folder)).toEqual([
      { name: 'b.graphql', text: '\uFEFFquery B { a } # ä\r\n' },
      { name: 'sub/a.graphql', text: '{ a }' },
    ]);
  });

  test('without such a file is refused', () => {
    expect(() => readTrustedDocuments(folder)).toThrow(/^TRUSTED_DOCUMENTS = ".*": the folder has no \.graphql file$/);
  });

  test('with a file that is not UTF-8 is refused by its name', () => {
    write('bad.graphql', Buffer.from([0x7b, 0xff, 0x7d]));
    expect(() => readTrustedDocuments(folder)).toThrow('bad.graphql is not UTF-8');
  });
});

describe('a manifest', () => {
  const hash = documentId('{ a }').slice('sha256:'.length);

  test('gives its texts', () => {
    expect(readTrustedDocuments(write('m.json', JSON.stringify({ [hash]: '{ a }' })))).toEqual([
      { name: hash, text: '{ a }' },
    ]);
    expect(readTrustedDocuments(write('m.json', '{}'))).toEqual([]);
  });

  test.for([
    ['{', 'the file is not JSON, and is not a folder'],
    ['[]', 'the file is not a JSON object of texts'],
    ['null', 'the file is not a JSON object of texts'],
    [`{"${hash}": 1}`, 'the file is not a JSON object of texts'],
    [`{"${hash}": "{ b }"}`, `the hash "${hash}" is not that of its text, ${documentId('{ b }')}`],
    [`{"${hash.toUpperCase()}": "{ a }"}`, 'is not that of its text'],
    ['{"sha256:x": "{ a }"}', 'the hash "sha256:x" is not that of its text'],
  ] as const)('with %j is refused: %s', ([text, problem]) => {
    const file = write('m.json', text);
    expect(() => readTrustedDocuments(file)).toThrow(`TRUSTED_DOCUMENTS = ${JSON.stringify(file)}: `);
    expect(() => readTrustedDocuments(file)).toThrow(problem);
  });
});

test('a path at which there is nothing is refused', () => {
  expect(() => readTrustedDocuments(join(folder, 'nothing'))).toThrow(/^TRUSTED_DOCUMENTS = ".*nothing": ENOENT/);
});
