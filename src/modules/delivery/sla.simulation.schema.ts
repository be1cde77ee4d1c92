import { resolveInstant } from '../../data/instant.ts';
import { NotFound } from '../../errors.ts';
import { builder } from '../../graphql/builder.ts';
import { oneField } from '../../graphql/connection.ts';
import { memberEntity } from '../platform/entities.ts';
import { Member } from '../platform/member.schema.ts';
import { bugEntity, calendarEntity } from './entities.ts';
import { BugSeverity, SlaState } from './enums.schema.ts';
import { Bug } from './refs.ts';
import { type Forecast, type ForecastBug, type ForecastQueue, MAX_FORECAST_DAYS, slaForecast } from './sla.forecast.ts';
import { compileRules } from './sla.rules.ts';
import { policyFields, toPolicy } from './sla.schema.ts';
import { type SimulatedBreach, type Simulation, simulatePolicy, type Tally } from './sla.simulation.ts';
import { draftOf, specOf } from './sla-policy.service.ts';

const TallyType = builder.objectRef<Tally>('SlaTally').implement({
  description: 'How the bugs of one severity stand.',
  fields: (t) => ({
    severity: t.field({ type: BugSeverity, resolve: ({ severity }) => severity }),
    bugs: t.exposeInt('bugs'),
    met: t.exposeInt('met'),
    missed: t.exposeInt('missed'),
    breached: t.exposeInt('breached', { description: 'open, and late' }),
    open: t.exposeInt('open', { description: 'open, and in time so far, or paused' }),
  }),
});

const Breach = builder.objectRef<SimulatedBreach>('SimulatedBreach').implement({
  description: 'A bug that the draft would have breached.',
  fields: (t) => ({
    bug: t.field(oneField(bugEntity, Bug, (one: SimulatedBreach) => one.bug.id)),
    breachedAt: t.field({ type: 'DateTime', resolve: ({ breachedAt }) => breachedAt }),
    state: t.field({ type: SlaState, description: 'how it would stand now', resolve: ({ state }) => state }),
  }),
});

const SimulationType = builder.objectRef<Simulation>('SlaSimulation').implement({
  description: 'How bugs would stand under a draft of a policy.',
  fields: (t) => ({
    considered: t.exposeInt('considered', { description: 'bugs of that time that the filter fits' }),
    unknown: t.exposeInt('unknown', { description: 'resolved at a time that nothing tells: left out' }),
    draft: t.field({ type: [TallyType], resolve: ({ draft }) => draft }),
    actual: t.field({ type: [TallyType], description: 'the same bugs as they stand', resolve: ({ actual }) => actual }),
    breaches: t.exposeInt('breaches', { description: 'breaches that there would have been' }),
    firstBreaches: t.field({
      type: [Breach],
      description: 'the first 100 of them',
      resolve: ({ firstBreaches }) => firstBreaches,
    }),
    openBugs: t.exposeInt('openBugs', { description: 'open bugs that it would count for if applied to OPEN' }),
  }),
});

const Draft = builder.inputType('SlaPolicyDraftInput', {
  description: 'Rules to be tried out; what is left out has the default of createSlaPolicy.',
  fields: policyFields,
});

const ForecastQueueType = builder.objectRef<ForecastQueue>('SlaForecastQueue').implement({
  description: 'What one member, or nobody, has before them.',
  fields: (t) => ({
    assignee: t.field(oneField(memberEntity, Member, (queue: ForecastQueue) => queue.assigneeId)),
    throughput: t.exposeFloat('throughput', { description: 'bugs resolved a day, on average of the last 28 days' }),
    queued: t.exposeInt('queued', { description: 'open bugs due by the end of the forecast' }),
    late: t.exposeInt('late', { description: 'of these late already' }),
    willBreach: t.exposeInt('willBreach'),
  }),
});

const ForecastBugType = builder.objectRef<ForecastBug>('SlaForecastBug').implement({
  description: 'A bug that will breach.',
  fields: (t) => ({
    bug: t.field(oneField(bugEntity, Bug, (one: ForecastBug) => one.bugId)),
    dueAt: t.field({ type: 'DateTime', resolve: ({ dueAt }) => dueAt }),
    expectedAt: t.field({
      type: 'DateTime',
      nullable: true,
      description: 'when its turn would be over; null: nothing was resolved in the last 28 days',
      resolve: ({ expectedAt }) => expectedAt,
    }),
  }),
});

const ForecastMoney = builder.objectRef<{ currency: string; amount: string }>('SlaForecastMoney').implement({
  description: 'An amount in one currency.',
  fields: (t) => ({
    currency: t.exposeString('currency'),
    amount: t.field({ type: 'Decimal', resolve: ({ amount }) => amount }),
  }),
});

const ForecastType = builder.objectRef<Forecast>('SlaForecast').implement({
  description:
    'Bugs that will breach at today’s pace: each one’s bugs are done one after the other, the next due first, as fast as in the last 28 days.',
  fields: (t) => ({
    willBreach: t.exposeInt('willBreach'),
    late: t.exposeInt('late', { description: 'late already' }),
    revenueImpact: t.field({
      type: [ForecastMoney],
      description: 'of the bugs that will breach',
      resolve: ({ revenueImpact }) => revenueImpact,
    }),
    queues: t.field({ type: [ForecastQueueType], description: 'by assignee', resolve: ({ queues }) => queues }),
    bugs: t.field({ type: [ForecastBugType], description: 'the first 100, by due date', resolve: ({ bugs }) => bugs }),
  }),
});

builder.queryFields((t) => ({
  simulateSlaPolicy: t.field({
    type: SimulationType,
    permission: 'bug:read',
    description:
      'What a policy would have come to: the recorded life of each bug reported in that time is run again under the draft.',
    args: {
      draft: t.arg({ type: Draft, required: true }),
      from: t.arg({ type: 'Instant', required: true }),
      to: t.arg({ type: 'Instant', description: 'now when left out' }),
    },
    resolve: async (_, args, ctx) => {
      const from = resolveInstant(args.from, ctx, ['from']);
      const to = args.to ? resolveInstant(args.to, ctx, ['to']) : ctx.now;
      const policy = draftOf(toPolicy(args.draft), ctx.now);
      const calendar = policy.calendarId ? await calendarEntity.load(ctx, policy.calendarId) : null;
      if (policy.calendarId && !calendar)
        throw new NotFound('there is no such BusinessCalendar', ['draft', 'calendarId']);
      const { pauseOn, criticalHours: CRITICAL, highHours: HIGH, mediumHours: MEDIUM, lowHours: LOW } = policy;
      const rules = compileRules({
        ...policy,
        pauseOn: [...pauseOn],
        targetHours: { CRITICAL, HIGH, MEDIUM, LOW },
        calendar: calendar && specOf(calendar),
      });
      return simulatePolicy(ctx.scope, { rules, filter: policy.filter }, { from, to, now: ctx.now });
    },
  }),
  slaForecast: t.field({
    type: ForecastType,
    permission: 'bug:read',
    description: 'Bugs that will breach their SLA at today’s pace, and what they put at risk.',
    args: { days: t.arg.int({ defaultValue: 14, description: `1 to ${MAX_FORECAST_DAYS}` }) },
    resolve: (_, { days }, ctx) => slaForecast(ctx.scope, days ?? 14, ctx.now),
  }),
}));
