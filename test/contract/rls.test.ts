import { Client } from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { policiesOf, RULES, UNPROTECTED } from '../../scripts/rls.ts';
import { createTestDatabase } from '../support/database.ts';

/** Tables of the catalogue that the list does not protect as it says; with the reason. */
const FLAWS = `
  SELECT c.relname AS table, CASE
      WHEN NOT c.relrowsecurity THEN 'no row-level security'
      WHEN NOT c.relforcerowsecurity THEN 'its owner may pass'
      ELSE 'no policy for ' || command END AS flaw
  FROM pg_class c CROSS JOIN unnest(ARRAY['SELECT', 'INSERT', 'UPDATE', 'DELETE']) command
  LEFT JOIN pg_policies p ON p.schemaname = 'public' AND p.tablename = c.relname AND p.cmd = command
    AND p.policyname = c.relname || '_' || lower(command) AND p.roles = '{argus_app}'
  WHERE c.relkind IN ('r', 'p') AND c.relnamespace = 'public'::regnamespace AND c.relname <> ALL ($1)
    AND (NOT c.relrowsecurity OR NOT c.relforcerowsecurity OR p.policyname IS NULL)
  ORDER BY 1, 2`;

let db: Awaited<ReturnType<typeof createTestDatabase>>;
let owner: Client;
let app: Client;

type Row = Record<string, unknown>;

/** Runs work in a transaction that is always rolled back. */
async function scratch<T>(client: Client, work: () => Promise<T>): Promise<T> {
  await client.query('BEGIN');
  try {
    return await work();
  } finally {
    await client.query('ROLLBACK');
  }
}

async function flaws(): Promise<Row[]> {
  return (await owner.query<Row>(FLAWS, [Object.keys(UNPROTECTED)])).rows;
}

async function listed(sql: string): Promise<unknown[]> {
  return (await owner.query<{ item: unknown }>(sql)).rows.map(({ item }) => item);
}

beforeAll(async () => {
  db = await createTestDatabase();
  owner = new Client({ connectionString: db.ownerUrl });
  app = new Client({ connectionString: db.appUrl });
  await Promise.all([owner.connect(), app.connect()]);
});

afterAll(async () => {
  await Promise.all([owner.end(), app.end()]);
  await db.drop();
});

describe('the catalogue', () => {
  it('protects every table, and the list names every table', async () => {
    expect(await flaws()).toEqual([]);
    const tables = await listed(
      "SELECT relname AS item FROM pg_class WHERE relkind IN ('r', 'p') AND relnamespace = 'public'::regnamespace",
    );
    const known = [...RULES.map(({ table }) => table), ...Object.keys(UNPROTECTED)];
    expect([...tables].sort()).toEqual(known.sort());
  });

  it('is seen to have a flaw when a table lacks row-level security, force, or one policy', async () => {
    const flawsWith = (sql: string) =>
      scratch(owner, async () => {
        await owner.query(sql);
        return await flaws();
      });
    const made = await flawsWith('CREATE TABLE scratch (tenant_id uuid, id uuid)');
    expect(made[0]).toEqual({ table: 'scratch', flaw: 'no row-level security' });
    expect((await flawsWith('ALTER TABLE cases NO FORCE ROW LEVEL SECURITY'))[0]?.flaw).toBe('its owner may pass');
    expect(await flawsWith('DROP POLICY cases_delete ON cases')).toEqual([
      { table: 'cases', flaw: 'no policy for DELETE' },
    ]);
  });

  it('has exactly the policies of the list', async () => {
    const policies = () => listed('SELECT to_jsonb(p) AS item FROM pg_policies p ORDER BY tablename, policyname');
    const found = await policies();
    const wanted = await scratch(owner, async () => {
      await owner.query(`DO $$ DECLARE p record; BEGIN
        FOR p IN SELECT * FROM pg_policies LOOP EXECUTE format('DROP POLICY %I ON %I', p.policyname, p.tablename); END LOOP;
      END $$`);
      for (const statement of RULES.flatMap(policiesOf)) await owner.query(statement);
      return await policies();
    });
    expect(found).toEqual(wanted);
  });

  it('lets only the known policies pass rows of no matter which tenant', async () => {
    const open = await listed(
      "SELECT policyname || ' ' || roles::text AS item FROM pg_policies WHERE qual = 'true' OR with_check = 'true' ORDER BY 1",
    );
    const searched = ['bugs', 'cases', 'content', 'identifiers', 'keywords', 'platform_users', 'projects', 'sources'];
    expect(open).toEqual(searched.map((table) => `${table}_search {argus_search}`));
    const other = await listed(`SELECT policyname AS item FROM pg_policies
      WHERE coalesce(qual, with_check) NOT LIKE '%argus_tenant()%' AND coalesce(qual, with_check) NOT IN ('true', 'false') ORDER BY 1`);
    expect(other).toEqual([
      'api_keys_select_signin',
      'members_select_signin',
      'sessions_select_signin',
      'tenants_select_directory',
      'tenants_select_member',
      'tenants_select_signin',
      'users_select_self',
      'users_select_signin',
      'users_update_self',
      'users_update_signin',
    ]);
  });

  it('grants what the list says, and nothing else to anybody', async () => {
    const grants =
      await listed(`SELECT c.relname || ' ' || coalesce(r.rolname, 'PUBLIC') || ' ' || string_agg(a.privilege_type, ',' ORDER BY a.privilege_type) AS item
      FROM pg_class c CROSS JOIN aclexplode(c.relacl) a LEFT JOIN pg_roles r ON r.oid = a.grantee
      WHERE c.relnamespace = 'public'::regnamespace AND a.grantee <> c.relowner GROUP BY c.relname, r.rolname`);
    const wanted = RULES.flatMap(({ table, commands = ['select', 'insert', 'update', 'delete'], searched }) => [
      `${table} argus_app ${commands
        .map((command) => command.toUpperCase())
        .sort()
        .join(',')}`,
      ...(searched ? [`${table} argus_search SELECT`] : []),
    ]);
    expect([...grants].sort()).toEqual([...wanted, 'statement_log argus_app DELETE,INSERT,SELECT,UPDATE'].sort());
  });
});

