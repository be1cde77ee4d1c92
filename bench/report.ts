import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { availableParallelism, cpus, totalmem } from 'node:os';
import { fileURLToPath } from 'node:url';
import { CONTENDERS, type Contender } from './contender.ts';
import type { Sample } from './measure.ts';
import type { Plan } from './options.ts';
import { chart } from './report-chart.ts';
import { markdown } from './report-markdown.ts';
import type { Scenario } from './scenario.ts';

/** One contender in one scenario with so many connections. */
export interface Cell {
  scenario: Scenario;
  connections: number;
  contender: Contender;
  statements: number;
  /** one for each round */
  samples: readonly Sample[];
}

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

/** Writes results.md, results.json and results.svg, and prints the first. */
export async function writeReports(results: Results): Promise<void> {
  const { plan, started, cells } = results;
  const machine = await machineOf(results);
  const folder = fileURLToPath(new URL(`${plan.out}/`, import.meta.url));
  await mkdir(folder, { recursive: true });
  const text = markdown(results, machine);
  const json = {
    started,
    machine,
    size: plan.size,
    rounds: plan.rounds,
    runMs: plan.runMs,
    cells: cells.map(({ scenario, contender, ...cell }) => ({
      scenario: scenario.name,
      contender: contender.name,
      ...cell,
    })),
  };
  await writeFile(`${folder}results.md`, text);
  await writeFile(`${folder}results.json`, `${JSON.stringify(json, null, 2)}\n`);
  await writeFile(`${folder}results.svg`, chart(cells));
  console.log(text);
}

async function machineOf({ postgres }: Results): Promise<Machine> {
  const versions: Record<string, string> = {};
  for (const name of new Set(CONTENDERS.map((contender) => contender.package))) {
    if (name !== null) versions[name] = await versionOf(name);
  }
  return {
    cpu: cpus()[0]?.model ?? 'unknown',
    cores: availableParallelism(),
    memoryBytes: totalmem(),
    platform: `${process.platform} ${process.arch}`,
    node: process.version,
    postgres,
    versions,
  };
}

/** The version installed for the benchmark, or for Argus, whose packages the stock stack shares. */
async function versionOf(name: string): Promise<string> {
  for (const folder of ['./node_modules/', '../node_modules/']) {
    const manifest = await readFile(new URL(`${folder}${name}/package.json`, import.meta.url), 'utf8').catch(
      () => null,
    );
    if (manifest !== null) return String((JSON.parse(manifest) as { version: unknown }).version);
  }
  return 'not installed';
}
