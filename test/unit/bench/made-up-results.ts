import { argusWith, CONTENDERS, type Contender } from '../../../bench/contender.ts';
import { type Plan, readOptions } from '../../../bench/options.ts';
import type { Cell, Machine, Results } from '../../../bench/results.ts';
import type { Sample } from '../../../bench/sample.ts';

export const MACHINE: Machine = {
  cpu: 'Made-up CPU',
  cores: 2,
  memoryBytes: 8 * 2 ** 30,
  platform: 'linux x64',
  node: 'v24.0.0',
  postgres: '18.4',
  versions: { postgraphile: '5.1.5', mercurius: '16.10.1', '@pothos/plugin-prisma': '4.17.0' },
};

export const STARTED = new Date('2026-03-01T10:00:00Z');
export const ALL: readonly Contender[] = [...CONTENDERS, argusWith(2)];

/** A round in which a request takes so many milliseconds of one connection, and half of that of the server's CPU. */
export function sample(ms: number, changes: Partial<Sample> = {}): Sample {
  return {
    requests: 800 / ms,
    errors: 0,
    firstError: null,
    bytes: 8e5,
    ms: 800,
    p50: ms,
    p95: 2 * ms,
    p99: 3 * ms,
    rate: 1000 / ms,
    serverCpu: ms / 2,
    databaseCpu: ms / 4,
    size: 1000 * ms,
    memory: 100 * 2 ** 20,
    ...changes,
  };
}

/** Results of a command line, with the samples that `of` gives for each; `null`: the contender takes no part. */
export function resultsOf(
  args: string[],
  of: (cell: Omit<Cell, 'samples' | 'statements'>, place: number) => Sample[] | null,
): Results {
  const plan: Plan = readOptions(args);
  const cells = plan.scenarios.flatMap((scenario) =>
    plan.connections.flatMap((connections) =>
      plan.sizes.flatMap(({ name: size }) =>
        plan.contenders.flatMap((contender, place): Cell[] => {
          const cell = { scenario, connections, contender, size };
          const samples = of(cell, place);
          return samples === null ? [] : [{ ...cell, statements: 3, samples }];
        }),
      ),
    ),
  );
  return { plan, started: STARTED, postgres: '18.4', cells };
}

/** What no reader of a report should meet. */
export const NONSENSE = /NaN|Infinity|undefined|null|\[object/;
