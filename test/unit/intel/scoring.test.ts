import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  levelOf,
  RELIABILITIES,
  RISK_LEVELS,
  riskOf,
  type ScoringHit,
  sourceFactor,
} from '../../../src/modules/intel/scoring.ts';

function hit(conceptId: string, weight: number, more: Partial<ScoringHit> = {}): ScoringHit {
  return { keywordId: `k-${conceptId}`, conceptId, term: conceptId, weight, status: 'NEW', ...more };
}

describe('riskOf', () => {
  test('combines distinct concepts of a fully reliable source', () => {
    const risk = riskOf({ reliability: 'A', hits: [hit('x', 0.5), hit('y', 0.4)] });
    expect(risk.score).toBe(0.7);
    expect(risk.level).toBe('HIGH');
    expect(risk.version).toBe(1);
    expect(risk.breakdown.parts.map((part) => part.contribution)).toEqual([0.5, 0.7 - 0.5]);
  });

  test('weighs by the reliability of the source', () => {
    const scores = RELIABILITIES.map((reliability) => riskOf({ reliability, hits: [hit('x', 1)] }).score);
    expect(scores).toEqual([1, 0.9, 0.8, 0.7, 0.6, 0.5]);
    expect(RELIABILITIES.map(sourceFactor)).toEqual(scores);
  });

  test('counts a concept once, with its highest weight, and says why the others are left out', () => {
    const hits = [
      hit('x', 0.2, { keywordId: 'low', term: 'low' }),
      hit('x', 0.6, { keywordId: 'high', term: 'high' }),
      hit('y', 0.9, { status: 'DISMISSED' }),
      hit('z', 0.9, { excluded: true, status: 'CONFIRMED' }),
    ];
    const { score, breakdown } = riskOf({ reliability: 'A', hits });
    expect(score).toBe(0.6);
    expect(breakdown.parts.map(({ keywordId, counted, reason }) => [keywordId, counted, reason])).toEqual([
      ['high', true, null],
      ['k-y', false, 'dismissed'],
      ['k-z', false, 'excluded'],
      ['low', false, 'same concept as high'],
    ]);
  });

  test('a dismissed synonym does not hide one that still counts', () => {
    const hits = [hit('x', 0.9, { status: 'DISMISSED' }), hit('x', 0.3, { keywordId: 'other' })];
    expect(riskOf({ reliability: 'A', hits })).toMatchObject({ score: 0.3, level: 'MEDIUM' });
  });

  test('is NONE without hits', () => {
    expect(riskOf({ reliability: 'F', hits: [] })).toMatchObject({ score: 0, level: 'NONE' });
  });

  test('keeps the identifier of the detection when there is one', () => {
    const { breakdown } = riskOf({ reliability: 'A', hits: [hit('x', 0.1, { detectionId: 'd1' }), hit('y', 0.1)] });
    expect(breakdown.parts.map((part) => part.detectionId)).toEqual(['d1', undefined]);
  });

  test.each([-0.1, 1.1, Number.NaN, Number.POSITIVE_INFINITY])('refuses weight %s', (weight) => {
    expect(() => riskOf({ reliability: 'A', hits: [hit('x', weight)] })).toThrow(RangeError);
    expect(() => riskOf({ reliability: 'A', hits: [hit('x', weight)] })).toThrow(`keyword k-x`);
  });

  test('refuses an unknown reliability', () => {
    for (const letter of ['G', 'toString', '']) {
      // The cast stands for a value that reached us past the type check.
      expect(() => sourceFactor(letter as 'A')).toThrow(RangeError);
    }
  });
});

test('levels change at their bounds', () => {
  const levels = [0, 0.0001, 0.2999, 0.3, 0.5999, 0.6, 0.8, 0.8001, 1].map(levelOf);
  expect(levels).toEqual(['NONE', 'LOW', 'LOW', 'MEDIUM', 'MEDIUM', 'HIGH', 'HIGH', 'CRITICAL', 'CRITICAL']);
  expect(() => levelOf(1.01)).toThrow(RangeError);
});

const anyHit: fc.Arbitrary<ScoringHit> = fc.record({
  keywordId: fc.constantFrom('k1', 'k2', 'k3', 'k4', 'k5', 'k6'),
  conceptId: fc.constantFrom('c1', 'c2', 'c3', 'c4', 'c5', 'c6', 'c7', 'c8'),
  term: fc.constantFrom('ice', 'snow'),
  weight: fc.oneof(
    fc.double({ min: 0, max: 1, noNaN: true }),
    fc.integer({ min: 0, max: 100 }).map((n) => n / 100),
  ),
  status: fc.constantFrom('NEW', 'CONFIRMED', 'DISMISSED'),
  excluded: fc.boolean(),
});
const anyHits = fc.array(anyHit, { maxLength: 12 });
const anyReliability = fc.constantFrom(...RELIABILITIES);

function property<T>(arbitrary: fc.Arbitrary<T>, check: (value: T) => void): void {
  let runs = 0;
  fc.assert(
    fc.property(arbitrary, (value) => {
      runs += 1;
      check(value);
    }),
    { numRuns: 5000 },
  );
  expect(runs).toBeGreaterThanOrEqual(5000);
}

describe('for any hits', () => {
  test('the score follows the formula and the contributions add up to it exactly', () => {
    property(fc.tuple(anyReliability, anyHits), ([reliability, hits]) => {
      const { score, level, breakdown } = riskOf({ reliability, hits });
      const best = new Map<string, number>();
      for (const { conceptId, weight, status, excluded } of hits) {
        if (status === 'DISMISSED' || excluded) continue;
        best.set(conceptId, Math.max(best.get(conceptId) ?? 0, weight));
      }
      let rest = 1;
      for (const weight of best.values()) rest *= 1 - weight * breakdown.sourceFactor;
      expect(Math.abs(score - (1 - rest))).toBeLessThanOrEqual(0.0000501);
      expect(Math.round(score * 10_000) / 10_000).toBe(score);
      expect(RISK_LEVELS).toContain(level);
      const counted = breakdown.parts.filter((part) => part.counted);
      expect(counted.reduce((sum, part) => sum + part.contribution, 0)).toBe(score);
      expect(counted.every((part) => part.contribution >= 0 && part.reason === null)).toBe(true);
      expect(breakdown.parts).toHaveLength(hits.length);
    });
  });

  test('the order of the hits does not matter', () => {
    property(fc.tuple(anyReliability, anyHits), ([reliability, hits]) => {
      expect(riskOf({ reliability, hits: hits.toReversed() })).toEqual(riskOf({ reliability, hits }));
    });
  });

  test('one more hit never lowers the score, dismissing one never raises it', () => {
    property(fc.tuple(anyReliability, anyHits, anyHit), ([reliability, hits, more]) => {
      const before = riskOf({ reliability, hits }).score;
      expect(riskOf({ reliability, hits: [...hits, more] }).score).toBeGreaterThanOrEqual(before);
      const dismissed = hits.map((each, index) => (index === 0 ? { ...each, status: 'DISMISSED' as const } : each));
      expect(riskOf({ reliability, hits: dismissed }).score).toBeLessThanOrEqual(before);
    });
  });
});
