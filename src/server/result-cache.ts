import { createHash } from 'node:crypto';
import { systemViewer, type Viewer } from '../access/viewer.ts';
import { touches } from '../events/changes.ts';
import type { LogChange } from '../events/event.ts';
import { lastSeq } from '../events/log.ts';
import type { Services } from '../services.ts';
import { AnswerStore } from './answer-store.ts';
import { Uses } from './answer-uses.ts';

export interface Question {
  viewer: Viewer;
  /** stands for the document's text and the operation's name */
  operation: string;
  /** as JSON */
  variables: string;
  /** the client has seen the log up to here */
  minSeq: bigint | null;
}

export interface Answer {
  body: string;
  /** false: it has errors, or is not a 200 */
  keep: boolean;
}

/** Where an answer is from: kept, computed for somebody else just now, computed, or computed past the cache. */
export type Origin = 'cache' | 'join' | 'database' | 'off';

export interface ResultCacheCounters {
  hits: number;
  joins: number;
  misses: number;
  dropped: number;
  bytes: number;
}

const MAX_VARIABLES = 10_000;
/** A tenant that nobody asked for so long is no longer followed, in milliseconds. */
const FOLLOW_MS = 10 * 60_000;

/** A computation under way. */
interface Running {
  /** what was announced since it began */
  changes: LogChange[];
  /** undefined: it failed. `until` is `performance.now()`; null: the answer is for nobody else. */
  done: Promise<{ answer: Answer; until: number | null } | undefined>;
}

/** What this process knows of a tenant's log. */
interface Tenant {
  id: string;
  /** the log is processed up to here; what begins to be read from now on is at least as new */
  seq: bigint;
  /** this process wrote up to here */
  written: bigint;
  askedAt: number;
  /** whether `seq` is known, and a promise of that */
  learnt: boolean;
  ready: Promise<void>;
  running: Set<Running>;
  /** by key, those that began after all that is known of; no longer when something happens */
  joinable: Map<string, Running>;
  /** nothing that is based on this may be given or kept any more */
  gone: boolean;
}

/**
 * Keeps answers of queries, by tenant, permissions, operation and variables, until the event log tells that something
 * changed that they were made of. See docs/decisions/0019-result-cache.md.
 *
 * Why an answer that is given is never older than what is processed: PostgreSQL sends notifications after the commit and
 * in the order of commits. A change that a computation did not see is therefore announced after the computation began:
 * while it runs, then it is not kept, or later, then it is thrown away.
 */
export class ResultCache {
  readonly #services: Pick<Services, 'bus' | 'read' | 'env' | 'log'>;
  readonly #maxBytes: number;
  readonly #store: AnswerStore;
  readonly #tenants = new Map<string, Tenant>();
  readonly #offs: readonly (() => void)[];
  #closed = false;
  #hits = 0;
  #joins = 0;
  #misses = 0;

