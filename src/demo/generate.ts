import { type Action, makeActions } from './actions.ts';
import { type DemoContent, makeAccounts, makeContents } from './contents.ts';
import { Random } from './random.ts';

const SEED = 20_260_401;
const CONTENTS = 1_500;

export interface Demo {
  /** what came in, in the order in which it did */
  contents: DemoContent[];
  /** what people did with it, in the order of time */
  actions: Action[];
}

/**
 * Invents sixty days that end at `now`: contents, and what a team does with them. The same `now` gives the same demo;
 * another one gives the same texts at other times.
 */
export function generateDemo(now: Date): Demo {
  const random = new Random(SEED);
  const accounts = makeAccounts(random);
  const contents = makeContents({ random, now, accounts }, CONTENTS);
  return { contents, actions: makeActions(random, contents, now) };
}
