import type { RequestNote } from './request-note.ts';

const MOST = 200;
const LONGEST = 80;
/** No operation has such a name. */
const ANONYMOUS = '(anonymous)';
const OTHER = '(other)';

/**
 * Names of operations as a label of metrics: anybody can make up names, and each would be kept for ever. Names of
 * trusted documents are taken; of others as many as make up 200, and only from callers who are signed in.
 */
export class OperationNames {
  readonly #known = new Set<string>();

  /** Names that are always told apart. */
  know(names: Iterable<string>): void {
    for (const name of names) this.#known.add(name);
  }

  labelOf({ operation, viewer }: RequestNote): string {
    if (operation === null) return '(none)';
    const { label } = operation;
    if (label === null) return ANONYMOUS;
    if (this.#known.has(label)) return label;
    if (viewer === null || label.length > LONGEST || this.#known.size >= MOST) return OTHER;
    this.#known.add(label);
    return label;
  }
}
