import type { Scenario } from '../scenario.ts';
import { dashboard, repeated } from './dashboard.ts';
import { deep, search, trends } from './lookups.ts';
import { flat, nested, one, tree } from './reads.ts';
import { create, mixed } from './writes.ts';

/** In the order in which they run: what changes data comes last. */
export const SCENARIOS: readonly Scenario[] = [
  flat,
  nested,
  tree,
  one,
  dashboard,
  repeated,
  deep,
  search,
  trends,
  create,
  mixed,
];
