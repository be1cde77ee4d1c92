import { ANY_TYPE, type Dependence, isAnything, touches } from '../events/changes.ts';
import type { LogChange } from '../events/event.ts';

/** An answer that is kept. */
export interface Entry {
  tenantId: string;
  key: string;
  body: string;
  /** `performance.now()` after which it is not given */
  until: number;
  dependence: Dependence;
}

/** Objects, maps and list nodes of an entry, and of a key of a row that it depends on: estimates, rounded up. */
const ENTRY_BYTES = 1_000;
const ROW_BYTES = 150;
/** A body that takes more than this part of the room would drive out many others. */
const LARGEST_PART = 16;

/** Answers within a bound of bytes, least recently used out first, found by what may end them. */
export class AnswerStore {
  readonly #maxBytes: number;
  /** least recently used first */
  readonly #entries = new Map<string, Entry>();
  /** tenant → aggregate type → what depends on it */
  readonly #byType = new Map<string, Map<string, Set<Entry>>>();
  bytes = 0;
  /** answers that were thrown away: out of date, too old, or out of room */
  dropped = 0;

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  get(key: string, now: number): Entry | undefined {
    const entry = this.#entries.get(key);
    if (!entry) return undefined;
    if (entry.until <= now) {
      this.#drop(entry);
      return undefined;
    }
    this.#entries.delete(key);
    this.#entries.set(key, entry);
    return entry;
  }

  put(entry: Entry): void {
    const bytes = bytesOf(entry);
    if (entry.body.length * 2 > this.#maxBytes / LARGEST_PART || bytes > this.#maxBytes) return;
    const before = this.#entries.get(entry.key);
    if (before) this.#drop(before);
    this.#entries.set(entry.key, entry);
    this.bytes += bytes;
    let types = this.#byType.get(entry.tenantId);
    if (!types) {
      types = new Map();
      this.#byType.set(entry.tenantId, types);
    }
    for (const type of [...entry.dependence.keys(), ALL]) {
      const group = types.get(type);
      if (group) group.add(entry);
      else types.set(type, new Set([entry]));
    }
    for (const oldest of this.#entries.values()) {
      if (this.bytes <= this.#maxBytes) return;
      this.#drop(oldest);
    }
  }

  /** Throws away what a change may have changed. */
  apply(change: LogChange): void {
    if (isAnything(change)) {
      this.dropTenant(change.tenantId);
      return;
    }
    const types = this.#byType.get(change.tenantId);
    for (const type of [ANY_TYPE, ...(change.types?.keys() ?? [])])
      for (const entry of types?.get(type) ?? []) if (touches(change, entry.dependence)) this.#drop(entry);
  }

  dropTenant(tenantId: string): void {
    for (const entry of this.#byType.get(tenantId)?.get(ALL) ?? []) this.#drop(entry);
  }

  #drop(entry: Entry): void {
    this.#entries.delete(entry.key);
    this.bytes -= bytesOf(entry);
    this.dropped++;
    const types = this.#byType.get(entry.tenantId);
    for (const type of [...entry.dependence.keys(), ALL]) {
      const group = types?.get(type);
      group?.delete(entry);
      if (group?.size === 0) types?.delete(type);
    }
    if (types?.size === 0) this.#byType.delete(entry.tenantId);
  }
}

/** Under this name stands every answer of a tenant: no aggregate type is called so. */
const ALL = '';

/** A character of a text takes two bytes at most. */
function bytesOf({ key, body, dependence }: Entry): number {
  const rows = dependence.values().reduce((sum, ids) => sum + (ids?.size ?? 0), 0);
  return (key.length + body.length) * 2 + ENTRY_BYTES + rows * ROW_BYTES;
}
