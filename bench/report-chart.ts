import type { Cell } from './report.ts';
import { median } from './statistics.ts';

const COLOURS = ['#1f6feb', '#8250df', '#bf87ff', '#2da44e', '#d4a72c', '#8c959f'];
const [WIDTH, LEFT, BAR, GAP] = [900, 150, 14, 16];
const TOP = 60;

/** Requests a second of each contender, a group of bars for each scenario, with 16 connections or the nearest to it. */
export function chart(cells: readonly Cell[]): string {
  const counts = [...new Set(cells.map((cell) => cell.connections))];
  const connections = counts.sort((a, b) => Math.abs(a - 16) - Math.abs(b - 16))[0] ?? 16;
  const shown = cells.filter((cell) => cell.connections === connections);
  const names = [...new Set(shown.map((cell) => cell.contender.name))];
  const parts: string[] = [];
  let y = TOP;
  for (const scenario of new Set(shown.map((cell) => cell.scenario))) {
    const group = shown.filter((cell) => cell.scenario === scenario);
    const rates = group.map((cell) => median(cell.samples.map((sample) => sample.rate)));
    const scale = (WIDTH - LEFT - 90) / Math.max(...rates);
    parts.push(label(10, y + (group.length * BAR) / 2 + 4, scenario.name, 'bold'));
    for (const [i, cell] of group.entries()) {
      const rate = rates[i] ?? 0;
      const colour = COLOURS[names.indexOf(cell.contender.name) % COLOURS.length];
      parts.push(
        `<rect x="${LEFT}" y="${y}" width="${(rate * scale).toFixed(1)}" height="${BAR - 2}" fill="${colour}"/>`,
      );
      parts.push(label(LEFT + rate * scale + 6, y + BAR - 4, Math.round(rate).toLocaleString('en')));
      y += BAR;
    }
    y += GAP;
  }
  const legend = names.map((name, i) => {
    const x = LEFT + i * 120;
    return `<rect x="${x}" y="34" width="10" height="10" fill="${COLOURS[i % COLOURS.length]}"/>${label(x + 14, 43, name)}`;
  });
  const heading = `Requests a second, ${connections} connections; each scenario has its own scale`;
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${WIDTH}" height="${y}" viewBox="0 0 ${WIDTH} ${y}" font-family="system-ui, sans-serif" font-size="11">
<rect width="100%" height="100%" fill="#ffffff"/>
<title>${heading}</title>
${label(10, 20, heading, 'bold')}
${legend.join('\n')}
${parts.join('\n')}
</svg>
`;
}

const label = (x: number, y: number, text: string, weight = 'normal') =>
  `<text x="${x.toFixed(1)}" y="${y.toFixed(1)}" font-weight="${weight}" fill="#24292f">${text}</text>`;
