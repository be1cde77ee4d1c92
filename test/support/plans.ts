import { mkdirSync, writeFileSync } from 'node:fs';
import pg from 'pg';
import { systemViewer } from '../../src/access/viewer.ts';
import { type ModelName, tableOf } from '../../src/data/models.ts';
import { tenantSettings } from '../../src/data/read-scope.ts';
import type { Statement } from '../../src/data/statement.ts';
import { TYPES } from '../../src/data/value-types.ts';

interface PlanNode {
  'Node Type': string;
  'Relation Name'?: string;
  'Index Name'?: string;
  'Actual Rows': number;
  'Actual Loops': number;
  'Rows Removed by Filter'?: number;
  'Rows Removed by Index Recheck'?: number;
  Plans?: PlanNode[];
}

/** What a statement did with one table. */
export interface Reading {
  /** rows taken from the table, whether they went on or were left out */
  rows: number;
  indexes: string[];
  sequential: boolean;
  sorts: boolean;
}

interface Line extends Reading {
  what: string;
  model: ModelName;
  statement: Statement;
  bound: number;
  later?: number;
  generic: number;
}

type Explained = { 'QUERY PLAN': [{ Plan: PlanNode }] };
const EXPLAIN = 'EXPLAIN (ANALYZE, FORMAT JSON, BUFFERS OFF)';

/** Runs statements as the application in one tenant, reads their plans and keeps what was read for a report. */
export class PlanReader {
  readonly #client: pg.Client;
  readonly #settings: string;
  readonly lines: Line[] = [];

  constructor(ownerUrl: string, tenantId: string) {
    this.#client = new pg.Client({ connectionString: ownerUrl, types: TYPES });
    this.#settings = tenantSettings(systemViewer(tenantId, 'test'), true).join('; ');
  }

  async open(): Promise<void> {
    await this.#client.connect();
  }

  async close(): Promise<void> {
    await this.#client.end();
  }

