import { resolveInstant } from '../../data/instant.ts';
import { DEFAULT_PAGE, MAX_PAGE } from '../../data/list.ts';
import { InvalidInput } from '../../errors.ts';
import { builder } from '../../graphql/builder.ts';
import { TextSpan } from './content.schema.ts';
import {
  type ContentSearch,
  highlights,
  type SearchHit,
  type SearchPage,
  searchContent,
  searchFacets,
} from './content.search.ts';
import { sourceEntity } from './entities.ts';
import { ContentStatus, RiskLevel } from './enums.schema.ts';
import { Content } from './refs.ts';

const Hit = builder.objectRef<SearchHit>('ContentHit').implement({
  description: 'A content that a search found.',
  fields: (t) => ({
    rank: t.exposeFloat('rank', { description: 'higher is better; comparable within one search' }),
    cursor: t.string({ resolve: (hit) => encodeRank(hit) }),
    content: t.field({ type: Content, resolve: (hit) => hit.content }),
    highlights: t.field({
      type: [TextSpan],
      description: 'where the words stand',
      resolve: (hit, _, ctx) => highlights(ctx, hit.search, hit.content),
    }),
  }),
});

const FacetCount = builder.objectRef<{ value: string; count: number }>('FacetCount').implement({
  description: 'How many contents have a value.',
  fields: (t) => ({ value: t.exposeString('value'), count: t.exposeInt('count') }),
});

type Counts = Awaited<ReturnType<typeof searchFacets>>;
interface Facets {
  counts: Counts;
}
const of = (facets: Facets, name: string) => facets.counts.filter(({ facet }) => facet === name);

const SearchFacets = builder.objectRef<Facets>('ContentSearchFacets').implement({
  description: 'How many contents the whole search finds, by property.',
  fields: (t) => ({
    total: t.int({ resolve: (facets) => of(facets, 'total')[0]?.count ?? 0 }),
    riskLevel: t.field({ type: [FacetCount], resolve: (facets) => of(facets, 'riskLevel') }),
    status: t.field({ type: [FacetCount], resolve: (facets) => of(facets, 'status') }),
    language: t.field({ type: [FacetCount], resolve: (facets) => of(facets, 'language') }),
    source: t.field({
      type: [FacetCount],
      description: 'values are source ids; the 50 most frequent',
      resolve: (facets) =>
        of(facets, 'sourceId')
          .slice(0, 50)
          .map(({ value, count }) => ({ value: sourceEntity.encode(value), count })),
    }),
  }),
});

const SearchResult = builder.objectRef<SearchPage & { search: ContentSearch }>('ContentSearchResult').implement({
  description: 'One page of a search.',
  fields: (t) => ({
    hits: t.field({ type: [Hit], resolve: (page) => page.hits }),
    nodes: t.field({
      type: [Content],
      description: 'the contents without rank and highlights',
      resolve: (page) => page.hits.map((hit) => hit.content),
    }),
    hasNextPage: t.exposeBoolean('hasNextPage'),
    endCursor: t.string({
      nullable: true,
      description: 'give it as `after` for the next page',
      resolve: (page) => {
        const last = page.hits.at(-1);
        return last ? encodeRank(last) : null;
      },
    }),
    facets: t.field({
      type: SearchFacets,
      resolve: async ({ search }, _, ctx) => ({ counts: await searchFacets(ctx.scope, search) }),
    }),
  }),
});

function encodeRank(hit: SearchHit): string {
  return Buffer.from(JSON.stringify([hit.rank, hit.content.id])).toString('base64url');
}

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

function decodeRank(cursor: string): { rank: number; id: string } {
  try {
    const parts: unknown = JSON.parse(Buffer.from(cursor, 'base64url').toString('utf8'));
    if (
      Array.isArray(parts) &&
      parts.length === 2 &&
      typeof parts[0] === 'number' &&
      Number.isFinite(Math.fround(parts[0])) &&
      UUID.test(String(parts[1]))
    ) {
      return { rank: parts[0], id: String(parts[1]) };
    }
  } catch {
    // said below
  }
  throw new InvalidInput('not a cursor of this search', ['after']);
}

builder.queryField('searchContent', (t) =>
  t.field({
    type: SearchResult,
    permission: 'content:read',
    description:
      'Full-text search, best first. Words are all wanted; "a phrase", or, and -not work as in web searches.',
    args: {
      query: t.arg.string({ required: true }),
      language: t.arg.string({
        description: 'ISO 639-1: take the words as of this language; each content’s own when left out',
      }),
      riskLevel: t.arg({ type: [RiskLevel] }),
      sourceId: t.arg.idList(),
      status: t.arg({ type: [ContentStatus] }),
      from: t.arg({ type: 'Instant', description: 'posted at or after' }),
      to: t.arg({ type: 'Instant', description: 'posted before' }),
      first: t.arg.int({ defaultValue: DEFAULT_PAGE, description: `1 to ${MAX_PAGE}` }),
      after: t.arg.string(),
    },
    resolve: async (_, args, ctx) => {
      const first = args.first ?? DEFAULT_PAGE;
      if (first < 1 || first > MAX_PAGE)
        throw new InvalidInput(`${first} is out of range: a page holds 1 to ${MAX_PAGE}`, ['first']);
      if (args.language && !/^[a-z]{2}$/.test(args.language))
        throw new InvalidInput(`${JSON.stringify(args.language)} is not a language code like en`, ['language']);
      const search: ContentSearch = {
        query: args.query,
        language: args.language ?? null,
        riskLevels: args.riskLevel ?? null,
        sourceIds: args.sourceId?.map((id) => sourceEntity.decode(id, ['sourceId'])) ?? null,
        statuses: args.status ?? null,
        from: args.from ? resolveInstant(args.from, ctx, ['from']) : null,
        to: args.to ? resolveInstant(args.to, ctx, ['to']) : null,
      };
      const page = await searchContent(ctx.scope, search, first, args.after ? decodeRank(args.after) : null);
      return { ...page, search };
    },
  }),
);
