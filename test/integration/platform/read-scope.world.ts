import { createServer, connect as dial, type Server, type Socket } from 'node:net';
import pg from 'pg';
import { systemViewer, type Viewer } from '../../../src/access/viewer.ts';
import { type Database, openDatabase } from '../../../src/data/database.ts';
import { ReadScope } from '../../../src/data/read-scope.ts';
import type { Statement } from '../../../src/data/statement.ts';
import { StatementLog } from '../../../src/data/statement-log.ts';
import { loadEnv } from '../../../src/env.ts';
import { newId } from '../../../src/graphql/ids.ts';
import { createLog } from '../../../src/log.ts';
import { createTestDatabase, type TestDatabase } from '../../support/database.ts';

/** A migrated database with two tenants and a table of numbers, which the owner may change from another connection. */
export interface ReadWorld {
  database: TestDatabase;
  owner: pg.Client;
  a: Viewer;
  b: Viewer;
  /** opens pools as the server does; they are closed with the world */
  open(url: string, env?: Record<string, string>): Promise<Database>;
  close(): Promise<void>;
}

export async function createReadWorld(): Promise<ReadWorld> {
  const database = await createTestDatabase();
  const owner = new pg.Client({ connectionString: database.ownerUrl });
  await owner.connect();
  await owner.query('CREATE TABLE numbers (n int NOT NULL); GRANT SELECT, INSERT ON numbers TO argus_app');
  const [a, b] = [systemViewer(newId(), 'test'), systemViewer(newId(), 'test')];
  await owner.query(`INSERT INTO tenants (id, slug, name) VALUES ($1, 'a', 'A'), ($2, 'b', 'B')`, [
    a.tenantId,
    b.tenantId,
  ]);
  const opened: Database[] = [];
  return {
    database,
    owner,
    a,
    b,
    open: async (url, variables = {}) => {
      const env = loadEnv({ NODE_ENV: 'test', DB_POOL_SIZE: '1', ARGUS_DIR: '.argus/test', ...variables });
      const made = await openDatabase(url, env, statementLog());
      opened.push(made);
      return made;
    },
    close: async () => {
      await Promise.all(opened.map((one) => one.close()));
      await owner.end();
      await database.drop();
    },
  };
}

const statementLog = () => new StatementLog(60_000, createLog({ level: 'silent', pretty: false }));

export function scopeOf({ pool, setRole }: Database, viewer: Viewer): ReadScope {
  return new ReadScope({ pool, setRole, statements: statementLog() }, viewer);
}

/** A scope that only looks up, in one flight: it may share a connection. */
export function lookUp(database: Database, viewer: Viewer): ReadScope {
  return Object.assign(scopeOf(database, viewer), { looksUp: true, lastFlight: 1 });
}

export const sql = (text: string, values: unknown[] = [], name?: string): Statement => ({ name, text, values });

/** The outcome of a statement: its rows, or the code or message of its error. */
export const outcome = (rows: Promise<unknown>): Promise<unknown> =>
  rows.catch((error: unknown) => Reflect.get(Object(error), 'code') ?? String(error));

export interface Proxy {
  url: string;
  /** how many flights were sent, each of which ends by a Flush or a Sync */
  flights(): number;
  /** pieces in which it came */
  chunks(): number;
  /** all that was sent, as one character for each byte */
  sent(): string;
  /** breaks all connections off */
  cut(): void;
  close(): void;
}

/** A way to the server that counts what is sent to it, and can break off. */
export async function openProxy(url: string): Promise<Proxy> {
  const { hostname, port } = new URL(url);
  let sent = '';
  let chunks = 0;
  const sockets = new Set<Socket>();
  const server: Server = createServer((near) => {
    const far = dial(Number(port), hostname);
    sockets.add(near);
    near.setNoDelay(true);
    far.setNoDelay(true);
    near.on('data', (chunk) => {
      sent += chunk.toString('latin1');
      chunks++;
    });
    near.pipe(far).pipe(near);
    near.on('error', () => far.destroy());
    far.on('error', () => near.destroy());
    near.on('close', () => far.destroy());
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  const target = new URL(url);
  target.hostname = '127.0.0.1';
  target.port = String(address.port);
  return {
    url: target.href,
    flights: () => ['H', 'S'].reduce((n, type) => n + sent.split(`${type}\0\0\0\x04`).length - 1, 0),
    chunks: () => chunks,
    sent: () => sent,
    cut: () => {
      for (const socket of sockets) socket.destroy();
    },
    close: () => server.close(),
  };
}
