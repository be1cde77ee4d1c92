import { buildSchema } from 'graphql';
import { describe, expect, test } from 'vitest';
import { Documents } from '../../../src/server/documents.ts';
import { documentId } from '../../../src/server/trusted-documents.ts';

const schema = buildSchema('type Query { a(n: Int): Int, b: Query } type Subscription { c: Int }');
const documents = () => new Documents(schema);

describe('a document without errors', () => {
  test('has its operations by name, and its only one without a name too', () => {
    const two = documents().get('query One { a } subscription Two { c } fragment F on Query { a }');
    // An unused fragment is an error.
    expect(two).toBeNull();
    const both = documents().get('query One { a } subscription Two { c }');
    expect([...(both?.operations.keys() ?? [])]).toEqual(['One', 'Two']);
    expect(both?.operations.get('Two')?.kind).toBe('subscription');
    const one = documents().get('query One { a }');
    expect([...(one?.operations.keys() ?? [])]).toEqual(['One', null]);
    // Compiled once, whether it is named or not.
    expect(one?.operations.get(null)).toBe(one?.operations.get('One'));
    expect([...(documents().get('{ a }')?.operations.keys() ?? [])]).toEqual([null]);
  });

  test('is parsed and prepared once', () => {
    const store = documents();
    expect(store.get('{ a }')).toBe(store.get('{ a }'));
    expect(store.get('{ a }')).not.toBe(store.get('{  a }'));
    expect(store.size).toEqual({ count: 2, bytes: 11 });
  });

  test('gives each operation an id that is the same everywhere, and differs by text and name', () => {
    const id = (text: string, name: string | null) => documents().get(text)?.operations.get(name)?.id;
    const texts: [string, string | null][] = [
      ['{ a }', null],
      ['{  a }', null],
      ['query One { a }', null],
      ['query One { a } query Two { a }', 'One'],
      ['query One { a } query Two { a }', 'Two'],
    ];
    const ids = texts.map(([text, name]) => id(text, name));
    expect(new Set(ids).size).toBe(texts.length);
    for (const one of ids) expect(one).toMatch(/^[\w-]{43}$/);
    expect(texts.map(([text, name]) => id(text, name))).toEqual(ids);
    expect(id('query One { a }', 'One')).toBe(id('query One { a }', null));
    // SHA-256 of a line break and the text.
    expect(id('{ a }', null)).toBe('lHUmOP_Rk-9bHYkGdSxe9QBf8ub9zk4CpdFPifmQAd0');
  });
});

test.each([
  '',
  '{',
  '{ nothing }',
  'query($n: Int) { a }',
  'type Query { a: Int }',
  `{ ${'a '.repeat(5_000)} }`,
  `${'{ b '.repeat(2_499)}`,
])('%.20j has errors and is not kept', (text) => {
  const store = documents();
  expect(store.get(text)).toBeNull();
  expect(store.size).toEqual({ count: 0, bytes: 0 });
});

describe('what is kept is bounded', () => {
  const text = (i: number) => `{ a(n: ${i}) }`;

  test('by count: the least recently used leaves', () => {
    const store = new Documents(schema, { count: 3, bytes: 1_000 });
    const first = store.get(text(1));
    const second = store.get(text(2));
    store.get(text(3));
    expect(store.get(text(1))).toBe(first);
    store.get(text(4));
    expect(store.size.count).toBe(3);
    expect(store.get(text(1))).toBe(first);
    expect(store.get(text(2))).not.toBe(second);
  });

  test('by bytes, of UTF-8; a text that alone is too long is answered and not kept', () => {
    const store = new Documents(schema, { count: 100, bytes: 40 });
    const ten = (i: number) => `{ a } #ä${i}`;
    for (let i = 0; i < 9; i++) {
      store.get(ten(i));
      expect(store.size).toEqual({ count: Math.min(i + 1, 4), bytes: Math.min(i + 1, 4) * 10 });
    }
    expect(store.get(`{ a } #${'x'.repeat(40)}`)?.operations.size).toBe(1);
    expect(store.size).toEqual({ count: 4, bytes: 40 });
    const kept = store.get(ten(8));
    expect(store.get(ten(8))).toBe(kept);
    store.get(`{ a } #${'x'.repeat(33)}`);
    expect(store.size).toEqual({ count: 1, bytes: 40 });
  });

  test('through any use, as a list of what was used last tells', () => {
    const store = new Documents(schema, { count: 5, bytes: 62 });
    let recent: number[] = [];
    const last = new Map<number, unknown>();
    let state = 7;
    for (let step = 0; step < 5_000; step++) {
      state = (state * 1_103_515_245 + 12_345) % 2 ** 31;
      const i = (state >> 8) % 12;
      const stored = store.get(text(i));
      expect(stored === last.get(i)).toBe(recent.includes(i));
      last.set(i, stored);
      recent = [i, ...recent.filter((one) => one !== i)];
      const bytes = () => recent.reduce((sum, one) => sum + text(one).length, 0);
      while (recent.length > 5 || bytes() > 62) recent.pop();
      expect(store.size).toEqual({ count: recent.length, bytes: bytes() });
    }
  });
});

describe('trusted documents', () => {
  test('are found by id and by text, and stay', () => {
    const store = new Documents(schema, { count: 1, bytes: 100 });
    store.trust([{ name: 'x.graphql', text: 'query X { a }\n' }]);
    const stored = store.trusted(documentId('query X { a }\n'));
    expect(stored?.operations.get('X')?.kind).toBe('query');
    for (let i = 0; i < 5; i++) store.get(`{ a(n: ${i}) }`);
    expect(store.get('query X { a }\n')).toBe(stored);
    expect(store.size.count).toBe(1);
    for (const id of ['', 'sha256:', 'X', documentId('query X { a }'), '__proto__', documentId('{ a(n: 4) }')]) {
      expect(store.trusted(id), id).toBeNull();
    }
  });

  test('with errors are refused all together, each with its name and its errors', () => {
    const wrong = [
      { name: 'one.graphql', text: '{ nothing nobody }' },
      { name: 'good.graphql', text: '{ a }' },
      { name: 'two.graphql', text: '{' },
    ];
    const message = (() => {
      try {
        documents().trust(wrong);
        return '';
      } catch (error) {
        return String(error);
      }
    })();
    expect(message).toMatch(/one\.graphql: Cannot query field "nothing".*; Cannot query field "nobody"/);
    expect(message).toMatch(/two\.graphql: Syntax Error/);
    expect(message).not.toContain('good');
  });
});
