import { describe, expect, it } from 'vitest';
import { median, ratios, trend } from '../../../bench/statistics.ts';

/** Uniform in [0, 1), the same for a seed (mulberry32). */
function generator(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296;
  };
}

describe('median', () => {
  it.each([
    [[3], 3],
    [[10, 9, 100], 10],
    [[4, 1, 3, 2], 2.5],
    [[-1, -1, 5, 5], 2],
    [[0.2, 0.1], 0.15000000000000002],
  ])('of %j is %d', (numbers, expected) => {
    expect(median(numbers)).toBe(expected);
  });

  it('of nothing is no number', () => {
    expect(median([])).toBeNaN();
  });

  it('has half of the numbers on each side and leaves them in their order (500 lists)', () => {
    const random = generator(1);
    for (let run = 0; run < 500; run++) {
      const numbers = Array.from({ length: 1 + Math.floor(random() * 30) }, () => Math.floor(random() * 20) - 10);
      const before = [...numbers];
      const middle = median(numbers);
      expect(numbers).toEqual(before);
      expect(numbers.filter((number) => number < middle).length).toBeLessThanOrEqual(numbers.length / 2);
      expect(numbers.filter((number) => number > middle).length).toBeLessThanOrEqual(numbers.length / 2);
    }
  });
});

describe('ratios', () => {
  it('are taken round by round, not from the medians', () => {
    // The machine was twice as slow in the second round for both.
    expect(ratios([100, 50, 100], [50, 25, 50])).toEqual({ median: 2, min: 2, max: 2 });
    expect(ratios([1, 4, 3], [2, 2, 2])).toEqual({ median: 1.5, min: 0.5, max: 2 });
  });

  it('of a figure to itself are 1', () => {
    expect(ratios([3, 7, 0.1], [3, 7, 0.1])).toEqual({ median: 1, min: 1, max: 1 });
  });

  it('are none when any base is 0, also when the figure is 0 too', () => {
    expect(ratios([1, 2], [0, 1])).toBeNull();
    expect(ratios([0], [0])).toBeNull();
  });

  it('are 0 when only the figure is 0', () => {
    expect(ratios([0], [5])).toEqual({ median: 0, min: 0, max: 0 });
  });

  it('are none of nothing', () => {
    expect(ratios([], [])).toBeNull();
    expect(ratios([1], [])).toBeNull();
    expect(ratios([], [1])).toBeNull();
  });
});

describe('trend', () => {
  const line = (slope: number, from: number, n: number) =>
    Array.from({ length: n }, (_, i): [number, number] => [i + 1, from + slope * (i + 1)]);

  it.each([3, -0.5, 0])('of points on a line with the slope %d is that line, without noise', (slope) => {
    const found = trend(line(slope, 100, 60));
    expect(found?.slope).toBeCloseTo(slope, 10);
    expect(found?.from).toBeCloseTo(100 + slope, 8);
    expect(found?.to).toBeCloseTo(100 + 60 * slope, 8);
    expect(found?.noise).toBeCloseTo(0, 8);
  });

  it('agrees with the figures of Anscombe’s first set', () => {
    // Anscombe 1973, The American Statistician 27(1): y = 3.0 + 0.500 x; standard error of the slope 0.118.
    const xs = [10, 8, 13, 9, 11, 14, 6, 4, 12, 7, 5];
    const ys = [8.04, 6.95, 7.58, 8.81, 8.33, 9.96, 7.24, 4.26, 10.84, 4.82, 5.68];
    const points = xs.map((x, i): [number, number] => [x, ys[i] ?? 0]);
    // In the order in which the paper has them, residuals do not follow each other: they count in full.
    const found = trend(points);
    expect(found?.slope).toBeCloseTo(0.5001, 4);
    expect(found?.noise).toBeCloseTo(1.2366, 4);
    expect(found?.standardError).toBeCloseTo(0.1179, 4);
  });

  it.each([
    ['one like any other', 0],
    ['each like the one before', 0.8],
  ])('has the true slope within two standard errors in nine of ten runs or more, with noise %s', (_, memory) => {
    const random = generator(7);
    let within = 0;
    for (let run = 0; run < 400; run++) {
      let noise = 0;
      const points = line(0.3, 50, 300).map(([x, y]): [number, number] => {
        noise = memory * noise + (random() + random() + random() - 1.5);
        return [x, y + noise];
      });
      const found = trend(points);
      if (found && Math.abs(found.slope - 0.3) <= 2 * found.standardError) within++;
    }
    expect(within).toBeGreaterThanOrEqual(360);
    // Not by claiming to know nothing.
    expect(within).toBeLessThan(400);
  });

  it('tells nothing of the slope when the noise is one long wave', () => {
    const wave = line(0, 50, 200).map(([x, y]): [number, number] => [x, y + Math.cos((x * Math.PI) / 100)]);
    expect(trend(wave)?.standardError).toBe(Number.POSITIVE_INFINITY);
  });

  it('needs three points, not all at one place', () => {
    expect(trend([])).toBeNull();
    expect(trend(line(1, 0, 2))).toBeNull();
    expect(trend([1, 2, 3].map((y): [number, number] => [5, y]))).toBeNull();
  });
});
