import { resolveInstant } from '../../data/instant.ts';
import { InvalidInput } from '../../errors.ts';
import { builder } from '../../graphql/builder.ts';
import { boundedTotal, TotalCount } from '../../graphql/connection.ts';
import type { Context } from '../../graphql/context.ts';
import { defineEnum } from '../../graphql/enums.ts';
import { checkBuckets, checkTimeBin, TimeBinInput } from '../../graphql/time-series.ts';
import { type BugFigure, type BugStatistics, bugStatistics, type CurrencyAmount } from './bug.statistics.ts';
import {
  BUG_TREND_DIMENSIONS,
  BUG_TREND_MEASURES,
  type BugTrend,
  type BugTrendPeriod,
  type BugTrendPoint,
  bugTrends,
  changePercent,
} from './bug.trends.ts';
import { type EngineeringMetrics, engineeringMetrics, shareOf } from './engineering.ts';
import { projectEntity } from './entities.ts';
import { BugSeverity, BugStatus, SlaState } from './enums.schema.ts';
import { tableCounts } from './table-counts.ts';

const FILTER = 'of the list `bugs`: it selects exactly the rows that were counted';

export const CurrencyAmountType = builder.objectRef<CurrencyAmount>('CurrencyAmount').implement({
  description: 'An amount of money. Amounts of different currencies are never added up.',
  fields: (t) => ({
    currency: t.exposeString('currency', { description: 'ISO 4217' }),
    amount: t.expose('amount', { type: 'Decimal' }),
  }),
});

export const BugFigureType = builder.objectRef<BugFigure>('BugFigure').implement({
  description: 'How many bugs there are, and which.',
  fields: (t) => ({
    count: t.exposeInt('count'),
    filter: t.expose('filter', { type: 'JSON', description: FILTER }),
  }),
});

type Cell = BugStatistics['bySeverityAndStatus'][number];

const SeverityFigure = builder.objectRef<BugStatistics['bySeverity'][number]>('BugSeverityFigure').implement({
  description: 'Bugs of one severity.',
  fields: (t) => ({
    severity: t.expose('severity', { type: BugSeverity }),
    count: t.exposeInt('count'),
    filter: t.expose('filter', { type: 'JSON', description: FILTER }),
  }),
});
const StatusFigure = builder.objectRef<BugStatistics['byStatus'][number]>('BugStatusFigure').implement({
  description: 'Bugs of one status.',
  fields: (t) => ({
    status: t.expose('status', { type: BugStatus }),
    count: t.exposeInt('count'),
    filter: t.expose('filter', { type: 'JSON', description: FILTER }),
  }),
});
const SeverityStatusFigure = builder.objectRef<Cell>('BugSeverityStatusFigure').implement({
  description: 'Bugs of one severity and status.',
  fields: (t) => ({
    severity: t.expose('severity', { type: BugSeverity }),
    status: t.expose('status', { type: BugStatus }),
    count: t.exposeInt('count'),
    filter: t.expose('filter', { type: 'JSON', description: FILTER }),
  }),
});
const SlaStateFigure = builder.objectRef<BugStatistics['bySlaState'][number]>('BugSlaStateFigure').implement({
  description: 'Bugs in one SLA state.',
  fields: (t) => ({
    slaState: t.expose('slaState', { type: SlaState }),
    count: t.exposeInt('count'),
    filter: t.expose('filter', { type: 'JSON', description: FILTER }),
  }),
});

const BugStatisticsType = builder.objectRef<BugStatistics>('BugStatistics').implement({
  description: 'How many bugs there are of each kind. Open is what is neither SHIPPED nor CLOSED.',
  fields: (t) => ({
    total: t.expose('total', { type: BugFigureType }),
    open: t.expose('open', { type: BugFigureType }),
    blockers: t.expose('blockers', { type: BugFigureType, description: 'open ones' }),
    breached: t.expose('breached', { type: BugFigureType, description: 'open and past their SLA' }),
    bySeverity: t.expose('bySeverity', { type: [SeverityFigure] }),
    byStatus: t.expose('byStatus', { type: [StatusFigure] }),
    bySeverityAndStatus: t.expose('bySeverityAndStatus', { type: [SeverityStatusFigure] }),
    bySlaState: t.expose('bySlaState', { type: [SlaStateFigure] }),
    revenueImpactOpen: t.expose('revenueImpactOpen', {
      type: [CurrencyAmountType],
      description: 'what the open bugs put at risk, by currency',
    }),
  }),
});

