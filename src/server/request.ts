import type { IncomingMessage } from 'node:http';
import { isIP } from 'node:net';
import { GraphQLError } from 'graphql';
import { plainAddress } from '../access/address.ts';

/**
 * The caller's address. Behind `proxies` trusted proxies it is the entry of X-Forwarded-For that the outermost of them
 * wrote: entries left of it are the caller's own claims. In the one spelling of `plainAddress`.
 */
export function clientAddress(req: IncomingMessage, proxies: number): string | null {
  const { remoteAddress } = req.socket;
  const direct = remoteAddress === undefined ? null : plainAddress(remoteAddress);
  if (proxies === 0) return direct;
  const header = req.headers['x-forwarded-for'];
  const hops = (Array.isArray(header) ? header.join(',') : (header ?? '')).split(',').map((hop) => hop.trim());
  const claimed = hops.at(-proxies);
  return claimed && isIP(claimed) !== 0 ? plainAddress(claimed) : direct;
}

/** The header `min-seq` of a request. @throws GraphQLError that answers with 400 */
export function minSeqOf(given: string | string[] | undefined): bigint | null {
  if (given === undefined) return null;
  if (typeof given === 'string' && /^\d{1,18}$/.test(given)) return BigInt(given);
  const shown = JSON.stringify(String(given).slice(0, 60));
  throw new GraphQLError(`the header min-seq is ${shown}: it has to be a whole number from 0, of at most 18 digits`, {
    extensions: { code: 'INVALID_INPUT', http: { status: 400 } },
  });
}
