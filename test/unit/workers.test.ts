import { availableParallelism } from 'node:os';
import { expect, test } from 'vitest';
import { settingsOfOne, workerCount } from '../../src/commands/workers.ts';
import { loadEnv } from '../../src/env.ts';

test('--workers wins over WORKERS, and 0 is one for each core', () => {
  expect(workerCount(undefined, { WORKERS: 3 })).toBe(3);
  expect(workerCount('64', { WORKERS: 3 })).toBe(64);
  const cores = Math.min(availableParallelism(), 64);
  expect(workerCount('0', { WORKERS: 3 })).toBe(cores);
  expect(workerCount(undefined, { WORKERS: 0 })).toBe(cores);
});

test.each(['65', '-1', '1.5', '1e1', 'auto', ''])('--workers %j is refused with what is allowed', (given) => {
  expect(() => workerCount(given, { WORKERS: 1 })).toThrow(
    `--workers ${given}: a whole number from 0 to 64 is allowed; 0 is one for each core`,
  );
});

test('one process keeps its settings as they are', () => {
  const env = loadEnv({});
  expect(settingsOfOne(env, 1)).toBe(env);
});