/** The key of a project from its global id; null when none is given. */
export function projectIdOf(id: string | null | undefined): string | null {
  return id ? projectEntity.decode(id, ['projectId']) : null;
}

builder.queryField('bugStatistics', (t) =>
  t.field({
    type: BugStatisticsType,
    permission: 'statistics:read',
    description: 'Bugs by severity, status and SLA state, of all projects or of one; each figure with its filter.',
    args: { projectId: t.arg.id() },
    resolve: (_, { projectId }, ctx) => bugStatistics(ctx.scope, projectIdOf(projectId)),
  }),
);

const TrendCount = builder.objectRef<BugTrendPoint['counts'][number]>('BugTrendCount').implement({
  description: 'How many bugs of a kind.',
  fields: (t) => ({
    key: t.exposeString('key', { description: 'a severity, a status, a project’s id, or OTHER: further projects' }),
    count: t.exposeInt('count'),
  }),
});
const TrendPoint = builder.objectRef<BugTrendPoint>('BugTrendPoint').implement({
  description: 'One bucket: bugs in [start, end).',
  fields: (t) => ({
    start: t.expose('start', { type: 'DateTime' }),
    end: t.expose('end', { type: 'DateTime' }),
    total: t.exposeInt('total'),
    counts: t.expose('counts', { type: [TrendCount], description: 'most first; what is zero is left out' }),
  }),
});
const TrendPeriod = builder.objectRef<BugTrendPeriod>('BugTrendPeriod').implement({
  description: 'A time [from, to) and its buckets, zero-filled.',
  fields: (t) => ({
    from: t.expose('from', { type: 'DateTime' }),
    to: t.expose('to', { type: 'DateTime' }),
    total: t.exposeInt('total'),
    points: t.expose('points', { type: [TrendPoint] }),
  }),
});
const BugTrendType = builder.objectRef<BugTrend>('BugTrend').implement({
  description: 'Bugs over time, and as many buckets earlier.',
  fields: (t) => ({
    current: t.expose('current', { type: TrendPeriod }),
    earlier: t.expose('earlier', { type: TrendPeriod, nullable: true, description: 'null unless compared' }),
    changePercent: t.float({
      nullable: true,
      description: 'of the total, to one decimal; null when there was nothing earlier',
      resolve: ({ current, earlier }) => earlier && changePercent(current.total, earlier.total),
    }),
  }),
});
const TrendMeasure = defineEnum('BugTrendMeasure', BUG_TREND_MEASURES, 'Which moment of a bug counts.');
const TrendDimension = defineEnum(
  'BugTrendDimension',
  BUG_TREND_DIMENSIONS,
  'What a trend is split by: severity and status are those that bugs have now. Of projects the 20 with the most bugs.',
);

export const DEFAULT_FROM = '-P30D';

/** The time that is asked for: the last 30 days unless told otherwise. InvalidInput when it is empty. */
export function rangeOf(ctx: Context, args: { from?: string | null; to?: string | null }): { from: Date; to: Date } {
  const from = resolveInstant(args.from ?? DEFAULT_FROM, ctx, ['from']);
  const to = args.to ? resolveInstant(args.to, ctx, ['to']) : ctx.now;
  if (from >= to) throw new InvalidInput('the time range is empty: from must be before to', ['from']);
  return { from, to };
}

/** Arguments of what is measured over a time. */
export const rangeArgs = builder.args((t) => ({
  from: t.field({ type: 'Instant', defaultValue: DEFAULT_FROM }),
  to: t.field({ type: 'Instant', description: 'now when left out' }),
}));

