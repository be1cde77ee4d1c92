import { expect, test } from 'vitest';
import { Turns } from '../../../src/data/turns.ts';

test('work under one name runs one after the other, also after a failure; other names do not wait', async () => {
  const turns = new Turns();
  const told: string[] = [];
  const gates = [0, 1, 2].map(() => Promise.withResolvers<string>());
  const taken = gates.map(({ promise }, i) =>
    turns.take('a', () => {
      told.push(`begins ${i}`);
      return promise;
    }),
  );
  expect(await turns.take('b', async () => 'b')).toBe('b');
  expect(told).toEqual(['begins 0']);
  gates[0]?.reject(new Error('no'));
  await expect(taken[0]).rejects.toThrow('no');
  expect(told).toEqual(['begins 0', 'begins 1']);
  gates[1]?.resolve('1');
  expect(await taken[1]).toBe('1');
  expect(told).toEqual(['begins 0', 'begins 1', 'begins 2']);
  gates[2]?.resolve('2');
  expect(await taken[2]).toBe('2');
  expect(await turns.take('a', async () => 'again')).toBe('again');
});
