import { createHash } from 'node:crypto';
import type { WriteTx } from '../../data/write.ts';
import { isLongWork } from './analysis.ts';
import type { Prepared } from './content.prepare.ts';
import { type Findings, findIn, type SourceFacts } from './content.rows.ts';
import type { CompiledKeywords } from './matcher-cache.ts';
import { givingWay } from './matching/give-way.ts';

/** Finds what stands in contents; those that were not foreseen are looked at when they are asked for. */
export interface Finder {
  of(one: Prepared): Promise<Findings>;
}

/**
 * Looks at contents that are going to be stored, before the transaction if that takes long.
 *
 * @param version of the dictionary that is compiled
 */
export async function findAll(
  tx: WriteTx,
  wanted: readonly Prepared[],
  sources: ReadonlyMap<string, SourceFacts>,
  compiled: CompiledKeywords,
  version: number,
): Promise<Finder> {
  const look = async () => new Map(await givingWay(findEach(wanted, sources, compiled)));
  const characters = wanted.reduce((sum, { item }) => sum + item.text.length, 0);
  const known = isLongWork(characters, compiled)
    ? await tx.beforehand(digestOf([version, ...sources.values(), ...wanted.map(keyOf)]), look)
    : await look();
  return { of: async (one) => known.get(keyOf(one)) ?? givingWay(findIn(one, sources, compiled)) };
}

function* findEach(
  wanted: readonly Prepared[],
  sources: ReadonlyMap<string, SourceFacts>,
  compiled: CompiledKeywords,
): Generator<void, [string, Findings][]> {
  const found: [string, Findings][] = [];
  for (const one of wanted) {
    found.push([keyOf(one), yield* findIn(one, sources, compiled)]);
    yield;
  }
  return found;
}

function keyOf({ key, textHash }: Prepared): string {
  return `${key} ${textHash}`;
}

/** One short text for what a piece of work depends on. */
export function digestOf(parts: readonly unknown[]): string {
  return createHash('sha256').update(JSON.stringify(parts)).digest('hex');
}
