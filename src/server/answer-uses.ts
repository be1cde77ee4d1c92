import type { Viewer } from '../access/viewer.ts';
import type { Statement } from '../data/statement.ts';
import { ANY_TYPE, addTable, type Dependence, UNTOLD } from '../events/changes.ts';
import { readingOf } from './statement-tables.ts';

/** How long an answer may be given, in milliseconds: at most; one with tables that change without an event; one with the time. */
export const MAX_AGE_MS = 5 * 60_000;
export const UNTOLD_AGE_MS = 5_000;
export const TIME_AGE_MS = 1_000;

/** What an answer is made of, collected while it is computed. */
export class Uses {
  #tables = new Map<string, Set<string> | null>();
  #everything = false;
  #personal = false;
  #time = false;
  #statements = 0;

  /** A statement that the answer was read with. */
  statement({ text, values }: Statement): void {
    const { tables, byKey, moment } = readingOf(text);
    this.#statements++;
    if (moment) this.#time = true;
    if (tables === null) this.#everything = true;
    const keys = byKey ? values.at(-1) : undefined;
    for (const table of tables ?? []) this.#add(table, Array.isArray(keys) ? (keys as string[]) : null);
  }

  #add(table: string, keys: readonly string[] | null): void {
    const known = this.#tables.get(table);
    if (keys === null || known === null) this.#tables.set(table, null);
    else if (known) for (const key of keys) known.add(key);
    else this.#tables.set(table, new Set(keys));
  }

  /** Who asks was read, not only what he may do: the answer is nobody else's, and is not kept. */
  personal(): void {
    this.#personal = true;
  }

  /** The present moment was read. */
  time(): void {
    this.#time = true;
  }

  get isPersonal(): boolean {
    return this.#personal;
  }

  /** For so many milliseconds from its beginning the answer may be given. One without a statement tells of the server itself. */
  get maxAge(): number {
    if (this.#time || this.#statements === 0) return TIME_AGE_MS;
    return this.#everything || this.#tables.keys().some((table) => table in UNTOLD) ? UNTOLD_AGE_MS : MAX_AGE_MS;
  }

  /** The events that end the answer. */
  get dependence(): Dependence {
    const dependence: Dependence = new Map(this.#everything ? [[ANY_TYPE, null]] : []);
    for (const [table, keys] of this.#tables) addTable(dependence, table, keys && [...keys]);
    return dependence;
  }
}

/**
 * A viewer who is seen to be looked at: reading anything but the tenant and the permissions, which the cache asks for
 * anyway, makes the answer personal. A read scope is opened with the plain one, since row-level security shows all
 * members of a tenant the same.
 */
export function observedViewer(viewer: Viewer, uses: Uses): Viewer {
  const seen = <K extends keyof Viewer>(name: K): Viewer[K] => {
    uses.personal();
    return viewer[name];
  };
  return {
    tenantId: viewer.tenantId,
    permissions: viewer.permissions,
    get kind() {
      return seen('kind');
    },
    get memberId() {
      return seen('memberId');
    },
    get userId() {
      return seen('userId');
    },
    get credentialId() {
      return seen('credentialId');
    },
    get request() {
      return seen('request');
    },
  };
}
