import { expect, test } from 'vitest';
import { fingerprintOf } from '../../../src/data/idempotency.ts';

const one = fingerprintOf('openCase', { title: 'x', data: { b: [1, 2], a: null } });

test('a call’s fingerprint is the same whatever the order of fields, at any depth', () => {
  expect(fingerprintOf('openCase', { data: { a: null, b: [1, 2] }, title: 'x', left: undefined })).toBe(one);
});

test.for([
  ['openBug', { title: 'x', data: { b: [1, 2], a: null } }],
  ['openCase', { title: 'x', data: { b: [2, 1], a: null } }],
  ['openCase', { title: 'x', data: { b: [1, 2] } }],
  ['openCase', { title: 'x', data: { b: ['1', 2], a: null } }],
  ['openCase', undefined],
] as const)('%s with %j is another call', ([name, input]) => {
  expect(fingerprintOf(name, input)).not.toBe(one);
});

test('what is of another type is another input', () => {
  const all = [new Date(0), 0, 0n, '0', new Date(0).toISOString(), ['date', new Date(0).toISOString()], {}, []];
  expect(new Set(all.map((value) => fingerprintOf('x', { value }))).size).toBe(all.length);
});
