import { cp, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Client } from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { migrateDown, migrateUp, migrationStatus } from '../../src/data/migrate.ts';
import { MIGRATIONS_DIR } from '../../src/data/migration-files.ts';
import { newMigration } from '../../src/data/migration-new.ts';
import { emptyDatabase } from '../support/database.ts';

type Database = Awaited<ReturnType<typeof emptyDatabase>>;

// What a database consists of, as text that two databases can be compared by: no ids, no order of creation.
const CATALOGUE = `
  SELECT 'column ' || a.attrelid::regclass || '.' || a.attname || ' ' || format_type(a.atttypid, a.atttypmod)
      || CASE WHEN a.attnotnull THEN ' NOT NULL' ELSE '' END
      || coalesce(' ' || a.attgenerated::text || pg_get_expr(d.adbin, d.adrelid), '') AS item
    FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid AND c.relkind = 'r'
    LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
    WHERE c.relnamespace = 'public'::regnamespace AND a.attnum > 0 AND NOT a.attisdropped
  UNION ALL SELECT 'table ' || oid::regclass || ' ' || coalesce(relacl::text, '') || relrowsecurity || relforcerowsecurity
      || coalesce(reloptions::text, '') FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind = 'r'
  UNION ALL SELECT 'constraint ' || conrelid::regclass || ' ' || conname || ' ' || pg_get_constraintdef(oid)
    FROM pg_constraint WHERE connamespace = 'public'::regnamespace
  UNION ALL SELECT 'index ' || indexdef FROM pg_indexes WHERE schemaname = 'public'
  UNION ALL SELECT 'policy ' || concat_ws(' ', tablename, policyname, permissive, roles::text, cmd, qual, with_check)
    FROM pg_policies
  UNION ALL SELECT 'function ' || pg_get_functiondef(oid) || pg_get_userbyid(proowner) || coalesce(proacl::text, '')
    FROM pg_proc WHERE pronamespace = 'public'::regnamespace AND prolang <> (SELECT oid FROM pg_language WHERE lanname = 'c')
  UNION ALL SELECT 'trigger ' || pg_get_triggerdef(oid) FROM pg_trigger WHERE NOT tgisinternal
  UNION ALL SELECT 'schema ' || coalesce(nspacl::text, '') FROM pg_namespace WHERE nspname = 'public'
  UNION ALL SELECT 'extension ' || extname FROM pg_extension
  ORDER BY 1`;

async function query(url: string, sql: string): Promise<Record<string, unknown>[]> {
  const client = new Client({ connectionString: url });
  await client.connect();
  try {
    return (await client.query(sql)).rows;
  } finally {
    await client.end();
  }
}

async function catalogue(url: string): Promise<string[]> {
  const items = (await query(url, CATALOGUE)).map(({ item }) => String(item));
  return items.filter((item) => !item.includes('_prisma_migrations'));
}

const names = ['0001_platform', '0002_intel'];
let scratch: string;
let databases: Database[];

async function database(): Promise<Database> {
  const made = await emptyDatabase();
  databases.push(made);
  return made;
}

/** A folder of migrations of its own, with the given ones in it. */
async function folder(migrations: Record<string, string>): Promise<string> {
  const dir = await mkdtemp(join(scratch, 'migrations-'));
  for (const [name, sql] of Object.entries(migrations)) {
    await mkdir(join(dir, name));
    await writeFile(join(dir, name, 'migration.sql'), sql);
    await writeFile(join(dir, name, 'down.sql'), 'SELECT 1');
  }
  return dir;
}

beforeAll(async () => {
  scratch = await mkdtemp(join(tmpdir(), 'argus-test-'));
  databases = [];
});

afterAll(async () => {
  await Promise.all(databases.map((made) => made.drop()));
  await rm(scratch, { recursive: true });
});

