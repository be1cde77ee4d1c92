import { hash } from '@node-rs/argon2';
import { describe, expect, it } from 'vitest';
import {
  DUMMY_HASH,
  hashPassword,
  needsRehash,
  passwordProblem,
  verifyPassword,
} from '../../../src/access/passwords.ts';

const PASSWORD = 'correct horse battery staple';

describe('hashPassword and verifyPassword', () => {
  it('accept the password and nothing else', async () => {
    const stored = await hashPassword(PASSWORD);
    expect(stored).toMatch(/^\$argon2id\$v=19\$m=19456,t=2,p=1\$/);
    expect(await hashPassword(PASSWORD)).not.toBe(stored);
    expect(await verifyPassword(stored, PASSWORD)).toBe(true);
    expect(await verifyPassword(stored, `${PASSWORD} `)).toBe(false);
    expect(await verifyPassword(stored, '')).toBe(false);
  });

  it('take composed and decomposed letters for the same', async () => {
    expect(await verifyPassword(await hashPassword('caf\u00e9 caf\u00e9'), 'cafe\u0301 cafe\u0301')).toBe(true);
  });

  it('are false for no account and for a damaged hash', async () => {
    expect(await verifyPassword(null, PASSWORD)).toBe(false);
    expect(await verifyPassword('not a hash', PASSWORD)).toBe(false);
    expect(await verifyPassword('', PASSWORD)).toBe(false);
  });

  it('spend as much on no account as on a wrong password', async () => {
    const stored = await hashPassword(PASSWORD);
    const fastest = async (hashed: string | null) => {
      const times: number[] = [];
      for (let run = 0; run < 7; run += 1) {
        const start = performance.now();
        await verifyPassword(hashed, 'wrong password');
        times.push(performance.now() - start);
      }
      return Math.min(...times);
    };
    const ratio = (await fastest(null)) / (await fastest(stored));
    // Without the dummy it would be near 0.
    expect(ratio).toBeGreaterThan(0.4);
    expect(ratio).toBeLessThan(2.5);
  });
});

describe('needsRehash', () => {
  it('is true for other parameters, other algorithms and damage', async () => {
    expect(needsRehash(await hashPassword(PASSWORD))).toBe(false);
    expect(needsRehash(await hash(PASSWORD, { memoryCost: 9728, timeCost: 2, parallelism: 1 }))).toBe(true);
    expect(needsRehash(await hash(PASSWORD, { memoryCost: 19_456, timeCost: 3, parallelism: 1 }))).toBe(true);
    expect(needsRehash((await hashPassword(PASSWORD)).replace('argon2id', 'argon2i'))).toBe(true);
    expect(needsRehash('damaged')).toBe(true);
  });

  it('is false for the dummy, which must cost what a real hash costs', () => {
    expect(needsRehash(DUMMY_HASH)).toBe(false);
  });
});

describe('passwordProblem', () => {
  it.each([
    ['nine char', /at least 10/],
    ['x'.repeat(201), /at most 200/],
    ['aaaaaaaaaaaa', /one character/],
    ['🙂'.repeat(12), /one character/],
    ['Jane.Doe@example.org', /e-mail/],
    ['JANE.DOE@EXAMPLE.ORG', /e-mail/],
  ])('finds one in %j', (password, problem) => {
    expect(passwordProblem(password, 'jane.doe@example.org')).toMatch(problem);
  });

  it('finds the part before the @', () => {
    expect(passwordProblem('jane.longname', 'jane.longname@example.org')).toMatch(/e-mail/);
  });

  it('finds none in good ones', () => {
    expect(passwordProblem('ten chars!', 'jane.doe@example.org')).toBeNull();
    expect(passwordProblem('ab'.repeat(100))).toBeNull();
  });
});
