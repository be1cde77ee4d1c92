import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { MAX_FAILURES, SignInThrottle } from '../../../src/access/sign-in-throttle.ts';
import { RateLimited } from '../../../src/errors.ts';

let throttle: SignInThrottle;
/** passwords that were verified */
let verified: number;
beforeEach(() => {
  vi.useFakeTimers({ now: new Date('2026-11-21T10:00:00Z'), toFake: ['Date'] });
  throttle = new SignInThrottle();
  verified = 0;
});
afterEach(() => {
  vi.useRealTimers();
});

const MINUTE = 60_000;
const pass = (ms: number) => vi.setSystemTime(Date.now() + ms);

/** What becomes of an attempt: true, false, or the message of the refusal. */
async function attempt(right: boolean, account = 'a@example.org', address: string | null = null) {
  const verify = async () => {
    verified++;
    return right || null;
  };
  return throttle.attempt(account, address, verify).then(
    (found) => found ?? false,
    (error: unknown) => {
      expect(error).toBeInstanceOf(RateLimited);
      return (error as Error).message;
    },
  );
}

async function fail(times: number, account?: string, address?: string | null): Promise<void> {
  for (let i = 0; i < times; i++) expect(await attempt(false, account, address)).toBe(false);
}

describe('after ten failures for an account', () => {
  test('attempts are refused without looking at the password, until the oldest is 15 minutes old', async () => {
    await fail(1);
    pass(5 * MINUTE);
    await fail(MAX_FAILURES.account - 1);
    expect(await attempt(true)).toBe('there were too many failed attempts to sign in: try again in 600 s');
    expect(verified).toBe(MAX_FAILURES.account);
    pass(10 * MINUTE - 1);
    expect(await attempt(true)).toMatch(/in 1 s$/);
    pass(1);
    expect(await attempt(true)).toBe(true);
  });

  test('others can sign in', async () => {
    await fail(MAX_FAILURES.account);
    expect(await attempt(true, 'b@example.org')).toBe(true);
  });

  test('a success in between begins anew', async () => {
    await fail(MAX_FAILURES.account - 1);
    expect(await attempt(true)).toBe(true);
    await fail(MAX_FAILURES.account);
    expect(await attempt(true)).toMatch(/too many/);
  });
});

test('after fifty failures from an address no account can be tried from there', async () => {
  for (let i = 0; i < MAX_FAILURES.address; i++) await fail(1, `${i}@example.org`, '192.0.2.1');
  expect(await attempt(true, 'x@example.org', '192.0.2.1')).toMatch(/too many/);
  expect(await attempt(true, 'x@example.org', '192.0.2.2')).toBe(true);
});

test('addresses of one /64 are one', async () => {
  for (let i = 0; i < MAX_FAILURES.address; i++) await fail(1, `${i}@example.org`, `2001:db8::${i + 1}`);
  expect(await attempt(true, 'x@example.org', '2001:db8::ffff:1')).toMatch(/too many/);
  expect(await attempt(true, 'x@example.org', '2001:db8:0:1::1')).toBe(true);
});

test('a success does not forget the failures of its address', async () => {
  for (let i = 1; i < MAX_FAILURES.address; i++) await fail(1, `${i}@example.org`, '192.0.2.1');
  expect(await attempt(true, 'own@example.org', '192.0.2.1')).toBe(true);
  await fail(1, 'last@example.org', '192.0.2.1');
  expect(await attempt(true, 'own@example.org', '192.0.2.1')).toMatch(/too many/);
});

test('attempts that run at the same time count at once, and few are verified at a time', async () => {
  let running = 0;
  let most = 0;
  const ends: (() => void)[] = [];
  const verify = () =>
    new Promise<null>((resolve) => {
      most = Math.max(most, ++running);
      ends.push(() => {
        running--;
        resolve(null);
      });
    });
  const attempts = Array.from({ length: 14 }, () =>
    throttle.attempt('a@example.org', null, verify).catch((error: unknown) => error),
  );
  const settled = Promise.all(attempts);
  for (let i = 0; i < 100; i++) {
    ends.shift()?.();
    await Promise.resolve();
  }
  const answers = await settled;
  expect(answers.filter((one) => one instanceof RateLimited)).toHaveLength(4);
  expect(most).toBeLessThanOrEqual(4);
});

test('an attempt that could not be decided is no failure', async () => {
  for (let i = 0; i < 30; i++) {
    const broken = throttle.attempt('a@example.org', '192.0.2.1', () => Promise.reject(new Error('away')));
    await expect(broken).rejects.toThrow('away');
  }
  expect(await attempt(true, 'a@example.org', '192.0.2.1')).toBe(true);
});
