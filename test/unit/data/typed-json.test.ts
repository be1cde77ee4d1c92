import fc from 'fast-check';
import { expect, test } from 'vitest';
import { Prisma } from '../../../generated/prisma/client.ts';
import { decodeTyped, encodeTyped } from '../../../src/data/typed-json.ts';

const there = (value: unknown) => decodeTyped(JSON.parse(JSON.stringify(encodeTyped(value))));

test('rows come back with the types that they had', () => {
  const row = {
    id: 'x',
    at: new Date('0099-12-31T23:59:59.999Z'),
    seq: 2n ** 80n,
    money: new Prisma.Decimal('-12345678901234567890.1234'),
    hash: new Uint8Array([0, 255, 10]),
    tags: ['date', 'bigint'],
    nothing: null,
    odd: [-0, Number.NaN, Number.POSITIVE_INFINITY, 0.1],
  };
  const back = there([row]);
  expect(back).toEqual([row]);
  const [{ money, hash, at }] = back as [typeof row];
  expect([Prisma.Decimal.isDecimal(money), hash.constructor, at.constructor]).toEqual([true, Uint8Array, Date]);
});

test('any value comes back as it was, also one that looks like an encoded one', () => {
  const leaf = fc.oneof(
    fc.string({ unit: 'binary' }),
    fc.constantFrom('list', 'date', 'bigint', '__proto__'),
    fc.bigInt(),
    fc.double(),
    fc.date({ noInvalidDate: true }),
    fc.uint8Array().map((bytes) => new Uint8Array(bytes)),
    fc.constantFrom(null, true, false),
  );
  const { tree } = fc.letrec((tie) => ({
    tree: fc.oneof({ depthSize: 'small' }, leaf, fc.array(tie('tree')), fc.dictionary(fc.string(), tie('tree'))),
  }));
  fc.assert(
    fc.property(tree, (value) => {
      expect(there(value)).toEqual(value);
    }),
  );
});

test('what is undefined is left out', () => {
  expect(there({ a: undefined, b: 1 })).toStrictEqual({ b: 1 });
});

test.for([new Map(), () => 1, new Error('x'), Symbol('s'), new Date(Number.NaN)])('%s is refused', (value) => {
  expect(() => encodeTyped({ value })).toThrow(/cannot be kept|Invalid time/);
});