builder.queryField('bugTrends', (t) =>
  t.field({
    type: BugTrendType,
    permission: 'statistics:read',
    description: 'Bugs created or resolved over time, also compared with the stretch before.',
    args: {
      ...rangeArgs,
      timeBin: t.arg({ type: TimeBinInput }),
      measure: t.arg({ type: TrendMeasure, defaultValue: 'CREATED' }),
      by: t.arg({ type: TrendDimension, defaultValue: 'SEVERITY' }),
      projectId: t.arg.id(),
      compare: t.arg.boolean({ defaultValue: false }),
    },
    resolve: (_, args, ctx) => {
      const range = rangeOf(ctx, args);
      const bin = checkTimeBin(args.timeBin ?? { scale: 'DAY', timeZone: 'UTC' });
      checkBuckets(range.from, range.to, bin.scale);
      return bugTrends(ctx.scope, {
        ...range,
        bin,
        measure: args.measure ?? 'CREATED',
        by: args.by ?? 'SEVERITY',
        projectId: projectIdOf(args.projectId),
        compare: args.compare ?? false,
      });
    },
  }),
);

const DoraReason = defineEnum(
  'DoraReason',
  ['NO_DATA'],
  'Why there are no figures. NO_DATA: no deployments are known.',
);

const Dora = builder.objectRef<object>('DoraMetrics').implement({
  description: 'The four measures of delivery that DORA describes: they need deployments.',
  fields: (t) => {
    const none = (description: string) => t.float({ nullable: true, description, resolve: () => null });
    return {
      deploymentFrequency: none('deployments a day'),
      changeFailureRate: none('share of the deployments that led to an incident'),
      meanTimeToRestore: none('hours'),
      leadTime: none('hours from commit to deployment'),
      reason: t.field({ type: DoraReason, nullable: true, resolve: () => 'NO_DATA' as const }),
    };
  },
});

const EngineeringMetricsType = builder.objectRef<EngineeringMetrics>('EngineeringMetrics').implement({
  description: 'How bugs were resolved. Null: there is nothing to measure.',
  fields: (t) => ({
    resolved: t.exposeInt('resolved'),
    resolutionHoursMean: t.exposeFloat('resolutionHoursMean', { nullable: true, description: 'from report on' }),
    resolutionHoursP50: t.exposeFloat('resolutionHoursP50', { nullable: true }),
    resolutionHoursP90: t.exposeFloat('resolutionHoursP90', { nullable: true }),
    firstResponseHoursP50: t.exposeFloat('firstResponseHoursP50', { nullable: true, description: 'of those with one' }),
    reopened: t.exposeInt('reopened', { description: 'resolved bugs that had come back before' }),
    reopenRate: t.float({ nullable: true, resolve: ({ reopened, resolved }) => shareOf(reopened, resolved) }),
    slaMet: t.exposeInt('slaMet'),
    slaMissed: t.exposeInt('slaMissed'),
    slaRate: t.float({
      nullable: true,
      description: 'share of those resolved with an SLA, 0 to 1',
      resolve: ({ slaMet, slaMissed }) => shareOf(slaMet, slaMet + slaMissed),
    }),
    hoursSpent: t.expose('hoursSpent', { type: 'Decimal' }),
    cost: t.expose('cost', { type: [CurrencyAmountType], description: 'hours by the rate of their project' }),
    dora: t.field({ type: Dora, resolve: () => ({}) }),
  }),
});

builder.queryField('engineeringMetrics', (t) =>
  t.field({
    type: EngineeringMetricsType,
    permission: 'metric:read',
    description: 'How fast and how well the bugs of a time were resolved, and at what cost.',
    args: { ...rangeArgs, projectId: t.arg.id() },
    resolve: (_, args, ctx) =>
      engineeringMetrics(ctx.scope, { ...rangeOf(ctx, args), projectId: projectIdOf(args.projectId) }),
  }),
);

const TableCount = builder.objectRef<{ table: string; count: number }>('TableCount').implement({
  description: 'How many rows this tenant has in a table.',
  fields: (t) => ({
    table: t.exposeString('table'),
    rows: t.field({ type: TotalCount, resolve: ({ count }) => boundedTotal(count, false) }),
  }),
});

builder.queryField('databaseStatistics', (t) =>
  t.field({
    type: [TableCount],
    permission: 'statistics:read',
    description: 'Rows of this tenant by table of the delivery module, counted up to 10,000 each.',
    resolve: (_, _args, ctx) => tableCounts(ctx.scope),
  }),
);
