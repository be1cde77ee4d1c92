import { systemViewer } from '../../access/viewer.ts';
import { tenantIds } from '../../data/before-tenant.ts';
import { withReadScope } from '../../data/read-scope.ts';
import { EVENT_COUNTER, type LogChange } from '../../events/event.ts';
import type { Services } from '../../services.ts';
import { TIMEOUT_MS } from './delivery.service.ts';
import { RETRIES } from './schedule.ts';
import { urlRules } from './url-rules.ts';
import { WebhookLocks } from './webhook-locks.ts';
import { type RunOptions, WebhookRun } from './webhook-run.ts';

/** How the relay works. Times are milliseconds. */
export interface RelayOptions extends RunOptions {
  /** when nothing wakes it, it looks all the same */
  lookMs: number;
  /** webhooks that this process works for at the same time */
  runs: number;
}

type RelayServices = Pick<Services, 'read' | 'write' | 'bus' | 'env' | 'databaseUrl' | 'keyRing' | 'log'>;

/** Tenants without webhooks are looked at again after so many rounds, in case an announcement was lost. */
const IDLE_ROUNDS = 4;
/** Longest time that a timer can wait. */
const MAX_TIMER_MS = 2_000_000_000;

interface Waiting {
  tenantId: string;
  id: string;
}

interface Look {
  id: string;
  isDue: boolean;
  /** of a later attempt */
  nextAt: Date | null;
}

/**
 * Sends the log to webhooks. It is woken by the log, by the time of the next attempt, and looks every 15 seconds in case
 * that was lost. Any number of processes may run one: each webhook has one of them at work at a time.
 */
export class WebhookRelay {
  readonly #services: RelayServices;
  readonly #options: RelayOptions;
  readonly #locks: WebhookLocks;
  readonly #stopping = new AbortController();
  /** tenants to look at */
  readonly #tenants = new Set<string>();
  /** tenants that had no webhook that is on when they were last looked at */
  readonly #idle = new Set<string>();
  readonly #timers = new Map<string, NodeJS.Timeout>();
  /** webhooks with work, by id, in the order of their turns */
  readonly #waiting = new Map<string, Waiting>();
  readonly #runs = new Map<string, { run: WebhookRun | null; done: Promise<void> }>();
  #looking: Promise<void> | null = null;
  #round = 0;
  #offs: (() => void)[] = [];

