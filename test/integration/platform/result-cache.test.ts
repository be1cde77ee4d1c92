import { describe, expect, test, vi } from 'vitest';
import type { Uses } from '../../../src/server/answer-uses.ts';
import { ResultCache } from '../../../src/server/result-cache.ts';
import { asOwner } from '../intel/records.ts';
import {
  a,
  anotherTenant,
  ask,
  cache,
  countCases,
  heard,
  held,
  questionOf,
  t,
  writeCase,
  writeSource,
} from './cached-cases.ts';

describe('an answer', () => {
  test('is given again to the same question, and to no other', async () => {
    expect(await ask()).toEqual(['0', 'database']);
    expect(await ask()).toEqual(['0', 'cache']);
    const permissions = new Set([...a.system.permissions].reverse());
    expect(await ask({ viewer: { ...a.system, permissions } }), 'the same permissions').toEqual(['0', 'cache']);
    const fewer = new Set([...permissions].slice(1));
    expect(await ask({ viewer: { ...a.system, permissions: fewer } })).toEqual(['0', 'database']);
    expect(await ask({ operation: '{ cases }{', variables: '}' })).toEqual(['0', 'database']);
    expect(await ask({ variables: '{"x":1}' })).toEqual(['0', 'database']);
    const b = await anotherTenant();
    await writeCase(b);
    expect(await ask({ viewer: b.system }, (uses) => countCases(uses, b))).toEqual(['1', 'database']);
    expect(cache.counters).toMatchObject({ hits: 2, joins: 0, misses: 5, dropped: 0 });
    expect(cache.counters.bytes).toBeGreaterThan(5_000);
  });

  test('ends when the log tells of what it was made of, and outlives what else happens', async () => {
    await ask();
    await heard(writeSource);
    expect(await ask()).toEqual(['0', 'cache']);
    await heard(writeCase);
    expect(await ask()).toEqual(['1', 'database']);
    expect(cache.counters.dropped).toBe(1);
    const b = await anotherTenant();
    await heard(() => writeCase(b), b);
    expect(await ask()).toEqual(['1', 'cache']);
  });

  test('that was changed while it was computed is not kept', async () => {
    await ask({ operation: 'to follow the tenant' });
    const slow = held();
    const answer = ask({}, slow.compute);
    await slow.begun;
    await heard(writeCase);
    slow.release();
    expect(await answer).toEqual(['0', 'database']);
    expect(await ask()).toEqual(['1', 'database']);
    // What happens meanwhile to other tables does not matter.
    const other = held();
    const kept = ask({ variables: 'other' }, other.compute);
    await other.begun;
    await heard(writeSource);
    other.release();
    expect(await kept).toEqual(['1', 'database']);
    expect(await ask({ variables: 'other' })).toEqual(['1', 'cache']);
  });

  test('is computed past the cache for a client that has seen more of the log than this process', async () => {
    await ask();
    const seq = await heard(writeSource);
    expect(await ask({ minSeq: seq })).toEqual(['0', 'cache']);
    expect(await ask({ minSeq: seq + 1n })).toEqual(['0', 'off']);
    expect(await ask({ minSeq: seq + 1n, variables: 'new' })).toEqual(['0', 'off']);
    expect(await ask({ minSeq: seq, variables: 'new' }), 'was not kept').toEqual(['0', 'database']);
    const slow = held();
    const running = ask({ variables: 'slow' }, slow.compute);
    await slow.begun;
    expect(await ask({ variables: 'slow', minSeq: seq + 1n }), 'was not joined').toEqual(['0', 'off']);
    slow.release();
    await running;
  });

  test('is not given to who wrote here until the write is announced', async () => {
    await ask();
    const [row] = await asOwner(t, `SELECT max(seq)::text AS seq FROM event_store WHERE tenant_id = $1`, [a.tenantId]);
    const next = BigInt(row.seq) + 1n;
    const slow = held();
    const running = ask({ variables: 'slow' }, slow.compute);
    await slow.begun;
    cache.written(a.tenantId, next);
    expect(await ask()).toEqual(['0', 'off']);
    expect(await ask({ variables: 'slow' }), 'was not joined').toEqual(['0', 'off']);
    slow.release();
    await running;
    expect(await heard(writeSource)).toBe(next);
    expect(await ask()).toEqual(['0', 'cache']);
    cache.written(a.tenantId, next);
    expect(await ask(), 'an announced write closes nothing').toEqual(['0', 'cache']);
    cache.written('018f0000-0000-7000-8000-000000000001', next);
  });
});

