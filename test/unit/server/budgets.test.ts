import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Budgets } from '../../../src/server/budgets.ts';

const SECOND = 1_000;

describe('a budget of 600 points a minute', () => {
  test('is spent, tells what is left and when all is there again, and fills by 10 a second', () => {
    const budgets = new Budgets(600);
    expect(budgets.waitFor('a', 600, 0)).toBe(0);
    budgets.spend('a', 600, 0);
    expect(budgets.left('a', 0)).toEqual({ remaining: 0, resetAt: new Date(60 * SECOND) });
    expect(budgets.waitFor('a', 50, 0)).toBe(5 * SECOND);
    expect(budgets.waitFor('a', 50, 5 * SECOND - 1)).toBe(1);
    expect(budgets.waitFor('a', 50, 5 * SECOND)).toBe(0);
    expect(budgets.left('a', 15 * SECOND)).toEqual({ remaining: 150, resetAt: new Date(60 * SECOND) });
    expect(budgets.left('a', 90 * SECOND)).toEqual({ remaining: 600, resetAt: new Date(90 * SECOND) });
  });

  test('is each caller’s own', () => {
    const budgets = new Budgets(600);
    budgets.spend('a', 600, 0);
    expect(budgets.left('b', 0).remaining).toBe(600);
    expect(budgets.waitFor('b', 600, 0)).toBe(0);
  });

  test('takes back what was not used, and holds no more for it', () => {
    const budgets = new Budgets(600);
    budgets.spend('a', 500, 0);
    budgets.spend('a', -500, 0);
    expect(budgets.left('a', 0).remaining).toBe(600);
    budgets.spend('a', 100, 0);
    budgets.spend('a', -100, 60 * SECOND);
    expect(budgets.left('a', 60 * SECOND).remaining).toBe(600);
  });

  test('never has room for more than it holds', () => {
    expect(new Budgets(600).waitFor('a', 601, 0)).toBe(Number.POSITIVE_INFINITY);
  });
});

test('who spends only what is left gets what a minute gives and one bucket, however he asks', () => {
  const step = fc.record({ after: fc.nat(20_000), points: fc.integer({ min: 1, max: 300 }) });
  fc.assert(
    fc.property(fc.array(step, { minLength: 1, maxLength: 200 }), (steps) => {
      const budgets = new Budgets(1_000);
      let now = 0;
      let spent = 0;
      for (const { after, points } of steps) {
        now += after;
        if (budgets.waitFor('a', points, now) > 0) continue;
        budgets.spend('a', points, now);
        spent += points;
        const { remaining } = budgets.left('a', now);
        expect(remaining).toBeGreaterThanOrEqual(0);
        expect(remaining).toBeLessThanOrEqual(1_000);
      }
      expect(spent).toBeLessThanOrEqual(1_000 + (now * 1_000) / 60_000 + 1e-6);
    }),
  );
});

test('no more than 10,000 callers are remembered, those who asked last', () => {
  const budgets = new Budgets(10);
  for (let i = 0; i <= 10_000; i++) budgets.spend(String(i), 10, 0);
  expect([budgets.left('0', 0).remaining, budgets.left('1', 0).remaining]).toEqual([10, 0]);
});
