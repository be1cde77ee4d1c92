import { describe, expect, it } from 'vitest';
import { fetchIssues } from '../../../../src/modules/delivery/imports/github.client.ts';
import {
  closeAll,
  failure,
  issues,
  json,
  NUMBERED,
  optionsFor,
  REPOSITORY,
  readAll,
  serve,
  TOKEN,
  times,
  waits,
} from './github-server.ts';

describe('a server in trouble', () => {
  it('is asked again after a growing time', async () => {
    const told: string[] = [];
    const broken = times(3, (response) => (told.length === 1 ? response.destroy() : response.writeHead(502).end()));
    const { origin } = await serve(broken);
    const pages = await readAll(optionsFor(origin, { onWait: ({ reason }) => told.push(reason) }));
    expect(pages.flatMap((page) => page.issues)).toEqual(issues);
    expect(told).toEqual([
      'GitHub answers 502',
      expect.stringMatching(/^the request failed \(\w+\)$/),
      'GitHub answers 502',
    ]);
    for (const [attempt, ms] of waits.entries()) {
      expect(ms).toBeGreaterThanOrEqual(500 * 2 ** attempt);
      expect(ms).toBeLessThanOrEqual(1_000 * 2 ** attempt);
    }
  });

  it('is given up after five tries', async () => {
    const { origin, asked } = await serve(times(9, (response) => response.writeHead(500).end('x')));
    const error = await failure(optionsFor(origin));
    expect(error.message).toBe(`${REPOSITORY}: gave up after 5 tries: GitHub answers 500`);
    expect(error.cursor).toBe(`${origin}${asked[0]}`);
    expect(asked).toHaveLength(5);
    expect(waits).toHaveLength(4);
  });

  it('that cannot be reached is given up too', async () => {
    const { origin } = await serve();
    await closeAll();
    expect((await failure(optionsFor(origin))).message).toMatch(/gave up after 5 tries: the request failed \(ECONN/);
  });
});

describe('a rate limit', () => {
  const reset = (inSeconds: number) => String(Math.floor(Date.now() / 1_000) + inSeconds);

  it('is waited for as long as GitHub says, and a second more', async () => {
    const limited = times(1, (response) => json(response, 429, { message: 'slow down' }, { 'retry-after': '7' }));
    const { origin } = await serve(limited);
    expect(await readAll(optionsFor(origin))).toHaveLength(5);
    expect(waits).toEqual([8_000]);
  });

  it('is waited for until its reset', async () => {
    const headers = { 'x-ratelimit-limit': '60', 'x-ratelimit-remaining': '0', 'x-ratelimit-reset': reset(30) };
    const { origin } = await serve(times(1, (response) => json(response, 403, {}, headers)));
    expect(await readAll(optionsFor(origin))).toHaveLength(5);
    expect(waits).toHaveLength(1);
    expect(waits[0]).toBeGreaterThan(28_000);
    expect(waits[0]).toBeLessThanOrEqual(31_000);
  });

  it('that does not say how long is waited for a minute', async () => {
    const body = { message: 'You have exceeded a secondary rate limit' };
    const { origin } = await serve(times(1, (response) => json(response, 403, body)));
    expect(await readAll(optionsFor(origin, { deadlineMs: 120_000 }))).toHaveLength(5);
    expect(waits).toEqual([61_000]);
  });

  it('beyond the deadline ends the reading, with the page to go on from', async () => {
    const headers = { 'x-ratelimit-limit': '60', 'x-ratelimit-remaining': '0', 'x-ratelimit-reset': reset(3_600) };
    const { origin } = await serve((_request, response, url) =>
      url.searchParams.get('page') === '3' ? json(response, 403, {}, headers) : false,
    );
    const error = await failure(optionsFor(origin));
    expect(error.message).toMatch(/rate limit .* beyond the deadline: try again after \d{4}-/);
    expect(error.cursor).toBe(`${origin}${NUMBERED}?per_page=3&page=3`);
    const seconds = ((error.retryAt?.getTime() ?? 0) - Date.now()) / 1_000;
    expect(seconds).toBeGreaterThan(3_500);
    expect(seconds).toBeLessThanOrEqual(3_601);
    expect(waits).toEqual([]);
  });

  it('with a reset in the past is not waited for without end', async () => {
    const headers = { 'x-ratelimit-limit': '60', 'x-ratelimit-remaining': '0', 'x-ratelimit-reset': reset(-600) };
    const { origin, asked } = await serve((_request, response) => json(response, 403, {}, headers));
    expect((await failure(optionsFor(origin))).message).toMatch(/gave up after 5 tries: the rate limit/);
    expect(asked).toHaveLength(5);
    expect(waits).toEqual([1_000, 1_000, 1_000, 1_000]);
  });

  it('of 0 of 0 requests is none: the answer is a refusal', async () => {
    const headers = { 'x-ratelimit-limit': '0', 'x-ratelimit-remaining': '0', 'x-ratelimit-reset': reset(30) };
    const { origin, asked } = await serve((_request, response) => json(response, 403, {}, headers));
    expect((await failure(optionsFor(origin))).message).toMatch(/the token may not read the issues/);
    expect(asked).toHaveLength(1);
    const fine = await serve((_request, response) => json(response, 200, [], headers));
    expect(await readAll(optionsFor(fine.origin))).toHaveLength(1);
  });
});

describe('a refusal', () => {
  it.each([
    [401, 'the token is wrong or has expired: give another one'],
    [404, 'there is no such repository, or the token may not see it'],
    [410, 'issues are switched off in the repository'],
    [422, 'the request is refused'],
  ])('%d is told at once, and what to do', async (status, message) => {
    const { origin, asked } = await serve((request, response) =>
      json(response, status, { message: request.headers.authorization }),
    );
    const error = await failure(optionsFor(origin));
    expect(error.message).toContain(`${REPOSITORY}: ${message}`);
    expect(error.message).toContain(`GitHub answers ${status}`);
    expect(asked).toHaveLength(1);
    if (status === 401)
      expect((await failure(optionsFor(origin, { token: null }))).message).toContain('a token is needed');
  });

  it.each([
    [{ repository: 'demo' }, 'write owner/name'],
    [{ repository: 'a/..' }, 'write owner/name'],
    [{ repository: 'a/b?c' }, 'write owner/name'],
    [{ apiUrl: 'api.github.com' }, 'must be like https://api.github.com'],
    [{ apiUrl: 'https://me:pw@api.github.com' }, 'without a user name'],
    [{ apiUrl: 'http://ghe.example.org/api/v3' }, 'must begin with https://'],
    [{ token: `${TOKEN}\n` }, 'the token holds blanks'],
  ])('of options comes before any request: %j', async (change, message) => {
    expect((await failure(optionsFor('https://api.github.com', change))).message).toContain(message);
  });
});

describe('time', () => {
  it('that has run out ends the reading', async () => {
    const { origin, asked } = await serve();
    expect((await failure(optionsFor(origin, { deadlineMs: 0 }))).message).toBe(
      `${REPOSITORY}: the deadline has passed`,
    );
    expect(asked).toEqual([]);
  });

  it('ends a request that is never answered', async () => {
    const { origin } = await serve(() => true);
    const error = await failure(optionsFor(origin, { deadlineMs: 200 }));
    expect(error.message).toMatch(/the request failed \(TimeoutError\); that is beyond the deadline/);
  });

  it('is cut short by whoever asked, in a request and in a wait', async () => {
    const { origin } = await serve((_request, _response, url) => url.searchParams.get('page') === '2');
    const control = new AbortController();
    const pages = fetchIssues(optionsFor(origin, { signal: control.signal }));
    expect((await pages.next()).value?.page).toBe(1);
    setTimeout(() => control.abort(new Error('stopped')), 50);
    await expect(pages.next()).rejects.toThrow('stopped');

    const busy = await serve((_request, response) => json(response, 429, {}, { 'retry-after': '30' }));
    const later = new AbortController();
    setTimeout(() => later.abort(new Error('stopped')), 100);
    const started = Date.now();
    const waiting = readAll(optionsFor(busy.origin, { signal: later.signal, sleep: undefined }));
    await expect(waiting).rejects.toThrow('stopped');
    expect(Date.now() - started).toBeLessThan(5_000);
  });
});
