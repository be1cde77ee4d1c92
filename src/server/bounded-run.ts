import type { ServerResponse } from 'node:http';
import { GraphQLError } from 'graphql';
import type { Operation } from '../execution/operation.ts';
import type { Context } from '../graphql/context.ts';

/**
 * Runs a query until it is done, has taken too long, or its client has gone away: then what it still reads is given up.
 * A mutation is let run to its end, whoever waits for it.
 * @param res where the answer goes; undefined: to a stream, which tells otherwise
 * @param timeoutMs 0: no limit
 * @throws GraphQLError with the code TIMEOUT or CANCELLED
 */
export async function runBounded<T>(
  ctx: Pick<Context, 'abandon'>,
  { kind }: Pick<Operation, 'kind'>,
  res: ServerResponse | undefined,
  timeoutMs: number,
  run: () => Promise<T>,
): Promise<T> {
  if (kind !== 'query') return run();
  const stopped = Promise.withResolvers<never>();
  const stop = (error: GraphQLError) => {
    ctx.abandon(error);
    stopped.reject(error);
  };
  const timer = timeoutMs > 0 ? setTimeout(() => stop(timedOut(timeoutMs)), timeoutMs) : undefined;
  const gone = () => stop(cancelled());
  res?.once('close', gone);
  if (res?.destroyed) gone();
  try {
    return await Promise.race([run(), stopped.promise]);
  } finally {
    clearTimeout(timer);
    res?.off('close', gone);
  }
}

function timedOut(ms: number): GraphQLError {
  return new GraphQLError(`this took more than ${ms / 1_000} s and was stopped: ask for less, or filter more`, {
    extensions: { code: 'TIMEOUT', http: { status: 504 } },
  });
}

function cancelled(): GraphQLError {
  return new GraphQLError('the client went away', { extensions: { code: 'CANCELLED' } });
}
