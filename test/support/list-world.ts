import { randomUUID } from 'node:crypto';
import pg from 'pg';
import { expect } from 'vitest';
import { systemViewer } from '../../src/access/viewer.ts';
import { encodeCursor } from '../../src/data/cursor.ts';
import { filterPredicate } from '../../src/data/filter-memory.ts';
import * as lists from '../../src/data/list.ts';
import { columnOf, type ModelName, type Row, selectList, tableOf } from '../../src/data/models.ts';
import { tenantSettings } from '../../src/data/read-scope.ts';
import { TYPES } from '../../src/data/value-types.ts';

export const NOW = new Date('2026-03-01T00:00:00Z');
/** The sources that every world has. */
export const SOURCES = [randomUUID(), randomUUID()] as const;

/** Five contents of the source `$1`. */
export const CONTENTS = `INSERT INTO content (tenant_id, id, source_id, dedupe_key, text, text_hash, posted_at)
  SELECT argus_tenant(), gen_random_uuid(), $1, i::text, '', repeat('a', 64), now() FROM generate_series(1, 5) i RETURNING id`;
/** For `World.insert`: detections of given contents, each with a keyword of its own. */
export const DETECTIONS = `WITH given AS (
    SELECT * FROM jsonb_to_recordset($1) AS r(id uuid, n int, content uuid, status text, score float8)
  ), terms AS (
    INSERT INTO keywords (tenant_id, id, term, normalised_term, category, concept_id, weight, match_type,
      dictionary_version) SELECT argus_tenant(), id, n::text, n::text, 'SLANG', 'c', 1, 'LITERAL', 1 FROM given
  )
  INSERT INTO detections (tenant_id, id, content_id, keyword_id, keyword_version, spans, match_count, snippet, score,
    origin, status) SELECT argus_tenant(), id, content, id, 1, '[]', 1, '', score, 'LIVE', status FROM given`;

/** A connection that reads columns as the server does. */
export async function connect(url: string): Promise<pg.Client> {
  const client = new pg.Client({ connectionString: url, types: TYPES });
  await client.connect();
  return client;
}

/** A tenant of its own for each run, in a transaction that is taken back. */
export class World {
  readonly tenantId = randomUUID();
  readonly client: pg.Client;
  #count = 0;

  constructor(client: pg.Client) {
    this.client = client;
  }

  async open(): Promise<void> {
    const settings = tenantSettings(systemViewer(this.tenantId, 'test'), true).join('; ');
    await this.client.query(
      `BEGIN; ${settings}; INSERT INTO tenants (id, slug, name) VALUES ('${this.tenantId}', 't', 't')`,
    );
    await this.client.query(
      `INSERT INTO sources (tenant_id, id, name, kind, external_ref)
        SELECT argus_tenant(), id, 's', 'FORUM', id::text FROM unnest($1::uuid[]) id`,
      [SOURCES],
    );
  }

  async close(): Promise<void> {
    await this.client.query('ROLLBACK');
  }

  /** `$1` of the statement is a JSON array of the rows, each with an `id` and a number `n` of its own. */
  async insert(sql: string, rows: readonly object[]): Promise<void> {
    const numbered = rows.map((row) => ({ ...row, id: randomUUID(), n: ++this.#count }));
    await this.client.query(sql, [JSON.stringify(numbered)]);
  }

  /** The list without pages: plain SQL for the order, the in-memory predicate for the filter. */
  async whole(plan: lists.PagePlan): Promise<string[]> {
    const { model, key } = plan.spec;
    const { direction, field } = plan.order;
    const order = `t."${columnOf(model, field).column}" ${direction}, t."${columnOf(model, key).column}" ${direction}`;
    const { rows } = await this.client.query<Record<string, unknown>>(
      `SELECT ${selectList(model, 't')} FROM "${tableOf(model).table}" t WHERE t.tenant_id = argus_tenant() ORDER BY ${order}`,
    );
    const fits = plan.condition ? filterPredicate(plan.condition) : () => true;
    return rows.filter(fits).map((row) => String(row[key]));
  }

  async page(plan: lists.PagePlan): Promise<lists.Page<ModelName>> {
    const { rows } = await this.client.query<Row<ModelName>>(lists.pageStatement(plan, this.tenantId));
    return lists.toPage(plan, rows);
  }

  /** All pages one after another, from either end; `between` runs before each but the first. */
  async walk(spec: lists.ListSpec, args: lists.PageArgs, between = async () => {}): Promise<string[]> {
    const backward = typeof args.last === 'number';
    const seen: string[] = [];
    for (let cursor: string | undefined; ; ) {
      const plan = lists.planPage(spec, { ...args, [backward ? 'before' : 'after']: cursor }, NOW);
      const page = await this.page(plan);
      const keys = page.rows.map((row) => String(Reflect.get(row, spec.key)));
      if (backward) seen.unshift(...keys);
      else seen.push(...keys);
      expect(keys.length).toBeLessThanOrEqual(plan.limit);
      expect(seen.length).toBeLessThan(500); // a cursor that stands still would go on for ever
      expect(backward ? page.hasNextPage : page.hasPreviousPage).toBe(cursor !== undefined);
      const edge = backward ? page.rows[0] : page.rows.at(-1);
      if (!(backward ? page.hasPreviousPage : page.hasNextPage) || !edge) return seen;
      cursor = encodeCursor(plan, edge as unknown as Record<string, unknown>);
      await between();
    }
  }
}

export async function inWorld(client: pg.Client, run: (world: World) => Promise<void>): Promise<void> {
  const world = new World(client);
  await world.open();
  try {
    await run(world);
  } finally {
    await world.close();
  }
}
