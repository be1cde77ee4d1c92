import { describe, expect, it } from 'vitest';
import { CONTENDERS } from '../../../bench/contender.ts';
import { chart } from '../../../bench/report-chart.ts';
import { markdown } from '../../../bench/report-markdown.ts';
import { READS, SCENARIOS } from '../../../bench/scenarios/all.ts';
import { sizesMarkdown } from '../../../bench/sizes-markdown.ts';
import { ALL, MACHINE, NONSENSE, resultsOf, sample } from './made-up-results.ts';

const FULL = resultsOf(['--workers', '2'], (_, place) => [1, 1.2, 0.9].map((noise) => sample(noise * 2 ** place)));
/** Too short to be measured well: no clock tick of CPU, and one that took nothing at all. */
const IDLE = resultsOf(['--quick'], (_, place) => [
  sample(1, { serverCpu: 0, databaseCpu: 0, ...(place === 2 ? { rate: 0, p50: 0, p95: 0, p99: 0, size: 0 } : {}) }),
]);
const WITHOUT_ARGUS = resultsOf([], ({ contender, scenario }, place) =>
  contender.name === 'argus' && scenario.name === 'search' ? null : [sample(1 + place)],
);
const NOTHING = resultsOf([], () => []);

/** The rows of the table under a heading, as cells. */
function rowsUnder(text: string, ...headings: string[]): string[][] {
  let from = 0;
  for (const heading of headings) {
    from = text.indexOf(`${heading}\n`, from);
    expect(from, heading).toBeGreaterThan(-1);
  }
  const table = /(?:^\|.*\n)+/m.exec(text.slice(from))?.[0] ?? '';
  const rows = table
    .trimEnd()
    .split('\n')
    .map((row) =>
      row
        .split('|')
        .slice(1, -1)
        .map((cell) => cell.trim()),
    );
  return rows.slice(2);
}

describe.each([
  ['all of them', FULL],
  ['rounds without a tick of CPU', IDLE],
  ['a scenario without Argus', WITHOUT_ARGUS],
  ['contenders without samples', NOTHING],
])('the reports of %s', (_, results) => {
  const { plan } = results;

  it.each([
    ['Markdown', markdown(results, MACHINE)],
    ['the chart', chart(results)],
  ])('in %s name every contender and every scenario, and hold no nonsense', (_, text) => {
    for (const { name } of [...plan.contenders, ...plan.scenarios]) expect(text).toContain(name);
    expect(text).not.toMatch(NONSENSE);
  });
});

describe('the report in Markdown', () => {
  const text = markdown(FULL, MACHINE);

  it('has a table for each scenario and number of connections, with a row for each contender', () => {
    for (const { name, title } of SCENARIOS) {
      for (const connections of ['1 connection', '16 connections', '64 connections']) {
        const rows = rowsUnder(text, `## ${name}: ${title}`, `### ${connections}`);
        expect(rows.map(([who]) => who)).toEqual(FULL.plan.contenders.map((contender) => contender.name));
      }
    }
    expect(FULL.plan.contenders).toHaveLength(ALL.length);
  });

  it('gives medians, and ratios to the first contender round by round', () => {
    const [argus, second] = rowsUnder(text, '## flat: flat list of 100 bugs of a severity', '### 16 connections');
    expect(argus?.slice(0, 3)).toEqual(['argus', '1,000', '1.00']);
    expect(second?.slice(0, 3)).toEqual(['argus-2-workers', '500 (×0.50, 0.50–0.50)', '2.00 (×2.00, 2.00–2.00)']);
    expect(second?.at(-1)).toBe('3');
  });

  it('compares with the first contender of the plan also where that takes no part', () => {
    const summary = rowsUnder(markdown(WITHOUT_ARGUS, MACHINE), 'as ratios to argus (16 connections):');
    expect(summary.find(([name]) => name === 'search')?.slice(1)).toEqual(Array(CONTENDERS.length).fill('– / –'));
    expect(summary.find(([name]) => name === 'flat')?.slice(1, 3)).toEqual(['×1.00 / ×1.00', '×0.50 / ×2.00']);
    const search = rowsUnder(markdown(WITHOUT_ARGUS, MACHINE), '## search: full-text search, 20 bugs, best first');
    expect(search.map(([name]) => name)).toEqual(ALL.slice(1, CONTENDERS.length).map(({ name }) => name));
    expect(search.flat().join()).not.toContain('×');
  });

  it('gives no ratio to a figure of which there is none', () => {
    const [argus, second] = rowsUnder(markdown(IDLE, MACHINE), '### 16 connections');
    expect([argus?.[5], second?.[5]]).toEqual(['0.000', '0.000']);
    expect(second?.[1]).toBe('1,000 (×1.00, 1.00–1.00)');
  });

  it('names what is compared, and where', () => {
    expect(text).toContain('2026-03-01, 2 × Made-up CPU, 8 GB, linux x64, Node v24.0.0, PostgreSQL 18.4.');
    expect(text).toContain('(mercurius 16.10.1)');
    expect(
      markdown(
        resultsOf(['--only', 'argus'], () => [sample(1)]),
        MACHINE,
      ),
    ).not.toContain('mercurius');
  });
});

