/** The middle one, or the mean of the two in the middle. NaN of nothing. */
export function median(numbers: readonly number[]): number {
  const sorted = [...numbers].sort((a, b) => a - b);
  const middle = sorted.length / 2;
  const above = sorted[Math.floor(middle)] ?? Number.NaN;
  return Number.isInteger(middle) ? ((sorted[middle - 1] ?? Number.NaN) + above) / 2 : above;
}

/** A figure's ratio to another, round by round: rounds are near each other in time, so both met the same machine. */
export interface Ratio {
  median: number;
  min: number;
  max: number;
}

/** Of figures given in the order of the rounds; null when some base is 0 (too little CPU for a clock tick). */
export function ratios(figures: readonly number[], bases: readonly number[]): Ratio | null {
  if (bases.some((base) => base === 0)) return null;
  const all = figures.flatMap((figure, round) => {
    const base = bases[round];
    return base === undefined ? [] : [figure / base];
  });
  return all.length === 0 ? null : { median: median(all), min: Math.min(...all), max: Math.max(...all) };
}

/** A straight line through points by least squares. */
export interface Trend {
  /** units of y for one of x */
  slope: number;
  /** of the slope; infinite when the points depend on each other so much that they say nothing of it */
  standardError: number;
  /** y of the line at the first and at the last x */
  from: number;
  to: number;
  /** standard deviation of the points about the line */
  noise: number;
}

/**
 * The trend of points in the order of x; null of fewer than three, or when all have the same x. Neighbouring samples of
 * a process are alike, so the points count as fewer than they are: n(1 − r)/(1 + r), where r is the correlation of each
 * residual with the next (Santer et al. 2000, J. Geophys. Res. 105(D6), 7337–7356, equations 4 to 6).
 */
export function trend(points: readonly (readonly [x: number, y: number])[]): Trend | null {
  const n = points.length;
  const mean = (of: (point: readonly [number, number]) => number) => points.reduce((sum, p) => sum + of(p), 0) / n;
  const [x0, y0] = [mean(([x]) => x), mean(([, y]) => y)];
  const spread = n * mean(([x]) => (x - x0) ** 2);
  if (n < 3 || spread === 0) return null;
  const slope = (n * mean(([x, y]) => (x - x0) * (y - y0))) / spread;
  const at = (x: number) => y0 + slope * (x - x0);
  const residuals = points.map(([x, y]) => y - at(x));
  const squares = residuals.reduce((sum, e) => sum + e * e, 0);
  const products = residuals.reduce((sum, e, i) => sum + e * (residuals[i + 1] ?? 0), 0);
  const r = squares === 0 ? 0 : Math.max(0, products / squares);
  const effective = (n * (1 - r)) / (1 + r);
  return {
    slope,
    standardError: effective > 2 ? Math.sqrt(squares / (effective - 2) / spread) : Number.POSITIVE_INFINITY,
    from: at(points[0]?.[0] ?? x0),
    to: at(points[n - 1]?.[0] ?? x0),
    noise: Math.sqrt(squares / (n - 2)),
  };
}
