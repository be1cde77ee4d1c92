import { describe, expect, it } from 'vitest';
import { development, type MemoryRun, type MemorySample, warmUpOf } from '../../../bench/memory.ts';
import { memoryChart } from '../../../bench/memory-chart.ts';
import { memoryMarkdown } from '../../../bench/memory-markdown.ts';
import { MACHINE, NONSENSE, STARTED } from './made-up-results.ts';

const MEGABYTE = 2 ** 20;

/** A run sampled each second, whose memory is what `of` says, in megabytes. */
function runOf(length: number, of: (at: number) => number, backends: (at: number) => number = () => 50): MemoryRun {
  const samples = Array.from({ length: Math.floor(length) }, (_, i): MemorySample => {
    const at = i + 1;
    return { at, rate: 400, server: of(at) * MEGABYTE, backends: backends(at) * MEGABYTE };
  });
  const totals = { requests: 400 * length, errors: 0, firstError: null };
  return {
    contender: 'argus',
    scenario: 'mixed',
    connections: 16,
    length,
    warmUp: warmUpOf(length),
    samples,
    ...totals,
  };
}

const saw = (at: number) => (at % 7) - 3;
/** Grows during the warm-up, then by 36 MB an hour, collected every seven seconds. */
const LEAKING = runOf(1200, (at) => (at < 300 ? at : 300 + (36 * at) / 3600) + saw(at));
const STEADY = runOf(1200, (at) => Math.min(at, 300) + saw(at));

describe('the development after the warm-up', () => {
  it('does not know the warm-up: a quarter of the run, five minutes at most', () => {
    expect([60, 1200, 36_000].map(warmUpOf)).toEqual([15, 300, 300]);
    const grown = runOf(1200, (at) => (at < 300 ? 10_000 * at : 7));
    expect(development(grown, 'server')).toMatchObject({ first: 7 * MEGABYTE, last: 7 * MEGABYTE });
    expect(development(grown, 'server').trend?.slope).toBe(0);
  });

  it('finds a leak among collections, with a narrow error', () => {
    const { first, last, trend } = development(LEAKING, 'server');
    const hourly = (perSecond = Number.NaN) => (perSecond * 3600) / MEGABYTE;
    expect(hourly(trend?.slope)).toBeGreaterThan(35);
    expect(hourly(trend?.slope)).toBeLessThan(37);
    expect(hourly(trend?.standardError)).toBeLessThan(2);
    expect((last - first) / MEGABYTE).toBeCloseTo((36 * 810) / 3600, 0);
  });

  it('finds none where there is none, within its error', () => {
    const { trend } = development(STEADY, 'server');
    expect(Math.abs(trend?.slope ?? Number.NaN)).toBeLessThan(2 * (trend?.standardError ?? 0));
    expect(trend?.noise).toBeCloseTo(2 * MEGABYTE, -5);
  });

  it('keeps the server and its backends apart', () => {
    const run = runOf(
      1200,
      () => 300,
      (at) => at / 100,
    );
    expect(development(run, 'server').trend?.slope).toBe(0);
    expect(development(run, 'backends').trend?.slope).toBeCloseTo(MEGABYTE / 100, 0);
  });
});

describe.each([
  ['a leak', LEAKING],
  ['a steady run', STEADY],
  ['a run of a second', runOf(1, () => 100)],
  ['a run without samples', runOf(0.5, () => 100)],
  ['memory that rises in one long wave', runOf(1200, (at) => 300 - 50 * Math.cos((at * Math.PI) / 450))],
])('the reports of %s', (_, run) => {
  it('hold no nonsense and name what was measured', () => {
    const texts = [memoryMarkdown(run, MACHINE, STARTED), memoryChart(run)];
    for (const text of texts) {
      expect(text).not.toMatch(NONSENSE);
      expect(text).toContain('mixed');
      expect(text).toContain('warm-up');
    }
  });
});

describe('the report in Markdown', () => {
  it('gives the slope in MB an hour with its error', () => {
    const slope = /^\| server, resident \|.*\| (.*) ± (.*) \| (.*) \|$/m.exec(
      memoryMarkdown(LEAKING, MACHINE, STARTED),
    );
    expect(slope?.slice(1).map(Number)).toEqual([expect.closeTo(36, 0), expect.closeTo(2, -1), expect.closeTo(2, 0)]);
  });

  it('says when a run is too short for a slope', () => {
    expect(
      memoryMarkdown(
        runOf(1, () => 100),
        MACHINE,
        STARTED,
      ),
    ).toContain('too short to tell');
  });
});

describe('the chart', () => {
  it('shades the warm-up, and keeps its lines within the picture', () => {
    const svg = memoryChart(LEAKING);
    const [, shade] = [...svg.matchAll(/<rect x="([\d.]+)"[^>]* width="([\d.]+)"/g)];
    const line = /<polyline points="([^"]*)" fill="none" stroke="#0969da"/.exec(svg)?.[1] ?? '';
    const places = line.split(' ').map((place) => place.split(',').map(Number));
    expect(places).toHaveLength(1200);
    const [from = 0, width = 0] = [Number(shade?.[1]), Number(shade?.[2])];
    expect(places[299]?.[0]).toBeCloseTo(from + width, 0);
    const [end = 0, height = 0] = /viewBox="0 0 (\d+) (\d+)"/.exec(svg)?.slice(1).map(Number) ?? [];
    for (const [x = -1, y = -1] of places) {
      expect(x > 0 && x < end && y > 0 && y < height).toBe(true);
    }
  });
});
