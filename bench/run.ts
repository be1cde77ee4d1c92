// Argus and its peers on the same work: node main.ts [--quick] [--large] [--only argus,floor] [--scenarios flat,nested]
// [--connections 1,16,64] [--rounds 3] [--seconds 1] [--out results] [--profile folder]. README.md explains the columns.
import { mkdirSync } from 'node:fs';
import type { Contender } from './contender.ts';
import { type Running, start } from './contender-process.ts';
import { type BenchDatabase, openDatabase } from './database.ts';
import { factsOf } from './facts.ts';
import { countStatements, LoadGenerator, measure, type Sample } from './measure.ts';
import { type Plan, readOptions } from './options.ts';
import { type Cell, type Results, writeReports } from './report.ts';
import { insistSame, normalise } from './same-answers.ts';
import type { Facts, Request, Scenario } from './scenario.ts';

const say = (line: string) => console.error(line);

/** A contender that takes part in a scenario, and what it is asked there. */
interface Part {
  running: Running;
  requests: readonly Request[];
  statements: number;
}

async function main(plan: Plan): Promise<void> {
  const database = await openDatabase(plan.size, say);
  const running: Running[] = [];
  const load = new LoadGenerator();
  const started = new Date();
  try {
    for (const contender of plan.contenders) {
      say(`starting ${contender.name}`);
      running.push(await start(contender, database, profiling(plan, contender)));
    }
    const facts = await factsOf(database);
    const results: Results = { plan, started, postgres: database.version, cells: [] };
    for (const scenario of plan.scenarios) {
      const parts = await check(scenario, running, facts, database);
      await warmUp(parts, plan.settleMs, load, database);
      for (const connections of plan.connections) {
        results.cells.push(...(await rounds(plan, scenario, connections, parts, load, database)));
      }
    }
    await writeReports(results);
  } finally {
    load.stop();
    await Promise.all(running.map((one) => one.stop()));
    await database.stop();
  }
}

function profiling({ profile }: Plan, { name }: Contender): string[] {
  if (profile === null) return [];
  mkdirSync(profile, { recursive: true });
  return ['--cpu-prof', `--cpu-prof-dir=${profile}`, `--cpu-prof-name=${name}.cpuprofile`];
}

/** Insists that all answer with the same data, and counts their statements. */
async function check(scenario: Scenario, running: readonly Running[], facts: Facts, { owner }: BenchDatabase) {
  const parts: Part[] = [];
  const expected: unknown[] = [];
  for (const one of running) {
    const ask = async (request: Request) => JSON.parse(await one.ask(request)).data as unknown;
    const requests = await scenario.requests(one.contender.dialect, facts, ask);
    if (requests === null) continue;
    for (const [i, request] of requests.slice(0, 8).entries()) {
      const answer = normalise(await ask(request));
      expected[i] ??= answer;
      insistSame(expected[i], answer, `${one.contender.name} in ${scenario.name}`);
    }
    const [first] = requests;
    if (first) parts.push({ running: one, requests, statements: await countStatements(owner, one, first) });
  }
  return parts;
}

/** Lets each contender compile and cache what it will, before anything is measured. */
async function warmUp(parts: readonly Part[], runMs: number, load: LoadGenerator, { owner }: BenchDatabase) {
  for (const { running, requests } of parts) {
    await measure(load, owner, running, requests, { connections: 16, warmMs: 0, runMs });
  }
}

/** All contenders in turn, in each round beginning with another one: what disturbs the machine disturbs all alike. */
async function rounds(
  { rounds: count, warmMs, runMs }: Plan,
  scenario: Scenario,
  connections: number,
  parts: readonly Part[],
  load: LoadGenerator,
  { owner }: BenchDatabase,
): Promise<Cell[]> {
  const samples = new Map<Part, Sample[]>(parts.map((part) => [part, []]));
  for (let round = 0; round < count; round++) {
    for (const [i] of parts.entries()) {
      const part = parts[(i + round) % parts.length];
      if (!part) continue;
      const sample = await measure(load, owner, part.running, part.requests, { connections, warmMs, runMs });
      samples.get(part)?.push(sample);
      const { rate, serverCpu } = sample;
      const name = part.running.contender.name.padEnd(17);
      say(
        `${scenario.name.padEnd(10)} ${String(connections).padStart(2)} ${name} ${rate.toFixed(0).padStart(6)}/s ${serverCpu.toFixed(2)} ms`,
      );
    }
  }
  return parts.map((part) => ({
    scenario,
    connections,
    contender: part.running.contender,
    statements: part.statements,
    samples: samples.get(part) ?? [],
  }));
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
