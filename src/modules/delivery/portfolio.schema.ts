import { withWrite } from '../../data/write.ts';
import { builder } from '../../graphql/builder.ts';
import { listField, rootPage } from '../../graphql/connection.ts';
import { viewerOf } from '../../graphql/context.ts';
import { addMutation } from '../../graphql/mutation.ts';
import { addEventSubscription } from '../platform/event-stream.schema.ts';
import { ProjectStatus } from './enums.schema.ts';
import { portfolioMetricList, projectList } from './lists.ts';
import { takeSnapshot } from './portfolio.service.ts';
import {
  overviewOf,
  type PortfolioBugs,
  type PortfolioFigures,
  type PortfolioMoney,
  type PortfolioOverview,
  portfolioOverview,
} from './portfolio.ts';
import { PortfolioMetric, Project } from './refs.ts';

const PortfolioProjects = builder.objectRef<PortfolioFigures['projects']>('PortfolioProjects').implement({
  description: 'How many projects there are of each status.',
  fields: (t) => ({
    total: t.int({ resolve: (counts) => Object.values(counts).reduce((sum, count) => sum + count, 0) }),
    active: t.exposeInt('active'),
    shipped: t.exposeInt('shipped'),
    deferred: t.exposeInt('deferred'),
    cancelled: t.exposeInt('cancelled'),
  }),
});

const PortfolioBugsType = builder.objectRef<PortfolioBugs>('PortfolioBugs').implement({
  description: 'How many bugs there are in all projects.',
  fields: (t) => ({
    open: t.exposeInt('open', { description: 'neither SHIPPED nor CLOSED' }),
    critical: t.exposeInt('critical', { description: 'open ones' }),
    blockers: t.exposeInt('blockers', { description: 'open ones' }),
    breached: t.exposeInt('breached', { description: 'open and past their SLA' }),
    resolved: t.exposeInt('resolved'),
  }),
});

const MoneyPart = builder.objectRef<PortfolioMoney['byStatus'][number]>('PortfolioMoneyPart').implement({
  description: 'The projects of one status and currency.',
  fields: (t) => ({
    status: t.expose('status', { type: ProjectStatus }),
    projects: t.exposeInt('projects'),
    arr: t.expose('arr', { type: 'Decimal' }),
    dcfValuation: t.expose('dcfValuation', { type: 'Decimal' }),
    infrastructureCost: t.expose('infrastructureCost', { type: 'Decimal' }),
  }),
});

const Money = builder.objectRef<PortfolioMoney>('PortfolioMoney').implement({
  description: 'The projects of one currency, of every status: each figure is the sum of its parts.',
  fields: (t) => ({
    currency: t.exposeString('currency', { description: 'ISO 4217' }),
    arr: t.expose('arr', { type: 'Decimal', description: 'annual recurring revenue' }),
    dcfValuation: t.expose('dcfValuation', { type: 'Decimal', description: 'discounted cash flows' }),
    infrastructureCost: t.expose('infrastructureCost', { type: 'Decimal', description: 'a month' }),
    revenueImpact: t.expose('revenueImpact', { type: 'Decimal', description: 'of the open bugs' }),
    byStatus: t.expose('byStatus', { type: [MoneyPart] }),
  }),
});

const Overview = builder.objectRef<PortfolioOverview>('PortfolioOverview').implement({
  description: 'Everything that is built, in figures.',
  fields: (t) => ({
    date: t.expose('date', { type: 'Date', nullable: true, description: 'of the snapshot; null: the figures of now' }),
    projects: t.expose('projects', { type: PortfolioProjects }),
    bugs: t.expose('bugs', { type: PortfolioBugsType }),
    money: t.field({
      type: [Money],
      nullable: true,
      permission: 'project:read',
      description: 'by currency: they are never added up',
      resolve: ({ money }) => money,
    }),
  }),
});

builder.prismaObjectFields('PortfolioMetric', (t) => ({
  date: t.expose('date', { type: 'Date' }),
  projects: t.field({ type: PortfolioProjects, resolve: (row) => overviewOf(row).projects }),
  bugs: t.field({ type: PortfolioBugsType, resolve: (row) => overviewOf(row).bugs }),
  money: t.field({
    type: [Money],
    nullable: true,
    permission: 'project:read',
    resolve: (row) => overviewOf(row).money,
  }),
  createdAt: t.expose('createdAt', { type: 'DateTime' }),
}));

builder.queryFields((t) => ({
  portfolioOverview: t.field({
    type: Overview,
    nullable: true,
    permission: 'metric:read',
    description:
      'The portfolio now, or as the newest snapshot of a day or before tells. Null: there is no such snapshot.',
    args: { asOf: t.arg({ type: 'Date', description: 'now when left out' }) },
    resolve: (_, { asOf }, ctx) => portfolioOverview(ctx.scope, asOf ?? null),
  }),
  portfolioMetrics: t.field({
    ...listField(portfolioMetricList, PortfolioMetric),
    permission: 'metric:read',
    description: 'The portfolio day by day: its snapshots.',
  }),
  topProjectsByRoi: t.field({
    type: [Project],
    permission: 'project:read',
    description: 'The projects with the highest ROI score.',
    args: { first: t.arg.int({ defaultValue: 10, description: '1 to 100' }) },
    resolve: async (_, { first }, ctx) => {
      const orderBy = { field: 'ROI', direction: 'DESC' } as const;
      return (await rootPage(ctx, projectList, { first: first ?? 10, orderBy })).page.rows;
    },
  }),
}));

addMutation({
  name: 'takePortfolioSnapshot',
  permission: 'metric:write',
  description: 'Keeps the figures of now as those of today (UTC), in place of what was kept of today before.',
  returns: { field: 'snapshot', type: PortfolioMetric },
  run: (ctx) => withWrite(ctx.services.write, viewerOf(ctx), 'portfolio.snapshot', (tx) => takeSnapshot(tx)),
});

addEventSubscription(portfolioMetricList, PortfolioMetric, 'metric:read');