describe('the chart', () => {
  const texts = (svg: string) => [...svg.matchAll(/<text[^>]*>([^<]*)<\/text>/g)].map(([, text]) => text);
  const widths = (svg: string) => [...svg.matchAll(/<rect[^>]* width="([\d.]+)"/g)].map(([, width]) => Number(width));

  it('has a bar for each contender of each scenario, within the picture and as long as its rate says', () => {
    const svg = chart(FULL);
    const [paper = 0, ...bars] = widths(svg);
    expect(bars).toHaveLength(FULL.plan.contenders.length * SCENARIOS.length);
    expect(Math.max(...bars)).toBeLessThan(paper / 2);
    const [first = 0, second = 0, third = 0] = bars;
    expect([second / first, third / first]).toEqual([expect.closeTo(0.5, 2), expect.closeTo(0.25, 2)]);
    for (const { name } of ALL) expect(texts(svg).filter((text) => text === name)).toHaveLength(SCENARIOS.length);
  });

  it('shows rates, and ratios for all but the first', () => {
    expect(texts(chart(FULL))).toEqual(expect.arrayContaining(['1,000', '500', '×0.50', '×0.25']));
    expect(texts(chart(FULL))).not.toContain('×1.00');
  });

  it('has no bar where there are no samples, and no panel where nobody takes part', () => {
    expect(widths(chart(WITHOUT_ARGUS))).toHaveLength(1 + CONTENDERS.length * SCENARIOS.length - 1);
    expect(widths(chart(NOTHING))).toHaveLength(1);
    expect(texts(chart(NOTHING)).filter((text) => text === '–')).toHaveLength(CONTENDERS.length * SCENARIOS.length);
    expect(texts(chart({ ...FULL, cells: [] }))).toHaveLength(2);
  });
});

describe('the report of two sizes', () => {
  const results = resultsOf(['--sizes'], ({ size }, place) =>
    [1, 1.5].map((noise) => sample((size === 'large' ? 3 : 1) * (place + 1) * noise)),
  );

  it('has for each contender a row for each read, with both sizes and their ratio', () => {
    const text = sizesMarkdown(results, MACHINE);
    expect(text).not.toMatch(NONSENSE);
    for (const name of ['argus', 'postgraphile-rls']) {
      const rows = rowsUnder(text, `## ${name}, 1 connection`);
      expect(rows.map(([scenario]) => scenario)).toEqual(READS.map((scenario) => scenario.name));
    }
    expect(rowsUnder(text, '## argus, 1 connection')[0]?.slice(0, 2)).toEqual([
      'flat',
      '1.25 → 3.75 (×3.00, 3.00–3.00)',
    ]);
  });

  it('has no ratio where nothing was measured at the smaller size, and no row where a size is missing', () => {
    const idle = resultsOf(['--sizes'], ({ size, scenario }) =>
      scenario.name === 'deep' && size === 'small' ? null : [sample(1, { serverCpu: size === 'small' ? 0 : 1 })],
    );
    const rows = rowsUnder(sizesMarkdown(idle, MACHINE), '## argus, 1 connection');
    expect(rows[0]?.[3]).toBe('0.000 → 1.000');
    expect(rows.map(([name]) => name)).toEqual(READS.map(({ name }) => name).filter((name) => name !== 'deep'));
  });
});
