import { COMBINING, isBoundary, WORD } from './characters.ts';

/** A compiled phrase: its words in order, with at most `gap` other words between two of them. */
export interface Phrase {
  readonly words: readonly string[];
  readonly gap: number;
  /** Index of the word that is looked at first: the one the fewest other phrases wait for. */
  readonly anchor: number;
}

/**
 * Chooses for each phrase the word that triggers it, so that a word such as "the", which many phrases hold, does not
 * wake them all up.
 *
 * @param phrases normalised words and gap of each phrase.
 */
export function compilePhrases(phrases: readonly { words: readonly string[]; gap: number }[]): Phrase[] {
  const uses = new Map<string, number>();
  for (const { words } of phrases) {
    for (const word of new Set(words)) uses.set(word, (uses.get(word) ?? 0) + 1);
  }
  const cost = (word: string): number => (uses.get(word) ?? 0) / (/[\p{L}\p{N}]/u.test(word) ? word.length : 0.1);
  return phrases.map(({ words, gap }) => {
    let anchor = 0;
    words.forEach((word, index) => {
      if (cost(word) < cost(words[anchor] ?? '')) anchor = index;
    });
    return { words, gap, anchor };
  });
}

/**
 * For each position of the text, how many words start before it; in a script written without spaces each character
 * counts as a word.
 */
export function wordStartsBefore(kinds: Uint8Array, text: string): Uint32Array {
  const out = new Uint32Array(kinds.length + 1);
  let count = 0;
  for (let i = 0; i < kinds.length; i += 1) {
    out[i] = count;
    const kind = kinds[i] ?? 0;
    const unit = text.charCodeAt(i);
    const isTrail = unit >= 0xdc00 && unit <= 0xdfff;
    if ((kind & WORD) !== 0 && (kind & COMBINING) === 0 && !isTrail && isBoundary(kinds, i)) count += 1;
  }
  out[kinds.length] = count;
  return out;
}

/** First index of `places` whose word number is at least `bound`. */
function lowerBound(places: readonly number[], wordsBefore: Uint32Array, bound: number): number {
  let low = 0;
  let high = places.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((wordsBefore[places[middle] ?? 0] ?? 0) < bound) low = middle + 1;
    else high = middle;
  }
  return low;
}

interface Reached {
  /** Start of the chain that led here, and start and end of its last word. */
  readonly from: number;
  readonly end: number;
}

/** The chains that reach the next word: each place is joined to the latest chain that ends before it. */
function extendChains(
  chains: readonly Reached[],
  places: readonly number[],
  length: number,
  gap: number,
  wordsBefore: Uint32Array,
  bounds: { low: number; high: number },
): Reached[] {
  const out: Reached[] = [];
  let at = -1;
  for (let i = lowerBound(places, wordsBefore, bounds.low); i < places.length; i += 1) {
    const start = places[i] ?? 0;
    const words = wordsBefore[start] ?? 0;
    if (words > bounds.high) break;
    while ((chains[at + 1]?.end ?? Number.POSITIVE_INFINITY) <= start) at += 1;
    const chain = chains[at];
    if (chain !== undefined && words - (wordsBefore[chain.end] ?? 0) <= gap) {
      out.push({ from: chain.from, end: start + length });
    }
  }
  return out;
}

function firstChains(
  places: readonly number[],
  length: number,
  wordsBefore: Uint32Array,
  bounds: { low: number; high: number },
): Reached[] {
  const out: Reached[] = [];
  for (let i = lowerBound(places, wordsBefore, bounds.low); i < places.length; i += 1) {
    const start = places[i] ?? 0;
    if ((wordsBefore[start] ?? 0) > bounds.high) break;
    out.push({ from: start, end: start + length });
  }
  return out;
}

/**
 * All places of a phrase, ends ascending, as the shortest stretch for each end; they may overlap. Only the
 * neighbourhood of its anchor word is looked at, so the work is linear in the places of its words.
 *
 * @param placesOf starts of each word of the phrase in the text, ascending.
 */
export function matchPhrase(
  phrase: Phrase,
  placesOf: readonly (readonly number[])[],
  wordsBefore: Uint32Array,
  found: (start: number, end: number) => void,
): void {
  const anchors = placesOf[phrase.anchor] ?? [];
  // No word token holds more words than characters.
  const reach = phrase.words.reduce((sum, word) => sum + word.length + phrase.gap, 0);
  for (let i = 0; i < anchors.length; ) {
    const low = (wordsBefore[anchors[i] ?? 0] ?? 0) - reach;
    let high = low + 2 * reach;
    for (; i < anchors.length; i += 1) {
      const words = wordsBefore[anchors[i] ?? 0] ?? 0;
      if (words - reach > high) break;
      high = words + reach;
    }
    const bounds = { low, high };
    let chains = firstChains(placesOf[0] ?? [], phrase.words[0]?.length ?? 0, wordsBefore, bounds);
    for (let w = 1; w < phrase.words.length && chains.length > 0; w += 1) {
      const length = phrase.words[w]?.length ?? 0;
      chains = extendChains(chains, placesOf[w] ?? [], length, phrase.gap, wordsBefore, bounds);
    }
    for (const chain of chains) found(chain.from, chain.end);
  }
}
