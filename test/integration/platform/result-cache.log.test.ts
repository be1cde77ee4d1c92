import pg from 'pg';
import { describe, expect, test } from 'vitest';
import { asOwner } from '../intel/records.ts';
import { a, ask, cache, heard, held, notify, t, writeCase, writeSource } from './cached-cases.ts';

describe('what is known of the log', () => {
  test.each([
    ['a notification that does not tell what it is about', () => a.tenantId],
    ['a notification after a gap', (seq: bigint) => `${a.tenantId} ${seq + 2n} ${seq + 2n} Source`],
    ['one that tells no tenant', () => 'nonsense'],
    ['an aggregate type that nobody knows', (seq: bigint) => `${a.tenantId} ${seq + 1n} ${seq + 1n} Watchlist`],
  ])('%s ends all answers of the tenant', async (_, payload) => {
    await ask();
    const seq = await heard(writeSource);
    expect(await ask()).toEqual(['0', 'cache']);
    let woken = 0;
    t.app.services.bus.onTenant(a.tenantId, () => woken++);
    const slow = held();
    const running = ask({ variables: 'slow' }, slow.compute);
    await slow.begun;
    await notify(payload(seq));
    await expect.poll(() => woken).toBe(1);
    slow.release();
    await running;
    expect(await ask()).toEqual(['0', 'database']);
    expect(await ask({ variables: 'slow' }), 'what was computed meanwhile').toEqual(['0', 'database']);
  });

  test('what was said before is not heard twice', async () => {
    await ask();
    const seq = await heard(writeSource);
    let woken = 0;
    t.app.services.bus.onTenant(a.tenantId, () => woken++);
    await notify(`${a.tenantId} ${seq} ${seq} Case`);
    await expect.poll(() => woken).toBe(1);
    expect(await ask()).toEqual(['0', 'cache']);
  });

  test('what is announced while it is learnt how far the log is counts too', async () => {
    const seq = await heard(writeSource);
    const owner = new pg.Client({ connectionString: t.database.ownerUrl });
    await owner.connect();
    await owner.query('BEGIN; LOCK TABLE counters IN ACCESS EXCLUSIVE MODE');
    const first = ask();
    await heard(async () => {
      await notify(`${a.tenantId} ${seq + 1n} ${seq + 1n} Source`);
      return seq + 1n;
    });
    await owner.query('COMMIT');
    await owner.end();
    expect(await first).toEqual(['0', 'database']);
    expect(await ask({ minSeq: seq + 1n })).toEqual(['0', 'cache']);
    expect(await ask({ minSeq: seq + 2n })).toEqual(['0', 'off']);
    await heard(async () => {
      await notify(`${a.tenantId} ${seq + 2n} ${seq + 2n} Source`);
      return seq + 2n;
    });
    expect(await ask({ minSeq: seq + 2n }), 'there was no gap').toEqual(['0', 'cache']);
  });

  test('while the connection is down nothing is given, and nothing that was there before', async () => {
    await ask();
    const { bus, log } = t.app.services;
    const slow = held();
    const running = ask({ variables: 'slow' }, slow.compute);
    await slow.begun;
    log.level = 'silent';
    const broken = new Promise<void>((resolve) => bus.onBreak(resolve));
    await asOwner(
      t,
      `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query LIKE 'LISTEN %' AND datname = current_database()`,
    );
    await broken;
    // Nobody tells this process.
    await writeCase();
    expect(await ask()).toEqual(['1', 'off']);
    expect(cache.counters.bytes).toBe(0);
    slow.release();
    await running;
    await expect.poll(() => bus.connected, { timeout: 5_000 }).toBe(true);
    log.level = 'error';
    expect(await ask({ variables: 'slow' })).toEqual(['1', 'database']);
    expect(await ask()).toEqual(['1', 'database']);
    expect(await ask()).toEqual(['1', 'cache']);
  });

  test('when it cannot be learnt, questions are answered all the same', async () => {
    const { log } = t.app.services;
    log.level = 'silent';
    const viewer = { ...a.system, tenantId: 'not a tenant' };
    expect(await ask({ viewer })).toEqual(['0', 'off']);
    log.level = 'error';
  });
});
