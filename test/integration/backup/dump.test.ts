import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { backUpDump } from '../../../src/backup/dump.ts';
import { restoreDump } from '../../../src/backup/dump-restore.ts';
import type { Backup, DumpManifest } from '../../../src/backup/manifest.ts';
import { connect } from '../../../src/backup/moment.ts';
import { findProgram, libpqEnvironment } from '../../../src/backup/pg-programs.ts';
import { storeBackup } from '../../../src/backup/store.ts';
import { tableSums } from '../../../src/backup/table-sums.ts';
import { loadEnv } from '../../../src/env.ts';
import { createTestDatabase, emptyDatabase, type TestDatabase } from '../../support/database.ts';

const work = { signal: new AbortController().signal, onProgress: () => {} };
const env = loadEnv({ NODE_ENV: 'test' });
let dir = '';
let source: TestDatabase;

async function ask<T>(url: string, sql: string): Promise<T[]> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    return (await client.query<T & pg.QueryResultRow>(sql)).rows;
  } finally {
    await client.end();
  }
}

/** Whether this machine has a client as new as the server of the tests. */
async function clientOfServer(): Promise<boolean> {
  const [row] = await ask<{ server_version: string }>(inject('adminUrl'), 'SHOW server_version');
  return findProgram('pg_dump', row?.server_version ?? '', env).then(
    () => true,
    () => false,
  );
}

async function fakeProgram(version: string): Promise<string> {
  await writeFile(join(dir, 'pg_dump'), `#!/bin/sh\necho 'pg_dump (PostgreSQL) ${version} (Debian)'\n`, {
    mode: 0o755,
  });
  return dir;
}

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'argus-dump-'));
  source = await createTestDatabase();
  await ask(
    source.ownerUrl,
    `INSERT INTO tenants (id, slug, name) SELECT gen_random_uuid(), 't' || g, 'T' FROM generate_series(1, 9) g`,
  );
});

afterAll(async () => {
  await source.drop();
  await rm(dir, { recursive: true });
});

describe('pg_dump', () => {
  it('that is older than the server is refused, with both versions', async () => {
    const PG_BIN = await fakeProgram('15.13');
    const refused = findProgram('pg_dump', '18.4', { PG_BIN });
    await expect(refused).rejects.toThrow(
      /PostgreSQL 18\.4, which needs a pg_dump 18 or newer: .*pg_dump is 15\.13.*PG_BIN/,
    );
    expect(await findProgram('pg_dump', '15.99', { PG_BIN })).toBe(join(dir, 'pg_dump'));
    await expect(findProgram('pg_restore', '15.1', { PG_BIN })).rejects.toThrow('none was found');
  });

  it('gets everything by its environment', () => {
    const url = 'postgresql://ada:s%40crt@db.example.org:6000/argus?sslmode=verify-full&sslrootcert=system';
    expect(libpqEnvironment(url, loadEnv({}))).toEqual({
      PGHOST: 'db.example.org',
      PGPORT: '6000',
      PGUSER: 'ada',
      PGPASSWORD: 's@crt',
      PGDATABASE: 'argus',
      PGSSLMODE: 'verify-full',
      PGSSLROOTCERT: 'system',
      PGCONNECT_TIMEOUT: '20',
      PGAPPNAME: 'argus backup',
    });
  });
});

describe('a dump', () => {
  it('is refused to a role that does not see all rows', async () => {
    await expect(backUpDump(source.appUrl, dir, env, work)).rejects.toThrow('argus_app does not see all rows');
  });

  it('is not restored into a database that has something', async () => {
    const backup = { name: 'x', path: dir, manifest: { kind: 'dump' } as DumpManifest };
    await expect(restoreDump(backup, source.ownerUrl, env)).rejects.toThrow(
      'The database is not empty, it has public.',
    );
  });
});

describe.runIf(await clientOfServer())('a dump made by this machine’s client', () => {
  it('restored by an owner without further rights: every table as it was, with the same rights', async () => {
    const stored = await storeBackup(
      dir,
      async (target) => {
        const part = await backUpDump(source.ownerUrl, target, env, work);
        return { format: 1, version: 'test', bytes: 1, ...part };
      },
      false,
    );
    const backup = stored as Backup<DumpManifest>;
    const target = await emptyDatabase();
    const owner = `dump_owner_${process.pid}`;
    const url = new URL(target.ownerUrl);
    const name = url.pathname.slice(1);
    Object.assign(url, { username: owner, password: 'x' });
    try {
      await ask(target.ownerUrl, `CREATE ROLE ${owner} LOGIN CREATEROLE PASSWORD 'x'`);
      await ask(target.ownerUrl, `GRANT argus_app, argus_search TO ${owner} WITH ADMIN OPTION`);
      await ask(target.ownerUrl, `ALTER DATABASE "${name}" OWNER TO ${owner}`);
      await restoreDump(backup, url.href, env);
      const client = await connect(target.ownerUrl);
      expect(await tableSums(client)).toEqual(backup.manifest.tables);
      expect(backup.manifest.tables['public.tenants']?.rows).toBe('9');
      await client.end();
      const rights = `SELECT p.oid::regprocedure::text AS name, pg_get_userbyid(proowner) = 'argus_search' AS search,
        has_function_privilege('argus_app', p.oid, 'EXECUTE') AS app, prosecdef FROM pg_proc p
        WHERE pronamespace = 'public'::regnamespace ORDER BY 1`;
      expect(await ask(target.ownerUrl, rights)).toEqual(await ask(source.ownerUrl, rights));
    } finally {
      await target.drop();
      await ask(inject('adminUrl'), `DROP ROLE ${owner}`);
    }
  });
});
