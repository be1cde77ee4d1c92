import type { IncomingMessage } from 'node:http';
import { isIP } from 'node:net';

/**
 * The caller's address. Behind `proxies` trusted proxies it is the entry of X-Forwarded-For that the outermost of them
 * wrote: entries left of it are the caller's own claims.
 */
export function clientAddress(req: IncomingMessage, proxies: number): string | null {
  const direct = req.socket.remoteAddress?.replace(/^::ffff:/, '') ?? null;
  if (proxies === 0) return direct;
  const header = req.headers['x-forwarded-for'];
  const hops = (Array.isArray(header) ? header.join(',') : (header ?? '')).split(',').map((hop) => hop.trim());
  const claimed = hops.at(-proxies);
  return claimed && isIP(claimed) !== 0 ? claimed : direct;
}
