import { PrismaPg } from '@prisma/adapter-pg';
import pg from 'pg';
import { PrismaClient } from '../../generated/prisma/client.ts';
import type { Env } from '../env.ts';
import { poolConfig } from './connection.ts';
import type { ReadConnections } from './read-scope.ts';
import { RowClient } from './row-parser.ts';
import { SharedConnections } from './shared-connections.ts';
import { statementName } from './statement.ts';
import type { StatementLog } from './statement-log.ts';

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

const parseAnyInstant = pg.types.getTypeParser(1184);
// Date.UTC takes the years 0 to 99 for 1900 to 1999.
const IN_UTC = /^(?!00)\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(?:\.\d{1,3})?\+00$/;

/** timestamptz: in UTC, as sessions for reads write it, several times as fast as the driver's own way. */
function parseInstant(text: string): unknown {
  if (!IN_UTC.test(text)) return parseAnyInstant(text);
  const part = (from: number, to: number) => Number(text.slice(from, to));
  const milliseconds = text.length > 22 ? Number(text.slice(20, -3).padEnd(3, '0')) : 0;
  return new Date(
    Date.UTC(part(0, 4), part(5, 7) - 1, part(8, 10), part(11, 13), part(14, 16), part(17, 19), milliseconds),
  );
}

const TEXT_ARRAY = 1009;
/** By type oid. */
const PARSERS: Readonly<Record<number, (text: string) => unknown>> = {
  // int8: a bigint as a JavaScript number would lose digits.
  20: BigInt,
  1184: parseInstant,
  // date: midnight in UTC, as Prisma reads it; the driver would take this machine's time zone.
  1082: (text) => new Date(`${text}T00:00:00Z`),
  // numeric[]: as texts, like a single numeric; the driver would make floats of them.
  1231: pg.types.getTypeParser(TEXT_ARRAY as never),
};
/** How columns are read: rows are what Prisma's types say, but that a decimal is its text. */
export const TYPES: pg.CustomTypesConfig = {
  getTypeParser: (oid, format) =>
    ((format !== 'binary' && PARSERS[oid]) || pg.types.getTypeParser(oid, format)) as never,
};

/** What every transaction of the pool for reads is, unless it says otherwise. */
const READS = String.raw`-c default_transaction_isolation=repeatable\ read -c default_transaction_read_only=on -c timezone=UTC`;

/** Connections that look-ups share. One does more of them than a process can ask for; a second is there when it is held up. */
const SHARED = 2;

/** Opens the pools: one for reads and Prisma's for writes. Fails with what to do when the server is away. */
export async function openDatabase(url: string, env: Env, statements: StatementLog): Promise<Database> {
  const config = poolConfig(url, env);
  const options = [config.options, READS].filter(Boolean).join(' ');
  const reads = openPool({ ...config, types: TYPES, options, Client: RowClient });
  const { setRole, citus } = await askServer(reads, url).catch(async (error: unknown) => {
    await reads.end();
    throw error;
  });
  const shared = citus ? null : new SharedConnections(reads, SHARED);
  const pool = Object.assign(reads, { citus, idleMs: env.IDLE_TX_TIMEOUT_MS, shared });
  // Prisma leaves statements unnamed, which PostgreSQL then parses and plans each time.
  const writes = openPool(config);
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

function openPool(config: pg.PoolConfig): pg.Pool {
  const pool = new pg.Pool(config);
  // A connection that breaks while idle is replaced at its next use; without a listener it would end the process.
  pool.on('error', () => {});
  // The pool listens only while a connection is idle. One that breaks in use fails its next statement, which is enough.
  pool.on('connect', (client) => client.on('error', () => {}));
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
