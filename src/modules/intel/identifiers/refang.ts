// Bounded on both sides, so a long run of brackets costs linear time. The space around the brackets is eaten only
// when it stands on both sides: "a [dot] com" is one name, "write [at]bob" is two words.
const INNER = String.raw`[[({][ \t]?(?:\.|,|dot|at|@|:|/|://)[ \t]?[\])}]`;
const DEFANGED = new RegExp(
  String.raw`[ \t]${INNER}[ \t]|${INNER}|(?<![a-z0-9])(?:h(?:xx|\*\*)ps?|fxp)(?=[[({]?:)`,
  'gi',
);

interface Replacement {
  from: number;
  to: number;
  originalFrom: number;
  originalTo: number;
}

/** A refanged text together with the way back to offsets of the original. */
export interface RefangedText {
  text: string;
  /** Original offset of the unit at `index`. */
  startOf: (index: number) => number;
  /** Original offset just after the unit before `index` (an exclusive end). */
  endOf: (index: number) => number;
  /** Whether `[start, end)` of the refanged text holds anything that was defanged. */
  wasDefanged: (start: number, end: number) => boolean;
}

function plainForm(match: string): string {
  const lower = match.toLowerCase();
  if (lower.startsWith('h') || lower.startsWith('f')) {
    if (lower.startsWith('f')) return 'ftp';
    return lower.endsWith('s') ? 'https' : 'http';
  }
  const inner = lower.trim().slice(1, -1).trim();
  if (inner === 'dot' || inner === ',') return '.';
  return inner === 'at' ? '@' : inner;
}

/**
 * Undoes the usual defanging: `[.]` `(.)` `{.}` `[dot]` `[,]`, `[@]` `[at]`, `[:]` `[/]` `[://]`, `hxxp` `hxxps`
 * `h**p` `fxp`.
 */
export function refang(text: string): string {
  return text.replace(DEFANGED, plainForm);
}

/** Like `refang`, and remembers where every unit came from. Memory grows with the number of replacements only. */
export function refangWithOffsets(original: string): RefangedText {
  const replacements: Replacement[] = [];
  let shift = 0;
  const text = original.replace(DEFANGED, (match: string, offset: number) => {
    const plain = plainForm(match);
    const from = offset + shift;
    replacements.push({
      from,
      to: from + plain.length,
      originalFrom: offset,
      originalTo: offset + match.length,
    });
    shift += plain.length - match.length;
    return plain;
  });
  const lastAtOrBefore = (index: number): Replacement | undefined => {
    let low = 0;
    let high = replacements.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((replacements[middle]?.from ?? 0) <= index) low = middle + 1;
      else high = middle;
    }
    return replacements[low - 1];
  };
  const startOf = (index: number): number => {
    const last = lastAtOrBefore(index);
    if (last === undefined) return index;
    return index < last.to ? last.originalFrom : last.originalTo + (index - last.to);
  };
  const endOf = (index: number): number => {
    const last = lastAtOrBefore(index - 1);
    if (last === undefined) return index;
    return index <= last.to ? last.originalTo : last.originalTo + (index - last.to);
  };
  const wasDefanged = (start: number, end: number): boolean => {
    const last = lastAtOrBefore(end - 1);
    return last !== undefined && last.to > start;
  };
  return { text, startOf, endOf, wasDefanged };
}
