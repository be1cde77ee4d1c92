import type { ServerResponse } from 'node:http';
import type { Services } from '../services.ts';

const READY_TIMEOUT_MS = 2_000;

/** Liveness: the process answers. Nothing else, so that a database that is away does not get the server killed. */
export function livez(res: ServerResponse): void {
  answer(res, 200, { status: 'ok' });
}

/** Readiness: a GraphQL operation runs through to PostgreSQL, and the server is not shutting down. */
export async function readyz(
  res: ServerResponse,
  services: Services,
  execute: () => Promise<boolean>,
  stopping: boolean,
): Promise<void> {
  if (stopping) {
    answer(res, 503, { status: 'stopping' });
    return;
  }
  const problems: string[] = [];
  const timeout = new Promise<never>((_, reject) => {
    setTimeout(() => reject(new Error('no answer in 2 s')), READY_TIMEOUT_MS).unref();
  });
  try {
    await Promise.race([services.pool.query('SELECT 1'), timeout]);
    if (!(await Promise.race([execute(), timeout]))) problems.push('graphql');
  } catch (error) {
    services.log.warn({ err: error }, 'not ready');
    problems.push('database');
  }
  answer(
    res,
    problems.length === 0 ? 200 : 503,
    problems.length === 0 ? { status: 'ok' } : { status: 'unavailable', problems },
  );
}

function answer(res: ServerResponse, status: number, body: object): void {
  res
    .writeHead(status, { 'content-type': 'application/json; charset=utf-8', 'cache-control': 'no-store' })
    .end(JSON.stringify(body));
}
