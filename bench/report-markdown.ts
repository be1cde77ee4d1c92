import type { Contender } from './contender.ts';
import { type Cell, figure, type Machine, type Results, setting, shownConnections, tableOf } from './results.ts';
import type { Sample } from './sample.ts';
import { median, ratios } from './statistics.ts';

const MEGABYTE = 2 ** 20;

/** The columns of which the report gives the ratio to the first contender as well. */
const COMPARED: readonly { title: string; of: (sample: Sample) => number; digits: number }[] = [
  { title: 'req/s', of: (sample) => sample.rate, digits: 0 },
  { title: 'p50 ms', of: (sample) => sample.p50, digits: 2 },
  { title: 'p95 ms', of: (sample) => sample.p95, digits: 2 },
  { title: 'p99 ms', of: (sample) => sample.p99, digits: 2 },
  { title: 'server CPU ms', of: (sample) => sample.serverCpu, digits: 3 },
  { title: 'db CPU ms', of: (sample) => sample.databaseCpu, digits: 3 },
  { title: 'KB', of: (sample) => sample.size / 1024, digits: 1 },
  { title: 'peak MB', of: (sample) => sample.memory / MEGABYTE, digits: 0 },
];

/** The report as a Markdown document: a table for each scenario and number of connections. */
export function markdown(results: Results, machine: Machine): string {
  const { plan, cells, started } = results;
  const base = plan.contenders[0]?.name ?? '';
  const lines = [
    '# Argus and its peers on the same work',
    '',
    setting(machine, started),
    ...plan.sizes.map(
      ({ bugs, projects, history }) =>
        `${figure(bugs, 0)} bugs in ${figure(projects, 0)} projects with ${figure(bugs * history, 0)} history rows; load, servers and database share the machine.`,
    ),
    `${plan.rounds} rounds of ${plan.runMs} ms each, in turn. Figures are medians; in brackets the ratio to ${base} round by round: median, least–most.`,
    '',
    ...plan.contenders.map((contender) => introduction(contender, machine)),
    ...summary(results, base),
  ];
  for (const scenario of plan.scenarios) {
    lines.push('', `## ${scenario.name}: ${scenario.title}`);
    if (scenario.note) lines.push('', scenario.note);
    for (const connections of plan.connections) {
      const group = cells.filter((cell) => cell.scenario === scenario && cell.connections === connections);
      lines.push(
        '',
        `### ${connections} ${connections === 1 ? 'connection' : 'connections'}`,
        '',
        ...table(group, base),
      );
    }
    const left = plan.contenders.flatMap(({ name, dialect }) => {
      const reason = scenario.leftOut?.[dialect];
      return reason ? [`- ${name} is left out: ${reason}`] : [];
    });
    if (left.length > 0) lines.push('', ...left);
  }
  return `${lines.join('\n')}\n`;
}

/** Requests a second and server CPU as ratios to the first contender, with 16 connections or the nearest to it. */
function summary({ plan, cells }: Results, base: string): string[] {
  const connections = shownConnections(plan);
  const names = plan.contenders.map(({ name }) => name);
  const rows = plan.scenarios.map((scenario) => {
    const group = cells.filter((cell) => cell.scenario === scenario && cell.connections === connections);
    const samplesOf = (name: string) => group.find((cell) => cell.contender.name === name)?.samples ?? [];
    const ratioOf = (name: string, of: (sample: Sample) => number) => {
      const ratio = ratios(samplesOf(name).map(of), samplesOf(base).map(of));
      return ratio ? `×${ratio.median.toFixed(2)}` : '–';
    };
    const figures = names.map(
      (name) => `${ratioOf(name, (sample) => sample.rate)} / ${ratioOf(name, (sample) => sample.serverCpu)}`,
    );
    return [scenario.name, ...figures];
  });
  return [
    '',
    `Requests a second and server CPU for each, as ratios to ${base} (${connections} connections):`,
    '',
    ...tableOf([['req/s / server CPU', ...names], ...rows]),
  ];
}

function introduction({ name, title, package: from }: Contender, { versions }: Machine): string {
  return `- **${name}** ${title}${from === null ? '' : ` (${from} ${versions[from]})`}`;
}

function table(group: readonly Cell[], baseName: string): string[] {
  const base = group.find(({ contender }) => contender.name === baseName);
  const rows = group.map((cell) => {
    const figures = COMPARED.map(({ of, digits }) => {
      const own = cell.samples.map(of);
      return `${figure(median(own), digits)}${cell === base || !base ? '' : bracket(own, base.samples.map(of))}`;
    });
    return [cell.contender.name, ...figures, figure(cell.statements, Number.isInteger(cell.statements) ? 0 : 1)];
  });
  return tableOf([['', ...COMPARED.map(({ title }) => title), 'statements'], ...rows]);
}

function bracket(own: readonly number[], base: readonly number[]): string {
  const ratio = ratios(own, base);
  return ratio ? ` (×${ratio.median.toFixed(2)}, ${ratio.min.toFixed(2)}–${ratio.max.toFixed(2)})` : '';
}
