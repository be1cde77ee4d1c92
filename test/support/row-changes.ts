import pg from 'pg';
import { addTable, type Dependence, touches } from '../../src/events/changes.ts';
import { type LogChange, readNotification } from '../../src/events/event.ts';
import { notificationOf } from './notification.ts';

interface Seen {
  table: string;
  /** of the row, where it has one */
  id: string | null;
  /** the transaction that wrote it last */
  tx: string;
  hash: string;
}

/** A row that a transaction wrote or took away. */
export interface RowChange {
  table: string;
  id: string | null;
  /** the events of that transaction; of a row that is gone, those of the whole step, as nobody knows by whom it went */
  change: LogChange | null;
}

/** Sees which rows of a tenant change, by which transaction, and which events that transaction told. Reads as the owner. */
export class RowWatch {
  readonly #client: pg.Client;
  readonly #tenantId: string;
  #tables: { table: string; key: string; scope: string; hasId: boolean }[] = [];
  #rows = new Map<string, Seen>();
  #seq = 0n;

  constructor(ownerUrl: string, tenantId: string) {
    this.#client = new pg.Client({ connectionString: ownerUrl });
    this.#tenantId = tenantId;
  }

  async start(): Promise<void> {
    await this.#client.connect();
    const { rows } = await this.#client.query<{ table: string; columns: string[]; keys: string[] }>(
      `SELECT c.relname AS "table", array_agg(a.attname::text) AS columns,
         array_agg(a.attname::text) FILTER (WHERE a.attnum = ANY(i.indkey)) AS keys
       FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
       JOIN pg_index i ON i.indrelid = c.oid AND i.indisprimary
       WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p') AND c.relname NOT LIKE E'\\\\_%'
       GROUP BY c.oid, c.relname`,
    );
    this.#tables = rows.map(({ table, columns, keys }) => ({
      table,
      key: keys.map((name) => `${name}::text`).join(` || ' ' || `),
      hasId: columns.includes('id'),
      scope: columns.includes('tenant_id')
        ? 'tenant_id = $1::uuid'
        : table === 'tenants'
          ? 'id = $1::uuid'
          : '$1::uuid IS NOT NULL',
    }));
  }

  /** Forgets what it saw: what there is now is what was there before. */
  async look(): Promise<void> {
    this.#rows = await this.#read();
    await this.#events();
  }

  /** What has changed since it last looked. */
  async changes(): Promise<RowChange[]> {
    const before = this.#rows;
    this.#rows = await this.#read();
    const { byTx, all } = await this.#events();
    const changes: RowChange[] = [];
    for (const [key, { table, id, tx, hash }] of this.#rows)
      if (before.get(key)?.hash !== hash) changes.push({ table, id, change: byTx.get(tx) ?? null });
    for (const [key, { table, id }] of before) if (!this.#rows.has(key)) changes.push({ table, id, change: all });
    return changes;
  }

  async #read(): Promise<Map<string, Seen>> {
    const parts = this.#tables.map(
      ({ table, key, scope, hasId }) =>
        `SELECT '${table}' AS "table", '${table} ' || ${key} AS key, ${
          hasId ? 'id::text' : 'NULL'
        } AS id, t.xmin::text AS tx, md5(t::text) AS hash FROM "${table}" t WHERE ${scope}`,
    );
    const { rows } = await this.#client.query<Seen & { key: string }>(parts.join(' UNION ALL '), [this.#tenantId]);
    return new Map(rows.map((row) => [row.key, row]));
  }

  async #events(): Promise<{ byTx: Map<string, LogChange>; all: LogChange | null }> {
    const { rows } = await this.#client.query<{ tx: string; seq: string; aggregateType: string; aggregateId: string }>(
      `SELECT xmin::text AS tx, seq::text, aggregate_type AS "aggregateType", aggregate_id AS "aggregateId"
       FROM event_store WHERE tenant_id = $1::uuid AND seq > $2 ORDER BY seq`,
      [this.#tenantId, this.#seq],
    );
    this.#seq = BigInt(rows.at(-1)?.seq ?? this.#seq);
    const told = (events: typeof rows) =>
      readNotification(notificationOf(this.#tenantId, BigInt(events.at(-1)?.seq ?? 0), events)) ?? null;
    const byTx = new Map([...Map.groupBy(rows, ({ tx }) => tx)].map(([tx, events]) => [tx, told(events)] as const));
    return {
      byTx: new Map([...byTx].flatMap(([tx, change]) => (change ? [[tx, change]] : []))),
      all: rows.length > 0 ? told(rows) : null,
    };
  }

  close(): Promise<void> {
    return this.#client.end();
  }
}

/** Whether what was made of the table, and of that row alone, is known to be out of date by the events that came. */
export function isTold({ table, id, change }: RowChange): boolean {
  return [null, ...(id ? [[id]] : [])].every((rows) => {
    const dependence: Dependence = new Map();
    addTable(dependence, table, rows);
    return change !== null && touches(change, dependence);
  });
}
