import pg from 'pg';
import { sessionConfig } from '../../data/connection.ts';
import type { Services } from '../../services.ts';

/** The right to work for one webhook: no other process has it. */
export interface WebhookLock {
  /** false once the connection that holds it is gone: another process may have it by now */
  readonly held: boolean;
  release(): Promise<void>;
}

/**
 * Locks of webhooks, on one connection of this process: PostgreSQL lets go of them when the process ends, however it
 * ends. Connects when the first one is asked for.
 */
export class WebhookLocks {
  readonly #services: Pick<Services, 'databaseUrl' | 'env' | 'log'>;
  #client: Promise<pg.Client> | null = null;
  #closed = false;

  constructor(services: Pick<Services, 'databaseUrl' | 'env' | 'log'>) {
    this.#services = services;
  }

  /** Null when another process works for the webhook. Rejects when the database is away. */
  async take(webhookId: string): Promise<WebhookLock | null> {
    const connection = this.#client ?? this.#connect();
    this.#client = connection;
    const client = await connection;
    const call = (name: string) =>
      client.query<{ done: boolean }>(`SELECT ${name}(hashtext('webhook'), hashtext($1)) AS done`, [webhookId]);
    const { rows } = await call('pg_try_advisory_lock');
    if (!rows[0]?.done) return null;
    const isCurrent = () => this.#client === connection;
    return {
      get held() {
        return isCurrent();
      },
      release: async () => {
        // With the connection the lock goes too.
        if (isCurrent()) await call('pg_advisory_unlock').catch(() => {});
      },
    };
  }

  #connect(): Promise<pg.Client> {
    const client = new pg.Client(sessionConfig(this.#services.databaseUrl, this.#services.env));
    const connection = client.connect().then(() => client);
    const lost = (error?: Error) => {
      if (this.#client !== connection) return;
      this.#client = null;
      if (!this.#closed) this.#services.log.warn({ err: error }, 'the connection that locks webhooks was lost');
    };
    // Without a listener, a connection that breaks would end the process.
    client.on('error', lost);
    client.on('end', () => lost());
    connection.catch(lost);
    return connection;
  }

  async close(): Promise<void> {
    this.#closed = true;
    const client = await this.#client?.catch(() => null);
    this.#client = null;
    await client?.end();
  }
}
