import type pg from 'pg';
import { expect } from 'vitest';
import { ReadScope, withReadScope } from '../../src/data/read-scope.ts';
import type { Statement } from '../../src/data/statement.ts';
import { leaksOf, type World } from './isolation.ts';

const FILTERS = [/(?:\w+\.)?tenant_id = (\$\d+::uuid)/g, /(?<=tenants t WHERE )t\.id = (\$\d+::uuid)/g];

/** Runs work and gives every statement that read scopes ran meanwhile, each text once. */
export async function recordStatements(work: () => Promise<void>): Promise<Statement[]> {
  const recorded = new Map<string, Statement>();
  const original = ReadScope.prototype.cells;
  ReadScope.prototype.cells = function (this: ReadScope, statement) {
    recorded.set(statement.text, statement);
    return original.call(this, statement) as never;
  };
  try {
    await work();
  } finally {
    ReadScope.prototype.cells = original;
  }
  return [...recorded.values()];
}

export function namesTenant({ text }: Statement): boolean {
  return FILTERS.some((filter) => text.search(filter) >= 0);
}

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

const EVERYTHING = 10_000;
/** By one id, such as a parent's: it asks by many instead. */
const ONE_ID = /= \$(\d+)::uuid(?!\[)/g;
/** Ids, each with a value beside it: it asks for every id with every value. */
const PAIRS = /unnest\(\$(\d+)::uuid\[\], \$(\d+)::/g;

/** The statement as if the application had forgotten the tenant, asking for these rows wherever it asks by id. */
export function withoutTenant({ text, values }: Statement, uuids: readonly string[]): Statement {
  const places = (pattern: RegExp) => new Set([...text.matchAll(pattern)].map(([, number]) => Number(number) - 1));
  const limits = places(/LIMIT \$(\d+)::int4/g);
  const open = FILTERS.reduce((sql, filter) => sql.replaceAll(filter, '$1 IS NOT NULL'), text).replaceAll(
    /LIMIT \d+\b/g,
    `LIMIT ${EVERYTHING}`,
  );
  const beside = new Map([...text.matchAll(PAIRS)].map(([, ids, others]) => [Number(ids) - 1, Number(others) - 1]));
  const pairs = new Map(
    [...beside].flatMap(([ids, others]) => {
      const each = [...new Set(values[others] as unknown[])];
      const all = each.flatMap((value) => uuids.map((uuid) => ({ uuid, value })));
      return [[ids, all.map(({ uuid }) => uuid)] as const, [others, all.map(({ value }) => value)] as const];
    }),
  );
  const parents = new Set([...open.matchAll(ONE_ID)].map(([, number]) => Number(number) - 1));
  return {
    text: open.replaceAll(ONE_ID, '= ANY($$$1::uuid[])'),
    values: values.map((value, i) => {
      if (limits.has(i)) return EVERYTHING;
      if (pairs.has(i)) return pairs.get(i);
      // Lists of keys are filled up with NULLs.
      const keys = Array.isArray(value) ? value.filter((one) => one !== null) : [];
      const ids = keys.length > 0 && keys.every((one) => UUID.test(String(one)));
      return ids || parents.has(i) ? uuids : value;
    }),
  };
}

/** Rows of a statement in the tenant's read scope, as the application runs it. */
function asApplication(w: World, statement: Statement): Promise<object[]> {
  return withReadScope(w.t.app.services.read, w.a.tenant.system, (scope) => scope.query(statement));
}

/** Rows of a statement when row-level security does not bind. Search functions ask for the tenant: it is the other one. */
async function asOwner(w: World, statement: Statement): Promise<object[]> {
  await w.owner.query(`BEGIN; SET LOCAL app.tenant_id = '${w.b.tenant.tenantId}'`);
  try {
    const { rows } = await w.owner.query<object>(statement.text, statement.values);
    return rows;
  } finally {
    await w.owner.query('ROLLBACK');
  }
}

/** Whether what the server was started with lets the owner pass row-level security: else it cannot be the witness. */
export async function passesPolicies(owner: pg.Client): Promise<boolean> {
  const { rows } = await owner.query<{ passes: boolean }>(
    'SELECT rolsuper OR rolbypassrls AS passes FROM pg_roles WHERE rolname = current_user',
  );
  return rows[0]?.passes ?? false;
}

const bigints = (_: string, value: unknown) => (typeof value === 'bigint' ? String(value) : value);

/** Runs statements without their tenant, under the policies and past them. Gives how many show rows of whom. */
export async function forgetTenant(w: World, statements: readonly Statement[]) {
  const uuids = [...w.a.uuids, ...w.b.uuids];
  const shown = { own: 0, others: 0 };
  for (const statement of statements.map((one) => withoutTenant(one, uuids))) {
    const rows = await asApplication(w, statement);
    expect(leaksOf(rows, w.b), statement.text).toEqual([]);
    // The policies are what keeps them apart: past them, the same statement counts or gives what is another tenant's.
    const all = await asOwner(w, statement);
    expect(JSON.stringify(all, bigints), statement.text).not.toBe(JSON.stringify(rows, bigints));
    if (leaksOf(rows, w.a).length > 0) shown.own++;
    if (leaksOf(all, w.b).length > 0) shown.others++;
  }
  return shown;
}
