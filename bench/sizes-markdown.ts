import { type Cell, figure, type Machine, type Results, setting, tableOf } from './results.ts';
import type { Sample } from './sample.ts';
import { median, ratios } from './statistics.ts';

const COLUMNS: readonly { title: string; of: (sample: Sample) => number; digits: number }[] = [
  { title: 'p50 ms', of: ({ p50 }) => p50, digits: 2 },
  { title: 'p95 ms', of: ({ p95 }) => p95, digits: 2 },
  { title: 'server CPU ms', of: ({ serverCpu }) => serverCpu, digits: 3 },
  { title: 'db CPU ms', of: ({ databaseCpu }) => databaseCpu, digits: 3 },
];

/** The report of the same contenders at two sizes: for each contender a table with a row for each scenario. */
export function sizesMarkdown({ plan, cells, started }: Results, machine: Machine): string {
  const [small, large] = plan.sizes;
  if (!small || !large) return '';
  const bugs = plan.sizes.map((size) => figure(size.bugs, 0));
  const lines = [
    `# The same queries at ${bugs.join(' and at ')} bugs`,
    '',
    setting(machine, started),
    ...plan.sizes.map(
      ({ name, bugs, projects, history }) =>
        `- ${name}: ${figure(bugs, 0)} bugs in ${figure(projects, 0)} projects, ${figure(bugs * history, 0)} history rows.`,
    ),
    '',
    `${plan.rounds} rounds of ${plan.runMs} ms, both sizes in turn, each in a PostgreSQL of its own. Medians at ${bugs.join(' → ')}; in brackets the ratio round by round: median, least–most.`,
  ];
  for (const connections of plan.connections) {
    for (const contender of plan.contenders) {
      const of = (size: string) => (cell: Cell) =>
        cell.contender === contender && cell.connections === connections && cell.size === size;
      const at = { small: cells.filter(of(small.name)), large: cells.filter(of(large.name)) };
      const rows = plan.scenarios.flatMap(({ name }) => {
        const pair = [at.small, at.large].map((group) => group.find((cell) => cell.scenario.name === name)?.samples);
        return pair[0] && pair[1]
          ? [[name, ...COLUMNS.map((column) => growth(column, pair[0] ?? [], pair[1] ?? []))]]
          : [];
      });
      lines.push('', `## ${contender.name}, ${connections} ${connections === 1 ? 'connection' : 'connections'}`, '');
      lines.push(...tableOf([['', ...COLUMNS.map(({ title }) => title)], ...rows]));
    }
  }
  return `${lines.join('\n')}\n`;
}

function growth({ of, digits }: (typeof COLUMNS)[number], small: readonly Sample[], large: readonly Sample[]): string {
  const [before, after] = [small.map(of), large.map(of)];
  const ratio = ratios(after, before);
  const change = ratio ? ` (×${ratio.median.toFixed(2)}, ${ratio.min.toFixed(2)}–${ratio.max.toFixed(2)})` : '';
  return `${figure(median(before), digits)} → ${figure(median(after), digits)}${change}`;
}