  /** The options shorten waiting, for proofs. */
  constructor(services: RelayServices, options: Partial<RelayOptions> = {}) {
    this.#services = services;
    this.#locks = new WebhookLocks(services);
    this.#options = {
      guard: urlRules(services.env).guard,
      timeoutMs: TIMEOUT_MS,
      schedule: RETRIES,
      inFlight: 8,
      batch: 100,
      turnMs: 10_000,
      unreadable: new Set(),
      lookMs: 15_000,
      runs: 32,
      ...options,
    };
  }

  start(): void {
    const timer = setInterval(() => this.#lookAround(), this.#options.lookMs);
    this.#offs = [() => clearInterval(timer), this.#services.bus.onChange((change) => this.#heard(change))];
    this.#lookAround();
  }

  /** Begins nothing more; resolves when requests under way have ended and are noted. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    for (const off of this.#offs) off();
    for (const timer of this.#timers.values()) clearTimeout(timer);
    await this.#looking;
    await Promise.all([...this.#runs.values()].map(({ done }) => done));
    await this.#locks.close();
  }

  #heard(change: LogChange | undefined): void {
    if (!change) {
      this.#idle.clear();
      this.#lookAround();
      return;
    }
    const isAboutWebhooks = change.types?.has('Webhook') ?? true;
    if (isAboutWebhooks) {
      this.#idle.delete(change.tenantId);
      // Which webhook that is, is in the log; reading what is not begun once more costs one statement.
      for (const { run } of this.#runs.values()) run?.refresh();
    }
    if (!this.#idle.has(change.tenantId)) this.#wake([change.tenantId]);
  }

  #lookAround(): void {
    if (this.#round++ % IDLE_ROUNDS === 0) this.#idle.clear();
    tenantIds(this.#services.read).then(
      (ids) => this.#wake(ids.filter((id) => !this.#idle.has(id))),
      (error: unknown) => this.#services.log.warn({ err: error }, 'cannot list the tenants'),
    );
  }

  #wake(ids: readonly string[]): void {
    if (this.#stopping.signal.aborted) return;
    for (const id of ids) this.#tenants.add(id);
    this.#looking ??= this.#lookAtAll().finally(() => {
      this.#looking = null;
    });
  }

  async #lookAtAll(): Promise<void> {
    for (const tenantId of this.#tenants) {
      this.#tenants.delete(tenantId);
      if (this.#stopping.signal.aborted) return;
      try {
        await this.#look(tenantId);
      } catch (error) {
        this.#services.log.error({ err: error, tenantId }, 'cannot look for webhooks; it is tried again in a moment');
      }
    }
  }

  async #look(tenantId: string): Promise<void> {
    const found = await withReadScope(this.#services.read, systemViewer(tenantId, 'webhooks'), (scope) =>
      scope.query<Look>({
        text: `/* webhooks.look */ SELECT w.id,
            w.last_seq < coalesce(c.value, 0) OR coalesce(d.next <= $2::timestamptz, false) AS "isDue", d.next AS "nextAt"
          FROM webhook_endpoints w
          LEFT JOIN counters c ON c.tenant_id = w.tenant_id AND c.name = '${EVENT_COUNTER}'
          LEFT JOIN LATERAL (SELECT min(next_attempt_at) AS next FROM webhook_deliveries
            WHERE tenant_id = w.tenant_id AND webhook_id = w.id AND next_attempt_at IS NOT NULL) d ON true
          WHERE w.tenant_id = $1::uuid AND w.is_enabled`,
        values: [tenantId, new Date()],
      }),
    );
    if (found.length === 0) this.#idle.add(tenantId);
    for (const { id, isDue } of found) if (isDue) this.#request({ tenantId, id });
    const later = found.flatMap(({ isDue, nextAt }) => (nextAt && !isDue ? [nextAt.getTime()] : []));
    if (later.length > 0) this.#lookAt(tenantId, Math.min(...later));
  }

  /** Looks again when the next attempt is due. */
  #lookAt(tenantId: string, time: number): void {
    if (this.#stopping.signal.aborted) return;
    clearTimeout(this.#timers.get(tenantId));
    const wait = Math.min(Math.max(time - Date.now(), 0), MAX_TIMER_MS);
    const timer = setTimeout(() => {
      this.#timers.delete(tenantId);
      this.#wake([tenantId]);
    }, wait);
    this.#timers.set(tenantId, timer);
  }

  #request(webhook: Waiting): void {
    const running = this.#runs.get(webhook.id);
    if (running) {
      running.run?.wake();
    } else {
      this.#waiting.set(webhook.id, webhook);
      this.#fill();
    }
  }

  /** Gives those who wait their turn, as far as there is room. */
  #fill(): void {
    for (const [id, webhook] of this.#waiting) {
      if (this.#runs.size >= this.#options.runs || this.#stopping.signal.aborted) return;
      this.#waiting.delete(id);
      const entry = { run: null as WebhookRun | null, done: Promise.resolve() };
      this.#runs.set(id, entry);
      entry.done = this.#run(webhook, entry)
        .catch((error: unknown) => {
          const { tenantId } = webhook;
          this.#services.log.error({ err: error, tenantId, webhook: id }, 'sending to a webhook broke off');
          return false;
        })
        .then((hadTurn) => {
          this.#runs.delete(id);
          this.#fill();
          // Whatever is left, or came while it ended, is found by looking; so is the time of the next attempt.
          if (hadTurn) this.#wake([webhook.tenantId]);
        });
    }
  }

  /** False when another process works for the webhook. */
  async #run({ tenantId, id }: Waiting, entry: { run: WebhookRun | null }): Promise<boolean> {
    const lock = await this.#locks.take(id);
    if (!lock) return false;
    try {
      const { signal } = this.#stopping;
      entry.run = new WebhookRun(this.#services, tenantId, { ...this.#options, id, lock, signal });
      await entry.run.work();
    } finally {
      entry.run = null;
      await lock.release();
    }
    return true;
  }
}