describe('the migrations', () => {
  it('give the same catalogue after up, down and up again', async () => {
    const { ownerUrl } = await database();
    expect(await migrateUp({ ownerUrl })).toEqual(expect.arrayContaining(names));
    const first = await catalogue(ownerUrl);
    const states = await migrationStatus({ ownerUrl });
    expect(states.map(({ state }) => state)).toEqual(states.map(() => 'applied'));

    const undone = await migrateDown({ ownerUrl, steps: states.length });
    expect(undone).toEqual(states.map(({ name }) => name).reverse());
    const empty = await catalogue(ownerUrl);
    expect(empty.filter((item) => !/^(extension|schema) /.test(item))).toEqual([]);

    await migrateUp({ ownerUrl });
    expect(await catalogue(ownerUrl)).toEqual(first);
  });

  it('have every column and index that the models have, and no other column but the known ones', async () => {
    const [migrated, plain] = await Promise.all([database(), database()]);
    await migrateUp({ ownerUrl: migrated.ownerUrl });
    const models = await newMigration({
      ownerUrl: plain.ownerUrl,
      name: 'models',
      dir: await folder({}),
      beforeDir: await folder({}),
    });
    await query(plain.ownerUrl, await readFile(join(models, 'migration.sql'), 'utf8'));
    const wanted = await catalogue(plain.ownerUrl);
    const found = await catalogue(migrated.ownerUrl);
    const part = (items: string[], kind: string) => items.filter((item) => item.startsWith(kind));

    expect(part(wanted, 'index ').filter((item) => !found.includes(item))).toEqual([]);
    expect(part(wanted, 'constraint ').filter((item) => !found.includes(item))).toEqual([]);
    // lists are NOT NULL in the database and optional in Prisma's SQL; a generated column has an expression
    const lists = part(wanted, 'column ').map((item) =>
      item.replace(/( (?:text|uuid|numeric\([\d,]+\))\[\])(?! NOT NULL)/, '$1 NOT NULL'),
    );
    const generated = (item: string) => item.replace(/(\.\w+_(?:rank|sort) [\w() ]+? NOT NULL).*/s, '$1');
    const difference = part(found, 'column ')
      .map(generated)
      .filter((item) => !lists.includes(item));
    expect(difference.map((item) => item.split(' ').slice(0, 3).join(' '))).toEqual([
      'column bugs.search_vector tsvector',
      'column content.search_vector tsvector',
      'column keywords.search_vector tsvector',
      'column projects.search_text text',
      'column projects.search_vector tsvector',
    ]);
    expect(lists.filter((item) => !part(found, 'column ').map(generated).includes(item))).toEqual([]);
  });

  it('delete a tenant with all that belongs to it, past the keys that restrict', async () => {
    const { ownerUrl } = await database();
    await migrateUp({ ownerUrl });
    const id = (n: number) => `'00000000-0000-7000-8000-00000000000${n}'`;
    await query(
      ownerUrl,
      `BEGIN; SET LOCAL ROLE argus_app; SET LOCAL app.tenant_id = ${id(1)};
       INSERT INTO tenants (id, slug, name) VALUES (${id(1)}, 'a', 'A');
       INSERT INTO sources (tenant_id, id, name, kind, external_ref) VALUES (${id(1)}, ${id(2)}, 'S', 'FEED', 'r');
       INSERT INTO platform_users (tenant_id, id, source_id, platform_user_id, username)
         VALUES (${id(1)}, ${id(3)}, ${id(2)}, 'p', 'u');
       COMMIT; DELETE FROM tenants`,
    );
    const left = 'SELECT (SELECT count(*) FROM sources) + (SELECT count(*) FROM platform_users) AS n';
    expect(await query(ownerUrl, left)).toEqual([{ n: '0' }]);
  });
});

