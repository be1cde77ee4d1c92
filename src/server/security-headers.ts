import type { Env } from '../env.ts';
import type { HeadedResponse } from './headed-response.ts';

const YEAR_S = 31_536_000;

/**
 * Headers of every answer, by what they keep a browser from: guessing types, showing it in a frame, telling the address
 * to others, sharing a window. Over TLS also from asking without it; TLS ends in front of the server, so PUBLIC_URL
 * tells whether there is any.
 */
export function securityHeaders({
  NODE_ENV,
  PUBLIC_URL,
}: Pick<Env, 'NODE_ENV' | 'PUBLIC_URL'>): (res: HeadedResponse) => void {
  const headers: [string, string][] = [
    ['x-content-type-options', 'nosniff'],
    ['x-frame-options', 'DENY'],
    ['content-security-policy', "default-src 'none'; frame-ancestors 'none'"],
    ['referrer-policy', 'no-referrer'],
    ['cross-origin-opener-policy', 'same-origin'],
  ];
  if (NODE_ENV === 'production' && PUBLIC_URL.startsWith('https:'))
    headers.push(['strict-transport-security', `max-age=${YEAR_S}; includeSubDomains`]);
  return (res) => {
    for (const [name, value] of headers) res.always(name, value);
  };
}
