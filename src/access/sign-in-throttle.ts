import { availableParallelism } from 'node:os';
import { RateLimited } from '../errors.ts';
import { addressKey } from './address.ts';

const WINDOW_MS = 15 * 60_000;
/** Accounts and addresses that are remembered; those that failed first are forgotten first. */
const MAX_REMEMBERED = 10_000;
/** Verifying a password takes 19 MiB and a core for some 20 ms. */
const AT_ONCE = Math.max(1, Math.min(4, availableParallelism() - 1));
const MAX_WAITING = 50;

/** Failed attempts within 15 minutes. */
export const MAX_FAILURES = { account: 10, address: 50 } as const;

/**
 * Slows down who guesses passwords: after so many failures for an account, or from an address (a /64 of IPv6), attempts are refused until
 * the oldest failure is 15 minutes old, without looking whether there is such an account. Kept in memory: each process
 * counts for itself, and a restart begins anew.
 */
export class SignInThrottle {
  /** times of failures, by account or address */
  readonly #failures = new Map<string, number[]>();
  readonly #waiting: (() => void)[] = [];
  #running = 0;

  /**
   * Verifies a password in its turn: null means that it is wrong. A success forgets the failures of the account, not
   * those of the address.
   * @throws RateLimited when there were too many failures, or when too many verifications wait
   */
  async attempt<T>(account: string, address: string | null, verify: () => Promise<T | null>): Promise<T | null> {
    const limits: { key: string; most: number }[] = [{ key: `account ${account}`, most: MAX_FAILURES.account }];
    if (address !== null) limits.push({ key: `address ${addressKey(address)}`, most: MAX_FAILURES.address });
    const begun = Date.now();
    for (const { key, most } of limits) this.#insist(key, most, begun);
    // Counted before the answer is known: many attempts at once are many.
    for (const { key } of limits) this.#note(key, begun);
    const forget = () => limits.forEach(({ key }) => void this.#forget(key, begun));
    const found = await this.#inTurn(verify).catch((error: unknown) => {
      forget();
      throw error;
    });
    if (found === null) return null;
    forget();
    this.#failures.delete(`account ${account}`);
    return found;
  }

  #insist(key: string, most: number, now: number): void {
    const times = (this.#failures.get(key) ?? []).filter((time) => time > now - WINDOW_MS);
    const [oldest] = times.slice(-most);
    if (times.length < most || oldest === undefined) return;
    const seconds = Math.ceil((oldest + WINDOW_MS - now) / 1_000);
    throw new RateLimited(`there were too many failed attempts to sign in: try again in ${seconds} s`);
  }

  #note(key: string, now: number): void {
    const times = (this.#failures.get(key) ?? []).filter((time) => time > now - WINDOW_MS);
    this.#failures.delete(key);
    this.#failures.set(key, [...times, now]);
    for (const oldest of this.#failures.keys()) {
      if (this.#failures.size <= MAX_REMEMBERED) return;
      this.#failures.delete(oldest);
    }
  }

  #forget(key: string, time: number): void {
    const times = this.#failures.get(key) ?? [];
    const at = times.indexOf(time);
    if (at >= 0) times.splice(at, 1);
    if (times.length === 0) this.#failures.delete(key);
  }

  async #inTurn<T>(verify: () => Promise<T>): Promise<T> {
    if (this.#running >= AT_ONCE) {
      if (this.#waiting.length >= MAX_WAITING)
        throw new RateLimited('too many people are signing in at once: try again in a moment');
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    } else this.#running++;
    try {
      return await verify();
    } finally {
      const next = this.#waiting.shift();
      if (next) next();
      else this.#running--;
    }
  }
}