describe('the runner', () => {
  it('lets one of two processes migrate, and the other wait and find nothing', async () => {
    const { ownerUrl } = await database();
    const both = await Promise.all([migrateUp({ ownerUrl }), migrateUp({ ownerUrl })]);
    expect(both.map((applied) => applied.length > 0).sort()).toEqual([false, true]);
  });

  it('stops at the migration that was asked for', async () => {
    const { ownerUrl } = await database();
    expect(await migrateUp({ ownerUrl, to: '0001' })).toEqual(['0001_platform']);
    await expect(migrateUp({ ownerUrl, to: '0000' })).rejects.toThrow('There is no migration 0000');
    expect((await migrationStatus({ ownerUrl })).slice(0, 2).map(({ state }) => state)).toEqual(['applied', 'pending']);
  });

  it('sees a file that was changed after it was applied, and one that is gone', async () => {
    const { ownerUrl } = await database();
    const dir = await folder({ '0001_a': 'CREATE TABLE a ()', '0002_b': 'CREATE TABLE b ()' });
    await migrateUp({ ownerUrl, dir });
    await writeFile(join(dir, '0001_a', 'migration.sql'), 'CREATE TABLE a ( )');
    await expect(migrateUp({ ownerUrl, dir })).rejects.toThrow('0001_a was changed after it was applied');
    await rm(join(dir, '0002_b'), { recursive: true });
    expect((await migrationStatus({ ownerUrl, dir })).map(({ state }) => state)).toEqual(['changed', 'missing']);
  });

  it('takes the line ends of a Windows checkout for no change', async () => {
    const { ownerUrl } = await database();
    const dir = await folder({ '0001_a': 'CREATE TABLE a\n();\n' });
    await migrateUp({ ownerUrl, dir });
    await writeFile(join(dir, '0001_a', 'migration.sql'), 'CREATE TABLE a\r\n();\r\n');
    expect(await migrateUp({ ownerUrl, dir })).toEqual([]);
  });

  it('leaves nothing of a migration that fails, and says where it failed', async () => {
    const { ownerUrl } = await database();
    const dir = await folder({ '0001_a': 'CREATE TABLE a ();', '0002_b': 'CREATE TABLE b ();\n\nCREATE TABEL c ();' });
    await expect(migrateUp({ ownerUrl, dir })).rejects.toThrow(/0002_b failed at line 3: CREATE TABEL c/);
    const tables = "SELECT relname FROM pg_class WHERE relkind = 'r' AND relname IN ('a', 'b', 'c')";
    expect(await query(ownerUrl, tables)).toEqual([{ relname: 'a' }]);
    expect((await migrationStatus({ ownerUrl, dir })).map(({ state }) => state)).toEqual(['applied', 'pending']);
  });

  it('does not go on after a migration that another tool left unfinished', async () => {
    const { ownerUrl } = await database();
    const dir = await folder({ '0001_a': 'CREATE TABLE a ();' });
    await migrateUp({ ownerUrl, dir });
    await query(ownerUrl, 'UPDATE _prisma_migrations SET finished_at = NULL');
    await expect(migrateUp({ ownerUrl, dir })).rejects.toThrow('0001_a was begun by another tool');
  });

  it('does not build on a migration that this version does not have', async () => {
    const { ownerUrl } = await database();
    const dir = await folder({ '0001_a': 'SELECT 1', '0002_later': 'SELECT 1' });
    await migrateUp({ ownerUrl, dir });
    await rm(join(dir, '0002_later'), { recursive: true });
    expect(await migrateUp({ ownerUrl, dir })).toEqual([]);
    await cp(join(dir, '0001_a'), join(dir, '0003_mine'), { recursive: true });
    await expect(migrateUp({ ownerUrl, dir })).rejects.toThrow('0002_later, which is not in this version');
  });

  it('refuses folders that are not named as migrations', async () => {
    const { ownerUrl } = await database();
    await expect(migrateUp({ ownerUrl, dir: await folder({ first: 'SELECT 1' }) })).rejects.toThrow('is not named');
  });
});

describe('a new migration', () => {
  it('is the difference of two states of the models, both ways', async () => {
    const { ownerUrl } = await database();
    const [beforeDir, modelsDir, dir] = await Promise.all([folder({}), folder({}), folder({ '0007_x': 'SELECT 1' })]);
    const schema = 'datasource db {\n provider = "postgresql"\n}\n';
    await writeFile(join(beforeDir, 'a.prisma'), `${schema}model A {\n id Int @id\n}\n`);
    await writeFile(join(modelsDir, 'a.prisma'), `${schema}model A {\n id Int @id\n colour String?\n}\n`);
    const made = await newMigration({ ownerUrl, name: 'Add colour', dir, beforeDir, modelsDir });
    expect(made).toBe(join(dir, '0008_add_colour'));
    expect(await readFile(join(made, 'migration.sql'), 'utf8')).toContain('ADD COLUMN     "colour" TEXT');
    expect(await readFile(join(made, 'down.sql'), 'utf8')).toContain('DROP COLUMN "colour"');
    const same = newMigration({ ownerUrl, name: 'again', dir, beforeDir, modelsDir: beforeDir });
    await expect(same).rejects.toThrow('there is nothing to migrate');
  });

  it('has a way back: every migration here has a down.sql', async () => {
    const { ownerUrl } = await database();
    const states = await migrationStatus({ ownerUrl });
    const downs = states.map(({ name }) => readFile(join(MIGRATIONS_DIR, name, 'down.sql'), 'utf8'));
    expect((await Promise.all(downs)).filter((sql) => sql.trim() === '')).toEqual([]);
  });
});
