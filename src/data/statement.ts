import { createHash } from 'node:crypto';

/** A statement as `pg` takes it. A name makes it a prepared statement: parsed once a connection. */
export interface Statement {
  name?: string;
  text: string;
  values: unknown[];
  /** its Bind and Execute as they are sent, when it gives no rows that anybody reads */
  bound?: Buffer;
}

/** Names that are remembered. */
const MAX_NAMES = 2_000;
/** Longer ones are inserts of many rows, of a text for each number of rows: kept prepared they would fill the memory. */
const MAX_NAMED_LENGTH = 8_000;
const names = new Map<string, string>();

/** A stable name for a statement's text, or undefined for one that is too long to be kept prepared. */
export function statementName(text: string): string | undefined {
  const known = names.get(text);
  if (known) return known;
  if (text.length > MAX_NAMED_LENGTH) return undefined;
  // Names follow from the text, so one that comes again is the same. Connections bound what they keep prepared.
  if (names.size >= MAX_NAMES) names.clear();
  const name = `argus_${createHash('sha256').update(text).digest('base64url').slice(0, 22)}`;
  names.set(text, name);
  return name;
}

/** A statement of a fixed text, kept prepared. */
export function prepared(text: string, ...values: unknown[]): Statement {
  const name = statementName(text);
  return name ? { name, text, values } : { text, values };
}

/**
 * PostgreSQL plans a prepared statement anew for each execution as long as plans for its values look cheaper than the one
 * for any values, which supposes 10 elements of an array: lists of fewer keys are therefore filled up.
 */
const FEWEST_KEYS = 12;

/** Keys as `SqlBuilder.keys` sends them. */
export function filledUp(ids: readonly string[]): readonly (string | null)[] {
  return ids.length < FEWEST_KEYS ? [...ids, ...new Array<null>(FEWEST_KEYS - ids.length).fill(null)] : ids;
}

/**
 * An instant in UTC, or its day. The driver writes it in this machine's zone, in which the day may be another one, and
 * whose distance from UTC had seconds before there were time zones, which it leaves out.
 */
function instantText(at: Date, pgType: string): string {
  const text = at.toISOString();
  return pgType === 'date' ? text.slice(0, 10) : text;
}

/** Collects SQL text and its parameters. */
export class SqlBuilder {
  readonly values: unknown[] = [];
  #text = '';
  #prepared = true;

  /** Appends text as it stands: never anything from a caller. */
  raw(text: string): this {
    this.#text += text;
    return this;
  }

  /** Appends a parameter with its type, since an untyped one is guessed from its first use. */
  param(value: unknown, pgType: string): this {
    this.values.push(value instanceof Date ? instantText(value, pgType) : value);
    this.#text += `$${this.values.length}::${pgType}`;
    return this;
  }

  /** Appends keys as an array; NULLs may be among them, which match nothing. */
  keys(ids: readonly string[], pgType = 'uuid'): this {
    return this.param(filledUp(ids), `${pgType}[]`);
  }

  /** For a statement whose best plan depends on its values: prepared, it may get one plan for all of them. */
  plannedEachTime(): this {
    this.#prepared = false;
    return this;
  }

  build(tag: string): Statement {
    const text = `/* ${tag} */ ${this.#text}`;
    const name = this.#prepared ? statementName(text) : undefined;
    return name ? { name, text, values: this.values } : { text, values: this.values };
  }
}
