import { type Cell, figure, type Results, shownConnections } from './results.ts';
import { median, ratios } from './statistics.ts';
import { box, FAINT, INK, label, line, picture } from './svg.ts';

const [WIDTH, MARGIN, COLUMNS, GUTTER] = [900, 16, 2, 28];
const PANEL = (WIDTH - 2 * MARGIN - (COLUMNS - 1) * GUTTER) / COLUMNS;
const [TOP, HEAD, ROW, BAR, BELOW] = [64, 24, 18, 12, 20];
/** Room for the longest name before a bar, and for the figure and the ratio behind it. */
const [NAMES, FIGURES] = [116, 100];
const LETTER = 7;
const [FIRST, OTHER, WHISKER] = ['#0969da', '#a8b3bf', '#3d444d'];

/** Requests a second of each contender: a panel for each scenario, with 16 connections or the nearest to it. */
export function chart({ plan, cells }: Results): string {
  const connections = shownConnections(plan);
  const shown = cells.filter((cell) => cell.connections === connections);
  const base = plan.contenders[0]?.name ?? '';
  const scenarios = plan.scenarios.filter((scenario) => shown.some((cell) => cell.scenario === scenario));
  const tallest = HEAD + plan.contenders.length * ROW + BELOW;
  const panels = scenarios.map((scenario, i) => {
    const x = MARGIN + (i % COLUMNS) * (PANEL + GUTTER);
    const y = TOP + Math.floor(i / COLUMNS) * tallest;
    return panel(
      shown.filter((cell) => cell.scenario === scenario),
      base,
      x,
      y,
    );
  });
  const height = TOP + Math.ceil(scenarios.length / COLUMNS) * tallest;
  const bugs = plan.sizes.map((size) => figure(size.bugs, 0)).join(' and ');
  const heading = `Requests a second with ${connections} ${connections === 1 ? 'connection' : 'connections'} on ${bugs} bugs: longer is better`;
  const caption = `Medians of ${plan.rounds} rounds, the thin line from the least to the most; × is the ratio to ${base} round by round. Each panel has its own scale, from 0.`;
  return picture(WIDTH, height, heading, [
    label(MARGIN, 26, heading, { weight: 'bold', size: 16 }),
    label(MARGIN, 46, caption, { fill: FAINT }),
    ...panels.flat(),
  ]);
}

function panel(group: readonly Cell[], base: string, x: number, y: number): string[] {
  const rates = group.map(({ samples }) => samples.map(({ rate }) => rate));
  const most = Math.max(...rates.flat());
  const scale = most > 0 ? (PANEL - NAMES - FIGURES) / most : 0;
  const own = rates[group.findIndex(({ contender }) => contender.name === base)] ?? [];
  const left = x + NAMES;
  const title = titleOf(group);
  return [
    label(x, y + 12, title.name, { weight: 'bold' }),
    label(x + title.name.length * LETTER + 14, y + 12, title.text, { fill: FAINT, size: 11 }),
    ...group.flatMap(({ contender: { name } }, i) => {
      const all = rates[i] ?? [];
      const middle = median(all);
      const top = y + HEAD + i * ROW;
      const text = top + BAR - 2;
      const at = top + BAR / 2;
      const ratio = name === base ? null : ratios(all, own);
      const weight = name === base ? 'bold' : 'normal';
      const named = [
        label(left - 8, text, name, { anchor: 'end', weight }),
        label(x + PANEL - FIGURES + 50, text, figure(middle, 0), { anchor: 'end', weight }),
      ];
      if (all.length === 0) return named;
      return [
        ...named,
        box(left, top, middle * scale, BAR, name === base ? FIRST : OTHER),
        line(left + Math.min(...all) * scale, at, left + Math.max(...all) * scale, at, WHISKER),
        label(x + PANEL, text, ratio ? `×${figure(ratio.median, 2)}` : '', { anchor: 'end', fill: FAINT }),
      ];
    }),
    line(left, y + HEAD - 3, left, y + HEAD + group.length * ROW - 3, INK),
  ];
}

/** As much of the title as a panel has room for. */
function titleOf(group: readonly Cell[]): { name: string; text: string } {
  const { name = '', title = '' } = group[0]?.scenario ?? {};
  const room = Math.floor((PANEL - name.length * LETTER - 14) / 6);
  return { name, text: title.length > room ? `${title.slice(0, room - 1).trimEnd()}…` : title };
}
