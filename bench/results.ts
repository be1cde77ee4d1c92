import type { Contender } from './contender.ts';
import type { Plan } from './options.ts';
import type { Sample } from './sample.ts';
import type { Scenario } from './scenario.ts';

/** One contender in one scenario with so many connections, on data of one size. */
export interface Cell {
  scenario: Scenario;
  connections: number;
  contender: Contender;
  /** name of the data's size */
  size: string;
  statements: number;
  /** one for each round */
  samples: readonly Sample[];
}

/** All that a run measured. The first contender of the plan is what the others are compared with. */
export interface Results {
  plan: Plan;
  started: Date;
  postgres: string;
  cells: Cell[];
}

/** Where the figures are from. */
export interface Machine {
  cpu: string;
  cores: number;
  memoryBytes: number;
  platform: string;
  node: string;
  postgres: string;
  /** package names and versions of the contenders */
  versions: Record<string, string>;
}

/** Of the numbers of connections that were measured, the one that summaries show: 16 or the nearest to it. */
export function shownConnections({ connections }: Pick<Plan, 'connections'>): number {
  return connections.toSorted((a, b) => Math.abs(a - 16) - Math.abs(b - 16))[0] ?? 16;
}

/** A line on where and when. */
export function setting(machine: Machine, started: Date): string {
  const { cores, cpu, memoryBytes, platform, node, postgres } = machine;
  const gigabytes = (memoryBytes / 2 ** 30).toFixed(0);
  return `${started.toISOString().slice(0, 10)}, ${cores} × ${cpu}, ${gigabytes} GB, ${platform}, Node ${node}, PostgreSQL ${postgres}.`;
}

/** Rows of cells as a Markdown table: the first row is the head, and figures stand to the right. */
export function tableOf(rows: readonly (readonly string[])[]): string[] {
  const [head = [], ...others] = rows;
  const rule = head.map((_, i) => (i === 0 ? '---' : '---:'));
  return [head, rule, ...others].map((row) => `| ${row.join(' | ')} |`);
}

/** A figure with thousands separated and so many digits; "–" when there is none. */
export const figure = (value: number, digits: number): string =>
  Number.isFinite(value)
    ? value.toLocaleString('en', { minimumFractionDigits: digits, maximumFractionDigits: digits })
    : '–';
