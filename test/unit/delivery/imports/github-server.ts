import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { inspect } from 'node:util';
import { afterEach, expect } from 'vitest';
import {
  type FetchIssuesOptions,
  fetchIssues,
  type IssuePage,
} from '../../../../src/modules/delivery/imports/github.client.ts';
import { GithubError } from '../../../../src/modules/delivery/imports/github.request.ts';

export const TOKEN = 'ghp_secretOfTheTest';
export const REPOSITORY = 'octo/demo';
export const FIRST = `/repos/${REPOSITORY}/issues`;
/** GitHub links to further pages by the number of the repository. */
export const NUMBERED = '/repositories/1234567/issues';
const PER_PAGE = 3;

export const issues = Array.from({ length: 13 }, (_, index) => ({
  number: index + 1,
  title: `Test issue ${index + 1}`,
  state: 'open',
  user: { login: 'octo-user', type: 'User' },
  labels: [],
  milestone: null,
  created_at: '2022-05-06T07:39:00Z',
  updated_at: `2022-05-06T07:${40 + index}:00Z`,
  closed_at: null,
  body: null,
}));

export type Answer = (request: IncomingMessage, response: ServerResponse, url: URL) => boolean;

const closing: (() => Promise<void>)[] = [];
/** Ends all servers, as each test does at its end. */
export async function closeAll(): Promise<void> {
  for (const close of closing.splice(0)) await close();
}
afterEach(closeAll);

export function json(
  response: ServerResponse,
  status: number,
  body: unknown,
  headers: Record<string, string> = {},
): true {
  response
    .writeHead(status, { 'content-type': 'application/json; charset=utf-8', ...headers })
    .end(JSON.stringify(body));
  return true;
}

export function linkOf(origin: string, page: number, rels: Record<string, number>): string {
  const pages = Object.entries({ ...(page > 1 ? { prev: page - 1 } : {}), ...rels });
  return pages.map(([rel, to]) => `<${origin}${NUMBERED}?per_page=${PER_PAGE}&page=${to}>; rel="${rel}"`).join(', ');
}

/** A server that gives the 13 issues in pages of 3; what `first` answers comes before. */
export async function serve(first: Answer = () => false) {
  const asked: string[] = [];
  const headers: IncomingMessage['headers'][] = [];
  const server = createServer((request, response) => {
    const url = new URL(request.url ?? '', origin);
    asked.push(url.pathname + url.search);
    headers.push(request.headers);
    if (first(request, response, url)) return;
    const page = Number(url.searchParams.get('page') ?? 1);
    const part = issues.slice((page - 1) * PER_PAGE, page * PER_PAGE);
    const last = Math.ceil(issues.length / PER_PAGE);
    const link = linkOf(origin, page, page < last ? { next: page + 1, last } : { first: 1 });
    json(response, 200, part, { link });
  });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  closing.push(async () => {
    server.closeAllConnections();
    await new Promise((done) => server.close(done));
  });
  return { origin, asked, headers };
}

export const waits: number[] = [];
export function optionsFor(apiUrl: string, change: Partial<FetchIssuesOptions> = {}): FetchIssuesOptions {
  waits.length = 0;
  return {
    apiUrl,
    repository: REPOSITORY,
    token: TOKEN,
    since: null,
    cursor: null,
    deadlineMs: 60_000,
    signal: new AbortController().signal,
    perPage: PER_PAGE,
    sleep: async (ms) => {
      waits.push(ms);
    },
    ...change,
  };
}

export async function readAll(options: FetchIssuesOptions): Promise<IssuePage[]> {
  const pages: IssuePage[] = [];
  for await (const page of fetchIssues(options)) pages.push(page);
  return pages;
}

export async function failure(options: FetchIssuesOptions): Promise<GithubError> {
  const error: unknown = await readAll(options).catch((thrown: unknown) => thrown);
  if (!(error instanceof GithubError)) throw new Error(`not a GithubError: ${inspect(error)}`);
  expect(inspect(error, { depth: null, showHidden: true })).not.toContain(TOKEN);
  return error;
}

/** Answers so often in this way, and then as usual. */
export function times(count: number, answer: (response: ServerResponse) => void): Answer {
  let left = count;
  return (_request, response) => {
    if (left-- <= 0) return false;
    answer(response);
    return true;
  };
}
