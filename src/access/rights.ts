import type { ReadPool } from '../data/read-scope.ts';
import { Unauthenticated } from '../errors.ts';
import type { EventBus } from '../events/bus.ts';
import { currentGrant, DECISIVE, type LiveGrant } from './authenticate.ts';
import type { Permission } from './permissions.ts';
import type { Viewer } from './viewer.ts';

/** How long what a credential may do is believed, in milliseconds. What ends it earlier is an event. */
const TRUST_MS = 10_000;
const MAX_KNOWN = 10_000;

interface Known {
  tenantId: string;
  grant: Promise<LiveGrant>;
  /** `performance.now()` */
  until: number;
}

/**
 * What the viewers of streams may do now, without a statement for each event: asked once, and again when the log told
 * of credentials or members. Who reads the log itself calls `heard` with each event before anybody gets it, so that no
 * event after a revocation is delivered on the strength of what was known before.
 */
export class Rights {
  readonly #read: ReadPool;
  readonly #bus: EventBus;
  readonly #known = new Map<string, Known>();
  readonly #offs: readonly (() => void)[];

  constructor(read: ReadPool, bus: EventBus) {
    this.#read = read;
    this.#bus = bus;
    this.#offs = [
      bus.onChange((change) => {
        const told = change?.types;
        if (!told || told.keys().some((type) => DECISIVE.has(type))) this.forget(change?.tenantId);
      }),
      bus.onBreak(() => this.forget(undefined)),
    ];
  }

  /**
   * The permissions of a viewer. `fresh`: as the database tells now.
   * @throws Unauthenticated when the credential or the membership has ended
   */
  async current(viewer: Viewer, fresh = false): Promise<ReadonlySet<Permission>> {
    const { credentialId } = viewer;
    if (viewer.kind === 'SYSTEM' || credentialId === null) return viewer.permissions;
    const before = this.#known.get(credentialId);
    const known = !fresh && before && before.until > performance.now() ? before : this.#ask(viewer, credentialId);
    const { permissions, expiresAt } = await known.grant;
    if (expiresAt && expiresAt <= new Date()) throw new Unauthenticated('this key or session has expired');
    return permissions;
  }

  #ask(viewer: Viewer, credentialId: string): Known {
    if (this.#known.size >= MAX_KNOWN) this.#known.clear();
    const grant = currentGrant(this.#read, viewer);
    // Nothing is heard of revocations while the bus is cut off.
    const trust = this.#bus.connected ? TRUST_MS : 0;
    const known = { tenantId: viewer.tenantId, grant, until: performance.now() + trust };
    this.#known.set(credentialId, known);
    grant.catch(() => {
      if (this.#known.get(credentialId) === known) this.#known.delete(credentialId);
    });
    return known;
  }

  /** An event was read in the log: what is known of its tenant may be out of date. */
  heard(tenantId: string, aggregateType: string): void {
    if (DECISIVE.has(aggregateType)) this.forget(tenantId);
  }

  /** Forgets what is known of a tenant's credentials; undefined: of all. */
  forget(tenantId: string | undefined): void {
    if (tenantId === undefined) this.#known.clear();
    else for (const [id, known] of this.#known) if (known.tenantId === tenantId) this.#known.delete(id);
  }

  close(): void {
    for (const off of this.#offs) off();
  }
}
