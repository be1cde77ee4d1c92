import type { Project as ProjectRow } from '../../../generated/prisma/client.ts';
import { withWrite } from '../../data/write.ts';
import { InvalidInput } from '../../errors.ts';
import { builder } from '../../graphql/builder.ts';
import { childListField, listField, oneField } from '../../graphql/connection.ts';
import { viewerOf } from '../../graphql/context.ts';
import { defineEnum } from '../../graphql/enums.ts';
import { addMutation } from '../../graphql/mutation.ts';
import { checkBuckets, checkTimeBin, TimeBinInput } from '../../graphql/time-series.ts';
import { CurrencyAmountType, projectIdOf, rangeArgs, rangeOf } from './analytics.schema.ts';
import type { CurrencyAmount } from './bug.statistics.ts';
import { projectEntity } from './entities.ts';
import { projectHealth } from './health.ts';
import type { HealthPart, HealthScore } from './health-score.ts';
import { monthlyMetricList, projectMetricList } from './lists.ts';
import { type MetricOutcome, type MetricRow, recordProjectMetrics } from './metric.service.ts';
import { computeMonthlyMetrics, MAX_MONTHS, MONTHLY_TIMEOUT_MS, type MonthlyResult } from './monthly.service.ts';
import { type ProjectBugStats, projectBugStats } from './project.loaders.ts';
import { type ActivityPoint, projectActivity } from './project.trends.ts';
import { MonthlyMetric, Project, ProjectMetric } from './refs.ts';

builder.prismaObjectFields('ProjectMetric', (t) => ({
  project: t.field(oneField(projectEntity, Project, (row: { projectId: string }) => row.projectId)),
  date: t.expose('date', { type: 'Date' }),
  commits: t.exposeInt('commits', { nullable: true, description: 'null, as also below: not known' }),
  contributors: t.exposeInt('contributors', {
    nullable: true,
    description: 'people; those of two days may be the same',
  }),
  filesChanged: t.exposeInt('filesChanged', { nullable: true }),
  linesAdded: t.exposeInt('linesAdded', { nullable: true }),
  linesDeleted: t.exposeInt('linesDeleted', { nullable: true }),
  linesOfCode: t.exposeInt('linesOfCode', { nullable: true, description: 'in all, at the end of the day' }),
  techStack: t.exposeStringList('techStack'),
  version: t.exposeInt('version'),
  createdAt: t.expose('createdAt', { type: 'DateTime' }),
}));

builder.prismaObjectFields('MonthlyMetric', (t) => ({
  project: t.field({
    ...oneField(projectEntity, Project, (row: { projectId: string | null }) => row.projectId),
    description: 'null: all projects together',
  }),
  month: t.expose('month', { type: 'Date', description: 'its first day' }),
  openAtStart: t.exposeInt('openAtStart', { description: 'created before the month, and not resolved before it' }),
  created: t.exposeInt('created'),
  createdCritical: t.exposeInt('createdCritical', { description: 'by the severity of now' }),
  createdHigh: t.exposeInt('createdHigh'),
  createdMedium: t.exposeInt('createdMedium'),
  createdLow: t.exposeInt('createdLow'),
  resolved: t.exposeInt('resolved', { description: 'what follows is of these' }),
  slaMet: t.exposeInt('slaMet'),
  slaMissed: t.exposeInt('slaMissed'),
  hoursSpent: t.expose('hoursSpent', { type: 'Decimal' }),
  engineeringCost: t.field({
    type: [CurrencyAmountType],
    description: 'hours by the rate of their project',
    resolve: (row) => row.engineeringCost as unknown as CurrencyAmount[],
  }),
  resolutionHoursMean: t.exposeFloat('resolutionHoursMean', { nullable: true, description: 'from report on' }),
  resolutionHoursP50: t.exposeFloat('resolutionHoursP50', { nullable: true }),
  resolutionHoursP90: t.exposeFloat('resolutionHoursP90', { nullable: true }),
  resolutionRate: t.exposeFloat('resolutionRate', {
    nullable: true,
    description: 'resolved / (openAtStart + created); null: there was none',
  }),
  computedAt: t.expose('computedAt', { type: 'DateTime', description: 'when these figures were first found' }),
}));

