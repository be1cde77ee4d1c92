import { describe, expect, it } from 'vitest';
import {
  FIRST,
  failure,
  issues,
  json,
  linkOf,
  NUMBERED,
  optionsFor,
  REPOSITORY,
  readAll,
  serve,
  TOKEN,
} from './github-server.ts';

describe('pages', () => {
  it('are followed to the last one', async () => {
    const { origin, asked, headers } = await serve();
    const pages = await readAll(optionsFor(origin, { since: new Date('2022-05-01T00:00:00.900Z') }));
    expect(pages.flatMap((page) => page.issues)).toEqual(issues);
    expect(pages.map(({ page, next, watermark }) => [page, next, watermark?.toISOString()])).toEqual([
      [1, `${origin}${NUMBERED}?per_page=3&page=2`, '2022-05-06T07:42:00.000Z'],
      [2, `${origin}${NUMBERED}?per_page=3&page=3`, '2022-05-06T07:45:00.000Z'],
      [3, `${origin}${NUMBERED}?per_page=3&page=4`, '2022-05-06T07:48:00.000Z'],
      [4, `${origin}${NUMBERED}?per_page=3&page=5`, '2022-05-06T07:51:00.000Z'],
      [5, null, '2022-05-06T07:52:00.000Z'],
    ]);
    expect(asked[0]).toBe(
      `${FIRST}?state=all&sort=updated&direction=asc&per_page=3&since=${encodeURIComponent('2022-05-01T00:00:00Z')}`,
    );
    expect(headers[4]).toMatchObject({
      authorization: `Bearer ${TOKEN}`,
      accept: 'application/vnd.github+json',
      'user-agent': 'argus',
      'x-github-api-version': '2022-11-28',
    });
  });

  it('are read without a token, and below a path', async () => {
    const { origin, asked, headers } = await serve((_request, response) => json(response, 200, []));
    const pages = await readAll(optionsFor(`${origin}/api/v3/`, { token: null, perPage: 100 }));
    expect(pages).toEqual([{ issues: [], next: null, page: 1, watermark: null }]);
    expect(asked).toEqual([`/api/v3${FIRST}?state=all&sort=updated&direction=asc&per_page=100`]);
    expect(headers[0]?.authorization).toBeUndefined();
  });

  it('go on from a cursor', async () => {
    const { origin, asked } = await serve();
    const cursor = `${origin}${NUMBERED}?per_page=3&page=4`;
    const pages = await readAll(optionsFor(origin, { cursor }));
    expect(pages.map(({ page }) => page)).toEqual([4, 5]);
    expect(pages.flatMap((page) => page.issues)).toEqual(issues.slice(9));
    expect(asked).toHaveLength(2);
  });

  it('are found behind up to three redirects', async () => {
    const { origin, asked } = await serve((_request, response, url) => {
      const hop = Number(url.searchParams.get('hop') ?? 0);
      if (url.pathname === NUMBERED) return false;
      response.writeHead(301, { location: hop < 2 ? `?hop=${hop + 1}` : `${NUMBERED}?per_page=3` }).end();
      return true;
    });
    expect(await readAll(optionsFor(origin))).toHaveLength(5);
    expect(asked).toHaveLength(8);
  });
});

describe('answers that are not whole', () => {
  it('are an error when a page is short and not the last', async () => {
    const { origin } = await serve((_request, response, url) => {
      if (url.searchParams.get('page') !== '2') return false;
      return json(response, 200, issues.slice(3, 5), { link: linkOf(origin, 2, { next: 3 }) });
    });
    const error = await failure(optionsFor(origin));
    expect(error.message).toBe(`${REPOSITORY}: page 2 has 2 of 3 issues but is not the last: the answer was cut`);
    expect(error.cursor).toBe(`${origin}${NUMBERED}?per_page=3&page=2`);
  });

  it.each([
    ['an empty page before the last', [], 'has 0 of 3 issues but is not the last'],
    ['a page that is no list', { message: 'ok' }, 'page 1 is not a list of issues'],
  ])('are an error: %s', async (_name, body, message) => {
    const { origin } = await serve((_request, response) =>
      json(response, 200, body, { link: linkOf(origin, 1, { next: 2 }) }),
    );
    expect((await failure(optionsFor(origin))).message).toContain(message);
  });

  it('are an error when they are no JSON, or too large', async () => {
    const page = await serve((_request, response) => {
      response.writeHead(200).end('<html>');
      return true;
    });
    expect((await failure(optionsFor(page.origin))).message).toMatch(/an answer is not JSON/);
    const large = await serve((_request, response) => {
      response.writeHead(200).end(Buffer.alloc(21 * 1024 * 1024, ' '));
      return true;
    });
    expect((await failure(optionsFor(large.origin))).message).toMatch(/an answer is larger than 20 MiB/);
  });

  it('are an error when pages lead in a circle', async () => {
    const { origin } = await serve((_request, response) =>
      json(response, 200, issues.slice(0, 3), { link: linkOf(origin, 1, { next: 1 }) }),
    );
    expect((await failure(optionsFor(origin))).message).toMatch(/links back to a page that was read/);
  });
});

describe('another server', () => {
  it('gets no request, whoever links to it', async () => {
    const other = await serve();
    const link = await serve((_request, response) =>
      json(response, 200, issues.slice(0, 3), { link: linkOf(other.origin, 1, { next: 2 }) }),
    );
    const error = await failure(optionsFor(link.origin));
    expect(error.message).toBe(
      `${REPOSITORY}: the link to the next page leads away from ${link.origin}: it is not followed`,
    );
    const redirect = await serve((_request, response) => {
      response.writeHead(302, { location: `${other.origin}${FIRST}` }).end();
      return true;
    });
    expect((await failure(optionsFor(redirect.origin))).message).toMatch(/a redirect leads away from/);
    const cursor = `${other.origin}${FIRST}`;
    expect((await failure(optionsFor(link.origin, { cursor }))).message).toMatch(/the cursor leads away from/);
    expect(other.asked).toEqual([]);
  });

  it('is not looked for behind a fourth redirect', async () => {
    const { origin, asked } = await serve((_request, response) => {
      response.writeHead(307, { location: FIRST }).end();
      return true;
    });
    expect((await failure(optionsFor(origin))).message).toMatch(/more than 3 redirects/);
    expect(asked).toHaveLength(4);
  });
});
