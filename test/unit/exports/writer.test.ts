import { Writable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { writerTo } from '../../../src/exports/writer.ts';

/** A stream whose reader takes nothing until it is told to. */
function slowReader() {
  const taken: string[] = [];
  let release = () => {};
  const stream = new Writable({
    highWaterMark: 4,
    decodeStrings: false,
    write(chunk: string, _, done) {
      release = () => {
        taken.push(chunk);
        done();
      };
    },
  });
  return { stream, taken, release: () => release() };
}

const never = new AbortController().signal;

test('what fits is written at once, what does not waits for the reader', async () => {
  const { stream, taken, release } = slowReader();
  const send = writerTo(stream, never);
  await send('ab');
  let isDone = false;
  const second = send('cdef').then(() => {
    isDone = true;
  });
  await sleep(20);
  expect([isDone, taken]).toEqual([false, []]);
  release();
  await sleep(0);
  expect([isDone, taken]).toEqual([false, ['ab']]);
  release();
  await second;
  expect(taken).toEqual(['ab', 'cdef']);
});

test('a reader that leaves ends the wait, and every later write', async () => {
  const { stream } = slowReader();
  const send = writerTo(stream, never);
  const waiting = send('abcdef');
  stream.destroy();
  await expect(waiting).rejects.toThrow('the reader went away');
  await expect(send('x')).rejects.toThrow('the reader went away');
});

test.each([
  ['EPIPE', 'the reader went away'],
  ['ENOSPC', 'no space'],
])('a stream that fails with %s ends the wait', async (code, message) => {
  const { stream } = slowReader();
  const send = writerTo(stream, never);
  const waiting = send('abcdef');
  stream.destroy(Object.assign(new Error('no space'), { code }));
  await expect(waiting).rejects.toThrow();
  await expect(send('x')).rejects.toThrow(message);
});

test('a signal ends the wait with its reason', async () => {
  const { stream } = slowReader();
  const stop = new AbortController();
  const send = writerTo(stream, stop.signal);
  const waiting = send('abcdef');
  stop.abort(new Error('too long'));
  await expect(waiting).rejects.toThrow('too long');
  await expect(send('x')).rejects.toThrow('too long');
});
