import { GithubError, getPage, type RequestContext, type Sleep, sameOrigin, sleepFor } from './github.request.ts';

export interface FetchIssuesOptions {
  /** https://api.github.com, or https://<host>/api/v3 of GitHub Enterprise Server */
  apiUrl: string;
  /** owner/name */
  repository: string;
  token: string | null;
  /** only issues that changed at or after it */
  since: Date | null;
  /** address of the page to go on from, as a page or an error gave it; `since` then has no effect */
  cursor: string | null;
  /** how long the whole reading may take, waits included, in milliseconds */
  deadlineMs: number;
  signal: AbortSignal;
  /** 1 to 100 */
  perPage?: number;
  sleep?: Sleep;
  onWait?: (wait: { ms: number; reason: string }) => void;
}

export interface IssuePage {
  issues: unknown[];
  /** address of the next page; null: this is the last one */
  next: string | null;
  /** from 1, counted from the beginning of the list */
  page: number;
  /** the latest `updated_at` of the pages so far */
  watermark: Date | null;
}

const MAX_PER_PAGE = 100;

/**
 * The issues and pull requests of a repository page by page, the least recently changed first. Throws GithubError, which
 * carries where to go on; a page that is shorter than it should be, or that links to another server, is an error and not
 * an end. Throws the reason of the signal when that is aborted.
 *
 * Pages are counted by GitHub: an issue that changes while the list is read moves to its end, and the first one of the
 * next page then moves into the one that was read before. When a page tells of changes after the reading began, the
 * next reading must begin where this one did.
 */
export async function* fetchIssues(options: FetchIssuesOptions): AsyncGenerator<IssuePage> {
  const { perPage = MAX_PER_PAGE, repository } = options;
  const context = contextOf(options);
  let url: string | null =
    options.cursor === null
      ? firstPage(options, perPage)
      : sameOrigin(options.cursor, context.origin, context, 'the cursor', null);
  const seen = new Set<string>();
  let page = pageOf(url) ?? 1;
  let watermark: Date | null = null;
  while (url !== null) {
    seen.add(url);
    const answer = await getPage(url, context);
    const next: string | null =
      answer.next === null ? null : sameOrigin(answer.next, url, context, 'the link to the next page', url);
    const issues = wholePage(answer.body, next, page, perPageOf(url) ?? perPage, url, repository);
    if (next !== null && seen.has(next))
      throw new GithubError(`${repository}: page ${page} links back to a page that was read`, url);
    watermark = latest(watermark, issues);
    yield { issues, next, page, watermark };
    url = next;
    page = (next === null ? null : pageOf(next)) ?? page + 1;
  }
}

function contextOf(options: FetchIssuesOptions): RequestContext {
  const { repository, token, signal, sleep = sleepFor, onWait = null } = options;
  const api = URL.parse(options.apiUrl);
  const fail = (problem: string) => new GithubError(problem, options.cursor);
  if (api === null || !['https:', 'http:'].includes(api.protocol) || api.username !== '' || api.password !== '')
    throw fail('the address of the API must be like https://api.github.com, without a user name');
  if (token !== null && api.protocol === 'http:' && !['localhost', '127.0.0.1', '[::1]'].includes(api.hostname))
    throw fail('the address of the API must begin with https:// when there is a token');
  if (!/^[\w.-]{1,100}\/[\w.-]{1,100}$/.test(repository) || /(?:^|\/)\.{1,2}(?:\/|$)/.test(repository))
    throw fail(`${JSON.stringify(repository)} is not a repository: write owner/name`);
  // fetch would quote a header that it refuses, and so the token.
  if (token !== null && !/^[\x21-\x7e]+$/.test(token))
    throw fail('the token holds blanks or other characters that no token has');
  return { origin: api.origin, repository, token, signal, sleep, onWait, deadline: Date.now() + options.deadlineMs };
}

function firstPage({ apiUrl, repository, since }: FetchIssuesOptions, perPage: number): string {
  const url = new URL(`${apiUrl.replace(/\/+$/, '')}/repos/${repository}/issues`);
  url.search = String(
    new URLSearchParams({
      state: 'all',
      sort: 'updated',
      direction: 'asc',
      per_page: String(perPage),
      ...(since === null ? {} : { since: `${since.toISOString().slice(0, 19)}Z` }),
    }),
  );
  return url.href;
}

function numberIn(url: string, name: string): number | null {
  const text = new URL(url).searchParams.get(name) ?? '';
  return /^[1-9]\d{0,8}$/.test(text) ? Number(text) : null;
}

const pageOf = (url: string) => numberIn(url, 'page');
const perPageOf = (url: string) => numberIn(url, 'per_page');

/** The issues of a page. Throws GithubError when it is not all of them. */
function wholePage(
  body: unknown,
  next: string | null,
  page: number,
  perPage: number,
  url: string,
  repository: string,
): unknown[] {
  if (!Array.isArray(body)) throw new GithubError(`${repository}: page ${page} is not a list of issues`, url);
  if (next !== null && body.length < perPage) {
    const has = `has ${body.length} of ${perPage} issues but is not the last`;
    throw new GithubError(`${repository}: page ${page} ${has}: the answer was cut`, url);
  }
  return body;
}

function latest(before: Date | null, issues: readonly unknown[]): Date | null {
  let best = before;
  for (const issue of issues) {
    if (typeof issue !== 'object' || issue === null || !('updated_at' in issue)) continue;
    const at = new Date(String(issue.updated_at));
    if (!Number.isNaN(at.getTime()) && (best === null || at > best)) best = at;
  }
  return best;
}
