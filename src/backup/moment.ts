import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import { BackupError } from './backup-error.ts';
import { readTables, settleSession } from './table-sums.ts';

/** A moment that has a name in the WAL, and a session whose transaction sees exactly what was committed before it. */
export interface Moment {
  session: pg.Client;
  /** ISO 8601, by the server's clock. */
  takenAt: string;
  stopLsn: string;
  /** The segment of WAL that holds the moment; it is complete. */
  lastSegment: string;
}

const ATTEMPTS = 20;
/** Lock not available; deadlock. */
const BUSY = new Set(['55P03', '40P01']);

/** Opens a session for backups. */
export async function connect(url: string): Promise<pg.Client> {
  const client = new pg.Client({ connectionString: url, application_name: 'argus backup', keepAlive: true });
  // A connection that is lost between two statements is reported by the next one.
  client.on('error', () => undefined);
  await client.connect();
  await settleSession(client);
  return client;
}

/**
 * Names the present moment in the WAL and opens a snapshot of it, so that a restore to the name and the snapshot must
 * show the same rows. For that, writing waits for the few milliseconds between the two: SHARE locks are granted when
 * no transaction that has written is open any more. Throws BackupError when they cannot be had.
 */
export async function takeMoment(url: string, name: string): Promise<Moment> {
  const [locks, session] = [await connect(url), await connect(url)];
  try {
    for (let attempt = 1; ; attempt += 1) {
      try {
        return await attemptMoment(locks, session, name);
      } catch (error) {
        await locks.query('ROLLBACK');
        await session.query('ROLLBACK');
        if (!BUSY.has(String(Reflect.get(Object(error), 'code')))) throw error;
        if (attempt === ATTEMPTS) throw new BackupError('Tables were locked by others all the time: try again later.');
        await sleep(500);
      }
    }
  } catch (error) {
    await session.end();
    throw error;
  } finally {
    await locks.end();
  }
}

async function attemptMoment(locks: pg.Client, session: pg.Client, name: string): Promise<Moment> {
  const tables = (await readTables(locks)).map(({ name }) => name);
  await locks.query('BEGIN');
  // Who waits for this lock keeps those who write waiting: not for long.
  await locks.query("SET LOCAL lock_timeout = '500ms'; SET LOCAL deadlock_timeout = '200ms'");
  if (tables.length > 0) await locks.query(`LOCK TABLE ${tables.join(', ')} IN SHARE MODE`);
  await session.query('BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY');
  await session.query('SELECT 1');
  const { rows } = await locks.query<{ at: Date; lsn: string; segment: string }>(
    `SELECT clock_timestamp() AS at, lsn, pg_walfile_name(lsn) AS segment FROM pg_create_restore_point($1) AS lsn`,
    [name],
  );
  await locks.query('COMMIT');
  const [point] = rows;
  if (!point) throw new BackupError('The server made no restore point.');
  await locks.query('SELECT pg_switch_wal()');
  return { session, takenAt: point.at.toISOString(), stopLsn: point.lsn, lastSegment: point.segment };
}
