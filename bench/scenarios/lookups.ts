import type { Dialect } from '../contender.ts';
import type { Ask, Facts, Request, Scenario } from '../scenario.ts';
import { BUG, NEWEST, over, PG_BUG } from './reads.ts';

const DEEP: Record<Dialect, string> = {
  argus: `query ($after: String) { bugs(first: 20, after: $after, filter: { severity: { eq: MEDIUM } }) { nodes { ${BUG} } } }`,
  plain: `query ($after: ID) { bugs(first: 20, after: $after, severity: "MEDIUM") { ${BUG} } }`,
  postgraphile: `query ($tenant: UUID!, $after: Cursor) { bugs: allBugs(first: 20, after: $after, ${NEWEST}, condition: { tenantId: $tenant, severity: "MEDIUM" }) { nodes { ${PG_BUG} } } }`,
  floor: 'deep',
};
const CURSORS = {
  argus:
    'query ($after: String) { bugs(first: 100, after: $after, filter: { severity: { eq: MEDIUM } }) { pageInfo { endCursor } } }',
  postgraphile: `query ($tenant: UUID!, $skip: Int!) { bugs: allBugs(first: 1, offset: $skip, ${NEWEST}, condition: { tenantId: $tenant, severity: "MEDIUM" }) { pageInfo { endCursor } } }`,
};
/** Cursors come from pages of this many, so the place is a multiple of it. */
const STRIDE = 100;

/** Where the page begins: page 1,000 of 20, or as deep as there are rows. */
const placeOf = ({ mediumBugs }: Facts) => STRIDE * Math.floor(Math.min(20_000, mediumBugs * 0.8) / STRIDE);

async function cursorOf(dialect: Dialect, facts: Facts, ask: Ask): Promise<unknown> {
  const place = placeOf(facts);
  const end = async (request: Request) =>
    ((await ask(request)) as { bugs: { pageInfo: { endCursor: string } } }).bugs.pageInfo.endCursor;
  if (dialect === 'postgraphile') {
    return end({ query: CURSORS.postgraphile, variables: { tenant: facts.tenantId, skip: place - 1 } });
  }
  if (dialect !== 'argus') return facts.mediumBugAt(place - 1);
  let after: string | null = null;
  for (let at = 0; at < place; at += STRIDE) after = await end({ query: CURSORS.argus, variables: { after } });
  return after;
}

export const deep: Scenario = {
  name: 'deep',
  title: 'page 1,000 of 20 bugs, filtered by severity (in the small data set as deep as four fifths of its rows)',
  note: 'By keyset in Argus, Mercurius and the floor; by the cursors of PostGraphile and of Prisma.',
  requests: async (dialect, facts, ask) =>
    over(dialect, facts, DEEP[dialect], 'after', [await cursorOf(dialect, facts, ask)]),
};

const SEARCH: Record<Dialect, string> = {
  argus: `query ($query: String!) { found: searchBugs(query: $query, first: 20) { node { ${BUG} } } }`,
  plain: `query ($query: String!) { found: searchBugs(query: $query) { ${BUG} } }`,
  postgraphile: `query ($query: String!) { found: benchSearch(query: $query) { nodes { ${PG_BUG} } } }`,
  floor: 'search',
};
const SEARCHES = ['crash', 'null pointer', 'timeout upload', '"memory leak"', 'export -page', 'deadlok'];

export const search: Scenario = {
  name: 'search',
  title: 'full-text search, 20 bugs, best first',
  note: 'All of them call the search function of Argus’s database: what differs is the way to it.',
  requests: (dialect, facts) =>
    over(dialect, facts, SEARCH[dialect], 'query', SEARCHES).map(({ query, variables }) => ({
      query,
      variables: { query: variables.query },
    })),
};

const TRENDS: Record<Dialect, string> = {
  argus:
    'query ($since: Instant!, $until: Instant!) { trends: bugTrends(from: $since, to: $until, by: NONE) { current { points { start total } } } }',
  plain: 'query ($since: String!, $until: String!) { trends(since: $since, until: $until) { start total } }',
  postgraphile:
    'query ($since: Datetime!, $until: Datetime!) { trends: benchTrend(since: $since, until: $until) { nodes { start total } } }',
  floor: 'trends',
};
const DAY_MS = 86_400_000;

export const trends: Scenario = {
  name: 'trends',
  title: 'bugs created on each of 30 days',
  requests(dialect, { today }) {
    return Array.from({ length: 12 }, (_, month) => {
      const until = today - month * 30 * DAY_MS;
      const [from, to] = [until - 30 * DAY_MS, until].map((at) => new Date(at).toISOString());
      return { query: TRENDS[dialect], variables: { since: from, until: to } };
    });
  },
};
