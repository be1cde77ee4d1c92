/** What an answer to a query or mutation may be sent as. */
export type MediaType = 'application/json' | 'application/graphql-response+json';

/**
 * The media type that Yoga would answer with, whose rules these are: the first entry that fits, weights left aside, and
 * plain JSON where both fit; none without a charset or with UTF-8 is passed over. Null when no JSON is asked for.
 */
export function mediaTypeOf(accept: string | undefined): MediaType | null {
  if (!accept || accept === '*/*' || accept === 'application/json') return 'application/json';
  for (const entry of accept.replace(/\s/g, '').toLowerCase().split(',')) {
    const [range = '', ...parameters] = entry.split(';');
    const charset = parameters.find((one) => one.includes('charset=')) ?? 'charset=utf-8';
    if (charset !== 'charset=utf-8') continue;
    const [type, subtype] = range.split('/');
    if (type !== '*' && type !== 'application') continue;
    if (subtype === '*' || subtype === 'json') return 'application/json';
    if (subtype === 'graphql-response+json') return 'application/graphql-response+json';
  }
  return null;
}
