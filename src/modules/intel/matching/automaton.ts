/** A string to search for. `bounded` ones are reported only where `isEnd` allows it, `inner` ones everywhere. */
export interface Pattern {
  readonly text: string;
  readonly bounded: boolean;
  readonly inner: boolean;
}

/** Called for each occurrence with the index of the pattern and the place of the occurrence, in order of end. */
export interface Visitor {
  isEnd(position: number): boolean;
  bounded(pattern: number, start: number, end: number): void;
  inner(pattern: number, start: number, end: number): void;
}

const ROOT = 0;

/**
 * Aho-Corasick automaton over UTF-16 units (Aho and Corasick, "Efficient string matching", CACM 18(6), 1975).
 * Edges sit in one open-addressing hash table keyed by (state, symbol), so 50,000 terms need a few megabytes and
 * the search stays linear in the text plus the occurrences.
 */
export class Automaton {
  private readonly symbols = new Uint16Array(0x10000);
  private readonly parent: Int32Array;
  private readonly symbol: Uint16Array;
  private readonly depth: Uint16Array;
  private readonly fail: Int32Array;
  private readonly patternAt: Int32Array;
  /** For a state, the longest suffix (itself included) that ends a bounded, or an inner, pattern; 0 for none. */
  private readonly boundedAt: Int32Array;
  private readonly innerAt: Int32Array;
  private readonly table: Int32Array;
  private readonly mask: number;
  private rootNext = new Int32Array(0);
  private states = 1;

  /** @param patterns distinct, non-empty texts of at most 65,535 units each. */
  constructor(patterns: readonly Pattern[]) {
    let capacity = 1;
    for (const pattern of patterns) capacity += pattern.text.length;
    this.parent = new Int32Array(capacity);
    this.symbol = new Uint16Array(capacity);
    this.depth = new Uint16Array(capacity);
    this.fail = new Int32Array(capacity);
    this.patternAt = new Int32Array(capacity).fill(-1);
    this.boundedAt = new Int32Array(capacity);
    this.innerAt = new Int32Array(capacity);
    let size = 16;
    while (size < capacity * 2) size *= 2;
    this.table = new Int32Array(size);
    this.mask = size - 1;
    patterns.forEach((pattern, index) => {
      this.insert(pattern, index);
    });
    this.link();
  }

  private slot(state: number, symbol: number): number {
    let hash = Math.imul(state, 0x9e3779b1) ^ Math.imul(symbol, 0x85ebca6b);
    hash ^= hash >>> 15;
    return hash & this.mask;
  }

  /** The state reached by a real edge, or 0. */
  private child(state: number, symbol: number): number {
    const { table, mask, parent, symbol: symbolOf } = this;
    for (let at = this.slot(state, symbol); ; at = (at + 1) & mask) {
      const next = table[at] ?? 0;
      if (next === 0 || (parent[next] === state && symbolOf[next] === symbol)) return next;
    }
  }

  private addChild(state: number, symbol: number): number {
    const next = this.states;
    this.states += 1;
    this.parent[next] = state;
    this.symbol[next] = symbol;
    this.depth[next] = (this.depth[state] ?? 0) + 1;
    let at = this.slot(state, symbol);
    while (this.table[at] !== 0) at = (at + 1) & this.mask;
    this.table[at] = next;
    return next;
  }

  private symbolCount = 0;

  private insert(pattern: Pattern, index: number): void {
    let state = ROOT;
    for (let i = 0; i < pattern.text.length; i += 1) {
      const unit = pattern.text.charCodeAt(i);
      if (this.symbols[unit] === 0) {
        this.symbolCount += 1;
        this.symbols[unit] = this.symbolCount;
      }
      const symbol = this.symbols[unit] ?? 0;
      state = this.child(state, symbol) || this.addChild(state, symbol);
    }
    this.patternAt[state] = index;
    if (pattern.bounded) this.boundedAt[state] = state;
    if (pattern.inner) this.innerAt[state] = state;
  }

  /** States sorted by depth: a failure link always leads to a shorter string, which must be finished first. */
  private byDepth(): Int32Array {
    let deepest = 0;
    for (let s = 0; s < this.states; s += 1) deepest = Math.max(deepest, this.depth[s] ?? 0);
    const next = new Int32Array(deepest + 2);
    for (let s = 0; s < this.states; s += 1) {
      const after = (this.depth[s] ?? 0) + 1;
      next[after] = (next[after] ?? 0) + 1;
    }
    for (let d = 1; d < next.length; d += 1) next[d] = (next[d] ?? 0) + (next[d - 1] ?? 0);
    const order = new Int32Array(this.states);
    for (let s = 0; s < this.states; s += 1) {
      const d = this.depth[s] ?? 0;
      const at = next[d] ?? 0;
      order[at] = s;
      next[d] = at + 1;
    }
    return order;
  }

  private link(): void {
    this.rootNext = new Int32Array(this.symbolCount + 1);
    for (const state of this.byDepth()) {
      if (state === ROOT) continue;
      const above = this.parent[state] ?? ROOT;
      const symbol = this.symbol[state] ?? 0;
      if (above === ROOT) {
        this.rootNext[symbol] = state;
      } else {
        this.fail[state] = this.step(this.fail[above] ?? ROOT, symbol);
      }
      const suffix = this.fail[state] ?? ROOT;
      if (this.boundedAt[state] === 0) this.boundedAt[state] = this.boundedAt[suffix] ?? 0;
      if (this.innerAt[state] === 0) this.innerAt[state] = this.innerAt[suffix] ?? 0;
    }
  }

  private step(from: number, symbol: number): number {
    let state = from;
    while (state !== ROOT) {
      const next = this.child(state, symbol);
      if (next !== 0) return next;
      state = this.fail[state] ?? ROOT;
    }
    return this.rootNext[symbol] ?? ROOT;
  }

  /** Reports every occurrence in `text` (already normalised) to the visitor, ends ascending, longest first. */
  scan(text: string, visitor: Visitor): void {
    const { symbols, boundedAt, innerAt, patternAt, depth, fail } = this;
    let state = ROOT;
    for (let i = 0; i < text.length; i += 1) {
      const symbol = symbols[text.charCodeAt(i)] ?? 0;
      state = symbol === 0 ? ROOT : this.step(state, symbol);
      if (state === ROOT) continue;
      const end = i + 1;
      let at = boundedAt[state] ?? 0;
      if (at !== 0 && visitor.isEnd(end)) {
        for (; at !== 0; at = boundedAt[fail[at] ?? 0] ?? 0) {
          visitor.bounded(patternAt[at] ?? 0, end - (depth[at] ?? 0), end);
        }
      }
      for (at = innerAt[state] ?? 0; at !== 0; at = innerAt[fail[at] ?? 0] ?? 0) {
        visitor.inner(patternAt[at] ?? 0, end - (depth[at] ?? 0), end);
      }
    }
  }
}
