import type { Scenario } from '../scenario.ts';
import { dashboard, repeated } from './dashboard.ts';
import { deep, search, trends } from './lookups.ts';
import { flat, nested, one, tree } from './reads.ts';
import { create, mixed } from './writes.ts';

/** Scenarios that change nothing, in the order in which they run. */
export const READS: readonly Scenario[] = [flat, nested, tree, one, dashboard, repeated, deep, search, trends];

/** All of them: what changes data comes last. */
export const SCENARIOS: readonly Scenario[] = [...READS, create, mixed];
