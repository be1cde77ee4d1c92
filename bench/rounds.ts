import type { Running } from './contender-process.ts';
import { countStatements, type LoadGenerator, measure } from './measure.ts';
import type { Plan } from './options.ts';
import { insistSame, normalise } from './same-answers.ts';
import type { Sample } from './sample.ts';
import type { Facts, Request, Scenario } from './scenario.ts';

/** A contender that takes part in a scenario, and what it is asked there. */
export interface Part {
  /** name of the data's size */
  size: string;
  running: Running;
  requests: readonly Request[];
  statements: number;
}

/** How many requests are asked of all contenders and compared. */
const COMPARED = 8;

/** Insists that all answer with the same data, counts their statements, and gives those that take part. */
export async function check(
  scenario: Scenario,
  size: string,
  running: readonly Running[],
  facts: Facts,
): Promise<Part[]> {
  const parts: Part[] = [];
  const expected: unknown[] = [];
  for (const one of running) {
    const { name, dialect, only } = one.contender;
    if (only && !only.includes(scenario.name)) continue;
    const ask = async (request: Request) => JSON.parse(await one.ask(request)).data as unknown;
    const requests = await scenario.requests(dialect, facts, ask);
    if (requests === null) continue;
    for (const [i, request] of requests.slice(0, COMPARED).entries()) {
      const answer = normalise(await ask(request));
      expected[i] ??= answer;
      insistSame(expected[i], answer, `${name} in ${scenario.name}`);
    }
    const [first] = requests;
    if (first) parts.push({ size, running: one, requests, statements: await countStatements(one, first) });
  }
  return parts;
}

/** Lets each contender compile and cache what it will, before anything is measured. */
export async function warmUp(parts: readonly Part[], runMs: number, load: LoadGenerator): Promise<void> {
  for (const { running, requests } of parts)
    await measure(load, running, requests, { connections: 16, warmMs: 0, runMs });
}

/**
 * All parts in turn, in each round beginning with another one: what disturbs the machine disturbs all alike. Gives the
 * samples of each part in the order of the rounds.
 */
export async function rounds(
  { rounds: count, warmMs, runMs }: Plan,
  scenario: Scenario,
  connections: number,
  parts: readonly Part[],
  load: LoadGenerator,
): Promise<Sample[][]> {
  const samples = parts.map((): Sample[] => []);
  for (let round = 0; round < count; round++) {
    for (const [i] of parts.entries()) {
      const place = (i + round) % parts.length;
      const part = parts[place];
      if (!part) continue;
      const sample = await measure(load, part.running, part.requests, { connections, warmMs, runMs });
      samples[place]?.push(sample);
      const [rate, cpu] = [sample.rate.toFixed(0).padStart(6), sample.serverCpu.toFixed(2)];
      const who = `${part.running.contender.name.padEnd(17)} ${part.size}`;
      const where = `${scenario.name.padEnd(10)} ${String(connections).padStart(2)} ${who}`;
      console.error(`${where} ${rate}/s ${cpu} ms`);
    }
  }
  return samples;
}
