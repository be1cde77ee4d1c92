import { PrismaPg } from '@prisma/adapter-pg';
import pg from 'pg';
import { PrismaClient } from '../../generated/prisma/client.ts';
import type { Env } from '../env.ts';
import { poolConfig } from './connection.ts';
import type { ReadConnections } from './read-scope.ts';
import { RowClient } from './row-parser.ts';
import { SharedConnections } from './shared-connections.ts';
import { standBack } from './stand-back.ts';
import { statementName } from './statement.ts';
import type { StatementLog } from './statement-log.ts';
import { TYPES } from './value-types.ts';
import { WritePool } from './write-session.ts';

export interface Database {
  url: string;
  pool: ReadConnections;
  /** Prisma's connections */
  writes: pg.Pool;
  prisma: PrismaClient;
  /** the login role is not argus_app, so every transaction takes that role first */
  setRole: boolean;
  close(): Promise<void>;
}

/** What every transaction of the pool for reads is, unless it says otherwise. */
const READS = String.raw`-c default_transaction_isolation=repeatable\ read -c default_transaction_read_only=on -c timezone=UTC`;

/** Connections that look-ups share. One does more of them than a process can ask for; a second is there when it is held up. */
const SHARED = 2;

/** Opens the pools: one for reads and Prisma's for writes. Fails with what to do when the server is away. */
export async function openDatabase(url: string, env: Env, statements: StatementLog): Promise<Database> {
  const config = poolConfig(url, env);
  const options = [config.options, READS].filter(Boolean).join(' ');
  const reads = watched(new pg.Pool({ ...config, types: TYPES, options, Client: RowClient }));
  const { setRole, citus } = await askServer(reads, url).catch(async (error: unknown) => {
    await reads.end();
    throw error;
  });
  const shared = citus ? null : new SharedConnections(reads, SHARED);
  const pool = Object.assign(reads, { citus, idleMs: env.IDLE_TX_TIMEOUT_MS, shared });
  // Prisma leaves statements unnamed, which PostgreSQL then parses and plans each time.
  const writes = watched(new WritePool(config));
  const adapter = new PrismaPg(writes, { statementNameGenerator: writeNames() });
  // Other formats show the values that a call was given.
  const prisma = new PrismaClient({ adapter, errorFormat: 'minimal', log: [{ emit: 'event', level: 'query' }] });
  prisma.$on('query', (event) => statements.record(event.query, event.duration));
  return {
    url,
    pool,
    writes,
    prisma,
    setRole,
    close: async () => {
      await prisma.$disconnect();
      await Promise.all([pool.end(), writes.end()]);
    },
  };
}

/** Most texts of writes that are named: each is kept prepared by every connection that ran it. */
const MAX_WRITES = 2_000;

function writeNames(): (statement: { sql: string }) => string {
  const named = new Set<string>();
  return ({ sql }) => {
    if (!named.has(sql) && named.size >= MAX_WRITES) return '';
    const name = statementName(sql);
    if (name) named.add(sql);
    return name ?? '';
  };
}

function watched(pool: pg.Pool): pg.Pool {
  // A connection that breaks while idle is replaced at its next use; without a listener it would end the process.
  pool.on('error', () => {});
  // The pool listens only while a connection is idle. One that breaks in use fails its next statement, which is enough.
  pool.on('connect', (client) => {
    client.on('error', () => {});
    void standBack(client);
  });
  return pool;
}

/** argus_app itself is bound by row-level security; anybody else (an owner, a superuser) has to become it. */
async function askServer(pool: pg.Pool, url: string): Promise<{ setRole: boolean; citus: boolean }> {
  const { rows } = await pool
    .query<{ role: string; member: boolean | null; citus: boolean }>(
      `SELECT current_user AS role, pg_has_role(current_user, oid, 'MEMBER') AS member,
         EXISTS (SELECT FROM pg_extension WHERE extname = 'citus') AS citus
       FROM (SELECT 1) one LEFT JOIN pg_roles ON rolname = 'argus_app'`,
    )
    .catch((error: unknown) => {
      const reason = error instanceof Error ? error.message : String(error);
      const { host } = new URL(url);
      throw new Error(
        `cannot reach PostgreSQL at ${host}: ${reason}. Check that it runs and that DATABASE_URL is right.`,
      );
    });
  const [row] = rows;
  if (!row || row.member === null) throw new Error('the database has no role argus_app: run "argus migrate up" first');
  if (!row.member)
    throw new Error(`the role ${row.role} may not become argus_app: as the owner run "GRANT argus_app TO ${row.role}"`);
  return { setRole: row.role !== 'argus_app', citus: row.citus };
}
