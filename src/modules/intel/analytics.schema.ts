import { resolveInstant } from '../../data/instant.ts';
import { builder } from '../../graphql/builder.ts';
import { oneField } from '../../graphql/connection.ts';
import { defineEnum } from '../../graphql/enums.ts';
import { checkBuckets, checkTimeBin, TimeBinInput } from '../../graphql/time-series.ts';
import { contentTrends, TREND_BASES, TREND_DIMENSIONS, type TrendPoint } from './content.trends.ts';
import { keywordEntity, sourceEntity } from './entities.ts';
import { Keyword } from './refs.ts';
import { type Overview, overviewStatistics } from './statistics.ts';

export const KeyCount = builder.objectRef<{ key: string; count: number }>('KeyCount').implement({
  description: 'How many there are of a kind.',
  fields: (t) => ({ key: t.exposeString('key'), count: t.exposeInt('count') }),
});

const Trend = builder.objectRef<TrendPoint>('ContentTrendPoint').implement({
  description: 'One bucket: contents in [start, end).',
  fields: (t) => ({
    start: t.field({ type: 'DateTime', resolve: (point) => point.start }),
    end: t.field({ type: 'DateTime', resolve: (point) => point.end }),
    total: t.int({ resolve: ({ counts }) => counts.reduce((sum, { count }) => sum + count, 0) }),
    counts: t.field({
      type: [KeyCount],
      description: 'by risk level, source id or status; what is zero is left out',
      resolve: ({ counts }) => counts,
    }),
  }),
});

const Dimension = defineEnum('ContentTrendDimension', TREND_DIMENSIONS, 'What a trend is split by.');
const Basis = defineEnum(
  'ContentTrendBasis',
  TREND_BASES,
  'Which time counts: when content was taken in, or when it was posted.',
);

const DEFAULT_FROM = '-P30D';

builder.queryField('contentTrends', (t) =>
  t.field({
    type: [Trend],
    permission: 'statistics:read',
    description: 'Content over time, zero-filled.',
    args: {
      from: t.arg({ type: 'Instant', defaultValue: DEFAULT_FROM }),
      to: t.arg({ type: 'Instant', description: 'now when left out' }),
      timeBin: t.arg({ type: TimeBinInput }),
      by: t.arg({ type: Dimension, defaultValue: 'RISK_LEVEL' }),
      basis: t.arg({ type: Basis, defaultValue: 'CREATED_AT' }),
    },
    resolve: async (_, args, ctx) => {
      const from = resolveInstant(args.from ?? DEFAULT_FROM, ctx, ['from']);
      const to = args.to ? resolveInstant(args.to, ctx, ['to']) : ctx.now;
      const bin = checkTimeBin(args.timeBin ?? { scale: 'DAY', timeZone: 'UTC' });
      checkBuckets(from, to, bin.scale);
      const dimension = args.by ?? 'RISK_LEVEL';
      const points = await contentTrends(ctx.scope, { from, to, bin, dimension, basis: args.basis ?? 'CREATED_AT' });
      if (dimension !== 'SOURCE') return points;
      return points.map((point) => ({
        ...point,
        counts: point.counts.map(({ key, count }) => ({ key: sourceEntity.encode(key), count })),
      }));
    },
  }),
);

const ContentAnalysis = builder.objectRef<Overview>('ContentAnalysis').implement({
  description: 'Figures of the content that was collected.',
  fields: (t) => ({
    total: t.exposeInt('contentTotal'),
    byRiskLevel: t.field({ type: [KeyCount], resolve: (overview) => overview.byRiskLevel }),
    recent24h: t.exposeInt('contentRecent', { description: 'taken in during the last 24 hours' }),
  }),
});

const TopKeyword = builder.objectRef<{ keywordId: string; count: number }>('TopKeyword').implement({
  description: 'A keyword that was found often.',
  fields: (t) => ({
    keyword: t.field(oneField(keywordEntity, Keyword, (top: { keywordId: string }) => top.keywordId)),
    detectionCount: t.exposeInt('count'),
  }),
});

const ThreatDetection = builder.objectRef<Overview>('ThreatDetection').implement({
  description: 'Figures of the detections.',
  fields: (t) => ({
    totalDetections: t.exposeInt('detectionTotal'),
    detectedKeywords: t.exposeInt('detectedKeywords', { description: 'distinct keywords that were found' }),
    uniqueKeywords: t.exposeInt('detectedKeywords', { description: 'the same as detectedKeywords' }),
    topKeywords: t.field({
      type: [TopKeyword],
      description: 'the ten with the most detections',
      resolve: (overview) => overview.topKeywords,
    }),
  }),
});

const InvestigationMetrics = builder.objectRef<Overview>('InvestigationMetrics').implement({
  description: 'Figures of the cases.',
  fields: (t) => ({
    totalCases: t.exposeInt('caseTotal'),
    openCases: t.exposeInt('casesOpen'),
    avgCaseDuration: t.exposeFloat('averageCaseDays', {
      nullable: true,
      description: 'days from start to completion, of completed cases; null when there is none',
    }),
    caseResolutionRate: t.float({
      description: 'closed cases, per cent of all; 0 when there is none',
      resolve: ({ caseTotal, casesClosed }) =>
        caseTotal === 0 ? 0 : Math.round((casesClosed / caseTotal) * 1_000) / 10,
    }),
  }),
});

const OverviewStatistics = builder.objectRef<Overview>('OverviewStatistics').implement({
  description: 'The figures of the overview.',
  fields: (t) => ({
    contentAnalysis: t.field({ type: ContentAnalysis, resolve: (overview) => overview }),
    threatDetection: t.field({ type: ThreatDetection, resolve: (overview) => overview }),
    investigationMetrics: t.field({ type: InvestigationMetrics, resolve: (overview) => overview }),
  }),
});

builder.queryField('overviewStatistics', (t) =>
  t.field({
    type: OverviewStatistics,
    permission: 'statistics:read',
    description: 'The figures of the overview, computed in the database.',
    resolve: (_, _args, ctx) => overviewStatistics(ctx.scope),
  }),
);