const Stats = builder.objectRef<ProjectBugStats>('ProjectBugStats').implement({
  description: 'What a project’s bugs add up to.',
  fields: (t) => ({
    total: t.exposeInt('total'),
    open: t.exposeInt('open', { description: 'neither SHIPPED nor CLOSED; all that follows is of these' }),
    critical: t.exposeInt('critical'),
    blockers: t.exposeInt('blockers'),
    breached: t.exposeInt('breached', { description: 'past their SLA' }),
    revenueImpact: t.expose('revenueImpact', { type: 'Decimal', description: 'in the project’s currency' }),
  }),
});

const Part = builder.objectRef<HealthPart>('ProjectHealthPart').implement({
  description: 'A part of a health score.',
  fields: (t) => ({
    name: t.exposeString('name', { description: 'BASE, OPEN_CRITICAL, SLA_MISSED, STALE, FAILED_IMPORTS or FLOOR' }),
    weight: t.exposeFloat('weight', { nullable: true, description: 'the most points that it can take' }),
    input: t.exposeFloat('input', { nullable: true, description: 'a share, 0 to 1' }),
    points: t.exposeFloat('points'),
    reason: t.exposeString('reason', { nullable: true, description: 'NO_DATA: nothing to measure' }),
  }),
});

const Health = builder.objectRef<HealthScore>('ProjectHealth').implement({
  description: 'How well a project is looked after.',
  fields: (t) => ({
    score: t.exposeFloat('score', { description: '0 to 100, the sum of the parts’ points' }),
    version: t.exposeInt('version', { description: 'of the formula' }),
    parts: t.field({ type: [Part], resolve: ({ parts }) => [...parts] }),
  }),
});

builder.prismaObjectFields('Project', (t) => ({
  bugStats: t.field({
    type: Stats,
    permission: 'bug:read',
    resolve: (row: Pick<ProjectRow, 'id'>, _, ctx) => projectBugStats(ctx, row.id),
  }),
  health: t.field({
    type: Health,
    permission: 'metric:read',
    description:
      'From critical bugs, missed SLAs, days without commits, and failed imports of the last 30 days (of all projects).',
    resolve: (row: Pick<ProjectRow, 'id'>, _, ctx) => projectHealth(ctx, row.id),
  }),
  metrics: t.field({
    ...childListField(projectMetricList, ProjectMetric, 'projectId', 'metric:read'),
    description: 'Day by day.',
  }),
  months: t.field({
    ...childListField(monthlyMetricList, MonthlyMetric, 'projectId', 'metric:read'),
    description: 'Month by month.',
  }),
}));

const Activity = builder.objectRef<ActivityPoint>('ProjectActivityPoint').implement({
  description: 'What was committed in [start, end).',
  fields: (t) => ({
    start: t.expose('start', { type: 'DateTime' }),
    end: t.expose('end', { type: 'DateTime' }),
    commits: t.expose('commits', { type: 'BigInt' }),
    linesAdded: t.expose('linesAdded', { type: 'BigInt' }),
    linesDeleted: t.expose('linesDeleted', { type: 'BigInt' }),
    filesChanged: t.expose('filesChanged', { type: 'BigInt', description: 'one changed on two days counts twice' }),
    activeDays: t.exposeInt('activeDays', { description: 'days with commits' }),
  }),
});

builder.queryFields((t) => ({
  projectMetrics: t.field({
    ...listField(projectMetricList, ProjectMetric),
    permission: 'metric:read',
    description: 'Daily metrics: what was committed to projects day by day.',
  }),
  monthlyMetrics: t.field({
    ...listField(monthlyMetricList, MonthlyMetric),
    permission: 'metric:read',
    description:
      'Months that were computed, newest first: `filter: { projectId: { null: true } }` gives those of all projects together.',
  }),
  projectActivity: t.field({
    type: [Activity],
    permission: 'metric:read',
    description: 'Daily metrics added up, zero-filled. Days have no time zone: buckets are days of UTC, or longer.',
    args: { projectId: t.arg.id({ required: true }), ...rangeArgs, timeBin: t.arg({ type: TimeBinInput }) },
    resolve: (_, args, ctx) => {
      const range = rangeOf(ctx, args);
      const { scale, timeZone } = checkTimeBin(args.timeBin ?? { scale: 'DAY', timeZone: 'UTC' });
      if (scale === 'MINUTE' || scale === 'HOUR')
        throw new InvalidInput('metrics are of days: give DAY or longer', ['timeBin', 'scale']);
      if (timeZone !== 'UTC')
        throw new InvalidInput('the days of metrics have no time zone: give UTC', ['timeBin', 'timeZone']);
      checkBuckets(range.from, range.to, scale);
      const projectId = projectEntity.decode(args.projectId, ['projectId']);
      return projectActivity(ctx.scope, { ...range, projectId, scale });
    },
  }),
}));