describe('a question that is being answered', () => {
  test('is answered once for all who ask it', async () => {
    const slow = held();
    const first = ask({}, slow.compute);
    await slow.begun;
    const others = [ask(), ask(), ask()];
    slow.release();
    expect(await first).toEqual(['0', 'database']);
    expect(await Promise.all(others)).toEqual(others.map(() => ['0', 'join']));
    expect(cache.counters).toMatchObject({ joins: 3, misses: 1 });
  });

  test.each([
    ['announced', writeSource],
    [
      'written here',
      async () =>
        writeSource().then((seq) => {
          cache.written(a.tenantId, seq);
          return seq;
        }),
    ],
  ])('is not joined after something was %s', async (_, write) => {
    await ask({ operation: 'to follow the tenant' });
    const slow = held();
    const first = ask({}, slow.compute);
    await slow.begun;
    const before = ask();
    await heard(write);
    expect(await ask()).toEqual(['0', 'database']);
    slow.release();
    await first;
    expect((await before)[1]).toBe('join');
  });

  test.each([
    [
      'personal',
      async (uses: Uses) => {
        uses.personal();
        return countCases(uses);
      },
    ],
    ['an error', async (uses: Uses) => ({ ...(await countCases(uses)), keep: false })],
  ])('with an answer that is %s is neither kept nor shared', async (_, compute) => {
    const slow = held(compute);
    const first = ask({}, slow.compute);
    await slow.begun;
    const second = ask({}, async () => ({ body: 'own', keep: false }));
    slow.release();
    expect(await first).toEqual(['0', 'database']);
    expect(await second).toEqual(['own', 'database']);
    expect(await ask()).toEqual(['0', 'database']);
  });

  test('fails only for who asked first', async () => {
    const slow = held(async () => {
      throw new Error('broken');
    });
    const first = ask({}, slow.compute);
    const second = ask();
    await expect(first).rejects.toThrow('broken');
    expect(await second).toEqual(['0', 'database']);
    expect(await ask()).toEqual(['0', 'cache']);
  });
});

describe('the time', () => {
  const timed = async (uses: Uses) => {
    uses.time();
    return countCases(uses);
  };

  test.each([
    ['made of the time', timed, 1_000],
    [
      'made of tables that change untold',
      async (uses: Uses) => {
        uses.statement({ text: 'SELECT 1 FROM bugs', values: [] });
        return countCases(uses);
      },
      5_000,
    ],
    ['made of what is told', countCases, 300_000],
  ])('an answer %s is given for so long', async (_, compute, age) => {
    vi.useFakeTimers({ toFake: ['performance'] });
    expect(await ask({}, compute)).toEqual(['0', 'database']);
    vi.advanceTimersByTime(age - 1);
    expect(await ask({}, compute)).toEqual(['0', 'cache']);
    vi.advanceTimersByTime(1);
    expect(await ask({}, compute)).toEqual(['0', 'database']);
  });

  test('counts from the beginning of the computation, for those who join it too', async () => {
    vi.useFakeTimers({ toFake: ['performance'] });
    const slow = held(timed);
    const first = ask({}, slow.compute);
    await slow.begun;
    vi.advanceTimersByTime(999);
    const inTime = ask();
    await new Promise(setImmediate);
    vi.advanceTimersByTime(1);
    const late = ask({}, timed);
    slow.release();
    expect((await Promise.all([first, inTime, late])).map(([, from]) => from)).toEqual([
      'database',
      'join',
      'database',
    ]);
  });

  test('a tenant that nobody asks for is not followed for ever', async () => {
    vi.useFakeTimers({ toFake: ['performance'] });
    await ask();
    const b = await anotherTenant();
    vi.advanceTimersByTime(11 * 60_000);
    const before = cache.counters.bytes;
    await ask({ viewer: b.system }, (uses) => countCases(uses, b));
    expect(cache.counters.bytes).toBeLessThanOrEqual(before);
    expect(await ask()).toEqual(['0', 'database']);
  });
});

describe('the cache', () => {
  test('passes by what has many variables', async () => {
    const variables = 'x'.repeat(10_001);
    expect(await ask({ variables })).toEqual(['0', 'off']);
    expect(await ask({ variables: variables.slice(1) })).toEqual(['0', 'database']);
  });

  test('keeps nothing when it has no room, and when it is closed', async () => {
    const off = new ResultCache({ ...t.app.services, env: { ...t.app.services.env, RESULT_CACHE_MB: 0 } });
    for (const closed of [off, cache]) {
      closed.close();
      for (let i = 0; i < 2; i++) expect((await closed.answer(questionOf(), countCases)).from).toBe('off');
      expect(closed.counters).toEqual({ hits: 0, joins: 0, misses: 0, dropped: 0, bytes: 0 });
    }
  });

  test('stays within its room', async () => {
    const small = new ResultCache({ ...t.app.services, env: { ...t.app.services.env, RESULT_CACHE_MB: 1 } });
    const compute = async (uses: Uses) => ({ ...(await countCases(uses)), body: 'x'.repeat(20_000) });
    for (let i = 0; i < 60; i++) {
      await small.answer(questionOf({ variables: String(i) }), compute);
      expect(small.counters.bytes).toBeLessThanOrEqual(2 ** 20);
    }
    expect(small.counters.dropped).toBeGreaterThan(30);
    expect((await small.answer(questionOf({ variables: '59' }), compute)).from).toBe('cache');
    expect((await small.answer(questionOf({ variables: '0' }), compute)).from).toBe('database');
    small.close();
  });
});
