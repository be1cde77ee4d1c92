import { join } from 'node:path';
import type { Env } from '../env.ts';
import { BackupError } from './backup-error.ts';
import { insistOnSpace, readHashed } from './files.ts';
import { DUMP, type DumpManifest } from './manifest.ts';
import { connect } from './moment.ts';
import { findProgram, libpqEnvironment, runProgram } from './pg-programs.ts';
import { seesAll, tableSums } from './table-sums.ts';

export type DumpPart = Omit<DumpManifest, 'format' | 'version' | 'bytes'>;

interface Server {
  version: string;
  database: string;
  bytes: string;
  role: string;
  at: Date;
  snapshot: string;
}

const SERVER = `SELECT current_setting('server_version') AS version, current_database() AS database,
    pg_database_size(current_database())::text AS bytes, current_user AS role,
    clock_timestamp() AS at, pg_export_snapshot() AS snapshot`;

const SEARCH_FUNCTIONS = `SELECT oid::regprocedure::text AS signature FROM pg_proc
  WHERE proowner = (SELECT oid FROM pg_roles WHERE rolname = 'argus_search') ORDER BY 1`;

/**
 * Writes a database to `<target>/database.dump` with pg_dump, and the sums of its tables in the same snapshot.
 * Throws BackupError when pg_dump is missing or older than the server, or the role may not read past row-level security.
 */
export async function backUpDump(
  url: string,
  target: string,
  env: Env,
  work: { onProgress: (done: number, total: number) => void; signal: AbortSignal },
): Promise<DumpPart> {
  const startedAt = new Date().toISOString();
  const client = await connect(url);
  try {
    await client.query('BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY');
    const [server] = (await client.query<Server>(SERVER)).rows;
    if (!server || !(await seesAll(client))) throw new BackupError(refusal(server?.role ?? 'of the URL'));
    const program = await findProgram('pg_dump', server.version, env);
    await insistOnSpace(target, Number(server.bytes), 'a backup');
    const tables = await tableSums(client, (done, total) => work.onProgress(done, total * 2));
    const total = Object.keys(tables).length;
    let dumped = 0;
    const path = join(target, DUMP);
    const { code, output } = await runProgram(
      program,
      ['--format=custom', '--no-password', '--verbose', `--snapshot=${server.snapshot}`, `--file=${path}`],
      {
        env: libpqEnvironment(url, env),
        signal: work.signal,
        onLine: (line) => {
          if (!line.includes('dumping contents of table')) return;
          dumped += 1;
          work.onProgress(total + Math.min(dumped, total), total * 2);
        },
      },
    );
    work.signal.throwIfAborted();
    if (code !== 0) throw new BackupError(`pg_dump failed: ${output.slice(-2_000)}`);
    const functions = await client.query<{ signature: string }>(SEARCH_FUNCTIONS);
    return {
      kind: 'dump',
      postgres: server.version,
      startedAt,
      takenAt: server.at.toISOString(),
      files: { [DUMP]: await readHashed(path, work.signal) },
      tables,
      searchFunctions: functions.rows.map(({ signature }) => signature),
    };
  } finally {
    await client.end();
  }
}

function refusal(role: string): string {
  return `The role ${role} does not see all rows: row-level security holds for owners too. Make a role for backups (CREATE ROLE argus_backup LOGIN BYPASSRLS PASSWORD '…'; GRANT pg_read_all_data TO argus_backup) and set BACKUP_DATABASE_URL to its URL.`;
}