describe('the roles', () => {
  it('cannot pass row-level security', async () => {
    const roles = await listed(`SELECT rolname AS item FROM pg_roles
      WHERE rolname IN ('argus_app', 'argus_search') AND NOT (rolsuper OR rolbypassrls OR rolcreaterole OR rolcreatedb) ORDER BY 1`);
    expect(roles).toEqual(['argus_app', 'argus_search']);
    const owned = await listed(
      "SELECT relname AS item FROM pg_class WHERE pg_get_userbyid(relowner) IN ('argus_app', 'argus_search')",
    );
    expect(owned).toEqual([]);
    expect(await listed("SELECT rolcanlogin AS item FROM pg_roles WHERE rolname = 'argus_search'")).toEqual([false]);
  });

  it('cannot become another: not the searcher, not the owner', async () => {
    await expect(app.query('SET ROLE argus_search')).rejects.toThrow('permission denied to set role');
    const name = (await owner.query<{ name: string }>('SELECT current_user AS name')).rows[0]?.name;
    await expect(app.query(`SET ROLE "${name}"`)).rejects.toThrow('permission denied to set role');
  });

  it('give no function of ours to everybody', async () => {
    const everybody = await listed(`SELECT proname AS item FROM pg_proc p
      WHERE pronamespace = 'public'::regnamespace AND has_function_privilege('public', p.oid, 'EXECUTE')
        AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.objid = p.oid AND d.deptype = 'e')`);
    expect(everybody).toEqual([]);
  });

  it('leave the functions that read past policies to the application alone', async () => {
    const definers = await listed(`SELECT proname || ' ' || pg_get_userbyid(proowner) || ' ' || coalesce(
          (SELECT string_agg(coalesce(r.rolname, 'PUBLIC'), ',') FROM aclexplode(proacl) a LEFT JOIN pg_roles r ON r.oid = a.grantee WHERE a.grantee <> proowner), 'PUBLIC')
        || CASE WHEN proconfig::text LIKE '%search_path=pg_catalog, public, pg_temp%' THEN '' ELSE ' no search_path' END AS item
      FROM pg_proc WHERE prosecdef AND pronamespace = 'public'::regnamespace ORDER BY 1`);
    const names = [
      'filter_content_ids',
      'search_bugs',
      'search_cases',
      'search_content',
      'search_content_ids',
      'search_identifiers',
      'search_keywords',
      'search_platform_users',
      'search_projects',
      'search_sources',
    ];
    expect(definers).toEqual(names.map((name) => `${name} argus_search argus_app`));
  });
});
