// Argus and its peers on the same work, with the options and columns that README.md explains.
import { mkdirSync } from 'node:fs';
import type { Contender } from './contender.ts';
import { type Running, start } from './contender-process.ts';
import { openDatabase } from './database.ts';
import { factsOf } from './facts.ts';
import { LoadGenerator } from './measure.ts';
import { measureMemory } from './memory.ts';
import { type Plan, readOptions, secondsOf } from './options.ts';
import { writeMemory, writeReports } from './report.ts';
import type { Cell, Results } from './results.ts';
import { check, type Part, rounds, warmUp } from './rounds.ts';
import type { Facts, Scenario } from './scenario.ts';

const say = (line: string) => console.error(line);

/** The contenders on data of one size. */
interface Site {
  size: string;
  postgres: string;
  running: readonly Running[];
  facts: Facts;
}

async function main(plan: Plan): Promise<void> {
  await using stack = new AsyncDisposableStack();
  const started = new Date();
  const sites = await open(plan, stack);
  const postgres = sites[0]?.postgres ?? '';
  const load = new LoadGenerator();
  stack.defer(() => load.stop());
  const results: Results = { plan, started, postgres, cells: [] };
  for (const scenario of plan.scenarios) {
    const parts = await partsOf(sites, scenario);
    if (plan.kind === 'memory') {
      const [part] = parts;
      if (part) await memory(plan, scenario, part, load, started, postgres);
      return;
    }
    await warmUp(parts, plan.settleMs, load);
    for (const connections of plan.connections) {
      const samples = await rounds(plan, scenario, connections, parts, load);
      for (const [i, { running, size, statements }] of parts.entries()) {
        const { contender } = running;
        results.cells.push({
          scenario,
          connections,
          contender,
          size,
          statements,
          samples: samples[i] ?? [],
        } satisfies Cell);
      }
    }
  }
  await writeReports(results);
}

/** Opens the databases and starts all contenders on each; the stack ends them. */
async function open(plan: Plan, stack: AsyncDisposableStack): Promise<Site[]> {
  const sites: Site[] = [];
  for (const size of plan.sizes) {
    const database = await openDatabase(size, say);
    stack.defer(() => database.stop());
    if (sites.length === 0) say(`about ${Math.ceil(secondsOf(plan) / 60)} minutes, when the data is loaded`);
    const running: Running[] = [];
    for (const contender of plan.contenders) {
      say(`starting ${contender.name}, ${size.name}`);
      const one = await start(contender, database, profiling(plan, contender, size.name));
      stack.defer(() => one.stop());
      running.push(one);
    }
    sites.push({ size: size.name, postgres: database.version, running, facts: await factsOf(database) });
  }
  return sites;
}

function profiling({ profile }: Plan, { name }: Contender, size: string): string[] {
  if (profile === null) return [];
  mkdirSync(profile, { recursive: true });
  return ['--cpu-prof', `--cpu-prof-dir=${profile}`, `--cpu-prof-name=${name}-${size}.cpuprofile`];
}

/** The parts of a scenario: contender by contender, so that the sizes of one are loaded one right after the other. */
async function partsOf(sites: readonly Site[], scenario: Scenario): Promise<Part[]> {
  const parts: Part[] = [];
  for (const { size, running, facts } of sites) parts.push(...(await check(scenario, size, running, facts)));
  const names = sites[0]?.running.map(({ contender }) => contender.name) ?? [];
  const place = ({ running }: Part) => names.indexOf(running.contender.name);
  return parts.toSorted((a, b) => place(a) - place(b));
}

async function memory(
  plan: Plan,
  scenario: Scenario,
  part: Part,
  load: LoadGenerator,
  started: Date,
  postgres: string,
) {
  const [connections = 1] = plan.connections;
  const run = await measureMemory(part, scenario, { connections, runMs: plan.runMs }, load);
  await writeMemory(run, plan, started, postgres);
  if (run.errors > 0) throw new Error(`${run.errors} errors under load: ${run.firstError}`);
}

/** Runs the benchmark as the command line says; what is wrong with it, or with an answer, is told without a stack. */
export async function bench(args: string[]): Promise<void> {
  try {
    await main(readOptions(args));
  } catch (error) {
    console.error(error instanceof Error ? error.message : error);
    process.exitCode = 1;
  }
}