  constructor(services: Pick<Services, 'bus' | 'read' | 'env' | 'log'>) {
    this.#services = services;
    this.#maxBytes = services.env.RESULT_CACHE_MB * 2 ** 20;
    this.#store = new AnswerStore(this.#maxBytes);
    this.#offs = [
      services.bus.onChange((change) => (change ? this.#changed(change) : this.#forgetAll())),
      services.bus.onBreak(() => this.#forgetAll()),
      services.bus.onCommit((tenantId, seq) => this.written(tenantId, seq)),
    ];
  }

  get counters(): ResultCacheCounters {
    const { dropped, bytes } = this.#store;
    return { hits: this.#hits, joins: this.#joins, misses: this.#misses, dropped, bytes };
  }

  /**
   * The answer to a question, at least as new as the question asks. `compute` must open its read scope itself: one that
   * was opened before it is called may be older than what is processed. Rejects as `compute` does.
   */
  async answer(question: Question, compute: (uses: Uses) => Promise<Answer>): Promise<Answer & { from: Origin }> {
    const tenant = this.#serves(question) ? await this.#follow(question.viewer.tenantId) : undefined;
    const seen = question.minSeq ?? 0n;
    const open = tenant && !tenant.gone && tenant.seq >= tenant.written && tenant.seq >= seen;
    if (!open) return { ...(await compute(new Uses())), from: 'off' };
    const key = keyOf(question);
    const now = performance.now();
    const entry = this.#store.get(key, now);
    if (entry) {
      this.#hits++;
      return { body: entry.body, keep: true, from: 'cache' };
    }
    const running = await tenant.joinable.get(key)?.done;
    if (running?.until && running.until > now) {
      this.#joins++;
      return { ...running.answer, from: 'join' };
    }
    this.#misses++;
    return { ...(await this.#compute(tenant, key, compute)), from: 'database' };
  }

  /** This process committed up to `seq`: until that is announced, nothing of the tenant is given that may be older. */
  written(tenantId: string, seq: bigint): void {
    // How far the log is of a tenant that is not followed is read anew, when it is asked for.
    const tenant = this.#tenants.get(tenantId);
    if (tenant && tenant.written < seq) tenant.written = seq;
  }

  close(): void {
    this.#closed = true;
    for (const off of this.#offs) off();
    this.#forgetAll();
  }

  #serves({ variables }: Question): boolean {
    return this.#maxBytes > 0 && !this.#closed && this.#services.bus.connected && variables.length <= MAX_VARIABLES;
  }

  async #compute(tenant: Tenant, key: string, compute: (uses: Uses) => Promise<Answer>): Promise<Answer> {
    const uses = new Uses();
    const begun = performance.now();
    const work = compute(uses);
    const until = () => (uses.isPersonal ? null : begun + uses.maxAge);
    const running: Running = {
      changes: [],
      done: work.then((answer) => ({ answer, until: answer.keep ? until() : null })).catch(() => undefined),
    };
    tenant.running.add(running);
    tenant.joinable.set(key, running);
    const done = await running.done;
    tenant.running.delete(running);
    if (tenant.joinable.get(key) === running) tenant.joinable.delete(key);
    if (done?.until && !tenant.gone) {
      const { dependence } = uses;
      const changed = running.changes.some((change) => touches(change, dependence));
      const { body } = done.answer;
      if (!changed) this.#store.put({ tenantId: tenant.id, key, body, until: done.until, dependence });
    }
    return work;
  }

  /** What is known of a tenant's log; on the first question it is learnt how far the log is. */
  async #follow(id: string): Promise<Tenant> {
    const now = performance.now();
    let tenant = this.#tenants.get(id);
    if (!tenant) {
      for (const other of this.#tenants.values()) if (now - other.askedAt > FOLLOW_MS) this.#forget(other);
      tenant = {
        id,
        seq: 0n,
        written: 0n,
        askedAt: now,
        learnt: false,
        ready: Promise.resolve(),
        running: new Set(),
        joinable: new Map(),
        gone: false,
      };
      // Followed from here on, then read how far it is: nothing that happens in between is missed.
      this.#tenants.set(id, tenant);
      tenant.ready = this.#learn(tenant);
    }
    tenant.askedAt = now;
    await tenant.ready;
    return tenant;
  }

  /** Notifications that come meanwhile may be ahead of what is read: the later of the two is what is processed. */
  async #learn(tenant: Tenant): Promise<void> {
    try {
      const seq = await lastSeq(this.#services.read, systemViewer(tenant.id, 'result-cache'));
      if (seq > tenant.seq) tenant.seq = seq;
      tenant.learnt = true;
    } catch (error) {
      this.#services.log.warn({ err: error, tenantId: tenant.id }, 'cannot read how far the log is: nothing is kept');
      this.#forget(tenant);
    }
  }

  #changed(change: LogChange): void {
    const tenant = this.#tenants.get(change.tenantId);
    if (!tenant || (tenant.learnt && change.types !== null && change.lastSeq <= tenant.seq)) return;
    // One that was missed may be about anything, and so may one that does not tell: it has no seq.
    if (tenant.learnt && change.firstSeq !== tenant.seq + 1n) {
      this.#forget(tenant);
      return;
    }
    if (change.lastSeq > tenant.seq) tenant.seq = change.lastSeq;
    tenant.joinable.clear();
    for (const running of tenant.running) running.changes.push(change);
    this.#store.apply(change);
  }

  #forget(tenant: Tenant): void {
    tenant.gone = true;
    // Another may be followed under this id by now.
    if (this.#tenants.get(tenant.id) === tenant) this.#tenants.delete(tenant.id);
    this.#store.dropTenant(tenant.id);
  }

  #forgetAll(): void {
    for (const tenant of this.#tenants.values()) this.#forget(tenant);
  }
}

const permissionKeys = new WeakMap<ReadonlySet<string>, string>();

/** By content: two keys with the same permissions share answers. */
function permissionKey(permissions: ReadonlySet<string>): string {
  const known = permissionKeys.get(permissions);
  if (known) return known;
  const key = createHash('sha256')
    .update([...permissions].sort().join(' '))
    .digest('base64');
  permissionKeys.set(permissions, key);
  return key;
}

function keyOf({ viewer, operation, variables }: Question): string {
  return `${viewer.tenantId} ${permissionKey(viewer.permissions)} ${operation.length} ${operation}${variables}`;
}