  /** Nothing stays of it. `before` runs as the owner, in the same transaction. */
  async query<T extends object>(statement: Partial<Statement>, before = ''): Promise<T[]> {
    try {
      await this.#client.query(`BEGIN; ${before}; ${this.#settings}`);
      return (await this.#client.query<T>({ text: '', ...statement })).rows;
    } finally {
      await this.#client.query('ROLLBACK');
    }
  }

  /** With the values, as a statement is planned that is run for the first time. */
  async explain({ text, values }: Statement, model: ModelName, before = ''): Promise<Reading> {
    const [row] = await this.query<Explained>({ text: `${EXPLAIN} ${text}`, values }, before);
    return readPlan(row, tableOf(model).table);
  }

  /** Without the values, as a prepared statement may be planned once for all of them. */
  async explainGeneric({ text, values }: Statement, model: ModelName): Promise<Reading> {
    const prepare = `${this.#settings}; SET LOCAL plan_cache_mode = force_generic_plan; PREPARE generic AS ${text}`;
    const execute = `${EXPLAIN} EXECUTE generic(${values.map(literal).join(', ')})`;
    const [row] = await this.query<Explained>({ text: execute }, prepare);
    await this.#client.query('DEALLOCATE generic');
    return readPlan(row, tableOf(model).table);
  }

  /** Reads a statement's plans and keeps a line of the report; `later` is what its page 1,000 read. */
  async record(
    what: string,
    model: ModelName,
    statement: Statement,
    limits: { bound: number; mustBeSorted?: boolean; later?: number },
  ): Promise<string[]> {
    const { bound, mustBeSorted = false, later } = limits;
    const reading = await this.explain(statement, model);
    const generic = (await this.explainGeneric(statement, model)).rows;
    this.lines.push({ what, model, statement, bound, ...reading, later, generic });
    return faults(what, reading, bound, mustBeSorted);
  }

  /**
   * What is wrong with the plans that PostgreSQL settles on: from the sixth time on it may take a generic one. All
   * recorded statements of one text take turns, as the callers of a server do.
   */
  async settledFaults(): Promise<{ texts: number; generic: number; wrong: string[] }> {
    const wrong: string[] = [];
    let generic = 0;
    const prepared = this.lines.filter(({ statement }) => statement.name);
    const texts = Map.groupBy(prepared, ({ statement }) => statement.text);
    for (const [text, lines] of texts) {
      await this.#client.query(`BEGIN; ${this.#settings}; PREPARE settled AS ${text}`);
      const call = ({ statement }: Line) => `EXECUTE settled(${statement.values.map(literal).join(', ')})`;
      for (let run = 0; run < 8; run++) await this.#client.query(call(lines[run % lines.length] as Line));
      const plans = `SELECT generic_plans > 0 AS generic FROM pg_prepared_statements WHERE name = 'settled'`;
      if ((await this.#client.query<{ generic: boolean }>(plans)).rows[0]?.generic) generic++;
      for (const line of lines) {
        const [row] = (await this.#client.query<Explained>(`${EXPLAIN} ${call(line)}`)).rows;
        const reading = readPlan(row, tableOf(line.model).table);
        wrong.push(...faults(line.what, reading, line.bound, false));
      }
      await this.#client.query('ROLLBACK; DEALLOCATE settled');
    }
    return { texts: texts.size, generic, wrong };
  }

  /** Writes all lines to a file and gives those that read more than `page` rows. */
  report(file: string, page: number): string {
    const head =
      '| list: order or filter | index | rows, page 1 | rows, page 1,000 | rows, generic plan |\n|---|---|---|---|---|';
    const rows = this.lines.map(({ what, indexes, rows, later, generic }) => {
      const cells = [what, indexes.join(', ') || '-', rows, later ?? '', generic === rows ? '' : generic];
      return { text: `| ${cells.join(' | ')} |`, long: rows > page || (later ?? 0) > page };
    });
    mkdirSync('test-results', { recursive: true });
    writeFileSync(`test-results/${file}`, `${head}\n${rows.map(({ text }) => text).join('\n')}\n`);
    const long = rows.filter((row) => row.long).map(({ text }) => text);
    return `${rows.length} plans, ${long.length} of them read more than a page:\n${head}\n${long.join('\n')}`;
  }
}

function readPlan(row: Explained | undefined, table: string): Reading {
  if (!row) throw new Error('no plan');
  const all = flatten(row['QUERY PLAN'][0].Plan);
  const scans = all.filter((node) => node['Relation Name'] === table);
  const rows = scans.reduce((sum, node) => {
    const removed = (node['Rows Removed by Filter'] ?? 0) + (node['Rows Removed by Index Recheck'] ?? 0);
    return sum + (node['Actual Rows'] + removed) * node['Actual Loops'];
  }, 0);
  return {
    rows: Math.round(rows),
    indexes: [...new Set(all.flatMap((node) => node['Index Name'] ?? []))],
    sequential: scans.some((node) => node['Node Type'] === 'Seq Scan'),
    sorts: all.some((node) => node['Node Type'].includes('Sort')),
  };
}

function flatten(node: PlanNode): PlanNode[] {
  return [node, ...(node.Plans ?? []).flatMap(flatten)];
}

/** A parameter as EXECUTE takes it: text that it casts to the parameter's type. */
function literal(value: unknown): string {
  const text = (one: unknown) => (one instanceof Date ? one.toISOString() : String(one));
  if (!Array.isArray(value)) return pg.escapeLiteral(text(value));
  return pg.escapeLiteral(`{${value.map((one) => JSON.stringify(text(one))).join(',')}}`);
}

/** What is wrong with a reading. */
export function faults(what: string, reading: Reading, bound: number, mustBeSorted: boolean): string[] {
  const wrong = [];
  if (reading.sequential) wrong.push('a sequential scan');
  if (reading.indexes.length === 0 && reading.rows > 0) wrong.push('no index');
  if (mustBeSorted && reading.sorts) wrong.push('a sort');
  if (reading.rows > bound) wrong.push(`${reading.rows} rows of at most ${bound}`);
  return wrong.map((text) => `${what}: ${text} (${reading.indexes.join(', ')})`);
}
