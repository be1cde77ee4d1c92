import { buildSchema } from 'graphql';
import { createYoga } from 'graphql-yoga';
import { expect, test } from 'vitest';
import { mediaTypeOf } from '../../../src/server/media-type.ts';

const yoga = createYoga({ schema: buildSchema('type Query { a: Int }'), logging: false, graphiql: false });

/** What Yoga answers a query with, when that is JSON. */
async function byYoga(accept: string): Promise<string | null> {
  const response = await yoga.fetch('http://localhost/graphql', {
    method: 'POST',
    headers: { 'content-type': 'application/json', accept },
    body: '{"query":"{ a }"}',
  });
  await response.text();
  const [type = ''] = response.headers.get('content-type')?.split(';') ?? [];
  return response.status === 200 && /json$/.test(type) ? type : null;
}

const RANGES = [
  'application/json',
  'application/graphql-response+json',
  'application/*',
  '*/*',
  '*/json',
  '*/graphql-response+json',
  'Application/JSON',
  'application',
  '*',
  'text/html',
  'text/event-stream',
  'multipart/mixed',
  'application/graphql+json',
  '',
];
const PARAMETERS = [
  '',
  '',
  '',
  ';q=0.5',
  ';q=0',
  '; charset=utf-8',
  ';charset=UTF-8',
  ';charset=latin1',
  ';q=1;charset=utf-16',
];

test('the media type is that which Yoga answers with, for any header', async () => {
  let state = 1;
  const random = (below: number) => {
    state = (state * 1_103_515_245 + 12_345) % 2 ** 31;
    return (state >> 8) % below;
  };
  const seen = new Map<string | null, number>();
  for (let i = 0; i < 1_500; i++) {
    const entries = Array.from(
      { length: 1 + random(4) },
      () => `${RANGES[random(RANGES.length)]}${PARAMETERS[random(PARAMETERS.length)]}`,
    );
    const accept = entries.join(random(2) ? ', ' : ',').trim();
    const type = mediaTypeOf(accept);
    expect(type, accept).toBe(await byYoga(accept));
    seen.set(type, (seen.get(type) ?? 0) + 1);
  }
  expect(mediaTypeOf(undefined)).toBe('application/json');
  for (const type of ['application/json', 'application/graphql-response+json', null]) {
    expect(seen.get(type), String(type)).toBeGreaterThan(100);
  }
});
