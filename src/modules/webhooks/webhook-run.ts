import { DecryptionError } from '../../access/encryption.ts';
import { systemViewer, type Viewer } from '../../access/viewer.ts';
import { withReadScope } from '../../data/read-scope.ts';
import { withWrite } from '../../data/write.ts';
import type { Services } from '../../services.ts';
import {
  type Due,
  type Endpoint,
  enqueueFound,
  GONE,
  type Result,
  readEndpoint,
  readWork,
  recordResults,
} from './delivery.store.ts';
import { bodyOf, headersOf } from './message.ts';
import { type RetrySchedule, retryDelay } from './schedule.ts';
import { openSecrets } from './secret.ts';
import { post, type Reply, type SendOptions } from './sender.ts';
import type { WebhookLock } from './webhook-locks.ts';

/** How webhooks are worked for. Times are milliseconds. */
export interface RunOptions extends SendOptions {
  schedule: RetrySchedule;
  /** requests of one webhook at the same time */
  inFlight: number;
  /** deliveries, and events of the log, that are read at once */
  batch: number;
  /** after so long others get their turn */
  turnMs: number;
  /** webhooks whose secret cannot be read, of which the log has told */
  unreadable: Set<string>;
}

export type RunServices = Pick<Services, 'read' | 'write' | 'keyRing' | 'log'>;

/**
 * One turn of work for one webhook: reads the log further, sends what is due, and notes what came of it. Deliveries are
 * independent of each other; one that fails is tried again later, and does not keep the others.
 */
export class WebhookRun {
  readonly #services: RunServices;
  readonly #viewer: Viewer;
  readonly #id: string;
  readonly #lock: WebhookLock;
  readonly #options: RunOptions;
  readonly #signal: AbortSignal;
  /** read, not begun */
  #queue: Due[] = [];
  /** by delivery: begun, and not noted yet */
  readonly #underWay = new Map<string, Promise<void>>();
  #results: Result[] = [];
  #lastNote: Promise<void> = Promise.resolve();
  #nextNote: Promise<void> | null = null;
  #endpoint: Endpoint | undefined;
  /** there may be more to read */
  #more = true;
  /** what is being read may be out of date */
  #isStale = false;

  constructor(
    services: RunServices,
    tenantId: string,
    options: RunOptions & { id: string; lock: WebhookLock; signal: AbortSignal },
  ) {
    this.#services = services;
    this.#viewer = systemViewer(tenantId, 'webhooks');
    this.#id = options.id;
    this.#lock = options.lock;
    this.#options = options;
    this.#signal = options.signal;
  }

  /** There is more to do than was there when it last looked. */
  wake(): void {
    this.#more = true;
  }

  /** The webhook may have been changed: what is not begun is read again. */
  refresh(): void {
    this.#queue = [];
    this.#more = true;
    this.#isStale = true;
  }

