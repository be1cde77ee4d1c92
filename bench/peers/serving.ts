import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import pg from 'pg';

/** What each contender is started with. */
export function settings(): { port: number; url: string; tenantId: string; poolSize: number } {
  const { PORT, DATABASE_URL, TENANT_ID, DB_POOL_SIZE } = process.env;
  if (!PORT || !DATABASE_URL || !TENANT_ID || !DB_POOL_SIZE) throw new Error('started by the benchmark only');
  return { port: Number(PORT), url: DATABASE_URL, tenantId: TENANT_ID, poolSize: Number(DB_POOL_SIZE) };
}

/** Of a pool of the size that all contenders have. */
export function poolConfig(): pg.PoolConfig {
  const { url, poolSize } = settings();
  return { connectionString: url, min: poolSize, max: poolSize };
}

export function openPool(): pg.Pool {
  const pool = new pg.Pool(poolConfig());
  pool.on('error', () => {});
  return pool;
}

/** Serves over bare node:http until the process is ended. */
export function serve(handle: (req: IncomingMessage, res: ServerResponse) => void): void {
  createServer(handle).listen(settings().port, '127.0.0.1');
}
