import type { Span } from './dictionary.ts';
import type { OffsetMap } from './normalise.ts';

export const MAX_SPANS = 100;

/** Matches per slot for the text at hand; reset by walking only over what was touched. */
class Recorder {
  readonly touched: number[] = [];
  private readonly counts: Int32Array;
  private readonly lastEnd: Float64Array;
  private readonly spans: Span[][] = [];

  constructor(slots: number) {
    this.counts = new Int32Array(slots);
    this.lastEnd = new Float64Array(slots);
  }

  /** Takes a match in normalised units; for one slot they must come with ascending ends. */
  add(slot: number, start: number, end: number, offsets: OffsetMap): void {
    const from = offsets.starts[start] ?? 0;
    const to = offsets.ends[end - 1] ?? 0;
    const count = this.counts[slot] ?? 0;
    if (count === 0) {
      this.touched.push(slot);
      this.spans[slot] = [];
    } else if (from < (this.lastEnd[slot] ?? 0)) {
      return;
    }
    this.counts[slot] = count + 1;
    this.lastEnd[slot] = to;
    if (count < MAX_SPANS) this.spans[slot]?.push({ start: from, end: to });
  }

  read(slot: number): { spans: readonly Span[]; matchCount: number } {
    return { spans: this.spans[slot] ?? [], matchCount: this.counts[slot] ?? 0 };
  }

  reset(): void {
    for (const slot of this.touched) {
      this.counts[slot] = 0;
      this.spans[slot] = [];
    }
    this.touched.length = 0;
  }
}

/** Occurrences of the patterns that phrases or wildcards wait for. */
class Places {
  readonly touched: number[] = [];
  private readonly lists: (number[] | undefined)[] = [];

  add(pattern: number, start: number): void {
    const list = this.lists[pattern];
    if (list !== undefined) {
      list.push(start);
      return;
    }
    this.lists[pattern] = [start];
    this.touched.push(pattern);
  }

  of(pattern: number): readonly number[] {
    return this.lists[pattern] ?? [];
  }

  reset(): void {
    for (const pattern of this.touched) this.lists[pattern] = undefined;
    this.touched.length = 0;
  }
}

/** Working memory of a matcher, kept between texts because most dictionaries are far larger than a text. */
export class Workspace {
  readonly recorder: Recorder;
  readonly words = new Places();
  readonly anchors = new Places();

  constructor(slots: number) {
    this.recorder = new Recorder(slots);
  }

  reset(): void {
    this.recorder.reset();
    this.words.reset();
    this.anchors.reset();
  }
}
