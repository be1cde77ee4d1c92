import { CONTENDERS } from './contender.ts';
import type { Sample } from './measure.ts';
import type { Cell, Machine, Results } from './report.ts';
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
  const { bugs, projects, history } = plan.size;
  const lines = [
    '# Argus and its peers on the same work',
    '',
    `${started.toISOString().slice(0, 10)}, ${machine.cores} × ${machine.cpu}, ${(machine.memoryBytes / 2 ** 30).toFixed(0)} GB, ${machine.platform}, Node ${machine.node}, PostgreSQL ${machine.postgres}.`,
    `${bugs.toLocaleString('en')} bugs in ${projects.toLocaleString('en')} projects with ${(bugs * history).toLocaleString('en')} history rows; load, servers and database share the machine.`,
    `${plan.rounds} rounds of ${plan.runMs} ms each, in turn. Figures are medians; in brackets the ratio to ${cells[0]?.contender.name} round by round: median, least–most.`,
    '',
    ...contenders(machine),
    ...summary(results),
  ];
  for (const scenario of plan.scenarios) {
    lines.push('', `## ${scenario.name}: ${scenario.title}`);
    if (scenario.note) lines.push('', scenario.note);
    for (const connections of plan.connections) {
      const group = cells.filter((cell) => cell.scenario === scenario && cell.connections === connections);
      lines.push('', `### ${connections} ${connections === 1 ? 'connection' : 'connections'}`, '', ...table(group));
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
function summary({ plan, cells }: Results): string[] {
  const connections = [...plan.connections].sort((a, b) => Math.abs(a - 16) - Math.abs(b - 16))[0];
  const names = plan.contenders.map(({ name }) => name);
  const rows = plan.scenarios.map((scenario) => {
    const group = cells.filter((cell) => cell.scenario === scenario && cell.connections === connections);
    const ratioOf = (name: string, of: (sample: Sample) => number) => {
      const own = group.find((cell) => cell.contender.name === name)?.samples.map(of);
      const ratio = own && ratios(own, group[0]?.samples.map(of) ?? []);
      return ratio ? `×${ratio.median.toFixed(2)}` : '–';
    };
    const figures = names.map(
      (name) => `${ratioOf(name, (sample) => sample.rate)} / ${ratioOf(name, (sample) => sample.serverCpu)}`,
    );
    return [scenario.name, ...figures];
  });
  const head = ['req/s / server CPU', ...names];
  const lines = [head, head.map((_, i) => (i === 0 ? '---' : '---:')), ...rows].map((row) => `| ${row.join(' | ')} |`);
  const base = cells[0]?.contender.name;
  return [
    '',
    `Requests a second and server CPU for each, as ratios to ${base} (${connections} connections):`,
    '',
    ...lines,
  ];
}

function contenders({ versions }: Machine): string[] {
  return CONTENDERS.map(({ name, title, package: from }) => {
    return `- **${name}** ${title}${from === null ? '' : ` (${from} ${versions[from]})`}`;
  });
}

function table(group: readonly Cell[]): string[] {
  const head = ['', ...COMPARED.map(({ title }) => title), 'statements'];
  const [base] = group;
  const rows = group.map((cell) => {
    const figures = COMPARED.map(({ of, digits }) => {
      const own = cell.samples.map(of);
      return `${number(median(own), digits)}${cell === base || !base ? '' : bracket(own, base.samples.map(of))}`;
    });
    return [cell.contender.name, ...figures, number(cell.statements, Number.isInteger(cell.statements) ? 0 : 1)];
  });
  return [head, head.map((_, i) => (i === 0 ? '---' : '---:')), ...rows].map((row) => `| ${row.join(' | ')} |`);
}

function bracket(own: readonly number[], base: readonly number[]): string {
  const ratio = ratios(own, base);
  return ratio ? ` (×${ratio.median.toFixed(2)}, ${ratio.min.toFixed(2)}–${ratio.max.toFixed(2)})` : '';
}

const number = (value: number, digits: number) =>
  value.toLocaleString('en', { minimumFractionDigits: digits, maximumFractionDigits: digits });
