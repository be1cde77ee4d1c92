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
