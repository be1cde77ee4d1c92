import { expect, test } from 'vitest';
import { MAX_WAITING_BYTES, MAX_WAITING_MESSAGES, Outlet } from '../../../src/server/outlet.ts';

const STALL_MS = 50;

/** A connection that takes what the test says. */
function connection() {
  const waiting: (() => void)[] = [];
  const written: string[] = [];
  const outlet = new Outlet((text, taken) => {
    written.push(text);
    waiting.push(taken);
  }, STALL_MS);
  const takeAll = () => {
    for (const taken of waiting.splice(0)) taken();
  };
  return { outlet, written, takeAll };
}

const settled = (promises: Promise<void>[]) =>
  Promise.allSettled(promises).then((results) =>
    results.map((result) => (result.status === 'fulfilled' ? 'taken' : { written: result.reason.written })),
  );

test.for([
  ['bytes', 'x'.repeat(MAX_WAITING_BYTES / 4), 4],
  ['messages', 'x', MAX_WAITING_MESSAGES],
] as const)(
  'what waits is bounded in %s: the rest is not even written, and follows when something was taken',
  async ([, text, most]) => {
    const { outlet, written, takeAll } = connection();
    const sent = Array.from({ length: most + 2 }, () => outlet.send(text));
    await Promise.resolve();
    expect(written).toHaveLength(most);
    takeAll();
    await expect.poll(() => written.length).toBe(most + 2);
    takeAll();
    expect(new Set(await settled(sent))).toEqual(new Set(['taken']));
    expect(outlet.isWaiting).toBe(false);
  },
);

test('when nothing is taken, each learns whether its message is among what waits; last words are let through', async () => {
  const { outlet, written } = connection();
  const sent = Array.from({ length: 5 }, () => outlet.send('x'.repeat(MAX_WAITING_BYTES / 4)));
  expect(await settled(sent)).toEqual([...Array(4).fill({ written: true }), { written: false }]);
  const last = outlet.send('the end');
  expect(written.at(-1)).toBe('the end');
  expect(await settled([last])).toEqual([{ written: true }]);
});

test('who takes little by little is not stalled, and a connection that is gone keeps nobody waiting', async () => {
  const { outlet, takeAll } = connection();
  for (let i = 0; i < 4; i++) {
    const sent = outlet.send('x');
    await new Promise((resolve) => setTimeout(resolve, STALL_MS / 2));
    takeAll();
    await sent;
  }
  const sent = outlet.send('x');
  outlet.close();
  expect(await settled([sent, outlet.send('y')])).toEqual(['taken', 'taken']);
});
