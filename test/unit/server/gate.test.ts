import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, expect, test } from 'vitest';
import { Gate, isOverloaded } from '../../../src/server/gate.ts';
import { watchLoop } from '../../../src/server/loop-lag.ts';

/** Work that ends when it is told. */
function work(gate: Gate) {
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  let begun = false;
  const done = gate.run(() => {
    begun = true;
    return promise;
  });
  done.catch(() => {});
  return { done, end: () => resolve('done'), fail: () => reject(new Error('failed')), begun: () => begun };
}

test('so many run, so many wait in order, and the next is refused at once', async () => {
  const gate = new Gate({ concurrent: 2, queued: 2 });
  const [first, second, third, fourth] = Array.from({ length: 4 }, () => work(gate));
  expect([gate.running, gate.waiting, gate.isFull]).toEqual([2, 2, true]);
  expect([first, second, third, fourth].map((one) => one?.begun())).toEqual([true, true, false, false]);
  const refused = await work(gate).done.catch((error: unknown) => error);
  expect(isOverloaded(refused)).toBe(true);
  first?.end();
  expect(await first?.done).toBe('done');
  expect([third?.begun(), fourth?.begun(), gate.isFull]).toEqual([true, false, false]);
});

test('work that fails leaves its turn to the next', async () => {
  const gate = new Gate({ concurrent: 1, queued: 1 });
  const [first, second] = [work(gate), work(gate)];
  first.fail();
  await expect(first.done).rejects.toThrow('failed');
  expect(second.begun()).toBe(true);
  second.end();
  await second.done;
  expect([gate.running, gate.waiting, gate.isFull]).toEqual([0, 0, false]);
});

test('without a queue only as many are let in as may run', async () => {
  const gate = new Gate({ concurrent: 1, queued: 0 });
  const first = work(gate);
  expect(gate.isFull).toBe(true);
  first.end();
  await first.done;
  expect(gate.isFull).toBe(false);
});

let end = () => {};
afterEach(() => end());

/** Holds the event loop for so long. */
function hold(ms: number): void {
  const until = performance.now() + ms;
  while (performance.now() < until);
}

test('an event loop whose rounds take more than a second each is late, and recovers', { timeout: 15_000 }, async () => {
  const told: boolean[] = [];
  end = watchLoop((late) => told.push(late));
  await sleep(1);
  for (let i = 0; i < 2; i++) {
    hold(1_300);
    await sleep(1);
  }
  expect(told).toContain(true);
  await expect.poll(() => told.at(-1), { timeout: 5_000 }).toBe(false);
});
