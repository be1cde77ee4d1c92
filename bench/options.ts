import { parseArgs } from 'node:util';
import { CONTENDERS, type Contender } from './contender.ts';
import { type DataSize, LARGE, SMALL } from './database.ts';
import type { Scenario } from './scenario.ts';
import { SCENARIOS } from './scenarios/all.ts';

/** What a run does. Times in milliseconds. */
export interface Plan {
  size: DataSize;
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

/** Reads the command line. Throws an Error that names what is unknown and what there is. */
export function readOptions(args: string[]): Plan {
  const { values } = parseArgs({
    args,
    options: {
      quick: { type: 'boolean', default: false },
      large: { type: 'boolean', default: false },
      only: { type: 'string' },
      scenarios: { type: 'string' },
      connections: { type: 'string' },
      rounds: { type: 'string' },
      seconds: { type: 'string' },
      out: { type: 'string', default: 'results' },
      profile: { type: 'string' },
    },
  });
  const { quick } = values;
  return {
    size: values.large ? LARGE : SMALL,
    contenders: choose(CONTENDERS, values.only, 'contender'),
    scenarios: choose(SCENARIOS, values.scenarios, 'scenario'),
    connections: (values.connections ?? (quick ? '16' : '1,16,64')).split(',').map(positive),
    rounds: positive(values.rounds ?? (quick ? '2' : '3')),
    settleMs: quick ? 900 : 1_500,
    warmMs: quick ? 100 : 250,
    runMs: 1000 * positive(values.seconds ?? (quick ? '0.4' : '0.8')),
    out: values.out,
    profile: values.profile ?? null,
  };
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
