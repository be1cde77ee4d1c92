import { isBoundary, LONG_RUN, MAX_WORD_RUN, WORD } from './characters.ts';

const ANY_ONE = -1;
const STAR = -2;

/** A compiled wildcard: `?` is one word character, `*` any run of them, both ends at word boundaries. */
export interface Wildcard {
  /** Longest literal piece; a match always holds it, so the automaton looks for it first. */
  readonly anchor: string;
  /** Code points, or the codes of `?` and `*`; without trailing stars. */
  readonly tokens: Int32Array;
  readonly trailingStar: boolean;
  /** Most UTF-16 units a match can have before its anchor; 0 when it starts with it. */
  readonly reach: number;
  /** Nothing but word characters comes before the anchor, so a match starts in the word of its anchor. */
  readonly sameWord: boolean;
}

function tokensOf(term: string): number[] {
  const tokens: number[] = [];
  for (const character of term) {
    if (character === '?') tokens.push(ANY_ONE);
    else if (character !== '*') tokens.push(character.codePointAt(0) ?? 0);
    else if (tokens.at(-1) !== STAR) tokens.push(STAR);
  }
  return tokens;
}

/** Compiles a normalised term, or null when nothing literal (other than spaces) is left to look for. */
export function compileWildcard(term: string): Wildcard | null {
  let anchor = '';
  let anchorAt = 0;
  for (const piece of term.matchAll(/[^*?]+/gu)) {
    if (piece[0].trim() === '' || piece[0].length <= anchor.length) continue;
    // A first piece must start a word, which makes it rarer than a longer one in the middle of words.
    if (anchorAt === 0 && anchor.length > 1) continue;
    anchor = piece[0];
    anchorAt = piece.index;
  }
  if (anchor === '') return null;
  const tokens = tokensOf(term);
  const trailingStar = tokens.at(-1) === STAR;
  if (trailingStar) tokens.pop();
  const before = term.slice(0, anchorAt);
  let reach = 0;
  for (const token of tokensOf(before)) {
    if (token === STAR) reach += MAX_WORD_RUN;
    else reach += token === ANY_ONE || token > 0xffff ? 2 : 1;
  }
  const sameWord = /^[\p{L}\p{N}\p{M}_*?]*$/u.test(before);
  return { anchor, tokens: Int32Array.from(tokens), trailingStar, reach, sameWord };
}

/** The states of the automaton of one wildcard; for each active one the smallest start that led to it. */
class StateSet {
  readonly active: number[] = [];
  readonly startOf: Int32Array;
  private readonly tokens: Int32Array;

  constructor(tokens: Int32Array) {
    this.tokens = tokens;
    this.startOf = new Int32Array(tokens.length + 1).fill(-1);
  }

  add(state: number, start: number): void {
    for (let at = state; ; at += 1) {
      const known = this.startOf[at] ?? -1;
      if (known === -1) this.active.push(at);
      else if (known <= start) return;
      this.startOf[at] = start;
      if (this.tokens[at] !== STAR) return;
    }
  }

  clear(): void {
    for (const state of this.active) this.startOf[state] = -1;
    this.active.length = 0;
  }
}

function starable(kind: number): boolean {
  return (kind & WORD) !== 0 && (kind & LONG_RUN) === 0;
}

/** Where a trailing `*` that starts at `position` ends: it takes all it can. */
function endOfRun(kinds: Uint8Array, position: number): number {
  let end = position;
  while (end < kinds.length && starable(kinds[end] ?? 0)) end += 1;
  return end;
}

function advance(tokens: Int32Array, from: StateSet, to: StateSet, codePoint: number, kind: number): void {
  for (const state of from.active) {
    const token = tokens[state];
    const start = from.startOf[state] ?? 0;
    if (token === STAR) {
      if (starable(kind)) to.add(state, start);
    } else if (token === ANY_ONE ? (kind & WORD) !== 0 : token === codePoint) {
      to.add(state + 1, start);
    }
  }
}

/** A wildcard that starts with its anchor and has a star at its end at most: each place is simply compared. */
function matchFixed(
  { tokens, trailingStar }: Wildcard,
  text: string,
  kinds: Uint8Array,
  anchors: readonly number[],
  found: (start: number, end: number) => void,
): void {
  let cursor = 0;
  for (const start of anchors) {
    if (start < cursor || !isBoundary(kinds, start)) continue;
    let end = start;
    let matched = 0;
    for (; matched < tokens.length && end < text.length; matched += 1) {
      const token = tokens[matched];
      const codePoint = text.codePointAt(end) ?? 0;
      if (token === ANY_ONE ? ((kinds[end] ?? 0) & WORD) === 0 : token !== codePoint) break;
      end += codePoint > 0xffff ? 2 : 1;
    }
    if (matched < tokens.length) continue;
    if (trailingStar) end = endOfRun(kinds, end);
    if (!isBoundary(kinds, end)) continue;
    found(start, end);
    cursor = end;
  }
}

/**
 * All matches of one wildcard, by simulation of its automaton around the places of its anchor. Of several matches
 * the one that ends first is taken, with the smallest start; a trailing star then takes the rest of the word.
 * Matches do not overlap. Linear in the text for a given term.
 *
 * @param anchors starts of the anchor in `text`, ascending (UTF-16 units).
 */
export function matchWildcard(
  wildcard: Wildcard,
  text: string,
  kinds: Uint8Array,
  anchors: readonly number[],
  found: (start: number, end: number) => void,
): void {
  const { tokens, reach } = wildcard;
  if (reach === 0 && !tokens.includes(STAR)) {
    matchFixed(wildcard, text, kinds, anchors, found);
    return;
  }
  let current = new StateSet(tokens);
  let following = new StateSet(tokens);
  let next = 0;
  let position = 0;
  while (position < text.length) {
    while ((anchors[next] ?? text.length) < position) next += 1;
    const anchor = anchors[next];
    if (current.active.length === 0) {
      if (anchor === undefined) return;
      position = firstStart(wildcard, text, kinds, position, anchor);
    }
    if (anchor !== undefined && anchor - position <= reach && isBoundary(kinds, position)) current.add(0, position);
    const codePoint = text.codePointAt(position) ?? 0;
    advance(tokens, current, following, codePoint, kinds[position] ?? 0);
    position += codePoint > 0xffff ? 2 : 1;
    const start = following.startOf[tokens.length] ?? -1;
    const end = wildcard.trailingStar ? endOfRun(kinds, position) : position;
    current.clear();
    if (start >= 0 && isBoundary(kinds, end)) {
      found(start, end);
      following.clear();
      position = end;
    }
    const spare = current;
    current = following;
    following = spare;
  }
}

/** The first place, from `floor` on, where a match of the wildcard with this anchor may start. */
function firstStart(wildcard: Wildcard, text: string, kinds: Uint8Array, floor: number, anchor: number): number {
  const lowest = Math.max(floor, anchor - wildcard.reach);
  let position = lowest;
  if (wildcard.sameWord) {
    position = anchor;
    while (position > lowest && ((kinds[position - 1] ?? 0) & WORD) !== 0) position -= 1;
  }
  const unit = text.charCodeAt(position);
  return position > floor && unit >= 0xdc00 && unit <= 0xdfff ? position - 1 : position;
}
