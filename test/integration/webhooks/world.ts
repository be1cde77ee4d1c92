import { withReadScope } from '../../../src/data/read-scope.ts';
import { withWrite } from '../../../src/data/write.ts';
import { newId } from '../../../src/graphql/ids.ts';
import { type RelayOptions, WebhookRelay } from '../../../src/modules/webhooks/relay.ts';
import { type Answer, createTestApp, type Tenant, type TestApp } from '../../support/app.ts';
import { Receiver } from '../../support/webhook-receiver.ts';

/** Waits that are short enough for tests. */
export const FAST = { schedule: { delays: [30, 60, 90, 120], jitter: 0.1 }, lookMs: 500 };
/** For receivers that hang: requests end soon, and a busy machine, which lets some more end, has tries to spare. */
export const PATIENT = { ...FAST, schedule: { delays: new Array<number>(12).fill(50), jitter: 0.1 }, timeoutMs: 300 };

/** A tenant, a receiver, and what tests of webhooks do with them. */
export class WebhookWorld {
  readonly t: TestApp;
  readonly tenant: Tenant;
  readonly receiver = new Receiver();
  readonly #relays: WebhookRelay[] = [];

  constructor(t: TestApp, tenant: Tenant) {
    this.t = t;
    this.tenant = tenant;
  }

  static async open(): Promise<WebhookWorld> {
    const t = await createTestApp({ env: { WEBHOOK_ALLOW_PRIVATE: 'true' } });
    const world = new WebhookWorld(t, await t.tenant('acme'));
    await world.receiver.open();
    return world;
  }

  async close(): Promise<void> {
    await this.stop();
    await this.receiver.close();
    await this.t.close();
  }

  /** Another process's worth of a relay. */
  relay(options: Partial<RelayOptions> = {}): WebhookRelay {
    const relay = new WebhookRelay(this.t.app.services, { ...FAST, ...options });
    this.#relays.push(relay);
    relay.start();
    return relay;
  }

  async stop(): Promise<void> {
    await Promise.all(this.#relays.splice(0).map((relay) => relay.stop()));
  }

  /** A mutation's payload, whatever it says. */
  async change(name: string, input: object, fields: string): Promise<Answer> {
    const type = `${name.charAt(0).toUpperCase()}${name.slice(1)}Input`;
    const query = `mutation ($input: ${type}!) { ${name}(input: $input) { ${fields} userErrors { code message path } eventSeq } }`;
    return (await this.t.runOk(this.tenant.key, query, { input }))[name];
  }

  /** A new webhook to the receiver. */
  async webhook(input: object = {}): Promise<{ id: string; secret: string }> {
    const made = await this.change(
      'createWebhook',
      { url: this.receiver.url, ...input },
      'created { secret webhook { id } }',
    );
    if (!made.created) throw new Error(JSON.stringify(made.userErrors));
    return { id: made.created.webhook.id, secret: made.created.secret };
  }

  /** Writes events, several in a transaction; gives the last one's seq. */
  async emit(types: readonly string[], aggregateType = 'Thing'): Promise<bigint> {
    let last = 0n;
    for (let from = 0; from < types.length; from += 7) {
      const { eventSeq } = await withWrite(this.t.app.services.write, this.tenant.system, 'test', async (tx) => {
        for (const type of types.slice(from, from + 7))
          tx.emit({ type, aggregateType, aggregateId: newId(), aggregateVersion: 1, payload: { type } });
      });
      last = eventSeq ?? last;
    }
    return last;
  }

  async rows<T extends object>(text: string, values: unknown[] = []): Promise<T[]> {
    return withReadScope(this.t.app.services.read, this.tenant.system, (scope) => scope.query<T>({ text, values }));
  }

  /** How many deliveries there are of each status. */
  async statuses(): Promise<Record<string, number>> {
    const rows = await this.rows<{ status: string; count: number }>(
      'SELECT status, count(*)::int AS count FROM webhook_deliveries GROUP BY 1',
    );
    return Object.fromEntries(rows.map(({ status, count }) => [status, count]));
  }

  read(fields: string): Promise<Answer> {
    return this.t.runOk(this.tenant.key, `{ ${fields} }`);
  }
}