  /** Works until nothing is left, its time is up, the lock is lost, or it is told to stop. */
  async work(): Promise<void> {
    const end = performance.now() + this.#options.turnMs;
    const goesOn = () => !this.#signal.aborted && this.#lock.held && performance.now() < end;
    try {
      while (goesOn() && (this.#queue.length > 0 || this.#more || this.#underWay.size > 0)) {
        if (this.#queue.length === 0 && this.#more) await this.#read();
        while (this.#queue.length > 0 && this.#underWay.size < this.#options.inFlight && goesOn()) this.#begin();
        if (this.#underWay.size > 0) await Promise.race(this.#underWay.values());
      }
    } finally {
      await Promise.all(this.#underWay.values());
    }
  }

  async #read(): Promise<void> {
    this.#more = false;
    this.#isStale = false;
    const { batch: limit } = this.#options;
    // Before the snapshot: what is noted after it would still look due.
    const except = [...this.#underWay.keys()];
    const work = await withReadScope(this.#services.read, this.#viewer, async (scope) => {
      const endpoint = await readEndpoint(scope, this.#id);
      return endpoint?.isEnabled ? readWork(scope, endpoint, { except, limit, now: new Date() }) : null;
    });
    if (work === null) return;
    const { value: found } =
      work.lastSeq === work.endpoint.lastSeq && work.skippedTo === null
        ? { value: [] }
        : await withWrite(this.#services.write, this.#viewer, 'webhook.enqueue', (tx) => enqueueFound(tx, work));
    // It was changed meanwhile; or something came, which may have been before or after this.
    if (work.more || found === null) this.#more = true;
    if (found === null || this.#isStale) return;
    this.#endpoint = work.endpoint;
    this.#queue.push(...work.due, ...found);
  }

  #begin(): void {
    const due = this.#queue.shift();
    const endpoint = this.#endpoint;
    if (!due || !endpoint) return;
    const work = this.#attempt(endpoint, due).then((result) => this.#note(endpoint, result));
    this.#underWay.set(
      due.id,
      work.finally(() => this.#underWay.delete(due.id)),
    );
  }

  async #attempt(endpoint: Endpoint, due: Due): Promise<Result> {
    const at = new Date();
    const attempts = due.attempts + 1;
    const reply = due.event ? await this.#send(endpoint, due, due.event, at) : LOST;
    const responseStatus = reply.status;
    const told = { id: due.id, attempts, at, responseStatus, latencyMs: reply.latencyMs, responseText: reply.text };
    if (reply.error === null) return { ...told, status: 'DELIVERED', nextAttemptAt: null, error: null };
    const isFinal = due.event === null || responseStatus === GONE;
    const delay = isFinal ? null : retryDelay(this.#options.schedule, attempts, reply.retryAfterMs);
    const nextAttemptAt = delay === null ? null : new Date(Date.now() + delay);
    return { ...told, status: nextAttemptAt ? 'PENDING' : 'DEAD', nextAttemptAt, error: reply.error };
  }

  async #send(endpoint: Endpoint, due: Due, event: NonNullable<Due['event']>, at: Date): Promise<Reply> {
    const body = bodyOf(event, endpoint.tenant);
    const secrets = this.#secretsOf(endpoint, at);
    if (typeof secrets === 'string') return { ...LOST, error: secrets };
    return post(
      endpoint.url,
      headersOf({ deliveryId: due.id, type: due.eventType, secrets, body }, at),
      body,
      this.#options,
    );
  }

  /** Or why they cannot be read, which is logged once. */
  #secretsOf(endpoint: Endpoint, at: Date): string[] | string {
    try {
      const secrets = openSecrets(this.#services.keyRing, endpoint, at);
      this.#options.unreadable.delete(this.#id);
      return secrets;
    } catch (error) {
      if (!(error instanceof DecryptionError)) throw error;
      const reason = `the secret cannot be read: ${error.message}`;
      const about = { tenantId: this.#viewer.tenantId, webhook: this.#id };
      if (!this.#options.unreadable.has(this.#id)) this.#services.log.error(about, `nothing is sent: ${reason}`);
      this.#options.unreadable.add(this.#id);
      return reason;
    }
  }

  /** What ends while others are being noted is noted with the next ones, in one statement. */
  #note(endpoint: Endpoint, result: Result): Promise<void> {
    this.#results.push(result);
    this.#nextNote ??= this.#lastNote.then(() => {
      this.#nextNote = null;
      const written = this.#writeResults(endpoint);
      this.#lastNote = written.catch(() => {});
      return written;
    });
    return this.#nextNote;
  }

  async #writeResults(endpoint: Endpoint): Promise<void> {
    const results = this.#results;
    this.#results = [];
    const { value } = await withWrite(this.#services.write, this.#viewer, 'webhook.results', (tx) =>
      recordResults(tx, endpoint, results),
    );
    endpoint.consecutiveDead = value.consecutiveDead;
    // What was switched off begins nothing more.
    if (!value.isEnabled) this.#queue = [];
  }
}

/** The event was taken out of the log while it waited. */
const LOST: Reply = {
  status: null,
  latencyMs: 0,
  error: 'the event is no longer in the log',
  text: null,
  retryAfterMs: null,
};
