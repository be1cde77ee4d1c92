import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { machineOf } from './machine.ts';
import type { MemoryRun } from './memory.ts';
import { memoryChart } from './memory-chart.ts';
import { memoryMarkdown } from './memory-markdown.ts';
import type { Plan } from './options.ts';
import { chart } from './report-chart.ts';
import { markdown } from './report-markdown.ts';
import type { Results } from './results.ts';
import { sizesMarkdown } from './sizes-markdown.ts';

/** Writes results.md, results.json and results.svg, or sizes.md and sizes.json, and prints the first. */
export async function writeReports(results: Results): Promise<void> {
  const { plan, started, postgres, cells } = results;
  const machine = await machineOf(postgres);
  const json = {
    started,
    machine,
    sizes: plan.sizes,
    rounds: plan.rounds,
    runMs: plan.runMs,
    cells: cells.map(({ scenario, contender, ...cell }) => ({
      scenario: scenario.name,
      contender: contender.name,
      ...cell,
    })),
  };
  if (plan.kind === 'sizes') return write(plan, 'sizes', sizesMarkdown(results, machine), json);
  await write(plan, 'results', markdown(results, machine), json, chart(results));
}

/** Writes memory.md, memory.json and memory.svg, and prints the first. */
export async function writeMemory(run: MemoryRun, plan: Plan, started: Date, postgres: string): Promise<void> {
  const machine = await machineOf(postgres);
  const json = { started, machine, sizes: plan.sizes, ...run };
  await write(plan, 'memory', memoryMarkdown(run, machine, started), json, memoryChart(run));
}

async function write({ out }: Plan, name: string, text: string, json: object, svg?: string): Promise<void> {
  const folder = fileURLToPath(new URL(`${out}/`, import.meta.url));
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, `${name}.md`), text);
  await writeFile(join(folder, `${name}.json`), `${JSON.stringify(json, null, 2)}\n`);
  if (svg !== undefined) await writeFile(join(folder, `${name}.svg`), svg);
  console.log(text);
}
