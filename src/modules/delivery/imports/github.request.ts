import { setTimeout as delay } from 'node:timers/promises';

/** Why reading from GitHub stopped. Its message never holds the token. */
export class GithubError extends Error {
  /** address of the page to go on from; null: from the beginning */
  readonly cursor: string | null;
  /** when to try again, as far as GitHub says so */
  readonly retryAt: Date | null;

  constructor(message: string, cursor: string | null, retryAt: Date | null = null) {
    super(message);
    this.name = 'GithubError';
    this.cursor = cursor;
    this.retryAt = retryAt;
  }
}

export type Sleep = (ms: number, signal: AbortSignal) => Promise<void>;

export interface RequestContext {
  /** scheme, host and port that requests may go to */
  origin: string;
  repository: string;
  token: string | null;
  /** milliseconds since 1970: nothing is waited for beyond it */
  deadline: number;
  signal: AbortSignal;
  sleep: Sleep;
  onWait: ((wait: { ms: number; reason: string }) => void) | null;
}

export interface Page {
  body: unknown;
  /** address of the next page as the Link header has it */
  next: string | null;
}

/** An answer that may come out otherwise when asked again: `waitMs` is null when only a back-off makes sense. */
interface Retry {
  reason: string;
  waitMs: number | null;
}

const TRIES = 5;
const MAX_REDIRECTS = 3;
const MAX_BODY = 20 * 1024 * 1024;
const REQUEST_MS = 60_000;
/** Least wait after a 429 that does not say how long: https://docs.github.com/rest/using-the-rest-api/rate-limits-for-the-rest-api */
const UNSAID_WAIT_MS = 60_000;
const MARGIN_MS = 1_000;

/** Waits; throws the reason of the signal when that is aborted. */
export const sleepFor: Sleep = async (ms, signal) => {
  await delay(ms, undefined, { signal }).catch(() => signal.throwIfAborted());
};

/** The last moment that a date can hold. */
const LAST_MS = 8.64e15;

/**
 * One page, tried up to 5 times: after network errors and 5xx with exponential back-off, after a rate limit when GitHub
 * says that it ends. Throws GithubError when that does not help, would take longer than the deadline, or makes no sense.
 */
export async function getPage(url: string, context: RequestContext): Promise<Page> {
  for (let attempt = 1; ; attempt++) {
    context.signal.throwIfAborted();
    const result = await ask(url, context);
    if ('next' in result) return result;
    const ms = result.waitMs ?? 1_000 * 2 ** (attempt - 1) * (0.5 + Math.random() / 2);
    const retryAt = new Date(Math.min(Date.now() + ms, LAST_MS));
    if (attempt === TRIES)
      throw new GithubError(`${context.repository}: gave up after ${TRIES} tries: ${result.reason}`, url, retryAt);
    if (Date.now() + ms > context.deadline) {
      const when = retryAt.toISOString();
      throw new GithubError(
        `${context.repository}: ${result.reason}; that is beyond the deadline: try again after ${when}`,
        url,
        retryAt,
      );
    }
    context.onWait?.({ ms, reason: result.reason });
    await context.sleep(ms, context.signal);
  }
}

async function ask(url: string, context: RequestContext): Promise<Page | Retry> {
  const left = context.deadline - Date.now();
  if (left <= 0) throw new GithubError(`${context.repository}: the deadline has passed`, url);
  const signal = AbortSignal.any([context.signal, AbortSignal.timeout(Math.min(REQUEST_MS, Math.ceil(left)))]);
  try {
    const response = await follow(url, context, signal);
    if (response.ok) return { body: await readBody(response, url, context), next: nextLink(response) };
    const text = await readText(response).catch(() => '');
    return judge(response, text ?? '', url, context);
  } catch (error) {
    context.signal.throwIfAborted();
    if (error instanceof GithubError) throw error;
    return { reason: `the request failed (${codeOf(error)})`, waitMs: null };
  }
}

/** Only the code of an error is told: its message may hold what was sent. */
function codeOf(error: unknown): string {
  const inner = error instanceof Error && error.cause instanceof Error ? error.cause : error;
  if (inner instanceof Error && 'code' in inner && typeof inner.code === 'string') return inner.code;
  return inner instanceof Error ? inner.name : 'unknown';
}