const Outcome = defineEnum(
  'MetricOutcome',
  ['CREATED', 'UPDATED', 'UNCHANGED'],
  'What became of a row: it is new, changes what was known, or says nothing new.',
);

const Recorded = builder.objectRef<MetricOutcome[]>('RecordedMetrics').implement({
  description: 'What became of the rows.',
  fields: (t) => {
    const count = (wanted: MetricOutcome) =>
      t.int({ resolve: (all) => all.filter((outcome) => outcome === wanted).length });
    return {
      created: count('CREATED'),
      updated: count('UPDATED'),
      unchanged: count('UNCHANGED'),
      outcomes: t.field({ type: [Outcome], description: 'in the order of the rows', resolve: (all) => all }),
    };
  },
});

const MetricRowInput = builder.inputType('ProjectMetricInput', {
  description: 'A project’s day. What is left out is not known: what is stored of it stays.',
  fields: (t) => ({
    projectId: t.id({ required: true }),
    date: t.field({ type: 'Date', required: true }),
    commits: t.int(),
    contributors: t.int(),
    filesChanged: t.int(),
    linesAdded: t.int(),
    linesDeleted: t.int(),
    linesOfCode: t.int(),
    techStack: t.stringList(),
  }),
});

addMutation({
  name: 'recordProjectMetrics',
  permission: 'metric:write',
  description: 'Records up to 500 days of projects. The same rows again change nothing.',
  input: builder.inputType('RecordProjectMetricsInput', {
    description: 'Days of projects.',
    fields: (t) => ({ rows: t.field({ type: [MetricRowInput], required: true, description: '1 to 500' }) }),
  }),
  returns: { field: 'recorded', type: Recorded },
  run: (ctx, { rows }) => {
    const decoded = rows.map(
      (row, i): MetricRow => ({
        ...row,
        projectId: projectEntity.decode(row.projectId, ['rows', String(i), 'projectId']),
      }),
    );
    return withWrite(ctx.services.write, viewerOf(ctx), 'metric.record', (tx) => recordProjectMetrics(tx, decoded));
  },
});

const Computed = builder.objectRef<MonthlyResult>('ComputedMonths').implement({
  description: 'What became of the rows: one for each month and project, and one for all projects.',
  fields: (t) => ({
    months: t.exposeInt('months'),
    created: t.exposeInt('created'),
    updated: t.exposeInt('updated'),
    unchanged: t.exposeInt('unchanged'),
  }),
});

addMutation({
  name: 'computeMonthlyMetrics',
  permission: 'metric:write',
  description: `Computes months (UTC) anew from the bugs as they are now, ${MAX_MONTHS} at most. What comes out the same is left alone.`,
  input: builder.inputType('ComputeMonthlyMetricsInput', {
    description: 'Which months.',
    fields: (t) => ({
      from: t.field({ type: 'Date', required: true, description: 'a day of the first month' }),
      to: t.field({ type: 'Date', required: true, description: 'a day of the last month' }),
      projectId: t.id({ description: 'left out: every project, and all together' }),
    }),
  }),
  returns: { field: 'computed', type: Computed },
  run: (ctx, { from, to, projectId }) =>
    withWrite(
      ctx.services.write,
      viewerOf(ctx),
      'metric.compute',
      (tx) => computeMonthlyMetrics(tx, { from, to, projectId: projectIdOf(projectId) }),
      { timeout: MONTHLY_TIMEOUT_MS },
    ),
});
