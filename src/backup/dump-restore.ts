import { join } from 'node:path';
import type { ClientBase } from 'pg';
import type { Env } from '../env.ts';
import { BackupError } from './backup-error.ts';
import { type Backup, DUMP, type DumpManifest } from './manifest.ts';
import { connect } from './moment.ts';
import { findProgram, libpqEnvironment, runProgram } from './pg-programs.ts';
import { differences, seesAll, tableSums } from './table-sums.ts';

/** What a database has that is neither the system's nor an extension's. */
const CONTENTS = `SELECT format('%I.%I', n.nspname, o.name) AS name FROM (
    SELECT relnamespace AS namespace, relname AS name, oid, 'pg_class'::regclass AS of FROM pg_class
    UNION ALL SELECT pronamespace, proname, oid, 'pg_proc'::regclass FROM pg_proc
    UNION ALL SELECT typnamespace, typname, oid, 'pg_type'::regclass FROM pg_type
  ) o JOIN pg_namespace n ON n.oid = o.namespace
  WHERE n.nspname NOT IN ('pg_catalog', 'information_schema') AND n.nspname NOT LIKE 'pg\\_%'
    AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = o.of AND d.objid = o.oid AND d.deptype IN ('e', 'i'))
  ORDER BY 1 LIMIT 3`;

/** The roles that grants in the dump name, as the first migration makes them. */
const ROLES = `DO $$
DECLARE role_name text;
BEGIN
  FOREACH role_name IN ARRAY ARRAY['argus_app', 'argus_search'] LOOP
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = role_name) THEN
      EXECUTE format('CREATE ROLE %I NOLOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOBYPASSRLS', role_name);
    END IF;
  END LOOP;
  IF NOT pg_has_role(current_user, 'argus_app', 'MEMBER') THEN
    EXECUTE format('GRANT argus_app TO %I', current_user);
  END IF;
END
$$`;

/**
 * Restores a dump into the database of `url`, in one transaction. Everything belongs to its role but for the search
 * functions, as after the migrations. Gives a sentence for each table that is not as it was, or null when the role does
 * not see all rows. Throws BackupError when the database is not empty, or pg_restore is too old or fails: then nothing
 * was changed.
 */
export async function restoreDump(
  backup: Backup<DumpManifest>,
  url: string,
  env: Pick<Env, 'NODE_ENV' | 'CONNECT_TIMEOUT_MS' | 'PG_BIN'>,
): Promise<string[] | null> {
  const client = await connect(url);
  try {
    const { rows } = await client.query<{ name: string }>(CONTENTS);
    if (rows.length > 0) {
      const some = rows.map(({ name }) => name).join(', ');
      throw new BackupError(`The database is not empty, it has ${some}: restore into a new one (CREATE DATABASE …).`);
    }
    const program = await findProgram('pg_restore', backup.manifest.postgres, env);
    await client.query(ROLES);
    const variables = libpqEnvironment(url, env);
    const into = `--dbname=${variables.PGDATABASE ?? variables.PGUSER ?? ''}`;
    const { code, output } = await runProgram(
      program,
      // Comments on extensions could only be made by their owner; Argus has no others.
      [
        '--no-owner',
        '--no-comments',
        '--single-transaction',
        '--exit-on-error',
        '--no-password',
        into,
        join(backup.path, DUMP),
      ],
      { env: variables },
    );
    if (code !== 0) throw new BackupError(`pg_restore failed, and nothing was changed: ${output.slice(-2_000)}`);
    await giveToSearch(client, backup.manifest.searchFunctions);
    return (await seesAll(client)) ? differences(backup.manifest.tables, await tableSums(client)) : null;
  } finally {
    await client.end();
  }
}

/** Gives the search functions their owner; the membership that this needs is given back, as in the migrations. */
async function giveToSearch(client: ClientBase, signatures: readonly string[]): Promise<void> {
  const { rows } = await client.query<{ member: boolean; me: string }>(
    `SELECT quote_ident(current_user) AS me, pg_has_role(current_user, 'argus_search',
       CASE WHEN current_setting('server_version_num')::int >= 160000 THEN 'SET' ELSE 'MEMBER' END) AS member`,
  );
  const [{ member, me } = { member: true, me: '' }] = rows;
  await client.query('BEGIN');
  if (!member) await client.query(`GRANT argus_search TO ${me}`);
  await client.query('GRANT CREATE ON SCHEMA public TO argus_search');
  for (const signature of signatures) await client.query(`ALTER FUNCTION ${signature} OWNER TO argus_search`);
  await client.query('REVOKE CREATE ON SCHEMA public FROM argus_search');
  if (!member) await client.query(`REVOKE argus_search FROM ${me}`);
  await client.query('COMMIT');
}