/** Follows redirects itself, so that the token goes nowhere else. */
async function follow(url: string, context: RequestContext, signal: AbortSignal): Promise<Response> {
  const headers = {
    accept: 'application/vnd.github+json',
    'x-github-api-version': '2022-11-28',
    'user-agent': 'argus',
    ...(context.token === null ? {} : { authorization: `Bearer ${context.token}` }),
  };
  let at = url;
  for (let redirects = 0; ; redirects++) {
    const response = await fetch(at, { headers, redirect: 'manual', signal });
    const location = response.headers.get('location');
    if (![301, 302, 303, 307, 308].includes(response.status) || location === null) return response;
    await response.body?.cancel();
    if (redirects === MAX_REDIRECTS)
      throw new GithubError(`${context.repository}: more than ${MAX_REDIRECTS} redirects in a row`, url);
    at = sameOrigin(location, at, context, 'a redirect', url);
  }
}

/** The absolute address of a link. Throws GithubError when it leads to another server. */
export function sameOrigin(
  link: string,
  base: string,
  context: Pick<RequestContext, 'origin' | 'repository'>,
  what: string,
  cursor: string | null,
): string {
  const target = URL.parse(link, base);
  if (target?.origin !== context.origin || target.username !== '' || target.password !== '')
    throw new GithubError(
      `${context.repository}: ${what} leads away from ${context.origin}: it is not followed`,
      cursor,
    );
  return target.href;
}

async function readBody(response: Response, url: string, { repository }: RequestContext): Promise<unknown> {
  const text = await readText(response);
  if (text === null)
    throw new GithubError(`${repository}: an answer is larger than ${MAX_BODY / 1024 / 1024} MiB`, url);
  try {
    return JSON.parse(text);
  } catch {
    throw new GithubError(`${repository}: an answer is not JSON: is the address that of the API?`, url);
  }
}

/** null when it is too large. */
async function readText(response: Response): Promise<string | null> {
  const parts: Uint8Array[] = [];
  let size = 0;
  for await (const part of response.body ?? []) {
    size += part.length;
    if (size > MAX_BODY) return null;
    parts.push(part);
  }
  return Buffer.concat(parts).toString('utf8');
}

function nextLink({ headers }: Response): string | null {
  for (const [, address = '', parameters = ''] of (headers.get('link') ?? '').matchAll(/<([^>]*)>([^<]*)/g)) {
    if (/;\s*rel\s*=\s*"?(?:[^"]*\s)?next(?:\s[^"]*)?"?\s*(?:[;,]|$)/i.test(parameters)) return address;
  }
  return null;
}

/** What an answer that is no success means. Throws GithubError when asking again makes no sense. */
function judge(response: Response, text: string, url: string, { repository, token }: RequestContext): Retry {
  const { status, headers } = response;
  if (status >= 500) return { reason: `GitHub answers ${status}`, waitMs: null };
  const limit = status === 403 || status === 429 ? rateLimit(status, headers, text) : null;
  if (limit !== null) return limit;
  const stop = (problem: string) => new GithubError(`${repository}: ${problem} (GitHub answers ${status})`, url);
  if (status === 401)
    throw stop(token === null ? 'a token is needed' : 'the token is wrong or has expired: give another one');
  if (status === 403) throw stop('the token may not read the issues: it needs read access to Issues of the repository');
  if (status === 404)
    throw stop('there is no such repository, or the token may not see it: check the name and the access of the token');
  if (status === 410) throw stop('issues are switched off in the repository');
  throw stop('the request is refused: check the repository and the address of the API');
}

/** How long a rate limit lasts; null when the answer is no rate limit. Without a limit (0 of 0) there is none to wait for. */
function rateLimit(status: number, headers: Headers, text: string): Retry | null {
  const retryAfter = headers.get('retry-after');
  if (retryAfter !== null) {
    const ms = /^\d+$/.test(retryAfter) ? Number(retryAfter) * 1_000 : Date.parse(retryAfter) - Date.now();
    return limited(Number.isNaN(ms) ? UNSAID_WAIT_MS : ms);
  }
  const reset = Number(headers.get('x-ratelimit-reset') ?? Number.NaN) * 1_000;
  if (headers.get('x-ratelimit-remaining') === '0' && headers.get('x-ratelimit-limit') !== '0' && reset > 0) {
    return limited(reset - Date.now());
  }
  return status === 429 || /rate limit/i.test(text) ? limited(UNSAID_WAIT_MS) : null;
}

function limited(ms: number): Retry {
  const waitMs = Math.max(ms, 0) + MARGIN_MS;
  return { reason: `the rate limit of GitHub is used up for ${Math.ceil(waitMs / 1_000)} s`, waitMs };
}
