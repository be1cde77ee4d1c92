import { parseArgs } from 'node:util';
import { argusWith, CONTENDERS, type Contender } from './contender.ts';
import { type DataSize, LARGE, SMALL } from './database.ts';
import type { Scenario } from './scenario.ts';
import { READS, SCENARIOS } from './scenarios/all.ts';

/** What a run does. Times in milliseconds. */
export interface Plan {
  /** contenders side by side, the same at two sizes of the data, or memory over a long load */
  kind: 'contenders' | 'sizes' | 'memory';
  /** of the data; with `sizes` there are two, side by side */
  sizes: readonly DataSize[];
  contenders: readonly Contender[];
  scenarios: readonly Scenario[];
  connections: readonly number[];
  rounds: number;
  /** load before the first round of a scenario, and before each measurement */
  settleMs: number;
  warmMs: number;
  runMs: number;
  out: string;
  /** folder for CPU profiles, or null */
  profile: string | null;
}

const DEFAULT_MINUTES = '20';

/** Reads the command line. Throws an Error that names what is unknown and what there is. */
export function readOptions(args: string[]): Plan {
  const { values, positionals } = parseArgs({
    args,
    allowPositionals: true,
    options: {
      quick: { type: 'boolean', default: false },
      large: { type: 'boolean', default: false },
      sizes: { type: 'boolean', default: false },
      memory: { type: 'boolean', default: false },
      workers: { type: 'string' },
      only: { type: 'string' },
      scenarios: { type: 'string' },
      connections: { type: 'string' },
      rounds: { type: 'string' },
      seconds: { type: 'string' },
      out: { type: 'string', default: 'results' },
      profile: { type: 'string' },
    },
  });
  const { quick, large, sizes, memory } = values;
  if (positionals.length > (memory ? 1 : 0)) throw new Error(`"${positionals.at(-1)}" is not an option`);
  if (sizes && (memory || large)) throw new Error('--sizes stands alone: it uses both sizes, and measures no memory');
  const all = withWorkers(values.workers);
  const kind = sizes ? 'sizes' : memory ? 'memory' : 'contenders';
  const defaults = { contenders: undefined, sizes: 'argus,postgraphile-rls', memory: 'argus' }[kind];
  const plan: Plan = {
    kind,
    sizes: sizes ? [SMALL, LARGE] : [large ? LARGE : SMALL],
    contenders: choose(all, values.only ?? defaults, 'contender'),
    scenarios: choose(sizes ? READS : SCENARIOS, values.scenarios ?? (memory ? 'mixed' : undefined), 'scenario'),
    connections: (values.connections ?? { contenders: quick ? '16' : '1,16,64', sizes: '1', memory: '16' }[kind])
      .split(',')
      .map(whole),
    rounds: memory ? 1 : whole(values.rounds ?? (quick ? '2' : '3')),
    settleMs: quick ? 700 : 1_500,
    warmMs: quick ? 100 : 200,
    runMs: memory
      ? 60_000 * positive(positionals[0] ?? DEFAULT_MINUTES)
      : 1000 * positive(values.seconds ?? (quick ? '0.4' : '0.8')),
    out: values.out,
    profile: values.profile ?? null,
  };
  if (memory && [plan.contenders, plan.scenarios, plan.connections].some(({ length }) => length !== 1)) {
    throw new Error('--memory measures one contender in one scenario with one number of connections');
  }
  return plan;
}

/** The contenders, with Argus in so many processes after Argus in one. */
function withWorkers(workers: string | undefined): readonly Contender[] {
  if (workers === undefined) return CONTENDERS;
  const [first, ...others] = CONTENDERS;
  return first ? [first, argusWith(whole(workers)), ...others] : [];
}

// Seen in runs: opening the database, starting a contender, and what each load takes beside its time.
const OPEN_MS = 5_000;
const START_MS = 3_000;
const LOAD_MS = 40;

/** How many seconds a run takes, about, once the data is loaded. */
export function secondsOf(plan: Plan): number {
  const { sizes, contenders, scenarios, connections, rounds, settleMs, warmMs, runMs } = plan;
  const measured = connections.length * rounds;
  const each = settleMs + LOAD_MS + measured * (warmMs + runMs + LOAD_MS);
  const parts = contenders.reduce((sum, { only }) => {
    return sum + scenarios.filter(({ name }) => only?.includes(name) ?? true).length;
  }, 0);
  return (sizes.length * (OPEN_MS + contenders.length * START_MS + parts * each)) / 1000;
}

function choose<T extends { name: string }>(all: readonly T[], names: string | undefined, what: string): readonly T[] {
  if (names === undefined) return all;
  const wanted = names.split(',');
  const unknown = wanted.filter((name) => !all.some((one) => one.name === name));
  if (unknown.length > 0) {
    throw new Error(`no ${what} ${unknown.join(', ')}: there are ${all.map(({ name }) => name).join(', ')}`);
  }
  return all.filter(({ name }) => wanted.includes(name));
}

function positive(text: string): number {
  const number = Number(text);
  if (!(number > 0)) throw new Error(`"${text}" is not a number above 0`);
  return number;
}

function whole(text: string): number {
  const number = positive(text);
  if (!Number.isInteger(number)) throw new Error(`"${text}" is not a whole number`);
  return number;
}
